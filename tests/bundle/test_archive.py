"""A bundle goes into a zip and comes out of it, and whatever else is in a zip is refused."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import struct
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from ga2app import bundles
from ga2app.bundles.bundle_zip import free_name, pack, take_in
from ga2app.bundles.manifest import to_json
from ga2app.errors import BundleError
from ga2app.paths import SKETCH_HARD_PROMPT
from ga2app.types import Conditions

FILES = ["bundle.json", "prompts.safetensors", "README.md"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A real bundle: the embedded one, in a folder of its own."""
    return Path(shutil.copytree(SKETCH_HARD_PROMPT, tmp_path / "source"))


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    return tmp_path / "shelf"


def zipped(folder: Path, *extra: tuple[str | zipfile.ZipInfo, bytes], skip: str = "", inside: str = "") -> Path:
    """The files of ``folder`` as anybody would zip them, with ``extra`` entries."""
    out = folder.parent / "upload.zip"
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in folder.iterdir():
            if path.name != skip:
                archive.write(path, inside + path.name)
        for name, data in extra:
            archive.writestr(name, data)
    return out


def refused(archive: Path, shelf: Path, match: str) -> str:
    with pytest.raises(BundleError, match=match) as caught:
        take_in(archive, shelf)
    assert list(shelf.iterdir()) == [] if shelf.exists() else True
    return str(caught.value)


def edit(folder: Path, **changes: Any) -> None:
    path = folder / "bundle.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_packing_twice_gives_the_same_bytes_of_the_bundles_own_files(folder: Path, tmp_path: Path) -> None:
    (folder / "notes.txt").write_text("private")
    pack(folder, tmp_path / "one.zip")
    os.utime(folder / "bundle.json", (0, 0))
    pack(folder, tmp_path / "two.zip")
    one, two = ((tmp_path / name).read_bytes() for name in ("one.zip", "two.zip"))
    assert hashlib.sha256(one).digest() == hashlib.sha256(two).digest()
    assert zipfile.ZipFile(tmp_path / "one.zip").namelist() == FILES
    assert not list(tmp_path.glob(".*"))


def test_what_is_no_bundle_is_not_packed(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is not a prompt bundle"):
        pack(tmp_path, tmp_path / "out.zip")
    assert not (tmp_path / "out.zip").exists()


def test_a_packed_bundle_comes_back_whole(folder: Path, tmp_path: Path, shelf: Path) -> None:
    pack(folder, tmp_path / "b.zip")
    card, fresh = take_in(tmp_path / "b.zip", shelf)
    assert fresh and (card.name, card.origin, card.method, card.seed) == (
        "sketch-hard-prompt",
        "imported",
        "coop",
        1024,
    )
    placed = Path(card.folder)
    assert placed == shelf / "sketch-hard-prompt" and [path.name for path in shelf.iterdir()] == [placed.name]
    assert bundles.load_folder(placed).manifest == bundles.load_folder(folder).manifest
    assert {path.name: path.read_bytes() for path in placed.iterdir()} == {
        path.name: path.read_bytes() for path in folder.iterdir()
    }


def test_a_bundle_goes_out_under_the_name_that_it_was_given_and_its_files_stay(
    folder: Path, tmp_path: Path, shelf: Path
) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    pack(folder, tmp_path / "b.zip", name="Run 3: draws · seed 1024")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    card, fresh = take_in(tmp_path / "b.zip", shelf)
    assert fresh and card.name == "Run 3: draws · seed 1024" and Path(card.folder).name == "Run-3-draws-seed-1024"
    text = (Path(card.folder) / "README.md").read_text(encoding="utf-8")
    assert "\n# `Run 3: draws · seed 1024`\n" in text and text.count("Run 3: draws · seed 1024") == 2
    assert bundles.load_folder(card.folder).tensors.keys() == bundles.load_folder(folder).tensors.keys()
    # Whatever it is called, it is the same bundle.
    assert take_in(tmp_path / "b.zip", shelf, known=[str(folder)]) == (bundles.read_card(folder, "imported"), False)


def test_a_bundle_of_the_former_format_is_read_and_written_as_it_was(folder: Path) -> None:
    manifest = bundles.read_manifest(folder)
    assert manifest.format_version == 1 and manifest.used == Conditions() and manifest.trained == ()
    assert json.loads(to_json(manifest)).keys() == json.loads((folder / "bundle.json").read_text()).keys()


def test_a_folder_around_the_files_and_a_missing_card_are_let_pass(folder: Path, shelf: Path) -> None:
    archive = zipped(folder, ("colors/", b""), skip="README.md", inside="colors/")
    card, _ = take_in(archive, shelf)
    assert "with these prompts" in (Path(card.folder) / "README.md").read_text()


def test_the_same_bundle_is_told_and_not_kept_twice(folder: Path, shelf: Path) -> None:
    archive = zipped(folder)
    card, fresh = take_in(archive, shelf)
    again, fresh_again = take_in(archive, shelf, known=["/gone", card.folder])
    assert (fresh, fresh_again) == (True, False) and again.folder == card.folder
    assert len(list(shelf.iterdir())) == 1


def test_another_bundle_of_the_same_name_gets_a_number(folder: Path, shelf: Path) -> None:
    take_in(zipped(folder), shelf)
    edit(folder, steps=7)
    card, fresh = take_in(zipped(folder), shelf, taken=["sketch-hard-prompt-2"])
    assert fresh and Path(card.folder).name == "sketch-hard-prompt-3"


def test_what_a_killed_import_has_left_is_dropped(folder: Path, shelf: Path) -> None:
    for name, age_s in ((".incoming-old", 7200), (".incoming-now", 0)):
        (shelf / name).mkdir(parents=True)
        os.utime(shelf / name, (time.time() - age_s,) * 2)
    take_in(zipped(folder), shelf)
    assert sorted(path.name for path in shelf.iterdir()) == [".incoming-now", "sketch-hard-prompt"]


@pytest.mark.parametrize(
    ("name", "folder_name"),
    [
        ("Köpfe & Bälle", "Kopfe-Balle"),
        ("../../etc", "etc"),
        ("跳", "bundle"),
        ("run-000003", "imported-run-000003"),
        ("Taken", "Taken-2"),
        ("x" * 300, "x" * 60),
    ],
)
def test_a_folder_name_is_plain_and_free_and_no_runs(name: str, folder_name: str) -> None:
    assert free_name(name, {"taken"}) == folder_name


def symlink(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.create_system, entry.external_attr = 3, 0o120777 << 16
    return entry


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("/etc/cron.d/job", "'/etc/cron.d/job' is an absolute path"),
        ("C:/evil", "'C:/evil' is an absolute path"),
        ("../bundle.json", "'../bundle.json' points outside of the bundle"),
        ("a\\b", r"is not a plain file name"),
        ("weights.pt", "'weights.pt' may run code when it is opened"),
        ("data.pkl", "'data.pkl' may run code"),
        ("run.py", "'run.py' does not belong to a bundle"),
        ("deeper/README.md", "'deeper/README.md' does not belong to a bundle"),
        (symlink("README.md"), "'README.md' is a link"),
    ],
)
def test_anything_but_the_files_of_a_bundle_is_refused_by_name(
    folder: Path, shelf: Path, name: str | zipfile.ZipInfo, told: str
) -> None:
    refused(zipped(folder, (name, b"/etc/passwd"), skip="README.md"), shelf, told)


def test_every_fault_is_named_at_once(folder: Path, shelf: Path) -> None:
    archive = zipped(folder, ("../x", b""), ("a.pkl", b""), ("b.txt", b""), skip="bundle.json")
    told = refused(archive, shelf, "is not kept")
    for reason in ("points outside", "may run code", "'b.txt' does not belong", "bundle.json is missing"):
        assert reason in told


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_that_is_there_twice_is_refused(folder: Path, shelf: Path) -> None:
    refused(zipped(folder, ("bundle.json", b"{}")), shelf, "'bundle.json' is there twice")


def test_a_zip_bomb_is_refused_before_it_is_unpacked(folder: Path, shelf: Path) -> None:
    bomb = zipped(folder, ("prompts.safetensors", bytes(64 << 20)), skip="prompts.safetensors")
    refused(bomb, shelf, "'prompts.safetensors' would grow more than 200 times")


def test_a_file_that_is_too_large_by_its_own_word_is_refused(folder: Path, shelf: Path) -> None:
    refused(zipped(folder, ("README.md", os.urandom(2 << 20)), skip="README.md"), shelf, "has 2 MiB, more than 1 MiB")


def test_a_file_that_lies_about_its_size_is_caught_while_unpacking(folder: Path, shelf: Path) -> None:
    archive = zipped(folder)
    data = bytearray(archive.read_bytes())
    place = data.find(b"PK\x01\x02")
    while data[place + 46 : place + 46 + 9] != b"README.md":
        place = data.find(b"PK\x01\x02", place + 1)
    data[place + 24 : place + 28] = struct.pack("<L", 10)
    archive.write_bytes(data)
    refused(archive, shelf, "is damaged")


def test_a_list_of_a_million_files_is_not_even_read(folder: Path, shelf: Path) -> None:
    archive = zipped(folder)
    data = bytearray(archive.read_bytes())
    end = data.rfind(b"PK\x05\x06")
    data[end + 12 : end + 16] = struct.pack("<L", 1 << 20)
    archive.write_bytes(data)
    refused(archive, shelf, "it lists far more than the three files")


@pytest.mark.parametrize("data", [b"", b"not a zip", b"PK\x05\x06", b"\x80\x04pickle" * 1000])
def test_what_is_no_zip_is_told(tmp_path: Path, shelf: Path, data: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(data)
    refused(tmp_path / "x.zip", shelf, "'x.zip' is not a zip file that can be read")


def test_a_damaged_or_encrypted_zip_is_told(folder: Path, shelf: Path) -> None:
    archive = zipped(folder)
    data = bytearray(archive.read_bytes())
    data[60:70] = b"0123456789"
    archive.write_bytes(data)
    refused(archive, shelf, "'upload.zip' is damaged")
    data = bytearray(zipped(folder).read_bytes())
    data[data.find(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(data)
    refused(archive, shelf, "is encrypted")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"format_version": 9}, "bundle 'upload.zip' has format version 9"),
        (
            {"name": {"a": 1}, "base": "walking", "metrics": {"hm": "<b>"}},
            "name: must be .*; base: must be .*; metrics: must",
        ),
        ({"metrics": {"hm": float("nan")}}, "it holds NaN, which is no number in JSON"),
        ({"backbone": {"name": "x", "fingerprint": "y", "sizes": {}}}, "does not say which backbone it is for"),
        ({"surprise": 1}, "missing or unknown: surprise"),
    ],
)
def test_a_manifest_that_does_not_hold_what_it_should_is_refused(
    folder: Path, shelf: Path, changes: dict[str, Any], told: str
) -> None:
    edit(folder, **changes)
    refused(zipped(folder), shelf, told)


def test_settings_that_would_fill_the_memory_are_refused(folder: Path, shelf: Path) -> None:
    config = json.loads((folder / "bundle.json").read_text())["config"]
    edit(folder, config=config | {"prompts": config["prompts"] | {"length": 10**9}})
    refused(zipped(folder), shelf, "asks for prompts of more than 1 GiB")


def test_a_manifest_that_nests_without_end_is_refused(folder: Path, shelf: Path) -> None:
    (folder / "bundle.json").write_text("[" * 200_000)
    refused(zipped(folder), shelf, "bundle.json cannot be read")


def test_tensors_that_do_not_fit_or_are_no_numbers_are_refused(folder: Path, shelf: Path) -> None:
    tensors = load_file(folder / "prompts.safetensors")
    save_file(tensors | {"soft": tensors["soft"][:1].clone()}, folder / "prompts.safetensors")
    refused(zipped(folder), shelf, r"soft has shape \(1, 128\) instead of \(8, 128\)")
    save_file(tensors | {"soft": torch.full_like(tensors["soft"], float("nan"))}, folder / "prompts.safetensors")
    refused(zipped(folder), shelf, "numbers that are not finite")
    (folder / "prompts.safetensors").write_bytes(b"\x80\x04pickle")
    refused(zipped(folder), shelf, "prompts.safetensors cannot be read")


def test_a_bundle_for_a_backbone_that_is_not_here_is_taken_in(folder: Path, shelf: Path) -> None:
    backbone = json.loads((folder / "bundle.json").read_text())["backbone"]
    edit(folder, backbone=backbone | {"name": "someone/clip"})
    card, fresh = take_in(zipped(folder), shelf)
    assert fresh and card.backbone == "someone/clip"


def test_what_a_bundle_says_of_itself_is_read(folder: Path) -> None:
    (folder / "README.md").write_bytes(b"# caf\xe9 " + b"x" * (2 << 20))
    facts = bundles.read_facts(folder, "imported")
    assert (facts.steps, facts.config["shots"], facts.backbone["fingerprint"]) == (1080, 16, "cba668e972894a5b")
    assert {name for name, _ in facts.files} == set(FILES) and len(facts.readme) == 1 << 20
    assert facts.card.size_bytes == sum(size for _, size in facts.files)
