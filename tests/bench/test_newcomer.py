"""The benchmark starts the real app, trains through its queue and recognizes, and tells how long each took."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.newcomer import format_table, measure
from ga2app.paths import PROJECT, Home
from tests.demo import link_demo


@pytest.mark.documents
def test_what_a_newcomer_waits_for_is_measured_and_told_as_the_document_shows(tmp_path: Path, drawn_demo: Path) -> None:
    home = Home(tmp_path)
    link_demo(drawn_demo, home)
    seconds = measure(home, epochs=3)
    assert 0 < seconds["app_answers_s"] <= seconds["drawing_s"]
    assert seconds["quick_training_s"] > seconds["recognition_s"] > 0
    shown = re.search(r"make bench-newcomer\n(.*?)```", (PROJECT / "docs" / "studio.md").read_text(), re.DOTALL)
    assert shown and re.sub(r"[\d.]+", "", shown[1]).split() == re.sub(r"[\d.]+", "", format_table(seconds)).split()
