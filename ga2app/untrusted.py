"""What others wrote, read without trust: ordinary files alone, JSON, XML, texts, numbers, and CSV without formulas.

Every door reads through these functions, so that a named pipe, half a character, a bottomless nesting or a number
beyond all numbers is one plain line wherever it comes in.
"""

from __future__ import annotations

import csv
import errno
import io
import json
import math
import os
import re
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.parsers import expat  # nosec B407: document types and entities are refused, depth and size are bounded

from ga2app.errors import StudioError, shown

MAX_BYTES = 1 << 29
"""A list or a document that is read whole is never larger."""
MAX_DEPTH = 100
"""Objects and lists within each other; what people write has five, and what reads it calls itself for each."""
MAX_DIGITS = 300
MAX_WHOLE = 2**63 - 1
"""The largest whole number that a database and a tensor hold."""

_KINDS = ((stat.S_ISFIFO, "a named pipe"), (stat.S_ISSOCK, "a socket"), (stat.S_ISCHR, "a device"))


def ordinary_status(path: str | os.PathLike[str]) -> os.stat_result:
    """The status of the file at ``path``. Raises OSError for what is no ordinary file, or a name that no file has."""
    try:
        status = os.stat(path)
    except ValueError as exc:  # a NUL or a lone surrogate in the name
        raise OSError(errno.EINVAL, "no file can have that name", os.fspath(path)) from exc
    _check_ordinary(status, path)
    return status


def _check_ordinary(status: os.stat_result, path: str | os.PathLike[str]) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    if not stat.S_ISREG(status.st_mode):
        kind = next((name for holds, name in _KINDS if holds(status.st_mode)), "a device")
        raise OSError(errno.EINVAL, f"it is {kind}, not an ordinary file", os.fspath(path))


def open_ordinary(path: str | os.PathLike[str]) -> io.BufferedReader:
    """The file at ``path``, open for reading bytes. Raises OSError, also for a pipe or a device, without waiting."""
    ordinary_status(path)
    # Between the look and the opening another thing may have taken its place: it must not make this wait either.
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb")
    try:
        _check_ordinary(os.fstat(file.fileno()), path)
    except OSError:
        file.close()
        raise
    return file


def read_ordinary(path: str | os.PathLike[str], most_bytes: int = MAX_BYTES) -> bytes:
    """The content of the file at ``path``. Raises OSError, also for one of more than ``most_bytes``."""
    with open_ordinary(path) as file:
        known = os.fstat(file.fileno()).st_size > most_bytes  # of a huge file nothing is read
        content = b"" if known else file.read(most_bytes + 1)
    if known or len(content) > most_bytes:
        raise OSError(errno.EFBIG, f"it is larger than {most_bytes / 1e6:,.0f} MB", os.fspath(path))
    return content


def parse_json(content: str | bytes, *, twice: list[str] | None = None) -> Any:
    """The value of a JSON document. Raises ValueError that says in plain words what is wrong with it.

    No text in it holds half a character or a NUL, each number is finite and of at most ``MAX_DIGITS`` digits, and it is
    at most ``MAX_DEPTH`` deep. Keys that an object has more than once go to ``twice``, if it is given.
    """
    try:
        text = content if isinstance(content, str) else content.decode(json.detect_encoding(content))
    except UnicodeDecodeError as exc:
        raise ValueError(f"it is not text in {exc.encoding.upper()}") from exc
    hook = None if twice is None else _pairs_noting(twice)
    try:
        data = json.loads(
            text.removeprefix("\ufeff"),
            parse_int=_whole,
            parse_float=_finite,
            parse_constant=_not_a_number,
            object_pairs_hook=hook,
        )
    except RecursionError as exc:
        raise ValueError(_TOO_DEEP) from exc
    check = _ESCAPED.search(text) is not None or (isinstance(content, str) and _UNFIT.search(content) is not None)
    level: list[Any] = [[data]]
    depth = 0
    while level:
        depth += 1
        if depth > MAX_DEPTH + 1:
            raise ValueError(_TOO_DEEP)
        if check:
            _check_texts(level)
        level = [
            one
            for node in level
            for one in (node.values() if type(node) is dict else node)
            if type(one) is dict or type(one) is list
        ]
    return data


_ESCAPED = re.compile(r"\\u(?:[dD][89a-fA-F]|0000)")
_TOO_DEEP = f"it is nested more than {MAX_DEPTH} deep"


def _pairs_noting(twice: list[str]) -> Callable[[list[tuple[str, Any]]], dict[str, Any]]:
    def noted(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        twice.extend(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        return dict(pairs)

    return noted


def _check_texts(level: Iterable[Any]) -> None:
    for node in level:
        for one in (*node, *(node.values() if isinstance(node, dict) else ())):
            if isinstance(one, str) and (fault := text_fault(one, controls="\0")):
                raise ValueError(f"'{shown(one)}' in it {fault}")


def _whole(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"it holds a number of {len(digits):,} digits")
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"it holds {shown(digits)}, which is beyond all numbers that can be computed with")
    return number


def _not_a_number(name: str) -> Any:
    raise ValueError(f"it holds {name}, which is no number in JSON")


def stored_json(content: str | bytes) -> Any:
    """The value of JSON that this program itself has stored; half characters that an earlier version let in are "?".

    Raises ValueError for what is damaged.
    """
    text = content if isinstance(content, str) else content.decode("utf-8")
    try:
        data = json.loads(text)
    except RecursionError as exc:
        raise ValueError(_TOO_DEEP) from exc
    if _ESCAPED.search(text):
        data = json.loads(json.dumps(data, ensure_ascii=False).encode("utf-8", "replace"))
    return data


_CONTROLS = "".join(map(chr, (*range(9), 11, 12, *range(14, 32), 127)))
_UNFIT = re.compile(f"[{re.escape(_CONTROLS)}\ud800-\udfff]")


def text_fault(text: str, *, controls: str = _CONTROLS) -> str:
    """Why ``text`` can be kept nowhere, as the end of a sentence about it; empty where it can.

    Tabs and line breaks are let pass; ``controls`` are the control characters that are not.
    """
    for found in _UNFIT.finditer(text):
        if found[0] >= "\ud800":
            return "holds half a character (a name that is not UTF-8, or text that was cut); type it again"
        if found[0] in controls:
            return f"holds a control character (U+{ord(found[0]):04X}); take it out"
    return ""


def one_line(text: str, what: str, error: Callable[[str], StudioError]) -> str:
    """``text`` with one space for each run of white space; raises what ``error`` makes of a fault of ``text``."""
    if fault := text_fault(text):
        raise error(f"{what} '{shown(text)}' {fault}")
    return " ".join(text.split())


def readable(text: str) -> str:
    """``text`` with a replacement character for each that can be kept nowhere."""
    return _UNFIT.sub("\ufffd", text)


def whole_number(text: str) -> int | None:
    """The whole number that ``text`` writes; None where it writes none, or one of more than 18 digits."""
    digits = text.strip()
    return int(digits) if len(digits) <= 19 and re.fullmatch(r"[+-]?\d{1,18}", digits) else None


_FORMULA = re.compile(r"['\s]*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


def csv_text(rows: Iterable[Iterable[object]], line_end: str = "\n") -> str:
    """``rows`` as CSV in which no text is a formula: a spreadsheet would compute it, and send what it finds.

    Such a text gets an apostrophe before it, as spreadsheets write it themselves; ``plain_cell`` takes it off again.
    """
    text = io.StringIO()
    csv.writer(text, lineterminator=line_end).writerows(map(_harmless, row) for row in rows)
    return text.getvalue()


def _harmless(cell: object) -> object:
    if not isinstance(cell, str) or not _FORMULA.match(cell) or _NUMBER.fullmatch(cell):
        return cell
    return f"'{cell}"


def plain_cell(cell: str) -> str:
    """What ``cell`` was before ``csv_text`` wrote it; any other cell as it is."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def csv_rows(lines: Iterable[str], separator: str = ",") -> Iterator[tuple[int, list[str]]]:
    """The rows of CSV as written by ``csv_text`` or any other program, with the number of the line that each ends in.

    Cells are without the space round them. Raises ValueError in plain words.
    """
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=True)
    try:
        for cells in reader:
            yield reader.line_num, [(plain_cell(cell) if cell[:1] == "'" else cell).strip() for cell in cells]
    except csv.Error as exc:
        limit = "field limit" in str(exc)
        why = f"a cell is longer than {csv.field_size_limit():,} letters; is a quote left open?" if limit else str(exc)
        raise ValueError(f"line {reader.line_num}: {why}") from exc


def row_dicts(lines: Iterable[str], separator: str = ",") -> Iterator[tuple[int, dict[str, str]]]:
    """The rows below a header, as cells by the name of their column in small letters; missing cells are empty."""
    rows = csv_rows(lines, separator)
    header = [name.lower() for name in next(rows, (0, list[str]()))[1]]
    for line, cells in rows:
        if any(cells):
            yield line, dict(zip(header, [*cells, *[""] * (len(header) - len(cells))], strict=False))


_CUT_OFF = ("no element found", "unclosed token", "partial character", "unclosed CDATA section")
_Start = Callable[[tuple[str, ...], dict[str, str]], None]


def read_xml(content: bytes, start: _Start, end: Callable[[tuple[str, ...], str], None]) -> None:
    """Read XML in the memory of one element. Raises ValueError in plain words for what is damaged.

    ``start`` is told the names down to an element, without namespaces, and its attributes; ``end`` what stands in it.
    A document type is refused, and with it entities, which a few lines make gigabytes of, or files of this machine.
    """
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    path: list[str] = []
    texts: list[list[str]] = []

    def begun(name: str, attributes: dict[str, str]) -> None:
        if len(path) >= MAX_DEPTH:
            raise ValueError(_TOO_DEEP)
        path.append(name.rpartition(" ")[2])
        texts.append([])
        start(tuple(path), attributes)

    def ended(name: str) -> None:
        end(tuple(path), "".join(texts.pop()))
        path.pop()

    def refuse(*_: object) -> None:
        raise ValueError("it declares a document type, which may define entities; take the line with DOCTYPE out")

    parser.StartElementHandler, parser.EndElementHandler = begun, ended
    parser.CharacterDataHandler = lambda text: texts[-1].append(text) if texts else None
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    try:
        parser.Parse(content, True)
    except expat.ExpatError as exc:
        why = expat.ErrorString(exc.code) + (f" inside <{shown(path[-1])}>" if path else "")
        cut = "; was it cut off?" if why.startswith(_CUT_OFF) else ""
        raise ValueError(f"line {exc.lineno}: {why}{cut}") from exc
    except LookupError as exc:
        raise ValueError("it is in an encoding that is not known") from exc


def special_files(folder: Path) -> Sequence[str]:
    """Names in ``folder`` of what is neither a file nor a folder: a pipe, a socket, a device. Raises OSError."""
    with os.scandir(folder) as entries:
        return sorted(
            entry.name
            for entry in entries
            if not (entry.is_file() or entry.is_dir()) and (os.path.exists(entry.path) or not entry.is_symlink())
        )
