"""Each data set's own lists, in the form in which they are published."""

from __future__ import annotations

import json
from pathlib import Path

from ga2app.datasets import Layout

from .trees import clips_of, imported, report_on, touch, write

UCF = ("1 ApplyEyeMakeup", "7 BaseballPitch", "101 YoYo")


def test_ucf_lists_count_from_1_and_their_test_lists_name_the_class_in_the_path(tmp_path: Path):
    root = touch(tmp_path / "UCF-101", "ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi", "YoYo/v_YoYo_g08_c01.avi")
    touch(root, "YoYo/v_YoYo_g01_c01.avi")
    train = write(
        tmp_path / "trainlist01.txt", "ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi 1", "YoYo/v_YoYo_g08_c01.avi 101"
    )
    test = write(tmp_path / "testlist01.txt", "YoYo/v_YoYo_g01_c01.avi")
    dataset = imported(root, train=train, test=test, labels=write(tmp_path / "classInd.txt", *UCF))
    assert clips_of(dataset) == {
        "v_ApplyEyeMakeup_g08_c01.avi": ("apply eye makeup", "train"),
        "v_YoYo_g08_c01.avi": ("yo yo", "train"),
        "v_YoYo_g01_c01.avi": ("yo yo", "test"),
    }
    assert dataset.base == ("apply eye makeup", "yo yo") and dataset.novel == ()


def test_ucf_lists_need_no_label_list_because_folders_name_the_classes(tmp_path: Path):
    root = touch(tmp_path / "clips", "v_HandStandPushups_g08_c01.avi", "v_YoYo_g01_c01.avi")
    train = write(tmp_path / "train.txt", "HandstandPushups/v_HandStandPushups_g08_c01.avi 37")
    test = write(tmp_path / "test.txt", "YoYo/v_YoYo_g01_c01.avi")
    assert clips_of(imported(root, train=train, test=test)) == {
        "v_HandStandPushups_g08_c01.avi": ("handstand pushups", "train"),
        "v_YoYo_g01_c01.avi": ("yo yo", "test"),
    }


def test_hmdb_has_a_file_a_class_with_1_for_training_2_for_testing_and_0_for_neither(tmp_path: Path):
    names = [f"#{n}_April!_(x)_brush_hair_u_nm_np1_ba_goo_{n}.avi" for n in range(3)]
    root = touch(tmp_path / "hmdb51", *(f"brush_hair/{name}" for name in names), "wave/a_wave_f_cm_np1_fr_med_0.avi")
    splits = tmp_path / "splits"
    write(splits / "brush_hair_test_split1.txt", f"{names[0]} 1 ", f"{names[1]} 2 ", f"{names[2]} 0 ")
    write(splits / "brush_hair_test_split2.txt", f"{names[0]} 2 ", f"{names[1]} 1 ", f"{names[2]} 0 ")
    write(splits / "wave_test_split1.txt", "a_wave_f_cm_np1_fr_med_0.avi 1 ")
    write(splits / "wave_test_split2.txt", "a_wave_f_cm_np1_fr_med_0.avi 1 ")
    assert clips_of(imported(root, train=splits)) == {
        names[0]: ("brush hair", "train"),
        names[1]: ("brush hair", "test"),
        "a_wave_f_cm_np1_fr_med_0.avi": ("wave", "train"),
    }
    assert clips_of(imported(root, train=splits, fold=2))[names[0]] == ("brush hair", "test")
    assert report_on(root, train=splits).layouts == ["hmdb"]
    assert "holds no files called CLASS_test_split3.txt" in report_on(root, train=splits, fold=3).refusal()


def test_ssv2_templates_lose_their_brackets(tmp_path: Path):
    rows = [
        {
            "id": "78687",
            "label": "holding potato next to bottle",
            "template": "Holding [something] next to [something]",
        },
        {"id": "100", "label": "moving lid of jar", "template": "Moving [part] of [something]"},
    ]
    train = write(tmp_path / "something-something-v2-train.json", json.dumps(rows))
    test = write(tmp_path / "validation.jsonl", json.dumps({**rows[0], "id": "7"}))
    labels = {"Moving part of something": "93", "Holding something next to something": "9"}
    root = touch(tmp_path / "20bn", "78687.webm", "100.mp4", "7.webm")
    listed = write(tmp_path / "something-something-v2-labels.json", json.dumps(labels))
    dataset = imported(root, train=train, test=test, labels=listed)
    assert dataset.base == ("Holding something next to something", "Moving part of something")
    assert clips_of(dataset) == {
        "78687.webm": ("Holding something next to something", "train"),
        "100.mp4": ("Moving part of something", "train"),
        "7.webm": ("Holding something next to something", "test"),
    }


def test_ssv2_test_lists_without_templates_are_refused_with_the_reason(tmp_path: Path):
    test = write(tmp_path / "something-something-v2-test.json", '[{"id": "1"}, {"id": "2"}]')
    assert "has 2 clips without a template; the list of test clips comes without them; use the validation list" in (
        report_on(tmp_path, test=test).refusal()
    )


KINETICS = "label,youtube_id,time_start,time_end,split,is_cc"


def test_kinetics_files_are_found_by_id_and_seconds_in_class_folders_or_not(tmp_path: Path):
    root = touch(
        tmp_path,
        "train/playing guitar/-_abcdefghi_000005_000015.mp4",
        "val/abcdefghijk_000120_000130.mkv",
        "val/idonly_1234.mp4",
    )
    rows = [
        "playing guitar,-_abcdefghi,5,15,train,0",
        '"using remote controller (not gaming)",abcdefghijk,120,130,val,0',
        "playing guitar,idonly_1234,0,10,validate,1",
    ]
    both = write(tmp_path / "k400.csv", KINETICS, *rows)
    assert clips_of(imported(root, train=both)) == {
        "-_abcdefghi_000005_000015.mp4": ("playing guitar", "train"),
        "abcdefghijk_000120_000130.mkv": ("using remote controller (not gaming)", "test"),
        "idonly_1234.mp4": ("playing guitar", "test"),
    }
    assert {subset for _, subset in clips_of(imported(root, test=both)).values()} == {"test"}


def test_kinetics_lists_with_the_id_alone_find_the_files_with_seconds(tmp_path: Path):
    root = touch(tmp_path, "archery/pmLYzJmKxf8_000010_000020.mp4")
    train = write(tmp_path / "fs_base_s1_train.txt", "pmLYzJmKxf8.mp4, 0")
    labels = write(tmp_path / "labels.csv", "id,name", "0,archery")
    assert clips_of(imported(root, train=train, labels=labels)) == {
        "pmLYzJmKxf8_000010_000020.mp4": ("archery", "train")
    }


def test_faulty_rows_of_kinetics_are_told_by_line(tmp_path: Path):
    rows = ["a b,abcdefghijk,x,10,train,0", ",abcdefghijk,0,10,train,0", "a b,,0,10,train,0"]
    report = report_on(tmp_path, train=write(tmp_path / "k.csv", KINETICS, *rows))
    assert [(fault.line, fault.reason) for fault in report.faults] == [
        (2, "has no whole seconds as time_start and time_end"),
        (3, "lacks its label or its youtube_id"),
        (4, "lacks its label or its youtube_id"),
    ]
    bare = write(tmp_path / "test.csv", "youtube_id,time_start,time_end,split", "abcdefghijk,0,10,test")
    assert "has no column label" in report_on(tmp_path, test=bare).refusal()


def test_the_label_is_the_last_number_whatever_stands_in_the_path(tmp_path: Path):
    names = ["playing 2 pianos 3.mp4", "a, b.mp4", "x.avi", 'q"uote.mp4']
    root = touch(tmp_path, *(f"clips/{name}" for name in names))
    train = write(
        tmp_path / "train.txt",
        f"clips/{names[0]} 0",
        f"clips/{names[1]}, 1",
        f"clips/{names[2]} 120 1",
        f"clips/{names[3]};0",
    )
    labels = write(tmp_path / "labels.csv", "id,name", "0,playing piano", "1,other")
    assert {name: label for name, (label, _) in clips_of(imported(root, train=train, labels=labels)).items()} == {
        names[0]: "playing piano",
        names[1]: "other",
        names[2]: "other",
        names[3]: "playing piano",
    }


def test_lists_of_frame_folders_find_the_videos(tmp_path: Path):
    root = touch(tmp_path, "videos/78687.webm", "videos/100.webm")
    train = write(tmp_path / "train.txt", "78687 48 1", "100 36 0")
    labels = write(tmp_path / "labels.csv", "id,name", "0,holding", "1,moving")
    assert clips_of(imported(root, train=train, labels=labels)) == {
        "78687.webm": ("moving", "train"),
        "100.webm": ("holding", "train"),
    }


def test_a_layout_that_is_named_wins_over_the_look_of_the_file(tmp_path: Path):
    root = touch(tmp_path, "a.avi")
    file = write(tmp_path / "walk_test_split1.txt", "a.avi 1")
    labels = write(tmp_path / "labels.csv", "id,name", "0,run", "1,jump")
    assert clips_of(imported(root, train=file)) == {"a.avi": ("walk", "train")}
    named = imported(root, train=file, labels=labels, layout=Layout.LIST, first_id=0)
    assert clips_of(named) == {"a.avi": ("jump", "train")}


def test_commas_behind_the_last_field_are_no_fields(tmp_path: Path):
    root = touch(tmp_path, "a.avi", "b.avi")
    labels = write(tmp_path / "labels.csv", "id,name", "0,run", "1,jump")
    for lines in (("a.avi,0,", "b.avi,1,"), ("a.avi,120,0,,", "b.avi,80,1,,"), ("a.avi 0 ;", "b.avi 1;")):
        dataset = imported(root, train=write(tmp_path / "train.txt", *lines, ",,"), labels=labels)
        assert clips_of(dataset) == {"a.avi": ("run", "train"), "b.avi": ("jump", "train")}


def test_a_label_before_the_frame_count_is_told_by_the_classes_in_the_paths(tmp_path: Path):
    names = [f"{label}/{label}{number}.avi" for label in ("run", "jump") for number in range(2)]
    root = touch(tmp_path, *names)
    labels = write(tmp_path / "labels.csv", "id,name", "0,run", "1,jump", "2,walk")
    numbers = [(0, 1), (0, 2), (1, 0), (1, 2)]
    lines = [f"{name} {label} {frames}" for name, (label, frames) in zip(names, numbers, strict=True)]
    dataset = imported(root, train=write(tmp_path / "train.txt", *lines), labels=labels)
    assert {label for name, (label, _) in clips_of(dataset).items() if name.startswith("run")} == {"run"}
    assert dataset.base == ("run", "jump")


def test_the_label_may_be_a_name(tmp_path: Path):
    root = touch(tmp_path, "my clips/a b.avi", "c.avi")
    named = {"a b.avi": ("riding a bike", "train"), "c.avi": ("walking", "train")}
    for mark in (" ", ",", "; "):
        lines = (f"my clips/a b.avi{mark}riding a bike", f"c.avi{mark}walking")
        assert clips_of(imported(root, train=write(tmp_path / "train.txt", *lines))) == named


def test_a_table_that_is_given_as_a_split_list_is_named_as_what_it_is(tmp_path: Path):
    train = write(tmp_path / "train.csv", "path,label", "a.avi,walking")
    assert "train.csv line 1: 'path,label' is the header of a table; give it in place of a folder" in (
        report_on(touch(tmp_path, "a.avi"), train=train).refusal()
    )


def test_lists_name_stretches_of_videos_by_their_addresses(tmp_path: Path):
    root = touch(tmp_path / "videos", "day 1/match.mp4", "v_YoYo_g01_c01.avi")
    labels = write(tmp_path / "labels.csv", "1,jump", "2,run", "3,yo yo")

    def clips(*lines: str, **more: Path) -> dict[str, tuple[str, str]]:
        dataset = imported(root, train=write(tmp_path / "train.txt", *lines), **more)
        return {str(Path(clip.path).relative_to(root)): (clip.label, clip.subset.value) for clip in dataset.clips}

    spaced = ("day 1/match.mp4#t=12,15.5 1", '"day 1/match.mp4#t=0:16,0:20" 2', "match.mp4#t=30 2", "day 1/match.mp4 3")
    expected = {"day 1/match.mp4#t=12,15.5": ("jump", "train"), "day 1/match.mp4#t=16,20": ("run", "train"),
                "day 1/match.mp4#t=30": ("run", "train"), "day 1/match.mp4": ("yo yo", "train")}  # fmt: skip
    assert clips(*spaced, labels=labels) == expected
    commas = ("day 1/match.mp4#t=12,15.5,1", "day 1/match.mp4#t=16,20,2", "day 1/match.mp4#t=30 2", "day 1/match.mp4,3")
    assert clips(*commas, labels=labels) == expected
    counted = ("day 1/match.mp4#t=12,15.5 88 1", "day 1/match.mp4#t=16,20 100 2")
    assert clips(*counted, labels=labels) == dict([*expected.items()][:2])
    named = ("day 1/match.mp4#t=12,15.5 jump", "day 1/match.mp4#t=16,20,run")
    assert clips(*named) == dict([*expected.items()][:2])
    assert clips("v_YoYo_g01_c01.avi#t=1,2") == {"v_YoYo_g01_c01.avi#t=1,2": ("yo yo", "train")}
    splits = tmp_path / "splits"
    write(splits / "jump_test_split1.txt", "match.mp4#t=12,15.5 1", "match.mp4#t=16,20 2", "match.mp4#t=1,2 0")
    dataset = imported(root, train=splits)
    assert {clip.start_s: clip.subset.value for clip in dataset.clips} == {12.0: "train", 16.0: "test"}


def test_a_stretch_of_a_list_that_is_none_or_of_two_classes_is_told_by_its_line(tmp_path: Path):
    root = touch(tmp_path / "videos", "a.mp4")
    lines = ("a.mp4#t=5,2 1", "a.mp4#t=1,2 1", "a.mp4#t=1,2 2", "a.mp4#t=1,2 1", "gone.mp4#t=1,2 1")
    labels = write(tmp_path / "labels.csv", "1,jump", "2,run")
    report = report_on(root, train=write(tmp_path / "train.txt", *lines), labels=labels)
    told = [str(problem) for problem in (*report.faults, *report.missing, *report.repeated)]
    assert any("train.txt line 1: 'a.mp4#t=5,2 1' is no stretch: the stretch from 5 s to 2 s" in one for one in told)
    assert any("train.txt line 3: 'a.mp4#t=1,2' is 'run' here and 'jump' in train.txt line 2" in one for one in told)
    assert any("train.txt line 4: 'a.mp4#t=1,2' stands in train.txt line 2 already" in one for one in told)
    assert any("train.txt line 5: 'gone.mp4#t=1,2' is not below" in one for one in told)
