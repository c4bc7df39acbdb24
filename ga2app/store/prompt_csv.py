"""Negative prompts as a CSV file: columns group, text, enabled. What is written is read back as it was."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ga2app.errors import StoreError
from ga2app.store.anchor_sets import tidy_name
from ga2app.store.negative_prompts import NegativeEntry, NegativeRow, tidy_text

COLUMNS = ("group", "text", "enabled")
MAX_ROWS = 20_000
_YES, _NO = {"1", "true", "yes", "on", "x", ""}, {"0", "false", "no", "off"}


@dataclass(frozen=True)
class ReadPrompts:
    """What a file holds, and its faults, each with its line."""

    entries: tuple[NegativeEntry, ...]
    faults: tuple[str, ...]


def write_prompts(rows: Iterable[NegativeRow]) -> str:
    """The prompts as CSV."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows((row.group, row.text, int(row.enabled)) for row in rows)
    return out.getvalue()


def read_prompts(content: bytes) -> ReadPrompts:
    """The prompts of a CSV file. Lines at fault are told; the good ones are read all the same.

    ``enabled`` may be missing: then every prompt is switched on. Raises StoreError if it is no such file at all.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise StoreError(f"the file is not UTF-8 text ({exc}); save it as CSV in UTF-8") from exc
    lines = text.splitlines()
    delimiter = ";" if lines and ";" in lines[0] and "," not in lines[0] else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    entries: list[NegativeEntry] = []
    faults: list[str] = []
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        if not {"group", "text"} <= set(header):
            raise StoreError(
                f"the first line of the file is '{', '.join(header)[:80]}'; it must name the columns group, text and, "
                "if you like, enabled"
            )
        for cells in reader:
            if any(cell.strip() for cell in cells):
                _read_line(dict(zip(header, cells, strict=False)), reader.line_num, entries, faults)
            if len(entries) > MAX_ROWS:
                raise StoreError(f"the file has more than {MAX_ROWS:,} prompts; split it")
    except csv.Error as exc:
        raise StoreError(f"line {reader.line_num} of the file is no CSV ({exc}); save it anew") from exc
    return ReadPrompts(tuple(entries), tuple(faults))


def _read_line(row: dict[str, str], number: int, entries: list[NegativeEntry], faults: list[str]) -> None:
    said = row.get("enabled", "").strip().lower()
    try:
        group, text = tidy_name(row.get("group", ""), "a group"), tidy_text(row.get("text", ""))
    except StoreError as exc:
        faults.append(f"line {number}: {exc}")
        return
    if not text:
        faults.append(f"line {number}: the text is empty; type one, or delete the line")
    elif said not in _YES | _NO:
        faults.append(f"line {number}: enabled is '{said[:20]}'; write 1 or 0")
    else:
        entries.append(NegativeEntry(group, text, said in _YES))


def pasted(text: str) -> Sequence[str]:
    """Prompts that were pasted, one a line; marks of a list at the beginning of a line are dropped."""
    return [line for line in (piece.strip().lstrip("-*•").strip() for piece in text.splitlines()) if line]
