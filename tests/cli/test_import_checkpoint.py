from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from ga2app.cli.main import main
from tests.published import openai_layout as theirs


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, tiny_clip_folder: Path) -> theirs.World:
    return theirs.make_world(tmp_path_factory.mktemp("world") / "clip", tiny_clip_folder)


@pytest.fixture
def files(tmp_path: Path, world: theirs.World, monkeypatch: pytest.MonkeyPatch) -> None:
    """``hmdb.pt`` and ``base.pt`` in the working folder."""
    monkeypatch.chdir(tmp_path)
    state = {
        **theirs.random_prompts(1, coupled=True),
        **theirs.published_weights(world.weights),
        **theirs.embedded_names(world.weights, world.folder, ("walking", "running")),
    }
    torch.save({"model_state_dict": state, "epoch": 11}, "hmdb.pt")
    torch.save({"model_state_dict": theirs.random_prompts(2, coupled=False)}, "base.pt")


def run(capsys: pytest.CaptureFixture[str], *argv: str, status: int = 0) -> tuple[str, str]:
    capsys.readouterr()
    assert main(["import-checkpoint", *argv]) == status
    answer = capsys.readouterr()
    return answer.out, answer.err


@pytest.mark.usefixtures("files")
def test_it_says_what_came_of_the_file(capsys: pytest.CaptureFixture[str], world: theirs.World):
    given = ["hmdb.pt", "--hard-prompt", "base.pt", "--backbone", str(world.folder), "--out"]
    out, err = run(capsys, *given, "one")
    assert out == (
        f"prompts: 4 tokens, 4 visual and 3 text layers, coupled to base.pt\nbackbone: {world.folder}\nbundle: one\n"
    )
    assert "note: the 2 base labels were read back from the file" in err
    out, err = run(capsys, *given, "two", "--json", "--base-labels", "walking,jumping", "--name", "HMDB")
    document = json.loads(out)
    assert err == "" and document.pop("notes")
    assert document == {
        "bundle": "two",
        "backbone": str(world.folder),
        "backbone_folder": None,
        "prompts": {"length": 4, "visual_depth": 4, "text_depth": 3, "coupled": True},
        "base": ["walking", "jumping"],
        "ignored": ["epoch"],
    }
    assert json.loads(Path("two/bundle.json").read_text())["name"] == "HMDB"


@pytest.mark.usefixtures("files")
def test_base_labels_come_from_a_label_list_too(capsys: pytest.CaptureFixture[str], world: theirs.World):
    given = ["hmdb.pt", "--hard-prompt", "base.pt", "--backbone", str(world.folder), "--json"]
    Path("labels.csv").write_text("id,name\n0,brush hair\n1,PlayingViolin\n")
    out, _ = run(capsys, *given, "--out", "one", "--base-labels", "labels.csv")
    assert json.loads(out)["base"] == ["brush hair", "playing violin"]
    out, err = run(capsys, *given, "--out", "two", "--base-labels", "nowhere.csv", status=1)
    assert out == "" and "there is no label list 'nowhere.csv'" in err
    Path("labels.csv").write_text("")
    out, err = run(capsys, *given, "--out", "two", "--base-labels", "labels.csv", status=1)
    assert "error: label list labels.csv: holds no labels" in err and not Path("two").exists()


@pytest.mark.usefixtures("files")
def test_a_fault_is_one_line_and_status_1(capsys: pytest.CaptureFixture[str], world: theirs.World):
    out, err = run(capsys, "hmdb.pt", "--backbone", str(world.folder), "--out", "one", "--json", status=1)
    assert out == "" and err.startswith("error: ") and err.count("\n") == 1
    assert "hard prompt is not in the file, whose prompts are coupled" in err


@pytest.mark.usefixtures("files")
def test_a_file_without_prompts_becomes_a_backbone(capsys: pytest.CaptureFixture[str], world: theirs.World):
    torch.save({"model_state_dict": dict(world.weights)}, "k400.pt")
    out, err = run(capsys, "k400.pt", "--backbone", str(world.folder), "--backbone-out", "k400")
    assert out == "backbone: k400\n" and "as far as float16 can tell" in err
    out, err = run(capsys, "k400.pt", "--backbone", str(world.folder), "--out", "b", status=1)
    assert "holds no prompts" in err and not Path("b").exists()
