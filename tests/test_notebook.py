"""The notebook runs from top to bottom: its cells as one program, and each prints the words that are stored with it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ga2app.bundles import load_folder
from ga2app.paths import PROJECT

NOTEBOOK = PROJECT / "docs" / "tour.ipynb"
NEXT = "~~~ next cell ~~~"
MOST_BYTES = 50_000


@pytest.fixture(scope="module")
def cells() -> list[dict[str, Any]]:
    document = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert (document["nbformat"], document["metadata"]["kernelspec"]["name"]) == (4, "python3")
    found: list[dict[str, Any]] = document["cells"]
    return found


def printed_words(text: str) -> set[str]:
    return set(re.findall(r"[A-Za-z]{2,}", text))


def stored(cell: dict[str, Any]) -> str:
    """What the cell printed when the notebook was saved."""
    return "".join(line for output in cell["outputs"] for line in output.get("text", []))


@pytest.mark.documents
def test_its_cells_run_in_order_and_print_what_is_stored_with_them(cells: list[dict[str, Any]], tmp_path: Path):
    codes = [cell for cell in cells if cell["cell_type"] == "code"]
    assert len(codes) == 6
    pictures = "import matplotlib.pyplot as plt\nprint(len(plt.get_fignums()), 'pictures')"
    script = f"\nprint({NEXT!r})\n".join(["".join(cell["source"]) for cell in codes] + [pictures])
    (tmp_path / "tour.py").write_text(script, encoding="utf-8")
    said = subprocess.run(
        [sys.executable, "tour.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(PROJECT), "MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    *printed, last = said.stdout.split(NEXT)
    # Labels beside the best ones may change with the arithmetic of a machine; the rest may not.
    for cell, text in zip(codes, printed, strict=True):
        assert printed_words(stored(cell).split("\n")[0]) <= printed_words(text), text
    assert last.strip() == "2 pictures"
    bundle = load_folder(tmp_path / "tour" / "bundle").manifest
    assert (len(bundle.base), len(bundle.novel)) == (8, 8)
    assert f"{bundle.metrics['hm']:.1f}" in printed[4] and f"{bundle.zero_shot['hm']:.1f}" in printed[4]


def test_what_is_stored_with_it_is_small_and_names_no_machine(cells: list[dict[str, Any]]):
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert len(text) < MOST_BYTES and "/tmp" not in text and "/home" not in text
    assert sum("image/png" in output.get("data", {}) for cell in cells for output in cell.get("outputs", ())) == 2
    assert all(not re.search(r"Traceback|Warning", stored(cell)) for cell in cells if "outputs" in cell)


def test_its_links_lead_somewhere(cells: list[dict[str, Any]]):
    prose = "".join(line for cell in cells if cell["cell_type"] == "markdown" for line in cell["source"])
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", prose)
    assert targets and all((NOTEBOOK.parent / target).exists() for target in targets)
