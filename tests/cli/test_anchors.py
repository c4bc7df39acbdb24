"""The commands anchors and suggest, as a user calls them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ga2app.cli.main import main
from ga2app.datasets import read_clipset
from ga2app.paths import PROJECT
from ga2app.types import AnchorClip
from tests.commands import document, lines_of, refused

LABELS = "riding a bicycle, walking a dog"


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two class folders of actions and two of scenes."""
    folder = tmp_path_factory.mktemp("pool") / "clips"
    names = "riding a bicycle, walking a dog, snow falling, a clock ticking"
    assert main(["sketch", "generate", "--out", str(folder), "--actions", names, "--clips", "2"]) == 0
    return folder


def test_rank_shows_every_clip_the_most_irrelevant_first(capsys: pytest.CaptureFixture[str], clips: Path):
    ranked = document(capsys, "anchors", "rank", str(clips), "--labels", LABELS)["clips"]
    assert len(ranked) == 8
    figures = [one["irrelevance"] for one in ranked]
    assert figures == sorted(figures, reverse=True) and 0 <= figures[-1] < figures[0] <= 1
    assert {one["caption"] for one in ranked[:4]} == {"snow falling", "a clock ticking"}
    assert all(one["nearest"] == one["caption"] for one in ranked[4:])
    main(["anchors", "rank", str(clips), "--labels", LABELS])
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].split() == ["irrelevance", "nearest", "label", "caption", "clip"] and len(shown) == 9


def test_clips_named_one_by_one_are_a_pool_and_get_captions(capsys: pytest.CaptureFixture[str], clips: Path):
    snow, clock = (clips / key / f"{key}-000.mp4" for key in ("snow_falling", "a_clock_ticking"))
    ranked = document(capsys, "anchors", "rank", str(snow), str(clock), str(snow), "--labels", LABELS)["clips"]
    assert {one["file"]: one["caption"] for one in ranked} == {str(snow): "snow falling", str(clock): "a clock ticking"}
    assert all(one["caption_guessed"] for one in ranked)


def test_the_choice_is_written_as_data_sets_hold_anchors(
    capsys: pytest.CaptureFixture[str], clips: Path, tmp_path: Path
):
    out = tmp_path / "deep" / "anchors.csv"
    chosen = document(
        capsys, "anchors", "choose", str(clips), "--labels", LABELS, "--count", "3", "--frames", "4", "--out", str(out)
    )
    assert [one["caption"] in ("snow falling", "a clock ticking") for one in chosen["clips"]] == [True] * 3
    assert chosen["notes"] == ["4 clips of the labels' own classes left out"] and chosen["out"] == str(out)
    rows = lines_of(out)
    assert list(rows[0]) == ["path", "label", "subset", "group"]
    assert [(row["path"], row["label"], row["group"]) for row in rows] == [
        (one["file"], one["caption"], "anchor") for one in chosen["clips"]
    ]
    again = document(capsys, "anchors", "rank", str(out), "--labels", LABELS)["clips"]
    assert {one["file"] for one in again} == {one["file"] for one in chosen["clips"]}


def test_the_choice_with_the_data_sets_own_clips_can_be_trained_on(
    capsys: pytest.CaptureFixture[str], clips: Path, tmp_path: Path
):
    classes = (("riding_a_bicycle", "base"), ("walking_a_dog", "novel"))
    rows = [
        f"{clips}/{key}/{key}-00{number}.mp4,{key.replace('_', ' ')},train,{group}"
        for key, group in classes
        for number in (0, 1)
    ]
    (tmp_path / "mine.csv").write_text("\n".join(["path,label,subset,group", *rows, ",nothing,,negative"]) + "\n")
    out = clips.parent / "whole.csv"
    argv = ["anchors", "choose", str(clips), "--dataset", str(tmp_path / "mine.csv"), "--count", "2"]
    chosen = document(capsys, *argv, "--out", str(out), "--with-clips")
    assert {one["caption"] for one in chosen["clips"]} <= {"snow falling", "a clock ticking"}
    dataset = read_clipset(out)
    assert (dataset.base, dataset.novel, dataset.negatives) == (("riding a bicycle",), ("walking a dog",), ("nothing",))
    assert len(dataset.clips) == 4 and all(Path(clip.path).is_file() for clip in dataset.clips)
    assert list(dataset.anchors) == [AnchorClip(one["file"], one["caption"]) for one in chosen["clips"]]
    assert all(row["path"].startswith("clips/") for row in lines_of(out) if row["path"])


def test_a_novel_class_of_the_data_set_is_never_chosen(capsys: pytest.CaptureFixture[str], clips: Path):
    document(capsys, "import-dataset", str(clips), "--name", "mine", "--novel", "snow_falling")
    everything = "riding a bicycle, walking a dog, a clock ticking, snow falling"
    answer = refused(capsys, "anchors", "choose", str(clips), "--dataset", "mine", "--count", "1")
    assert "all 8 clips of the pool are of the labels' own classes; name another pool" in answer
    assert len(document(capsys, "anchors", "rank", "mine", "--labels", everything)["clips"]) == 8


def test_anchors_are_made_from_clips_and_rank_as_a_pool(
    capsys: pytest.CaptureFixture[str], clips: Path, tmp_path: Path
):
    one = clips / "walking_a_dog" / "walking_a_dog-000.mp4"
    (tmp_path / "bad.mp4").write_bytes(b"")
    made = document(capsys, "anchors", "make", str(one), str(tmp_path / "bad.mp4"), "--out", str(tmp_path / "made"))
    assert [entry["kind"] for entry in made["anchors"]] == ["held-frame", "median", "away"]
    assert len(made["faults"]) == 1 and "bad.mp4" in made["faults"][0]
    rows = lines_of(tmp_path / "made" / "anchors.csv")
    assert [row["path"] for row in rows] == [
        "a_still_picture/walking_a_dog-000.mp4",
        "an_empty_place/walking_a_dog-000.mp4",
        "the_background/walking_a_dog-000.mp4",
    ]
    pools = [
        document(capsys, "anchors", "rank", str(pool), "--labels", LABELS)["clips"]
        for pool in (tmp_path / "made", tmp_path / "made" / "anchors.csv")
    ]
    assert pools[0] == pools[1]
    assert {entry["caption"] for entry in pools[0]} == {"a still picture", "an empty place", "the background"}


def test_made_anchors_are_listed_for_people_with_a_note_on_restless_crops(
    capsys: pytest.CaptureFixture[str], clips: Path, tmp_path: Path
):
    assert main(["anchors", "make", str(clips), "--out", str(tmp_path), "--kind", "away,away", "--side", "0.9"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[-1] == f"8 anchors, listed in {tmp_path / 'anchors.csv'}"
    assert "crops away from the motion still hold more than 50% of the mean motion" in shown[-2]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["choose", "{clips}", "--labels", "walking", "--count", "0"], "0 cannot be chosen from a pool of 8"),
        (["choose", "{clips}", "--labels", "walking", "--count", "9"], "ask for 1 to 8"),
        (["choose", "{clips}", "--labels", "walking", "--diversity", "2"], "--diversity: 2 is not between 0 and 1"),
        (["choose", "{clips}", "--labels", "walking", "--diversity", "nan"], "is not between 0 and 1"),
        (["choose", "{clips}", "--labels", "walking", "--with-clips"], "--with-clips: it needs --dataset"),
        (["choose", "{clips}", "--labels", "walking", "--count", "1", "--out", "{clips}"], "cannot be written"),
        (["rank", "{clips}", "--labels", ""], "no labels were given"),
        (["rank", "{clips}", "--labels", "zymurgy"], "knows none of the words"),
        (["rank", "{clips}", "--labels", "walking", "--frames", "0"], "--frames: 0 frames are too few"),
        (["rank", "nowhere", "--labels", "walking"], "there is no data set 'nowhere' and no folder or CSV file"),
        (["rank", "{project}/ga2app", "--labels", "walking"], "holds no clips"),
        (["rank", "{project}/README.md", "--labels", "walking"], "lists no clips"),
        (["rank", "{project}/assets/pictures/sketch_world.png", "--labels", "walking"], "cannot be read as CSV"),
        (["rank", "{clips}", "--labels", "walking", "--backbone", "nobody/none"], "neither a folder nor in the local"),
        (["make", "{clips}", "--out", "{clips}", "--kind", "median,mode", "--side", "0"], "'mode' is not one of held-"),
        (["make", "{clips}", "--out", "{clips}", "--kind", "median,mode", "--side", "0"], "--side: 0 is not above 0"),
        (["make", "{project}/README.md", "--out", "{clips}/x"], "no anchor could be made of 1 clips"),
        (["make", "absent.mp4", "--out", "{clips}/x"], "absent.mp4"),
    ],
)
def test_what_cannot_be_done_is_explained_in_one_line(
    capsys: pytest.CaptureFixture[str], clips: Path, argv: list[str], message: str
):
    assert message in refused(capsys, "anchors", *(part.format(clips=clips, project=PROJECT) for part in argv))


@pytest.mark.parametrize("argv", [["rank", "x"], ["rank", "x", "--labels", "a", "--dataset", "demo"], ["choose"], []])
def test_wrong_usage_has_status_2(capsys: pytest.CaptureFixture[str], argv: list[str]):
    with pytest.raises(SystemExit) as caught:
        main(["anchors", *argv])
    assert caught.value.code == 2


@pytest.mark.parametrize("kind", ["make", "choose", "rank"])
def test_the_help_says_what_irrelevance_is_and_that_order_is_not_seen(capsys: pytest.CaptureFixture[str], kind: str):
    with pytest.raises(SystemExit):
        main(["anchors", kind, "--help"])
    told = " ".join(capsys.readouterr().out.split())
    expected = "'opening' and 'closing' look the same, so a clip run backwards is no anchor"
    assert (expected if kind == "make" else "Irrelevance goes from 0 to 1") in told
