"""The published figures beside those of a protocol, which ``protocol`` prints and the guide has as a table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ga2app.cli.protocol import _published_table, published
from ga2app.config import PRESETS
from ga2app.config.presets import PAPER_RUNS

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "reproduce.md"


@pytest.mark.parametrize("preset", PAPER_RUNS)
def test_every_hm_that_was_published_is_the_harmonic_mean_of_its_two_sides(preset: str) -> None:
    rows = published("base-to-novel", preset)
    assert rows[0].method == "GA²-CLIP" and {"FROSTER", "TC-CLIP"} < {row.method for row in rows}
    for row in rows:
        base, novel, hm = row.figures
        assert hm == pytest.approx(2 * base * novel / (base + novel), abs=0.15), row  # of figures rounded to 0.1


def test_only_a_preset_of_the_paper_has_published_figures_and_only_of_what_was_published() -> None:
    assert [preset for preset in PRESETS if published("base-to-novel", preset)] == sorted(PAPER_RUNS, key=PRESETS.index)
    assert published("few-shot", "paper-k400") == published("cross-dataset", "paper-hmdb") == []
    assert [row.method for row in published("few-shot", "paper-ucf")] == ["GA²-CLIP", "ViFi-CLIP prompting"]


def test_the_table_says_what_the_figures_are_and_how_the_class_names_were_read() -> None:
    lines = _published_table("base-to-novel", published("base-to-novel", "paper-ucf")).splitlines()
    assert lines[0].split() == ["published", "base", "novel", "HM", "class", "names", "tuned"]
    assert lines[1].split() == ["GA²-CLIP", "96.8", "75.2", "84.6", "as", "published", "prompts"]
    assert (
        lines[-1]
        == "GA²-CLIP as published: one draw, best epoch on the test clips; above: the last epoch of every draw"
    )


@pytest.mark.parametrize("protocol", ["base-to-novel", "few-shot"])
def test_the_guide_has_every_published_row(protocol: str) -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    between = " / " if protocol == "base-to-novel" else ", "
    for preset in PAPER_RUNS:
        for row in published(protocol, preset):
            figures = between.join(f"{one:.1f}" for one in row.figures)
            line = rf"^\| {re.escape(row.method)}[ ,].*{re.escape(figures)}"
            assert re.search(line, guide, re.MULTILINE), (row, preset)
