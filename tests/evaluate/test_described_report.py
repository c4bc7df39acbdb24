"""The report of a run on a data set with descriptions: the same models, measured with them and without."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ga2app import evaluation as evaluate
from ga2app import load_backbone
from ga2app.bundles import load_bundle
from ga2app.config import ClipConfig, OptimizerConfig, PromptConfig, RunConfig
from ga2app.training import train
from ga2app.types import read_report
from ga2app.web.pages.runs.report_html import _mean_rows
from tests.approx import same_record
from tests.clips import color_dataset

RUN = RunConfig(
    dataset="colors",
    backbone="tiny",
    shots=2,
    prompts=PromptConfig(length=2, visual_depth=0, text_depth=2, hard_prompt="random"),
    optimizer=OptimizerConfig(epochs=1, warmup_epochs=0),
    clips=ClipConfig(num_frames=2, augment=False),
)
TOLD = {"walking": ("a red wall", "a person walking"), "reading": ("a book", "a zebra"), "nothing": ("a wall",)}


def test_a_run_measures_both_models_with_descriptions_and_keeps_them_in_its_bundle(
    tiny_clip_folder: Path, tmp_path: Path
):
    backbone = load_backbone(tiny_clip_folder, precision="float32")
    dataset = replace(color_dataset(tmp_path), descriptions=TOLD)
    how = {"out": tmp_path / "bundle", "checkpoint": tmp_path / "checkpoint", "backbone": backbone, "reported": True}
    report = train(RUN, dataset, **how).report
    assert report is not None and report.described["labels"] == 2
    assert any("label 'reading': sentence 2 has words" in note for note in report.described["notes"])

    bundle = load_bundle(tmp_path / "bundle")
    assert {label: tuple(texts) for label, texts in bundle.manifest.descriptions.items()} == TOLD
    told = {"walking": TOLD["walking"], "reading": TOLD["reading"][:1]}
    model = bundle.attach(backbone, dataset.base, told)
    again = evaluate.evaluate(model, dataset, RUN.clips.num_frames).metrics()
    assert same_record(report.described["bundle"], again)
    assert same_record(report.bundle.metrics, evaluate.evaluate(model.with_descriptions({}), dataset, 2).metrics())

    (tmp_path / "report.json").write_text(report.to_json())
    read = read_report(tmp_path / "report.json")
    assert read is not None and same_record(read.described, report.described)
    titles = [title for title, _ in _mean_rows(read)]
    assert (
        "Zero-shot CLIP, with descriptions of 2 labels" in titles and "Bundle, with descriptions of 2 labels" in titles
    )


def test_descriptions_change_nothing_of_what_is_trained(tiny_clip_folder: Path, tmp_path: Path):
    backbone = load_backbone(tiny_clip_folder, precision="float32")
    dataset = color_dataset(tmp_path)
    bundles = []
    for name, one in (("bare", dataset), ("told", replace(dataset, descriptions=TOLD))):
        train(RUN, one, out=tmp_path / name, checkpoint=tmp_path / f"{name}.checkpoint", backbone=backbone)
        bundles.append(load_bundle(tmp_path / name).bundle)
    assert all(bundles[0].tensors[name].equal(tensor) for name, tensor in bundles[1].tensors.items())
    assert bundles[0].manifest.metrics == bundles[1].manifest.metrics
    assert bundles[0].manifest.used.data == bundles[1].manifest.used.data
