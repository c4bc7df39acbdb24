"""Settings files as people have them, and presets for other numbers of epochs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ga2app.config import RunConfig, preset, with_shorter_warmup
from ga2app.config.effective_config import Steps, steps_of, warmup_faults
from ga2app.config.settings_files import LARGEST_BYTES, read_settings_file
from ga2app.errors import ConfigError

TEXT = json.dumps(preset("quick").to_dict())


def fault(path: Path) -> tuple[str, str]:
    with pytest.raises(ConfigError) as caught:
        read_settings_file(path, path.name)
    (only,) = caught.value.faults
    return only.field, only.message


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_settings_are_read_in_any_encoding_that_editors_write(encoding: str, tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_bytes(TEXT.encode(encoding))
    assert RunConfig.from_dict(read_settings_file(file)) == preset("quick")


def test_a_section_that_stands_twice_is_a_fault_and_no_loss(tmp_path: Path) -> None:
    file = tmp_path / "twice.json"
    file.write_text('{"optimizer": {"epochs": 3}, "optimizer": {"learning_rate": 0.01}}')
    assert fault(file) == ("optimizer", "stands twice in twice.json, and only one of them can count; keep one")
    file.write_text('{"optimizer": {"epochs": 3, "epochs": 4}}')
    assert fault(file)[0] == "epochs"


def test_a_file_that_is_not_there_or_no_file_is_named_in_plain_words(tmp_path: Path) -> None:
    assert fault(tmp_path / "nothing.json") == (
        "nothing.json",
        "there is no such file; train --preset quick --print-config, and Save settings on Train, write one, and "
        "--preset needs none",
    )
    assert fault(tmp_path)[1].startswith("is a folder, not a file of settings")


def test_a_file_that_is_no_json_tells_the_place(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text('{\n  "shots": 4,\n}')
    assert fault(file)[1].startswith("is no JSON (line 3, column 1: ")
    file.write_bytes(b"\xff\xd8\xff\xe0 a picture")
    assert fault(file)[1].startswith("is no JSON text")
    file.write_text("[" * 100_000)
    assert fault(file)[1].startswith("is no JSON text")
    file.write_bytes(b" " * (LARGEST_BYTES + 1))
    assert fault(file)[1].startswith("cannot be read (it is larger than 1 MB)")


def test_the_manifest_of_a_bundle_holds_settings(tmp_path: Path) -> None:
    file = tmp_path / "bundle.json"
    file.write_text(json.dumps({"format_version": 1, "config": {"shots": 3}}))
    assert read_settings_file(file) == {"shots": 3}


def test_the_warm_up_of_a_preset_fits_fewer_epochs() -> None:
    shorter = with_shorter_warmup(preset("quick").to_dict(), 2)
    assert shorter["optimizer"]["warmup_epochs"] == pytest.approx(1 / 3, rel=1e-4)
    assert with_shorter_warmup(preset("quick").to_dict(), 60)["optimizer"]["warmup_epochs"] == 2.0
    assert with_shorter_warmup(preset("quick").to_dict(), "many") == preset("quick").to_dict()


def test_a_warm_up_that_takes_every_step_is_a_fault() -> None:
    """12 clips in steps of 64 are 1 step an epoch, 0.9 of it is rounded to 1: all of the run at a rate of 0."""
    optimizer = replace(preset("quick").optimizer, epochs=1, warmup_epochs=0.9, batch_size=64)
    assert steps_of(optimizer, 12) == Steps(1, 1, 1)
    (only,) = warmup_faults(optimizer, 12)
    assert only.field == "optimizer.warmup_epochs"
    assert only.message.startswith("takes the only step of the run (12 training clips, 64 a step)")
    assert warmup_faults(replace(optimizer, epochs=3), 12) == []
    assert warmup_faults(replace(optimizer, warmup_epochs=0.4), 12) == []
