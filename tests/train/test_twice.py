"""The same command twice gives the same bundle, byte for byte, with several threads."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ga2app.cli.main import main
from ga2app.config import ClipConfig, LossConfig, OptimizerConfig, Precision, PromptConfig, RunConfig
from ga2app.paths import PROJECT
from ga2app.types import Dataset
from tests.clips import color_dataset

THREADS = 2
TRAIN_EACH = """
import sys
from ga2app.cli.main import main
for settings in sys.argv[2:]:
    assert main(["train", settings, "--out", f"{sys.argv[1]}/{settings.rsplit('/', 1)[-1]}.bundle"]) == 0
"""


def write_table(dataset: Dataset, path: Path) -> str:
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("path", "label", "subset", "group"))
        for clip in dataset.clips:
            rows.writerow((clip.path, clip.label, clip.subset, "base" if clip.label in dataset.base else "novel"))
        rows.writerows((anchor.path, anchor.caption, "train", "anchor") for anchor in dataset.anchors)
        rows.writerows(("", text, "", "negative") for text in dataset.negatives)
    return str(path)


@pytest.fixture
def settings(tiny_clip_folder: Path, tmp_path: Path) -> list[str]:
    """Files with the settings of a Full run in bfloat16 and of a Quick one in float32."""
    (tmp_path / "clips").mkdir()
    full = RunConfig(
        dataset=write_table(color_dataset(tmp_path / "clips"), tmp_path / "colors.csv"),
        backbone=str(tiny_clip_folder),
        shots=3,
        device="cpu",
        precision=Precision.BFLOAT16,
        prompts=PromptConfig(length=2, visual_depth=3, text_depth=3, hard_prompt="random"),
        losses=LossConfig(anchor_distillation=0.5, text_distillation=1.0, anchors_per_step=2),
        optimizer=OptimizerConfig(learning_rate=0.01, epochs=2, warmup_epochs=1, batch_size=2, accumulate=2),
        clips=ClipConfig(num_frames=2),
    )
    quick = replace(
        full,
        precision=Precision.FLOAT32,
        prompts=replace(full.prompts, visual_depth=0),
        losses=LossConfig(text_distillation=1.0, class_relation_distillation=0.1),
    )
    files = []
    for name, config in (("full", full), ("quick", quick)):
        (tmp_path / name).write_text(json.dumps(config.to_dict()), encoding="utf-8")
        files.append(str(tmp_path / name))
    return files


def test_the_same_command_in_two_processes_gives_the_same_bundle_byte_for_byte(
    settings: list[str], tmp_path: Path
) -> None:
    """Once in a process of its own and once in this one, with several threads in both."""
    command = [sys.executable, "-c", TRAIN_EACH, str(tmp_path / "first"), *settings]
    environment = os.environ | {"OMP_NUM_THREADS": str(THREADS)}
    other = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True)
    assert other.returncode == 0, other.stderr
    before = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    try:
        for file in settings:
            assert main(["train", file, "--out", str(tmp_path / "second" / f"{Path(file).name}.bundle")]) == 0
    finally:
        torch.set_num_threads(before)
    for name in ("full", "quick"):
        folders = [tmp_path / place / f"{name}.bundle" for place in ("first", "second")]
        first, second = ({path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders)
        assert first.keys() == {"prompts.safetensors", "bundle.json", "README.md"}
        assert [file for file in first if first[file] != second[file]] == []
