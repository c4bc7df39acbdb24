"""Mean and standard deviation over draws, and what a report says of them."""

from __future__ import annotations

import json
import math

import pytest

from ga2app.evaluation import spread
from ga2app.protocols.few_shot_draws import DrawFigures, Report, Series


def test_the_deviation_is_that_of_a_sample():
    # mean 80; deviations -2, 0, 2: sqrt((4 + 0 + 4) / (3 - 1)) = 2, where dividing by 3 would give 1.63
    found = spread([78, 80, 82])
    assert found.mean == 80 and found.std == pytest.approx(2, rel=1e-4)
    assert str(found) == "80.0 ± 2.0"


def test_a_single_draw_has_no_deviation():
    assert spread([81.25]).std is None and str(spread([81.25])) == "81.2"


def series() -> Series:
    draws = tuple(
        DrawFigures(f"seed-{seed}", seed, 16, 32, {"base": base, "novel": novel, "hm": hm}, {"base": {"clips": 4}})
        for seed, base, novel, hm in ((1, 80.0, 20.0, 32.0), (2, 60.0, 60.0, 60.0))
    )
    return Series("colors", {"base": 50.0, "novel": 50.0, "hm": 50.0}, draws, {"base": {"clips": 4}})


def test_hm_is_averaged_over_the_draws_and_not_taken_of_the_averages():
    # (32 + 60) / 2 = 46; the harmonic mean of 70 and 40 would be 50.9
    assert series().spread()["hm"].mean == pytest.approx(46, rel=1e-4)
    assert series().spread()["hm"].std == pytest.approx(math.sqrt(2 * 14**2), rel=1e-4)


def test_a_report_is_plain_json_with_the_details_or_without():
    report = Report("base-to-novel", "colors", "1x1", {"backbone": "tiny"}, (series(),))
    whole, short = (json.loads(json.dumps(report.to_dict(details=details))) for details in (True, False))
    assert whole["series"][0]["draws"][0]["details"] == {"base": {"clips": 4}} == whole["series"][0]["plain_details"]
    assert "details" not in short["series"][0]["draws"][0] and "plain_details" not in short["series"][0]
    assert short["series"][0]["mean"]["novel"] == 40 and short["series"][0]["std"]["novel"] == pytest.approx(
        28.2842712, rel=1e-4
    )
    assert [draw["seed"] for draw in short["series"][0]["draws"]] == [1, 2]
    assert short["protocol"] == "base-to-novel" and short["config"] == {"backbone": "tiny"}
