"""What nobody should send costs one line, at whichever door it comes in: pipes, half characters, numbers, formulas."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from ga2app import bundles
from ga2app.bundles.bundle_zip import find_entries, pack, take_in
from ga2app.bundles.checkpoints.checkpoint_reader import read_checkpoint
from ga2app.clip import load_backbone
from ga2app.clip.files import find_clip, look_into
from ga2app.config import RunConfig
from ga2app.config.settings_files import load_settings
from ga2app.datasets.clip_files import check_file, content_digest
from ga2app.datasets.clip_table import read_table
from ga2app.datasets.drafts import finished
from ga2app.datasets.import_report import ImportReport, report_csv
from ga2app.datasets.label_list import read_label_list
from ga2app.errors import BundleError, ConfigError, LabelError, StoreError, StudioError
from ga2app.inference import Recognizer, load_bundle
from ga2app.inference.answer_notes import check_templates
from ga2app.labels import check_labels, parse_labels
from ga2app.paths import SKETCH_CLIP, SKETCH_HARD_PROMPT, Home
from ga2app.services.anchor_pools import named_pool, write_lines
from ga2app.services.clip_inspector import VideoInspector
from ga2app.services.dataset_export import export_csv
from ga2app.services.import_sources import FileSource, path_at
from ga2app.services.negatives import NegativePromptService
from ga2app.services.recognition_service import Results
from ga2app.services.run_curves import curves_csv
from ga2app.services.uploads import keep_upload
from ga2app.store import Store
from ga2app.store.anchor_rows import NegativeEntry, NegativeRow
from ga2app.store.import_records import ImportState
from ga2app.store.prompt_files import read_prompts, write_prompts
from ga2app.types import (
    AnchorClip,
    BundleCard,
    Dataset,
    Event,
    EventKind,
    LabelledClip,
    Recognition,
    RecognizedClip,
    Subset,
)
from ga2app.web.pages.recognize.recognize_view import answer_csv
from tests.clips import write_color_clip
from tests.intake.zips import import_service

HALF = "\udce9"
"""What Python makes of the é of a name in Latin-1."""


def one_line(caught: pytest.ExceptionInfo[StudioError]) -> str:
    told = str(caught.value)
    assert "\n" not in told and len(told) < 1000 and told.encode()
    return told


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle as this version saves it."""
    bundles.save(bundles.load_folder(SKETCH_HARD_PROMPT), tmp_path / "bundle")
    return tmp_path / "bundle"


def with_pipe(folder: Path, name: str) -> Path:
    """A copy of a shipped folder in which the file ``name`` is a pipe."""
    source = SKETCH_CLIP if name.endswith("config.json") or name == "pipe" else SKETCH_HARD_PROMPT
    shutil.copytree(source, folder / "copy")
    (folder / "copy" / name).unlink(missing_ok=True)
    os.mkfifo(folder / "copy" / name)
    return folder / "copy"


OPENED: dict[str, Callable[[Path, Path], Any]] = {
    "a clip": lambda pipe, _: content_digest(pipe),
    "an upload": lambda pipe, folder: keep_upload(Home(folder / "home"), pipe),
    "a list of clips": lambda pipe, _: read_table(pipe),
    "a pool of anchors": lambda pipe, _: _pool(pipe),
    "a zipped bundle": lambda pipe, _: find_entries(pipe),
    "a bundle to import": lambda pipe, folder: take_in(pipe, folder / "shelf"),
    "a bundle's manifest": lambda _, folder: bundles.load_folder(with_pipe(folder, "bundle.json")),
    "a bundle's prompts": lambda _, folder: bundles.load_folder(with_pipe(folder, "prompts.safetensors")),
    "a checkpoint": lambda pipe, _: read_checkpoint(pipe),
    "settings": lambda pipe, _: load_settings(pipe),
    "negative prompts": lambda pipe, _: NegativePromptService.import_prompts(None, str(pipe)),  # type: ignore[arg-type]
    "a backbone's settings": lambda _, folder: find_clip(str(with_pipe(folder, "preprocessor_config.json"))),
    "anything in a backbone": lambda _, folder: look_into(with_pipe(folder, "pipe"), "backbone"),
}


def _pool(pipe: Path) -> None:
    raise StudioError("no file") if named_pool(str(pipe), lambda name: None) else AssertionError


@pytest.mark.parametrize("what", OPENED)
def test_a_pipe_in_place_of_a_file_is_refused_and_nothing_waits_for_it(tmp_path: Path, what: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StudioError) as caught:
        OPENED[what](tmp_path / "pipe", tmp_path)
    told = one_line(caught)
    assert any(text in told for text in ("ordinary file", "no folder or CSV file")), told


def test_a_pipe_in_place_of_a_label_list_is_a_fault(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "labels.csv")
    problems: list[Any] = []
    assert read_label_list(tmp_path / "labels.csv", problems) is None
    assert "it is a named pipe, not an ordinary file" in str(problems[0])
    assert "named pipe" in check_file(str(tmp_path / "labels.csv")).reason


@pytest.fixture
def store(tmp_path: Path) -> Any:
    with Store.open(Home(tmp_path / "home")) as store:
        yield store


def test_pipes_and_names_that_are_not_utf_8_among_clips_are_left_out_and_the_rest_is_imported(
    tmp_path: Path, store: Store
) -> None:
    root = tmp_path / "clips"
    for number, label in enumerate(("walking", "running")):
        (root / label).mkdir(parents=True)
        for part in range(2):
            write_color_clip(root / label / f"{part}.mp4", (200, 40 * number, 40 * part), seed=number)
    os.mkfifo(root / "walking" / "pipe.mp4")
    odd = os.path.join(os.fsencode(root), b"caf\xe9")
    os.mkdir(odd)
    shutil.copy(root / "walking" / "0.mp4", os.path.join(odd, b"clip.mp4"))
    shutil.copy(root / "walking" / "0.mp4", os.path.join(os.fsencode(root / "walking"), b"na\xefve.mp4"))
    service = import_service(Home(tmp_path / "home"), store, VideoInspector())
    row = service.wait(service.start(FileSource(root)))
    assert row.state is ImportState.DONE and row.report is not None
    assert (row.report["clips"], row.report["base"]) == (4, 2)
    told = {flaw["file"]: flaw["reason"] for flaw in row.report["flaws"]}
    assert "it is a named pipe, not an ordinary file" in told["walking/pipe.mp4"]
    assert [reason for reason in told.values() if reason == "its name is not UTF-8 text"]
    json.dumps(row.report, ensure_ascii=False).encode()  # as the page and the API send it


NAMED: dict[str, Callable[[Store, str], Any]] = {
    "a label": lambda _, text: parse_labels(f"walking, {text}"),
    "a list of labels": lambda _, text: check_labels(["walking", text]),
    "a template": lambda _, text: check_templates(text + "{}"),
    "a data set in settings": lambda _, text: RunConfig(dataset=text),
    "groups in settings": lambda _, text: RunConfig.from_dict({"negatives": [text]}),
    "a key of settings": lambda _, text: RunConfig.from_dict({text: 1}),
    "an anchor set": lambda store, text: store.anchors.create(text),
    "a caption": lambda store, text: store.anchors.set_caption(1, text),
    "a group": lambda store, text: store.negatives.create_group(text),
    "a negative prompt": lambda store, text: store.negatives.add(1, [text]),
    "negative prompts from a file": lambda store, text: store.negatives.put([NegativeEntry("group", text, True)]),
    "a run": lambda store, text: store.runs.rename(1, text),
    "a bundle": lambda store, text: store.bundles.rename("folder", text),
    "a data set": lambda store, text: store.datasets.get(text),
    "a place": lambda _, text: path_at(text, "folder"),
    "a backbone": lambda _, text: find_clip(text),
}


@pytest.mark.parametrize("what", NAMED)
def test_half_a_character_is_refused_where_it_comes_in(store: Store, what: str) -> None:
    with pytest.raises(StudioError) as caught:
        NAMED[what](store, f"caf{HALF}")
    assert "caf?" in one_line(caught) or "half a character" in one_line(caught)


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "~nobody-of-that-name/x"])
def test_a_name_that_no_file_can_have_is_refused_where_a_path_comes_in(name: str) -> None:
    for read in (find_clip, lambda text: path_at(text, "folder"), lambda text: named_pool(text, lambda name: None)):
        with pytest.raises(StudioError) as caught:
            read(name)
        one_line(caught)


def test_control_characters_are_refused_in_names_and_are_spaces_in_labels(store: Store) -> None:
    with pytest.raises(StoreError, match=r"the name 'a\?b' holds a control character \(U\+001B\); take it out"):
        store.anchors.create("a\x1bb")
    assert parse_labels("a\x1bb, c\td") == ["a b", "c d"]


def test_half_a_character_in_a_row_of_an_old_database_does_not_fail_the_list(store: Store) -> None:
    for folder in ("old", "new"):
        labels = ("a", f"b{HALF}" if folder == "old" else "b")
        card = BundleCard(folder, folder, "sketch", labels, (), {}, {}, "imported")
        store.bundles.add(card)
    assert [card.base for card in store.bundles.list()] == [("a", "b"), ("a", "b?")]


def numbers_of(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "prompts.safetensors")


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (float("nan"), "prompts.safetensors holds numbers that are not finite; get a fresh copy"),
        (float("-inf"), "prompts.safetensors holds numbers that are not finite; get a fresh copy"),
        (3e38, r"'soft' in prompts.safetensors holds 3e\+38, and a tower can compute with at most 65,504"),
    ],
)
def test_a_number_that_no_tower_computes_with_is_refused_in_a_bundles_folder(
    bundle: Path, number: float, told: str
) -> None:
    tensors = numbers_of(bundle)
    tensors["soft"][0, 0] = number
    save_file(tensors, bundle / "prompts.safetensors")
    with pytest.raises(BundleError, match=told) as caught:
        load_bundle(bundle)
    one_line(caught)


def test_a_changed_byte_in_a_bundles_folder_is_told(bundle: Path, tmp_path: Path) -> None:
    whole = (bundle / "prompts.safetensors").read_bytes()
    (bundle / "prompts.safetensors").write_bytes(whole[:-3] + bytes([whole[-3] ^ 1]) + whole[-2:])
    with pytest.raises(BundleError, match="prompts.safetensors is not as it was written: it was changed"):
        load_bundle(bundle)
    (bundle / "prompts.safetensors").write_bytes(whole)
    manifest = (bundle / "bundle.json").read_text()
    (bundle / "bundle.json").write_text(manifest.replace('"steps": ', '"steps": 1'))
    with pytest.raises(BundleError, match="bundle.json is not as it was written"):
        load_bundle(bundle)
    (bundle / "bundle.json").write_text(manifest)
    pack(bundle, tmp_path / "renamed.zip", name="another name")
    card, fresh = take_in(tmp_path / "renamed.zip", tmp_path / "shelf")
    assert fresh and load_bundle(card.folder).manifest.name == "another name"


def test_a_bundle_has_the_same_bytes_each_time_it_is_saved(bundle: Path, tmp_path: Path) -> None:
    for number in range(8):
        bundles.save(bundles.load_folder(bundle), tmp_path / str(number))
        for name in ("prompts.safetensors", "bundle.json"):
            assert (tmp_path / str(number) / name).read_bytes() == (bundle / name).read_bytes()


def test_a_bundle_of_an_earlier_version_tells_no_digests_and_is_read() -> None:
    assert bundles.load_folder(SKETCH_HARD_PROMPT).manifest.name


def test_a_backbone_that_computes_no_number_is_an_error_and_not_an_empty_score(tmp_path: Path) -> None:
    clip = write_color_clip(tmp_path / "clip.mp4", (200, 40, 40), seed=1)
    backbone = load_backbone("sketch")
    kept = backbone.clip.visual_projection.weight.detach().clone()
    try:
        backbone.clip.visual_projection.weight.data.fill_(float("nan"))
        with pytest.raises(StudioError, match="backbone 'sketch' computes no number for a clip") as caught:
            Recognizer(backbone).recognize([clip], ["jumping", "dancing"])
        one_line(caught)
    finally:
        backbone.clip.visual_projection.weight.data.copy_(kept)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"seed": 10**400}, "must be at most 9,223,372,036,854,775,807 (it is a number of more than 18 digits)"),
        ({"optimizer": {"learning_rate": 10**400}}, "must be a number (it is a number of more than 18 digits)"),
        ({"shots": 10**30}, "must be at most"),
        ({"processes": "9" * 5000}, "must be auto or a number of processes"),
        ({"device": ["cpu"] * 10**5}, "must be text (it is ['cpu'"),
        ({"threads": {"a": 1}}, "must be a whole number or a word"),
        ({"negatives": 10**5000}, "must be a list (it is a number of more than 18 digits)"),
        ({"optimizer": {"warmup_epochs": float("inf")}}, "must be 0 or more and below epochs"),
        ([[[[1]]]], "must be a JSON object"),
    ],
)
def test_numbers_beyond_all_numbers_in_settings_are_one_line_each(settings: Any, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        RunConfig.from_dict(settings)
    assert told in one_line(caught)


def test_settings_that_are_nested_without_end_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text('{"a":' * 50_000)
    with pytest.raises(ConfigError, match="is no JSON text: it is nested more than 100 deep") as caught:
        load_settings(tmp_path / "settings.json")
    one_line(caught)


def test_a_file_of_negative_prompts_is_read_back_with_its_formulas_as_they_were() -> None:
    texts = ["=HYPERLINK(1)", "+1", "-a", "@x", "'quoted", "'=a", "a, b"]
    rows = [NegativeRow(1, 1, "=group", text, True, None) for text in texts]
    written = write_prompts(rows)
    assert all(not cell.startswith(tuple("=@")) for row in csv.reader(io.StringIO(written)) for cell in row)
    read = read_prompts(written.encode())
    assert [(entry.group, entry.text) for entry in read.entries] == [("=group", text) for text in texts]


def test_a_label_of_a_megabyte_is_a_short_message() -> None:
    with pytest.raises(LabelError) as caught:
        parse_labels("x" * 2**20 + HALF)
    one_line(caught)


FORMULA = "=HYPERLINK(1)"


def test_the_six_files_that_a_spreadsheet_opens_hold_no_formula_and_are_read_back(tmp_path: Path, store: Store) -> None:
    clip = write_color_clip(tmp_path / "=clip.mp4", (200, 40, 40), seed=1)
    clips = (LabelledClip(clip, FORMULA, Subset.TRAIN), LabelledClip(clip, "+walk", Subset.TEST))
    dataset = Dataset("set", (FORMULA, "+walk"), (), clips, (AnchorClip(clip, "@wall"),), ("-nothing",))
    exported = export_csv(tmp_path, dataset)
    read = finished(read_table(exported))[0]
    assert (read.base, read.clips, read.anchors, read.negatives) == (
        dataset.base, dataset.clips, dataset.anchors, dataset.negatives,
    )  # fmt: skip
    write_lines(tmp_path / "anchors.csv", [(clip, "@wall", "", "anchor")])
    assert named_pool(str(tmp_path / "anchors.csv"), lambda name: None) == [AnchorClip(clip, "@wall")]
    run_id = store.runs.queue(RunConfig(), name=FORMULA)
    store.runs.append(run_id, Event(EventKind.STEP, 1, {"total": -0.5}))
    report = ImportReport("set")
    report.left_out("=clip.mp4", "+walk", "@reason", "-fix")
    answer = Results(Recognition("sketch", (RecognizedClip(file="=clip.mp4", error="@gone"),)), FORMULA)
    texts = [
        exported.read_text(), (tmp_path / "anchors.csv").read_text(), curves_csv(store, [store.runs.get(run_id)]),
        report_csv(report.to_dict()), answer_csv(answer, {0: "-walk"}),
        write_prompts([NegativeRow(1, 1, "=group", "+text", True, None)]),
    ]  # fmt: skip
    cells = [cell for text in texts for row in csv.reader(io.StringIO(text)) for cell in row]
    assert "-0.5" in cells and sum(cell.startswith("'") for cell in cells) >= 14
    assert [cell for cell in cells if cell.startswith(tuple("=+@")) or (cell.startswith("-") and cell != "-0.5")] == []
