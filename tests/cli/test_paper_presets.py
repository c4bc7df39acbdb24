"""A paper preset from split lists to a bundle, on a CLIP with as many layers as the paper's and next to no width."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ga2app.bundles import load_folder
from ga2app.cli.main import main
from tests.clips import COLORS, write_color_clip

LABELS = ("walking", "running", "jumping")
BASE = LABELS[:2]


@pytest.fixture(scope="module")
def deep_clip(tiny_clip_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny CLIP with 9 + 9 layers and room for 16 prompt tokens."""
    from transformers import CLIPConfig, CLIPModel

    folder = tmp_path_factory.mktemp("deep") / "clip"
    shutil.copytree(tiny_clip_folder, folder)
    config = CLIPConfig.from_pretrained(tiny_clip_folder)
    config.vision_config.num_hidden_layers = config.text_config.num_hidden_layers = 9
    config.text_config.max_position_embeddings = 40
    CLIPModel(config).save_pretrained(folder)
    return folder


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    """Split lists of two base classes, two training clips and a test clip each, a novel class and an anchor."""
    for number, label in enumerate(LABELS):
        for clip in range(3):
            write_color_clip(tmp_path / f"{label}-{clip}.mp4", COLORS[label], seed=10 * number + clip)
    write_color_clip(tmp_path / "wall.mp4", (128, 128, 128), seed=99)
    lines = {
        "train.txt": [f"{label}-{clip}.mp4 {number}" for number, label in enumerate(BASE) for clip in (0, 1)],
        "base.txt": [f"{label}-2.mp4 {number}" for number, label in enumerate(BASE)],
        "novel.txt": ["jumping-2.mp4 0"],
        "anchors.txt": ["wall.mp4 0"],
        "base.csv": ["id,name", *(f"{number},{label}" for number, label in enumerate(BASE))],
        "novel.csv": ["id,name", "0,jumping"],
    }
    for name, content in lines.items():
        (tmp_path / name).write_text("\n".join(content) + "\n", encoding="utf-8")
    return tmp_path


def bring_in(lists: Path, negatives: str) -> None:
    options = {
        "--split": "train.txt",
        "--test-split": "base.txt",
        "--labels": "base.csv",
        "--novel-split": "novel.txt",
        "--novel-labels": "novel.csv",
        "--anchors": "anchors.txt",
    }
    places = [argument for option, name in options.items() for argument in (option, str(lists / name))]
    assert main(["import-dataset", *places, "--negatives", negatives, "--name", "hmdb51"]) == 0


def test_a_paper_preset_trains_on_lists_with_the_published_negative(
    capsys: pytest.CaptureFixture[str], lists: Path, deep_clip: Path
):
    bring_in(lists, "else")
    capsys.readouterr()
    train = ["train", "--preset", "paper-hmdb", "--backbone", str(deep_clip)]
    options = ["--shots", "2", "--epochs", "1", "--hard-prompt", "random", "--out", str(lists / "bundle"), "--json"]
    assert main([*train, *options]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"].keys() == {"base", "novel", "hm"}
    bundle = load_folder(lists / "bundle")
    assert (bundle.manifest.base, bundle.manifest.novel) == (BASE, ("jumping",))
    assert bundle.manifest.negatives == ("else",)
    assert bundle.manifest.run.prompts.visual_depth == bundle.manifest.run.prompts.text_depth == 9
    assert len(bundle.tensors["soft"]) == 16


@pytest.mark.parametrize(
    ("negatives", "options", "told"),
    [
        ("else", [], "prompts.hard_prompt: name the folder of a bundle trained on Kinetics-400 with the same backbone"),
        ("else,nothing,no action", ["--hard-prompt", "random"], "one a label (2), and 3 are chosen"),
    ],
)
def test_what_a_paper_preset_lacks_is_named(
    capsys: pytest.CaptureFixture[str], lists: Path, deep_clip: Path, negatives: str, options: list[str], told: str
):
    bring_in(lists, negatives)
    capsys.readouterr()
    train = ["train", "--preset", "paper-hmdb", "--backbone", str(deep_clip), "--out", str(lists / "bundle")]
    assert main([*train, *options]) == 1
    assert told in capsys.readouterr().err
    assert not (lists / "bundle").exists()
