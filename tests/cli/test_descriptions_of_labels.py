"""Descriptions on the command line: imported with a data set, kept by its bundle, measured, used and proposed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ga2app.bundles import load_folder
from ga2app.cli.main import main
from ga2app.paths import default_home
from ga2app.store import Store
from ga2app.types import Dataset
from tests.chat import chatting
from tests.cli.test_evaluate_and_protocol import write_csv
from tests.clips import color_dataset
from tests.commands import document, refused

TOLD = {"Walking": ["a person walking", "something red"], "waving_hand": "a hand", "running": "x" * 10_000, "fly": "a"}
KEPT = {"walking": ["a person walking", "something red"], "waving hand": ["a hand"]}


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("room")
    (folder / "clips").mkdir()
    found = color_dataset(folder / "clips")
    names = dict(zip((*found.base, *found.novel), ("walking", "running", "waving hand", "reading book"), strict=True))
    clips = tuple(type(clip)(clip.path, names[clip.label], clip.subset) for clip in found.clips)
    base, novel = (tuple(names[label] for label in labels) for labels in (found.base, found.novel))
    write_csv(folder / "colors.csv", Dataset("colors", base, novel, clips))
    (folder / "told.json").write_text(json.dumps(TOLD))
    return folder


def test_a_data_set_is_imported_with_descriptions_and_what_is_left_out_is_told(
    capsys: pytest.CaptureFixture[str], room: Path
):
    told = document(
        capsys, "import-dataset", str(room / "colors.csv"), "--descriptions", str(room / "told.json"),
        "--duplicates", "all",
    )  # fmt: skip
    notes = " | ".join(told["notes"])
    assert "label 'running': sentence 1 has 10,000 characters, 1,000 are the most; left out" in notes
    assert "no label here is called 'fly': left out" in notes
    with Store.open(default_home()) as store:
        assert {label: list(texts) for label, texts in store.datasets.get("colors").descriptions.items()} == KEPT
    (room / "broken.json").write_text("[")
    assert "cannot be read as JSON" in refused(
        capsys, "import-dataset", str(room / "colors.csv"), "--descriptions", str(room / "broken.json")
    )


def test_a_bundle_keeps_the_descriptions_and_they_are_measured_and_used_when_asked_for(
    capsys: pytest.CaptureFixture[str], room: Path, tmp_path: Path, tiny_clip_folder: Path
):
    source = ["--descriptions", str(room / "told.json"), "--duplicates", "all", "--name", "mine"]
    assert main(["import-dataset", str(room / "colors.csv"), *source]) == 0
    settings = {
        "backbone": str(tiny_clip_folder), "dataset": "mine", "shots": 2, "precision": "float32",
        "prompts": {"length": 2, "visual_depth": 0, "text_depth": 2, "hard_prompt": "random"},
        "optimizer": {"epochs": 1, "warmup_epochs": 0}, "clips": {"num_frames": 2},
    }  # fmt: skip
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    bundle = str(tmp_path / "bundle")
    assert main(["train", str(tmp_path / "settings.json"), "--out", bundle, "--json"]) == 0
    assert {label: list(texts) for label, texts in load_folder(bundle).manifest.descriptions.items()} == KEPT

    bare = document(capsys, "evaluate", bundle)
    told = document(capsys, "evaluate", bundle, "--descriptions")
    assert "described" not in bare and told["metrics"] == bare["metrics"]
    assert (told["described"]["labels"], told["described"]["sentences"]) == (2, 3)
    assert told["described"]["metrics"].keys() == told["described"]["zero_shot"].keys() == {"base", "novel", "hm"}
    capsys.readouterr()
    assert main(["evaluate", bundle, "--descriptions"]) == 0
    assert "with prompts and descriptions" in capsys.readouterr().out
    (tmp_path / "none.csv").write_text("name,description\nrunning,a zebra\n")
    found = document(capsys, "evaluate", bundle, "--descriptions", str(tmp_path / "none.csv"))
    assert any("does not know (zebra); left out" in note for note in found["notes"])

    clip = str(next((room / "clips").glob("*.mp4")))
    ask = ["recognize", clip, "--labels", "walking,reading book", "--bundle", bundle]
    off, own = document(capsys, *ask), document(capsys, *ask, "--descriptions")
    (tmp_path / "new.csv").write_text("name,description\nReadingBook,a book\n")
    new = document(capsys, *ask, "--descriptions", str(tmp_path / "new.csv"))
    assert off["descriptions"] == {}
    assert own["descriptions"] == {"walking": KEPT["walking"]}
    assert new["descriptions"] == {"reading book": ["a book"], "walking": KEPT["walking"]}
    scores = [answer["clips"][0]["bundle"][0]["score"] for answer in (off, own, new)]
    assert len({round(score, 6) for score in scores}) == 3


def test_a_language_models_descriptions_are_printed_and_written_to_be_read_first(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    with chatting() as server:
        server.content = json.dumps({"walking": ["a person on a road"], "flying": ["never asked"]})
        ask = ["suggest", "--kind", "description", "--labels", "walking, running", "--language-model", "tiny"]
        answer = document(capsys, *ask, "--endpoint", server.url, "--out", str(tmp_path / "told.json"))
        assert '["walking", "running"], write 3' in server.asked[0]["messages"][0]["content"]
    assert answer["descriptions"] == {"walking": ["a person on a road"]}
    assert json.loads((tmp_path / "told.json").read_text()) == answer["descriptions"]
    lacking = refused(capsys, "suggest", "--kind", "description", "--labels", "a, b")
    assert "descriptions are written by a language model; name it with --language-model" in lacking
