"""``train``: what it says before it starts, what it refuses, and how it goes on."""

from __future__ import annotations

import json
import logging
import shutil
import sys
from pathlib import Path

import pytest

import ga2app.training
from ga2app.cli.main import main
from ga2app.config import RunConfig
from ga2app.paths import Home
from ga2app.services.named_datasets import anchored, find_dataset
from ga2app.types import Event, EventKind
from tests.commands import document, refused
from tests.demo import link_demo

QUICK = ("--preset", "quick", "--epochs", "2", "--shots", "2")


@pytest.fixture(autouse=True)
def _demo_is_there(drawn_demo: Path, tmp_path: Path) -> None:
    link_demo(drawn_demo, Home(tmp_path / "home"))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Class folders with four drawn clips of three actions."""
    folder = tmp_path_factory.mktemp("drawn")
    actions = "walking,riding a bicycle,flying a kite"
    assert main(["sketch", "generate", "--out", str(folder), "--actions", actions, "--clips", "4"]) == 0
    return folder


def train(folder: Path, out: Path, *more: str) -> list[str]:
    return ["train", *QUICK, "--dataset", str(folder), "--out", str(out), *more]


def test_a_bundle_is_replaced_only_where_that_is_asked_for(
    capsys: pytest.CaptureFixture[str], drawn: Path, tmp_path: Path
):
    out = tmp_path / "mine"
    document(capsys, *train(drawn, out), "--json")
    before = (out / "bundle.json").read_bytes()
    told = refused(capsys, *train(drawn, out, "--seed", "7"))
    assert f"'{out}' holds a bundle already; name another folder with --out, or replace it with --force" in told
    assert (out / "bundle.json").read_bytes() == before
    document(capsys, *train(drawn, out, "--seed", "7", "--force"), "--json")
    assert (out / "bundle.json").read_bytes() != before


def test_what_train_warns_of_on_the_screen_is_said_here_too(
    capsys: pytest.CaptureFixture[str], drawn: Path, tmp_path: Path
):
    coded = tmp_path / "coded"
    for number, folder in enumerate(sorted(drawn.iterdir())):
        shutil.copytree(folder, coded / str(number))
    assert main(train(coded, tmp_path / "bundle")) == 0
    notes = [line for line in capsys.readouterr().err.splitlines() if line.startswith("note: ")]
    told = "\n".join(notes)
    assert "fewer than" not in told and "gives 2 clips a label" in told
    assert "drawn scenes of the demo are borrowed" in told
    assert "are numbers or codes ('0', '1', '2')" in told


def test_whitening_that_will_be_off_is_told_once(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, drawn: Path, tmp_path: Path
):
    assert main(train(drawn, tmp_path / "mine", "--shots", "1")) == 0
    logged = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert "\n".join([capsys.readouterr().err, *logged]).lower().count("whitening") == 1, logged


def test_a_checkpoint_of_other_clips_is_refused_until_a_restart_is_asked_for(
    capsys: pytest.CaptureFixture[str], drawn: Path, tmp_path: Path
):
    """A run that was stopped leaves its checkpoint beside ``--out``."""
    folder, out = tmp_path / "clips", tmp_path / "mine"
    shutil.copytree(drawn, folder)
    settings = RunConfig.from_dict(document(capsys, *train(folder, out), "--print-config"))
    events: list[Event] = []
    ga2app.training.train(
        settings,
        anchored(settings, find_dataset(settings.dataset)),
        out=out,
        checkpoint=out.with_name("mine.checkpoint"),
        emit=events.append,
        should_stop=lambda: any(event.kind is EventKind.STEP for event in events),
    )
    assert out.with_name("mine.checkpoint").exists()
    shutil.rmtree(next(folder.glob("*kite*")))
    told = refused(capsys, *train(folder, out))
    assert "have changed since step" in told and "removed" in told and "--restart" in told
    assert document(capsys, *train(folder, out, "--restart"), "--json")["state"] == "done"


def test_a_device_and_a_precision_can_be_named(capsys: pytest.CaptureFixture[str]):
    config = document(
        capsys, "train", "--preset", "quick", "--device", "cpu", "--precision", "float32", "--print-config"
    )
    assert (config["device"], config["precision"]) == ("cpu", "float32")


def test_settings_that_are_not_there_are_told_in_plain_words(capsys: pytest.CaptureFixture[str]):
    assert "nothing.json: there is no such file" in refused(capsys, "train", "nothing.json")


def test_a_tracker_that_is_not_installed_is_refused_with_what_installs_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "trackio", None)
    monkeypatch.setitem(sys.modules, "accelerate", None)
    told = refused(capsys, "train", *QUICK, "--report-to", "trackio", "--out", str(tmp_path / "bundle"))
    assert "report_to: needs accelerate and trackio, not installed here: pip install accelerate trackio" in told
    assert not (tmp_path / "bundle").exists()


def test_what_the_page_would_mark_is_refused_before_a_clip_is_read_all_at_once(
    capsys: pytest.CaptureFixture[str], drawn: Path, tmp_path: Path
):
    settings = document(capsys, "train", "--preset", "full", "--print-config")
    settings["prompts"] |= {"text_depth": 9, "hard_prompt": "random"}
    settings |= {"anchors": "none", "dataset": str(drawn)}
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    told = refused(capsys, "train", str(tmp_path / "settings.json"), "--out", str(tmp_path / "bundle"))
    assert "prompts.text_depth: must be at most 3, the layers of that tower (it is 9)" in told
    assert "objective.keep: needs anchor clips and none are chosen" in told
    assert not (tmp_path / "bundle").exists()
