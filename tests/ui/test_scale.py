"""A home that is full: every page is drawn in part, from a bounded number of queries, whatever there is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any, TypeAlias

import pytest

from benchmarks.full_home import Scale, fill_home
from ga2app.paths import PROJECT, Home
from ga2app.web.pages.library.library_view import PAGE

from .studios import LABELS, draw_clip

SCREENS = ("Recognize", "Datasets", "Anchors", "Train", "Runs", "Library")
SCALES = {
    "large": Scale(runs=120, clips=800, negatives=300, bundles=30, anchors=100, steps=30),
    "small": Scale(runs=30, clips=100, negatives=60, bundles=14, anchors=30, steps=30),
}
MAX_QUERIES = 80
"""For one page. What matters more is that it does not grow: a query a row would be 200 and more."""

MAX_CHARACTERS = 400_000

Found: TypeAlias = dict[str, dict[str, dict[str, Any]]]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """What opening each page took: in a full home, and in one with a fraction of everything."""
    homes = [Home(tmp_path_factory.mktemp(name) / "studio") for name in SCALES]
    for home, scale in zip(homes, SCALES.values(), strict=True):
        files = [str(draw_clip(home.examples / f"{label.replace(' ', '-')}.mp4")) for label in LABELS]
        fill_home(home, files, scale)
    paths = os.pathsep.join([str(PROJECT), str(PROJECT / "tests")])
    answer = subprocess.run(
        [sys.executable, "-m", "ui.scale", *(str(home.root) for home in homes)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": paths},
    )
    assert answer.returncode == 0, answer.stderr
    return dict(zip(SCALES, map(json.loads, answer.stdout.splitlines()[-2:]), strict=True))


@pytest.mark.parametrize("screen", SCREENS)
def test_a_page_of_a_full_home_asks_little_and_draws_little(found: Found, screen: str) -> None:
    large, small = found["large"][screen], found["small"][screen]
    asked = large["queries"]
    assert len(asked) <= MAX_QUERIES, "\n".join(asked)
    assert len(asked) <= len(small["queries"]) + 5, "\n".join(asked)
    assert large["characters"] < MAX_CHARACTERS


def test_a_page_of_the_library_is_never_longer_than_its_page(found: Found) -> None:
    assert found["large"]["Library"]["bundles"] == found["small"]["Library"]["bundles"] == PAGE


def test_the_page_itself_hardly_grows_with_what_there_is(found: Found) -> None:
    assert found["large"]["page"]["characters"] < found["small"]["page"]["characters"] + 100_000
