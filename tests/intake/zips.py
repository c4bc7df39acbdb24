"""Archives for tests, good ones and hostile ones."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path

from ga2app.services.importing.job_report import Report


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


def reasons(report: Report) -> dict[str, str]:
    """Why each clip of the report is in it."""
    return {flaw.file: flaw.reason for flaw in report.flaws}


def quiet(stage: str, done: int, total: int) -> None:
    """Nobody is told."""
