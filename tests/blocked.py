"""An interpreter in which some packages cannot be imported, as where they were never installed."""

from __future__ import annotations

import os
from pathlib import Path


def without(folder: Path, *packages: str, paths: tuple[Path | str, ...] = ()) -> dict[str, str]:
    """The environment of a process that fails to import ``packages`` and finds others in ``paths`` first."""
    for package in packages:
        (folder / package).mkdir(parents=True)
        refusal = f"raise ModuleNotFoundError(\"No module named '{package}'\", name='{package}')\n"
        (folder / package / "__init__.py").write_text(refusal, encoding="utf-8")
    return os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (folder, *paths)))}
