"""``evaluate`` and ``protocol`` as they are typed, on a tiny CLIP and small clips of noise."""

from __future__ import annotations

import csv
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from ga2app.bundles import load_folder, save
from ga2app.cli.main import main
from ga2app.types import BASELINES, Dataset
from tests.clips import color_dataset, write_color_clip
from tests.commands import document, interrupted, refused


def write_csv(file: Path, dataset: Dataset) -> str:
    with file.open("w", newline="", encoding="utf-8") as open_file:
        writer = csv.writer(open_file)
        writer.writerow(["path", "label", "subset", "group"])
        for clip in dataset.clips:
            group = "base" if clip.label in dataset.base else "novel"
            writer.writerow([clip.path, clip.label, clip.subset.value, group])
    return str(file)


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory, tiny_clip_folder: Path) -> Path:
    """A folder with colors.csv, plain.csv (the same clips, none novel), settings.json and a bundle."""
    folder = tmp_path_factory.mktemp("room")
    (folder / "clips").mkdir()
    dataset = color_dataset(folder / "clips")
    write_csv(folder / "colors.csv", dataset)
    write_csv(folder / "plain.csv", Dataset("plain", (*dataset.base, *dataset.novel), (), dataset.clips))
    settings = {
        "backbone": str(tiny_clip_folder),
        "dataset": str(folder / "colors.csv"),
        "shots": 2,
        "precision": "float32",
        "prompts": {"length": 2, "visual_depth": 0, "text_depth": 2, "hard_prompt": "random"},
        "optimizer": {"epochs": 2, "warmup_epochs": 0, "learning_rate": 0.01},
        "clips": {"num_frames": 2},
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    assert main(["train", str(folder / "settings.json"), "--out", str(folder / "bundle"), "--json"]) == 0
    return folder


def printed(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    capsys.readouterr()
    status = main(argv)
    answer = capsys.readouterr()
    assert status == 0, answer.err
    return answer.out


def test_evaluate_gives_counts_and_class_means_beside_plain_clip(capsys: pytest.CaptureFixture[str], room: Path):
    answer = document(capsys, "evaluate", str(room / "bundle"))
    assert answer["metrics"].keys() == answer["zero_shot"].keys() == {"base", "novel", "hm"}
    for details in (answer["details"], answer["zero_shot_details"]):
        assert details.keys() == {"base", "novel"}
        assert sum(map(sum, details["base"]["confusion"])) == details["base"]["clips"] == 4
    assert answer["details"]["base"]["top1"] == answer["metrics"]["base"] and answer["views"] == "1x1"
    joint = document(capsys, "evaluate", str(room / "bundle"), "--joint", "--views", "2x3")
    assert joint["joint"].keys() == joint["zero_shot_joint"].keys() == {"base", "novel", "hm", "all"}
    assert joint["details"]["joint"]["clips"] == 8 and joint["views"] == "2x3"


def test_evaluate_says_whether_percentages_can_be_believed_where_asked(
    capsys: pytest.CaptureFixture[str], room: Path
) -> None:
    assert "confidence" not in document(capsys, "evaluate", str(room / "bundle"))
    for views in ("1x1", "2x1"):
        answer = document(capsys, "evaluate", str(room / "bundle"), "--confidence", "--views", views)
        for found in (answer["confidence"], answer["zero_shot_confidence"]):
            assert found["before"].keys() == {"base", "novel", "joint"} and found["before"]["joint"]["clips"] == 8
            assert {one["unknown"] for one in found["rejection"]} == {"novel"}
    text = printed(capsys, "evaluate", str(room / "bundle"), "--confidence")
    assert "with prompts, novel" in text and f"{answer['confidence']['before']['novel']['ece']:.1f}" in text
    assert "15 bins" in text and "Some libraries report the opposite" in text
    # Four test clips and two training clips are left: too few, which is said, and the other figures are there.
    few = "no temperature: there are 4 clips of base labels that training did not use, and 10 are the least"
    assert f"with prompts: {few}" in text and "there are no anchor clips to measure open-set rejection with" in text


def test_evaluate_uses_the_temperature_that_the_bundle_brings(
    capsys: pytest.CaptureFixture[str], room: Path, tmp_path: Path
) -> None:
    bundle = load_folder(room / "bundle")
    own = {"value": 4.0, "fitted": "40 clips", "on_test_clips": True}
    save(replace(bundle, manifest=replace(bundle.manifest, temperature=own)), tmp_path / "warm")
    before, after = (
        document(capsys, "evaluate", str(place), "--confidence") for place in (room / "bundle", tmp_path / "warm")
    )
    assert before["metrics"] == after["metrics"] and before["details"] == after["details"]
    assert after["confidence"]["temperature"] == own
    found = after["confidence"]
    assert found["after"]["novel"]["confidence"] < found["before"]["novel"]["confidence"]
    assert main(["evaluate", str(tmp_path / "warm"), "--confidence"]) == 0
    assert "the bundle's temperature was fitted on test clips of its base labels" in capsys.readouterr().err


def test_evaluate_prints_each_label_with_what_it_was_taken_for(capsys: pytest.CaptureFixture[str], room: Path):
    details = document(capsys, "evaluate", str(room / "bundle"))["details"]
    table = printed(capsys, "evaluate", str(room / "bundle"), "--details", "--joint")
    assert "base and novel labels competing together" in table and "mean class" in table
    for group in (details["base"], details["novel"]):
        for place, label in enumerate(group["labels"]):
            row = next(line for line in table.splitlines() if line.startswith(f"{label} "))
            assert f"{group['per_class'][label]:.1f}" in row
            mistaken = re.search(r"(\w+) \((\d)\)$", row)
            other, wrong = group["labels"][1 - place], group["confusion"][place][1 - place]
            assert (mistaken.groups() if mistaken else None) == ((other, str(wrong)) if wrong else None)
            assert sum(group["confusion"][place]) == 2


def test_a_bundle_is_tested_on_all_labels_of_another_data_set(capsys: pytest.CaptureFixture[str], room: Path):
    other = str(room / "plain.csv")
    answer = document(capsys, "evaluate", str(room / "bundle"), "--dataset", other, "--cross")
    assert answer["metrics"].keys() == answer["zero_shot"].keys() == {"top1", "top5", "mean_class"}
    assert len(answer["details"]["labels"]) == 4 and answer["details"]["clips"] == 8
    assert answer["shared"] == ["walking", "running"]
    table = printed(capsys, "evaluate", str(room / "bundle"), "--dataset", other, "--cross", "--details")
    assert "plain, 4 labels" in table and "2 of its labels were trained on: walking, running" in table
    assert "name it with --dataset" in refused(capsys, "evaluate", str(room / "bundle"), "--cross")


def test_evaluate_gives_the_baselines_beside_both_with_their_rules(capsys: pytest.CaptureFixture[str], room: Path):
    answer = document(capsys, "evaluate", str(room / "bundle"), "--baselines", "--joint")
    assert list(answer["baselines"]) == list(BASELINES)
    assert answer["baselines_learned_from"] == "on 4 clips that the bundle was trained on"
    probe, tip = answer["baselines"]["linear-probe"], answer["baselines"]["tip-adapter"]
    assert probe["metrics"]["novel"] is probe["metrics"]["hm"] is None and probe["metrics"]["base"] is not None
    assert "no novel label has training clips" in probe["note"] and "C = " in probe["chosen"]
    assert tip["metrics"]["novel"] == answer["zero_shot"]["novel"] and tip["joint"].keys() == answer["joint"].keys()
    assert len(tip["intervals"]["hm"]) == 2
    table = printed(capsys, "evaluate", str(room / "bundle"), "--baselines")
    rows = [line.split()[0] for line in table.splitlines()[1:9]]
    assert rows == ["zero-shot", *BASELINES, "with"]
    assert "knn: votes of the k nearest training clips" in table and "baselines, on 4 clips" in table
    assert "baselines" not in document(capsys, "evaluate", str(room / "bundle"))


def test_baselines_of_another_data_set_learn_from_a_draw_of_its_own(capsys: pytest.CaptureFixture[str], room: Path):
    other = room / "other"
    other.mkdir()
    data = color_dataset(other)
    for place, clip in enumerate(data.clips):
        write_color_clip(Path(clip.path), (40 * (place % 5), 200, 90), seed=5000 + place)
    write_csv(other / "other.csv", data)
    where = ["--dataset", str(other / "other.csv"), "--cross", "--baselines"]
    answer = document(capsys, "evaluate", str(room / "bundle"), *where)
    assert "drawn with 2 shots and seed" in answer["baselines_learned_from"]
    assert answer["baselines"]["class-mean"]["metrics"].keys() == {"top1", "top5", "mean_class"}
    assert answer["baselines"]["class-mean"]["intervals"]["top1"]
    table = printed(capsys, "evaluate", str(room / "bundle"), *where)
    assert "class-mean" in table and "the bundle was not trained on these" in table


def test_labels_that_are_novel_here_and_were_trained_on_are_told(capsys: pytest.CaptureFixture[str], room: Path):
    swapped = (room / "colors.csv").read_text().replace("novel", "x").replace("base", "novel").replace("x", "base")
    (room / "swapped.csv").write_text(swapped)
    assert main(["evaluate", str(room / "bundle"), "--dataset", str(room / "swapped.csv")]) == 0
    assert "trained on, though novel here: walking, running" in capsys.readouterr().err


def test_a_bundle_trained_in_float16_is_measured_anywhere(
    capsys: pytest.CaptureFixture[str], room: Path, tmp_path: Path
):
    half, bundle = tmp_path / "half", load_folder(room / "bundle")
    config = bundle.manifest.config | {"precision": "float16"}
    save(replace(bundle, manifest=replace(bundle.manifest, config=config)), half)
    found = document(capsys, "evaluate", str(half), "--dataset", str(room / "colors.csv"))
    assert found["metrics"].keys() == {"base", "novel", "hm"}


def test_views_that_make_no_sense_are_refused(capsys: pytest.CaptureFixture[str], room: Path):
    assert "must look like 4x3" in refused(capsys, "evaluate", str(room / "bundle"), "--views", "many")
    assert "(it is 2)" in refused(capsys, "evaluate", str(room / "bundle"), "--views", "4x2")


def test_base_to_novel_prints_each_draw_and_the_mean_and_writes_a_report(
    capsys: pytest.CaptureFixture[str], room: Path, tmp_path: Path
):
    command = ["protocol", "base-to-novel", str(room / "settings.json"), "--out", str(tmp_path / "out")]
    table = printed(capsys, *command).splitlines()
    assert [line.split("  ")[0] for line in table[1:6]] == [
        "zero-shot CLIP",
        "seed 1024",
        "seed 1025",
        "seed 1026",
        "mean of 3",
    ]
    assert table[0].split() == ["colors", "base", "novel", "HM"] and table[5].count("±") == 3
    short = document(capsys, *command)
    assert short["state"] == "done" and "details" not in short["series"][0]["draws"][0]
    report = json.loads((tmp_path / "out" / "base-to-novel.json").read_text())
    assert report["series"][0]["mean"] == short["series"][0]["mean"]
    assert report["series"][0]["draws"][0]["details"]["novel"]["labels"] == ["jumping", "reading"]
    assert "was trained with other settings: optimizer.epochs was 2 and is now 3" in refused(
        capsys, *command, "--epochs", "3"
    )


def test_a_protocol_measures_baselines_on_the_clips_of_each_draw(
    capsys: pytest.CaptureFixture[str], room: Path, tmp_path: Path
):
    where = [str(room / "settings.json"), "--draws", "2", "--out", str(tmp_path / "out")]
    command = ["protocol", "base-to-novel", *where]
    series = document(capsys, *command, "--baselines", "tip-adapter,class-mean")["series"][0]
    assert list(series["baselines"]) == ["class-mean", "tip-adapter"]
    of_draws = [draw["baselines"] for draw in series["draws"]]
    assert series["baselines"]["tip-adapter"]["mean"]["base"] == pytest.approx(
        sum(one["tip-adapter"]["base"] for one in of_draws) / 2, rel=1e-4
    )
    assert series["baselines"]["class-mean"]["mean"]["novel"] is of_draws[0]["class-mean"]["hm"] is None
    table = printed(capsys, *command, "--baselines")  # its draws are finished
    assert [line.split(",")[0] for line in table.splitlines() if ", mean of 2" in line] == list(BASELINES)
    cross = ["protocol", "cross-dataset", str(room / "settings.json"), "--test", str(room / "plain.csv")]
    found = document(capsys, *cross, "--draws", "1", "--out", str(tmp_path / "out"), "--baselines", "knn,whitened")
    draw = found["series"][0]["draws"][0]["baselines"]
    assert draw["knn"]["top1"] is None and draw["whitened"]["top1"] is not None
    assert "guess is no baseline; choose from whitened" in refused(capsys, *command, "--baselines", "guess")


def test_few_shot_and_cross_dataset_go_by_their_options(capsys: pytest.CaptureFixture[str], room: Path, tmp_path: Path):
    settings = str(room / "settings.json")
    few = document(capsys, "protocol", "few-shot", settings, "--shots", "1,2", "--draws", "1", "--out", str(tmp_path))
    assert [(one["title"], one["std"]["top1"]) for one in few["series"]] == [("1 shot", None), ("2 shots", None)]
    command = ["protocol", "cross-dataset", settings, "--test", str(room / "plain.csv"), "--seeds", "3,4"]
    cross = document(capsys, *command, "--out", str(tmp_path), "--shots", "1")
    assert [draw["seed"] for draw in cross["series"][0]["draws"]] == [3, 4]
    assert cross["series"][0]["draws"][0]["shots"] == 1 and cross["series"][0]["shared"] == ["walking", "running"]
    table = printed(capsys, *command, "--out", str(tmp_path), "--shots", "1")
    assert table.startswith("colors to plain") and "2 of its labels were trained on: walking, running" in table
    assert sorted(path.name for path in tmp_path.glob("*.json")) == ["cross-dataset.json", "few-shot.json"]


def test_without_out_the_same_command_finds_its_folder_again(
    capsys: pytest.CaptureFixture[str], room: Path, tmp_path: Path
):
    command = ["protocol", "base-to-novel", str(room / "settings.json"), "--draws", "1"]
    folder = document(capsys, *command)["out"]
    assert folder == str(tmp_path / "home" / "protocols" / "colors-settings")
    assert main(command) == 0
    assert "seed-1024: finished already" in capsys.readouterr().err
    assert document(capsys, *command, "--method", "coop")["out"] == f"{folder}-coop"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--draws", "0"], "draws: must be between 1 and 100 (it is 0)"),
        (["--seeds", "1,two"], "seeds: must be whole numbers between commas, such as 1,2,3 (it is '1,two')"),
        (["--seeds", ","], "seeds: must be whole numbers"),
        (["--seeds", "5,5"], "holds one twice"),
        (["--seeds", "1,2", "--draws", "3"], "2 seeds for 3 draws"),
        (["--seeds", "99999999999"], "seed: must be between 0 and 4294967295"),
        (["--views", "3"], "views: must look like 4x3"),
        (["--shots", "0"], "shots: must be at least 1"),
        (["--dataset", "nowhere"], "there is no data set 'nowhere'"),
        (["--hard-prompt", "nowhere"], "'nowhere' is not a prompt bundle"),
        (["--epochs", "0"], "optimizer.epochs: must be between 1 and 1000"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    capsys: pytest.CaptureFixture[str], room: Path, tmp_path: Path, options: list[str], message: str
):
    settings = str(room / "settings.json")
    command = ["protocol", "base-to-novel", settings, *options, "--out", str(tmp_path / "out")]
    assert message in refused(capsys, *command)
    assert not (tmp_path / "out").exists()


def test_other_wrong_calls_are_refused(capsys: pytest.CaptureFixture[str], room: Path, tmp_path: Path):
    settings = str(room / "settings.json")
    (tmp_path / "file").write_text("x")
    assert "shots: must be whole numbers" in refused(capsys, "protocol", "few-shot", settings, "--shots", "1,x")
    assert "is a file; name a folder" in refused(
        capsys, "protocol", "base-to-novel", settings, "--out", str(tmp_path / "file")
    )
    assert "there is no data set 'nowhere'" in refused(
        capsys, "protocol", "cross-dataset", settings, "--test", "nowhere"
    )
    assert "name at least one other" in refused(capsys, "protocol", "cross-dataset", settings, "--test", ",")
    for argv in (["protocol"], ["protocol", "few-shot"], ["protocol", "cross-dataset", settings]):
        with pytest.raises(SystemExit) as left:
            main(argv)
        assert left.value.code == 2


def test_a_hard_prompt_is_named_by_an_option(capsys: pytest.CaptureFixture[str], room: Path, tmp_path: Path):
    command = ["train", str(room / "settings.json"), "--print-config"]
    assert document(capsys, *command, "--hard-prompt", str(room / "bundle"))["prompts"]["hard_prompt"] == str(
        room / "bundle"
    )
    assert document(capsys, *command)["prompts"]["hard_prompt"] == "random"
    plain = json.loads((room / "settings.json").read_text())
    plain["prompts"]["coupled"] = False
    (tmp_path / "plain.json").write_text(json.dumps(plain))
    line = refused(capsys, "train", str(tmp_path / "plain.json"), "--hard-prompt", "random")
    assert "these settings couple no prompts" in line
    for argv in (["train"], ["protocol", "few-shot"]):
        line = refused(capsys, *argv, "--preset", "paper-hmdb")
        assert "name the folder of a bundle trained on Kinetics-400" in line and line.endswith(
            "; the option is --hard-prompt\n"
        )
    out = tmp_path / "second"
    document(capsys, *command[:2], "--hard-prompt", str(room / "bundle"), "--out", str(out))
    from ga2app.bundles import load_folder

    assert load_folder(out).tensors["hard"].equal(load_folder(room / "bundle").tensors["soft"])


def test_ctrl_c_saves_and_the_same_command_goes_on(capsys: pytest.CaptureFixture[str], room: Path, tmp_path: Path):
    command = ["protocol", "base-to-novel", str(room / "settings.json"), "--draws", "1", "--epochs", "6"]
    command += ["--out", str(tmp_path / "out"), "--json"]
    err = interrupted(capsys, "epoch 3,", *command)
    step = re.search(r"stopped at step (\d+) of seed-1024; the same command goes on from there", err)
    assert step is not None
    saved = {"seed-1024.checkpoint", "seed-1024.checkpoint.before"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == saved
    assert main(command) == 0
    again = capsys.readouterr()
    assert f"resumed at step {step[1]}" in again.err
    assert json.loads(again.out)["series"][0]["std"]["base"] is None
    assert not saved & {path.name for path in (tmp_path / "out").iterdir()}


def test_a_protocol_says_before_its_first_draw_that_whitening_will_be_off(
    capsys: pytest.CaptureFixture[str], room: Path, tmp_path: Path
):
    settings = json.loads((room / "settings.json").read_text()) | {"whitening": {"enabled": True}}
    (tmp_path / "white.json").write_text(json.dumps(settings))
    command = ["protocol", "few-shot", str(tmp_path / "white.json"), "--shots", "1,2", "--draws", "1", "--epochs", "1"]
    assert main([*command, "--out", str(tmp_path / "out")]) == 0
    told = capsys.readouterr().err
    assert "note: with --shots 1: Whitening will be off: it takes two training clips of a label" in told
    assert "with --shots 2: Whitening will not be as set: there are no anchor clips" in told
    assert told.index("Whitening will be off") < told.index("epoch 1")


def split_anew(room: Path, file: str, **changes: str) -> str:
    """colors.csv with the subsets of each label turned round: what was tested is trained on, and the other way."""
    with (room / "colors.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        row["subset"] = {"train": "test", "test": "train"}[row["subset"]]
        row["group"] = changes.get(row["label"], row["group"])
    with (room / file).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return str(room / file)


def test_figures_have_counts_and_intervals_beside_them(capsys: pytest.CaptureFixture[str], room: Path):
    answer = document(capsys, "evaluate", str(room / "bundle"))
    assert answer["tested"] == {"base": {"clips": 4, "labels": 2}, "novel": {"clips": 4, "labels": 2}}
    for name, (low, high) in answer["intervals"].items():
        assert 0 <= low <= answer["metrics"][name] <= high <= 100
    assert answer["intervals"].keys() == answer["zero_shot_intervals"].keys() == {"base", "novel", "hm"}
    assert any("only 2 novel labels" in text for text in answer["cautions"])
    assert main(["evaluate", str(room / "bundle"), "--details"]) == 0
    printed = capsys.readouterr()
    assert "95% interval, over 4 base test clips and 4 novel test clips" in printed.out
    assert re.search(r"with prompts +\d+\.\d \(\d+–\d+\)", printed.out) and "note: There are only" in printed.err
    assert re.search(r"base +top-1 +top-5 +mean class\nzero-shot CLIP +\d+\.\d \(\d+–\d+\) +– ", printed.out)


def test_after_a_new_split_clips_that_were_trained_on_do_not_count(
    capsys: pytest.CaptureFixture[str], room: Path, tmp_path: Path
):
    changed = tmp_path / "room"
    shutil.copytree(room, changed)
    colors = (changed / "colors.csv").read_text().replace(str(room), str(changed))
    (changed / "colors.csv").write_text(colors)
    settings = json.loads((changed / "settings.json").read_text()) | {"dataset": str(changed / "colors.csv")}
    (changed / "settings.json").write_text(json.dumps(settings))
    bundle = str(changed / "trained")
    assert main(["train", str(changed / "settings.json"), "--out", bundle]) == 0
    before = document(capsys, "evaluate", bundle)
    assert before["trained_test_clips"] == 0 and not before["dataset_changed"] and before["notes"] == []
    # Two of the three training clips of each base label were drawn; all three are test clips now.
    split_anew(changed, "colors.csv")
    after = document(capsys, "evaluate", bundle)
    assert after["dataset_changed"] and after["trained_test_clips"] == 4
    assert after["tested"]["base"] == {"clips": 2, "labels": 2} and after["tested"]["novel"]["clips"] == 6
    assert main(["evaluate", bundle]) == 0
    told = capsys.readouterr().err
    assert "data set 'colors' has changed since the bundle was trained: other clips, or another split" in told
    assert "4 of 12 test clips were trained on and do not count; the figures are of the other 8" in told
    # They are known by their content: in a data set of another name they do not count either.
    shutil.copy(changed / "colors.csv", changed / "other.csv")
    elsewhere = document(capsys, "evaluate", bundle, "--dataset", str(changed / "other.csv"))
    assert elsewhere["trained_test_clips"] == 4 and not elsewhere["dataset_changed"]


def test_one_novel_label_has_no_figures_and_the_reason_is_said(capsys: pytest.CaptureFixture[str], room: Path):
    lines = [line for line in (room / "colors.csv").read_text().splitlines(keepends=True) if "reading" not in line]
    (room / "single.csv").write_text("".join(lines))
    answer = document(capsys, "evaluate", str(room / "bundle"), "--dataset", str(room / "single.csv"))
    assert answer["metrics"]["base"] is not None and answer["metrics"]["novel"] is answer["metrics"]["hm"] is None
    assert answer["zero_shot"]["hm"] is None and answer["details"]["novel"]["top1"] is None
    assert any("only 1 novel label: with one there is nothing to tell apart" in text for text in answer["cautions"])
    command = ["train", str(room / "settings.json"), "--dataset", str(room / "single.csv"), "--out", str(room / "one")]
    trained = document(capsys, *command)
    assert trained["metrics"]["hm"] is None and trained["tested"]["novel"] == {"clips": 2, "labels": 1}
    manifest = json.loads((room / "one" / "bundle.json").read_text())
    assert manifest["metrics"].keys() == manifest["zero_shot"].keys() == {"base"}
