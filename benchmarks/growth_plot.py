"""Draws what growth.py measured: ``python benchmarks/growth_plot.py [FILE] [--out assets/pictures/growth.svg]``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

HERE = Path(__file__).resolve().parent
COLUMNS = 3


def draw(document: dict[str, Any], out: Path) -> None:
    """A panel an axis, both scales logarithmic; the gray line is what linear growth would be."""
    axes: dict[str, list[dict[str, Any]]] = {}
    for curve in document["curves"]:
        axes.setdefault(curve["axis"], []).append(curve)
    rows = -(-len(axes) // COLUMNS)
    with matplotlib.rc_context({"font.size": 9, "svg.hashsalt": "ga2"}):
        figure = Figure(figsize=(3.6 * COLUMNS, 3.1 * rows), layout="constrained")
        panels = figure.subplots(rows, COLUMNS, squeeze=False).flat
        for (name, curves), panel in zip(axes.items(), panels, strict=False):
            for curve in curves:
                panel.loglog(curve["sizes"], curve["seconds"], marker="o", markersize=4, label=curve["title"])
            sizes, highest = curves[0]["sizes"], max(curve["seconds"][-1] for curve in curves)
            panel.plot(sizes, [highest * size / sizes[-1] for size in sizes], color="0.7", linestyle="--", zorder=0)
            panel.set(xlabel=name, ylabel="seconds")
            panel.set_xticks(sizes, [f"{size:,}" for size in sizes])
            panel.minorticks_off()
            panel.legend(fontsize=7)
        for panel in panels:  # what is left of them
            panel.set_visible(False)
        figure.savefig(out, metadata={"Date": None} if out.suffix == ".svg" else None)


def main() -> None:
    """Read, draw, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, nargs="?", default=HERE / "growth.json")
    parser.add_argument("--out", type=Path, default=HERE.parent / "assets" / "pictures" / "growth.svg")
    chosen = parser.parse_args()
    draw(json.loads(chosen.file.read_text(encoding="utf-8")), chosen.out)


if __name__ == "__main__":
    main()
