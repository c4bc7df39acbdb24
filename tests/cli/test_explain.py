from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from ga2app.cli.main import main
from ga2app.paths import SKETCH_HARD_PROMPT
from tests.clips import write_color_clip

LABELS = "riding a bicycle, riding a motorcycle, walking a dog"
BUNDLE = str(SKETCH_HARD_PROMPT)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    assert main(["sketch", "generate", "--out", str(folder), "--actions", "riding a bicycle", "--clips", "1"]) == 0
    return folder


@pytest.fixture(scope="module")
def clip(drawn: Path) -> str:
    return str(next(drawn.rglob("*.mp4")))


def document(capsys: pytest.CaptureFixture[str], *argv: str) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["explain", *argv, "--json"]) == 0
    parsed: dict[str, Any] = json.loads(capsys.readouterr().out)
    return parsed


def refused(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    capsys.readouterr()
    assert main(["explain", *argv]) == 1
    answer = capsys.readouterr()
    assert answer.out == "" and answer.err.startswith("error: ") and answer.err.count("\n") == 1
    return answer.err


def test_a_clip_is_explained_in_words_and_in_a_picture(capsys: pytest.CaptureFixture[str], clip: str, tmp_path: Path):
    picture = tmp_path / "made" / "why.png"
    argv = ["explain", clip, "--labels", LABELS, "--bundle", BUNDLE, "--frames", "10", "--picture", str(picture)]
    capsys.readouterr()
    assert main(argv) == 0
    text = capsys.readouterr().out
    for words in (
        "zero-shot CLIP: riding a bicycle",
        "bundle: riding a bicycle",
        "blind to the order",
        "strongest of 8x8 cells",
        "nearest words among",
        "no single word",
        f"picture: {picture}",
    ):
        assert words in text
    with Image.open(picture) as image:  # ten frames in two lines of at most eight, under each other three times
        assert image.width == 8 * 166 + 6 and image.height > 6 * 160
        colors = image.convert("RGB").getcolors(1 << 24)
    assert colors is not None and any(r > b + 100 for _, (r, _, b) in colors)


def test_json_has_everything_in_one_document(capsys: pytest.CaptureFixture[str], clip: str):
    found = document(capsys, clip, "--labels", LABELS, "--bundle", BUNDLE, "--frames", "2", "--label", "walking a dog")
    assert found["label"] == "walking a dog" and found["plain"]["score"] < 0 and found["picture"] is None
    assert len(found["plain"]["frames"]) == 2 and len(found["words"]["tokens"]) == 8
    assert found["plain"]["relatives"] is None  # the demo has not been drawn, and is not for this


def test_how_it_is_computed_can_be_chosen(capsys: pytest.CaptureFixture[str], clip: str):
    asked = (clip, "--labels", LABELS, "--frames", "1")
    exact = document(capsys, *asked)["plain"]["score"]
    again = document(capsys, *asked, "--attention", "eager", "--threads", "1")["plain"]["score"]
    rounded = document(capsys, *asked, "--precision", "bfloat16")["plain"]["score"]
    assert again == pytest.approx(exact, rel=1e-4)
    assert rounded != pytest.approx(exact, rel=1e-6) and rounded == pytest.approx(exact, rel=0.1, abs=0.1)
    assert "threads" in refused(capsys, *asked, "--threads", "0")


def test_the_bundles_own_labels_are_taken_where_none_are_given(capsys: pytest.CaptureFixture[str], clip: str):
    found = document(capsys, clip, "--bundle", BUNDLE, "--frames", "1", "--score", "logit")
    assert found["score"] == "logit" and found["plain"]["rival"] is None


def test_occlusion_and_a_data_sets_own_anchors(capsys: pytest.CaptureFixture[str], clip: str, tmp_path: Path):
    write_color_clip(tmp_path / "gray.mp4", (128, 128, 128), seed=1)
    rows = ["path,label,subset,group", "gray.mp4,a wall,train,anchor", f"{clip},itself,train,anchor"]
    (tmp_path / "set.csv").write_text("\n".join([*rows, f"{clip},riding,train,base", ",nothing,,negative", ""]))
    argv = [clip, "--labels", LABELS, "--frames", "2", "--method", "occlusion", "--dataset", str(tmp_path / "set.csv")]
    found = document(capsys, *argv)["plain"]
    assert found["saliency"]["method"] == "occlusion" and len(found["saliency"]["places"]) == 8
    assert found["relatives"]["anchors"][0]["path"] == clip


def test_a_bundle_alone_is_explained_by_its_words(capsys: pytest.CaptureFixture[str]):
    found = document(capsys, "--bundle", BUNDLE)["words"]
    assert {token["kind"] for token in found["tokens"]} == {"soft"} and found["words"] == 230
    assert main(["explain", "--bundle", BUNDLE]) == 0
    assert "random blends of all words" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["CLIP", "--labels", "walking"], "is the only label"),
        (["CLIP", "--labels", LABELS, "--label", "flying"], "is not among the labels"),
        (["gone.mp4", "--labels", LABELS], "clip 'gone.mp4'"),
        (["CLIP", "--labels", LABELS, "--bundle", "gone"], "is not a prompt bundle"),
        (["CLIP", "--labels", LABELS, "--dataset", "gone"], "there is no data set 'gone'"),
        (["CLIP", "--labels", LABELS, "--frames", "1", "--dataset", "FOLDER"], "neither anchor clips nor negative"),
        (["CLIP", "--labels", LABELS, "--frames", "1", "--picture", "/dev/null/why.png"], "cannot be written"),
        (["CLIP", "--labels", LABELS, "--frames", "1", "--picture", "FOLDER/why.xyz"], "ends with .png"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    capsys: pytest.CaptureFixture[str], drawn: Path, clip: str, argv: list[str], message: str
):
    argv = [one.replace("CLIP", clip).replace("FOLDER", str(drawn)) for one in argv]
    assert message in refused(capsys, *argv)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "name a CLIP"),
        (["clip.mp4"], "needs --labels"),
        (["--bundle", "b", "--picture", "p.png"], "need a CLIP"),
        (["clip.mp4", "--labels", "a,b", "--frames", "0"], "between 1 and 256"),
        (["clip.mp4", "--labels", "a,b", "--frames", "many"], "between 1 and 256"),
    ],
)
def test_wrong_usage_has_status_2(capsys: pytest.CaptureFixture[str], argv: list[str], message: str):
    with pytest.raises(SystemExit) as left:
        main(["explain", *argv])
    assert left.value.code == 2 and message in capsys.readouterr().err
