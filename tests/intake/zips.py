"""Archives for tests, good ones and hostile ones."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from ga2app.datasets.import_report import ImportReport
from ga2app.paths import Home
from ga2app.services.imports import ImportService
from ga2app.services.studio import Studio
from ga2app.store import Store


def import_service(home: Home, store: Store, inspector: object) -> ImportService:
    """Imports of ``home``, whose clips ``inspector`` opens."""
    return ImportService(cast(Studio, SimpleNamespace(home=home, store=store, inspector=inspector, server_paths=True)))


def pack(path: Path, files: Mapping[str, bytes], *, packed: bool = False) -> Path:
    """A zip with these files."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def link(archive: zipfile.ZipFile, name: str, target: str) -> None:
    """An entry that says that it is a symbolic link."""
    entry = zipfile.ZipInfo(name)
    entry.create_system = 3
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive.writestr(entry, target)


def reasons(report: ImportReport) -> dict[str, str]:
    """Why each clip of the report is in it."""
    return {flaw.file: flaw.reason for flaw in report.flaws}


def quiet(stage: str, done: int, total: int) -> None:
    """Nobody is told."""
