"""How cost grows is measured at several sizes, kept in a file beside the script, and drawn from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import growth, growth_plot


def test_the_exponent_tells_linear_from_quadratic() -> None:
    assert growth.Curve("x", "", [1, 10, 100], [5.0, 6.0, 60.0]).exponent == pytest.approx(1)
    assert growth.Curve("x", "", [10, 20], [1.0, 4.0]).exponent == pytest.approx(2)
    assert growth.Curve("x", "", [7], [1.0]).to_dict()["exponent"] is None


@pytest.mark.parametrize("name", ["labels", "clips", "runs"])
def test_each_axis_is_measured_at_every_size(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "TURNS", 1)
    measure, _, small = growth.AXES[name]
    curves = measure(small, tmp_path)
    assert curves and all(curve.sizes == list(small) and min(curve.seconds) > 0 for curve in curves)
    assert all(f"{size:,}: " in growth.row_of(curve) for curve in curves for size in small)


# Between linear and quadratic: timings at two sizes are rough, and large ones leave the processor's cache.
STEEPEST = 1.5


def test_the_kept_measurement_has_every_axis_and_nothing_in_it_is_quadratic(tmp_path: Path) -> None:
    document: dict[str, Any] = json.loads((growth.PROJECT / "benchmarks" / "growth.json").read_text())
    measured = {curve["axis"] for curve in document["curves"]}
    assert {"frames", "labels", "prompt tokens", "clips", "runs"} <= measured
    assert [curve["title"] for curve in document["curves"] if (curve["exponent"] or 0) > STEEPEST] == []
    growth_plot.draw(document, tmp_path / "growth.svg")
    drawn = (tmp_path / "growth.svg").read_text()
    assert drawn.count('<g id="axes_') == len(measured)
