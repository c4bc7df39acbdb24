"""``export --onnx``: what it writes computes what torch does, and a program without torch gets the same answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ga2app import bundles, load_backbone
from ga2app.bundles import read_manifest
from ga2app.bundles.onnx import VisionSide, largest_difference
from ga2app.cli.main import main
from ga2app.clip import Backbone
from ga2app.config import PromptConfig, RunConfig, WhiteningConfig
from ga2app.inference import Recognizer, load_bundle
from ga2app.method.prompted_model import plain_clip
from ga2app.method.prompts import PromptLearner
from ga2app.method.whitening import CENTER, ROOT
from ga2app.paths import SKETCH_HARD_PROMPT
from ga2app.synthetic.demo_dataset import subject_named, write_drawn_clip
from tests.blocked import without
from tests.clips import write_color_clip
from tests.commands import document, refused

LABELS = ["walking", "reading a book", "jumping"]
CONFIG = RunConfig(
    prompts=PromptConfig(length=3, visual_depth=2, text_depth=2, coupled=False, zero_shot_ratio=0.25),
    whitening=WhiteningConfig(enabled=True),
)


@pytest.fixture(scope="module")
def backbone(tiny_clip_folder: Path) -> Backbone:
    return load_backbone(tiny_clip_folder, device="cpu")


@pytest.fixture(scope="module")
def bundle(backbone: Backbone, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prompts in both towers, a residual and a whitening, none of which is small."""
    folder, width = tmp_path_factory.mktemp("bundle") / "drawn", backbone.sizes.embedding_width
    numbers = torch.Generator().manual_seed(0)
    learner = PromptLearner(CONFIG.prompts, backbone.sizes.visual_width, backbone.sizes.text_width, generator=numbers)
    tensors = {name: tensor * 20 for name, tensor in learner.tensors().items()}
    tensors |= {CENTER: torch.randn(width, generator=numbers) / 30}
    tensors |= {ROOT: torch.eye(width) + torch.randn(width, width, generator=numbers) / 30}
    manifest = replace(
        read_manifest(SKETCH_HARD_PROMPT),
        backbone=backbone.identity.to_dict(),
        config=replace(CONFIG, clips=replace(CONFIG.clips, num_frames=5)).to_dict(),
        base=tuple(LABELS[:2]),
        novel=tuple(LABELS[2:]),
    )
    bundles.save(bundles.Bundle(manifest, tensors), folder)
    return folder


@pytest.fixture(scope="module")
def exported(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("exported") / "portable"
    assert main(["export", "--onnx", str(bundle), str(out)]) == 0
    return out


def test_onnxruntime_computes_what_torch_does_for_any_number_of_clips_and_frames(
    exported: Path, bundle: Path, backbone: Backbone
):
    side = VisionSide(load_bundle(bundle).attach(backbone, LABELS))
    difference = largest_difference(side, exported / "vision.onnx")
    assert difference is not None and difference < 1e-5
    frozen = largest_difference(VisionSide(plain_clip(backbone, LABELS)), exported / "vision.onnx")
    assert frozen is not None and frozen > 0.01


def test_the_folder_holds_numbers_and_json_and_nothing_that_could_run_but_the_script(
    exported: Path, bundle: Path, backbone: Backbone
):
    names = ["classes.npy", "portable.json", "recognize.py", "vision.onnx"]
    assert sorted(path.name for path in exported.iterdir()) == names
    assert [path.name for path in exported.parent.iterdir()] == ["portable"]
    facts = json.loads((exported / "portable.json").read_text(encoding="utf-8"))
    assert (facts["labels"], facts["base"], facts["num_frames"]) == (LABELS, LABELS[:2], 5)
    model = load_bundle(bundle).attach(backbone, LABELS)
    assert np.array_equal(np.load(exported / "classes.npy", allow_pickle=False), model.encode_labels().numpy())
    assert facts["scale"] == backbone.scale


def test_a_program_without_torch_gets_the_same_labels_and_probabilities(
    exported: Path, bundle: Path, backbone: Backbone, tmp_path: Path
):
    """Of a clip that is shrunk, and of a small one that is enlarged."""
    large, small = tmp_path / "large.mp4", tmp_path / "small.mp4"
    write_drawn_clip(large, subject_named("riding a bicycle"), "camcorder", 3)
    write_color_clip(small, (200, 80, 40), seed=1, frames=7)
    clips = Recognizer(backbone, bundle).recognize([large, small], LABELS).clips
    alone = without(tmp_path / "blocked", "torch", "ga2app", "transformers", paths=(os.environ.get("PYTHONPATH", ""),))
    for clip in clips:
        answer = subprocess.run(
            [sys.executable, str(exported / "recognize.py"), clip.file],
            capture_output=True,
            text=True,
            env=alone,
            cwd=tmp_path,
        )
        assert answer.returncode == 0, answer.stderr
        told = [line.strip().split("% ") for line in answer.stdout.splitlines()]
        assert [label for _, label in told] == [score.label for score in clip.bundle or ()]
        shares = [float(share) / 100 for share, _ in told]
        assert shares == pytest.approx([score.score for score in clip.bundle or ()], abs=1e-4)


def test_what_cannot_be_exported_is_told_in_a_line(
    capsys: pytest.CaptureFixture[str], exported: Path, bundle: Path, tmp_path: Path
):
    assert "is there already; name a new folder" in refused(capsys, "export", "--onnx", str(bundle), str(exported))
    out = str(tmp_path / "new")
    assert "is the only label" in refused(capsys, "export", "--onnx", str(bundle), out, "--labels", "jumping")
    other = ("--backbone", "sketch")
    assert "cannot be used with" in refused(capsys, "export", "--onnx", str(bundle), out, *other)
    for wrong in (["--labels", "a,b"], [out, "--out", out]):
        with pytest.raises(SystemExit, match="2"):
            main(["export", str(bundle), *wrong])
    assert not Path(out).exists()


def test_a_zip_can_be_named_without_out(capsys: pytest.CaptureFixture[str], bundle: Path, tmp_path: Path):
    packed = document(capsys, "export", str(bundle), str(tmp_path / "drawn.zip"))
    assert packed == {"file": str(tmp_path / "drawn.zip"), "bytes": (tmp_path / "drawn.zip").stat().st_size}


def test_without_the_exporter_the_command_says_how_to_get_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, bundle: Path, tmp_path: Path
):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    said = refused(capsys, "export", "--onnx", str(bundle), str(tmp_path / "out"))
    assert "export --onnx needs onnxscript" in said and 'pip install ".[onnx]"' in said
