"""List files as lines, whatever wrote them: byte order marks, Windows line ends, UTF-16."""

from __future__ import annotations

import codecs
from pathlib import Path

from ga2app.datasets.import_report import Problem

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_text(file: Path, problems: list[Problem]) -> str | None:
    """The text of ``file`` with line ends made one; None, and an entry in ``problems``, where it cannot be read."""
    try:
        data = file.read_bytes()
    except OSError as exc:
        advice = "check the path and that you may read it"
        problems.append(Problem(str(file), 0, "", f"cannot be read ({exc.strerror})", advice))
        return None
    encoding = "utf-16" if data.startswith(_UTF16) else "utf-8-sig"
    if b"\0" in data and encoding != "utf-16":
        advice = "give the list of clips, not a clip or an archive"
        problems.append(Problem(str(file), 0, "", "is not a text file", advice))
        return None
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as exc:
        line = data.count(b"\n", 0, exc.start) + 1
        problems.append(Problem(str(file), line, "", "is not UTF-8 text", "save the list as UTF-8"))
        return None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def numbered_lines(text: str) -> list[tuple[int, str]]:
    """Lines that are not blank, without the space round them, with their numbers from 1."""
    lines = ((number, line.strip()) for number, line in enumerate(text.split("\n"), 1))
    return [(number, line) for number, line in lines if line]
