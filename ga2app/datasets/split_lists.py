"""Split lists as the data sets come with them, read into entries.

* list and UCF-101: one clip a line, ``path label`` or ``path frames label``, the label being the last number; paths may
  hold spaces, commas may set fields apart, also behind the last. ``path label frames`` is told by the classes in the
  paths. The label may be a name. UCF-101's test lists have no label: the class is in the path. A path may be that of a
  stretch of a video, ``match.mp4#t=12,15.5 3``.
* HMDB-51: one file a class, ``brush_hair_test_split1.txt``, with ``clip.avi 1``: 1 train, 2 test, 0 unused.
* SSv2: JSON with ``id`` and ``template``; Kinetics: CSV with ``label,youtube_id,time_start,time_end,split``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from ga2app.datasets.clip_names import VIDEO_SUFFIXES, Entry, class_in_path, split_suffix
from ga2app.datasets.clip_table import is_clip_list
from ga2app.datasets.import_report import Problem
from ga2app.datasets.text_tables import numbered_lines, read_text
from ga2app.errors import ClipError
from ga2app.stretches import split_address
from ga2app.types import Subset
from ga2app.untrusted import csv_rows, parse_json, row_dicts


def read_ssv2(file: Path, text: str, subset: Subset, problems: list[Problem]) -> list[Entry]:
    """Clips of ``[{"id": "78687", "template": "Holding [something] next to [something]", …}, …]``.

    One object a line will do, too.
    """
    try:
        if text.lstrip().startswith("["):
            rows = list(enumerate(parse_json(text), 1))
        else:
            rows = [(number, parse_json(line)) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    except ValueError as exc:
        problems.append(Problem(str(file), 0, "", f"is not valid JSON ({exc})", "get a fresh copy"))
        return []
    entries, unnamed = [], 0
    for number, row in rows:
        if not isinstance(row, dict) or not str(row.get("id", "")).strip():
            advice = 'each entry is an object with "id" and "template"'
            problems.append(Problem(str(file), number, json.dumps(row)[:80], "has no id", advice))
        elif not str(row.get("template", "")).strip():
            unnamed += 1
        else:
            entries.append(Entry(file, number, f"{row['id']}.webm", subset, name=str(row["template"])))
    if unnamed:
        advice = "the list of test clips comes without them; use the validation list"
        problems.append(Problem(str(file), 0, "", f"has {unnamed} clips without a template", advice))
    return entries


def read_kinetics(file: Path, text: str, subset: Subset, problems: list[Problem]) -> list[Entry]:
    """Clips of ``label,youtube_id,time_start,time_end,split``.

    Their files are called ``<id>_<start>_<end>.mp4``, with seconds of 6 digits. In a list given for training, rows
    whose split is not "train" are test clips.
    """
    lines = text.split("\n")
    try:
        header, rows = next(csv_rows(lines), (0, list[str]()))[1], list(row_dicts(lines))
    except ValueError as exc:
        problems.append(Problem(str(file), 0, "", f"cannot be read as CSV ({exc})", "get a fresh copy"))
        return []
    named = [name.lower() for name in header]
    lacking = [name for name in ("label", "youtube_id", "time_start", "time_end") if name not in named]
    if lacking:
        advice = "the list of test clips comes without labels; use the validation list"
        problems.append(Problem(str(file), 1, "", f"has no column {', '.join(lacking)}", advice))
        return []
    entries = []
    for line, row in rows:
        entry = _kinetics_entry(file, line, row, subset)
        if isinstance(entry, Problem):
            problems.append(entry)
        else:
            entries.append(entry)
    return entries


def _kinetics_entry(file: Path, line: int, row: dict[str, str], subset: Subset) -> Entry | Problem:
    label, clip = row["label"], row["youtube_id"]
    try:
        start, end = (int(float(row[name])) for name in ("time_start", "time_end"))
    except (ValueError, OverflowError):
        return Problem(str(file), line, clip, "has no whole seconds as time_start and time_end", "correct this line")
    if not (label and clip):
        return Problem(str(file), line, clip, "lacks its label or its youtube_id", "correct this line")
    part = row.get("split", "").lower()
    if part not in ("", "train"):
        subset = Subset.TEST
    return Entry(file, line, f"{clip}_{start:06d}_{end:06d}.mp4", subset, name=label)


_CLASS_FILE = re.compile(r"(.+)_test_split(\d+)\.txt")
_NUMBERED = re.compile(r"(.*[^\s,;])[\s,;]+(-?\d{1,18})")
_FLAGGED = re.compile(r"(.*\S)\s+(\S+)")
_STRETCH = re.compile(r"(?P<suffix>\.\w+)(?P<fragment>#t=(?:npt:)?[\d.:-]*(?:,[\d.:-]+)?)")
_LONGEST_LINE = 10_000
"""No path and name are longer, and each place of such a line would be tried."""
_HMDB_SUBSETS = {"1": Subset.TRAIN, "2": Subset.TEST}


class Layout(StrEnum):
    """How the lists are written. ``auto`` looks at each list."""

    AUTO = "auto"
    LIST = "list"
    UCF = "ucf"
    HMDB = "hmdb"
    SSV2 = "ssv2"
    KINETICS = "kinetics"


def list_files(paths: Sequence[Path], fold: int, problems: list[Problem]) -> list[Path]:
    """``paths`` with each folder replaced by HMDB-51's class files of split ``fold`` in it."""
    files: list[Path] = []
    for path in paths:
        if not path.is_dir():
            files.append(path)
            continue
        matches = [(file, _CLASS_FILE.fullmatch(file.name)) for file in sorted(path.iterdir())]
        of_fold = [file for file, match in matches if match and int(match.group(2)) == fold]
        if not of_fold:
            advice = "name the list itself, or the folder of HMDB-51's split files"
            problems.append(Problem(str(path), 0, "", f"holds no files called CLASS_test_split{fold}.txt", advice))
        files += of_fold
    return files


def read_entries(
    file: Path, subset: Subset, layout: Layout, problems: list[Problem], *, classes: bool = True
) -> tuple[list[Entry], Layout]:
    """The clips that ``file`` lists, and the layout that it was read in. Every fault goes into ``problems``.

    ``subset`` is what the list was given for; HMDB-51's files say it themselves, and so may Kinetics' in a train list.
    Without ``classes`` plain lists need no labels: anchor clips have none.
    """
    text = read_text(file, problems)
    if text is None:
        return [], layout
    if layout is Layout.AUTO:
        layout = _layout_of(file, text)
    before = len(problems)
    match layout:
        case Layout.SSV2 if text.lstrip()[:1] in ("[", "{"):
            entries = read_ssv2(file, text, subset, problems)
        case Layout.KINETICS if "youtube_id" in text.split("\n", 1)[0].lower():
            entries = read_kinetics(file, text, subset, problems)
        case Layout.HMDB if _CLASS_FILE.fullmatch(file.name):
            entries = _read_class_file(file, text, problems)
        case _ if is_clip_list(file, header=True):
            advice = "give it in place of a folder, without --split"
            problems.append(Problem(str(file), 1, text.split("\n", 1)[0], "is the header of a table", advice))
            return [], layout
        case _:
            entries = _read_list(file, text, subset, problems, classes)
    if not entries and len(problems) == before:
        problems.append(Problem(str(file), 0, "", "lists no clips", "give a list with one clip a line"))
    return entries, layout


def _layout_of(file: Path, text: str) -> Layout:
    if file.suffix.lower() in (".json", ".jsonl"):
        return Layout.SSV2
    if "youtube_id" in text.split("\n", 1)[0].lower():
        return Layout.KINETICS
    if _CLASS_FILE.fullmatch(file.name):
        return Layout.HMDB
    lines = numbered_lines(text)
    return Layout.UCF if lines and all(re.search(r"\bv_\w+_g\d+_c\d+", line) for _, line in lines) else Layout.LIST


def _read_class_file(file: Path, text: str, problems: list[Problem]) -> list[Entry]:
    named = _CLASS_FILE.fullmatch(file.name)
    assert named is not None
    entries = []
    for number, line, fragment in _apart(file, numbered_lines(text), problems):
        match = _FLAGGED.fullmatch(line)
        if not match or match.group(2) not in ("0", "1", "2"):
            advice = "end the line in 1 for training, 2 for testing or 0 for neither"
            problems.append(Problem(str(file), number, line, "does not say which part the clip is in", advice))
        elif match.group(2) in _HMDB_SUBSETS:
            subset = _HMDB_SUBSETS[match.group(2)]
            entries.append(Entry(file, number, match.group(1), subset, name=named.group(1), fragment=fragment))
    return entries


def _read_list(file: Path, text: str, subset: Subset, problems: list[Problem], classes: bool) -> list[Entry]:
    lines = [(number, line.rstrip(" ,;\t")) for number, line in numbered_lines(text)]
    parts = _apart(file, [(number, line) for number, line in lines if line], problems)
    matches = [_NUMBERED.fullmatch(line) for _, line, _ in parts]
    if not any(matches):
        return _read_unlabelled(file, parts, subset, problems, classes)
    with_frames = all(match is None or _NUMBERED.fullmatch(match.group(1)) for match in matches)
    label_first = with_frames and _label_is_first([match for match in matches if match])
    entries = []
    for (number, line, fragment), match in zip(parts, matches, strict=True):
        if match is None:
            advice = "write 'path label' or 'path frames label', with the label's number last"
            problems.append(Problem(str(file), number, line, "does not end in a label number", advice))
            continue
        path, label = match.groups()
        inner = _NUMBERED.fullmatch(path)
        if inner and (with_frames or split_suffix(inner.group(1))[1]):
            path, label = inner.group(1), inner.group(2) if label_first else label
        entries.append(Entry(file, number, path.strip('"'), subset, label=int(label), fragment=fragment))
    return entries


def _apart(file: Path, lines: Sequence[tuple[int, str]], problems: list[Problem]) -> list[tuple[int, str, str]]:
    """Each line without the fragment of a stretch, whose commas set no fields apart, and the fragment behind it."""
    parts = []
    for number, line in lines:
        found = _STRETCH.search(line) if "#t=" in line else None
        if found is None or found["suffix"].lower() not in VIDEO_SUFFIXES:
            parts.append((number, line, ""))
            continue
        try:
            stretch = split_address(f"clip{found[0]}")[1]
            plain = line[: found.start("fragment")] + line[found.end("fragment") :]
            parts.append((number, plain, stretch.fragment if stretch else ""))
        except ClipError as exc:
            problems.append(Problem(str(file), number, line, f"is no stretch: {exc.reason}", exc.advice))
    return parts


def _label_is_first(matches: Sequence[re.Match[str]]) -> bool:
    """Whether of two numbers behind each path the first is the label: it goes with the class in the path, one to one.

    Frame counts do not, but where a list has a single clip of each class: then the last number counts, as usual.
    """
    rows = []
    for match in matches:
        inner = _NUMBERED.fullmatch(match.group(1))
        assert inner is not None
        rows.append((class_in_path(inner.group(1).replace("\\", "/")), inner.group(2), match.group(2)))
    return _one_to_one([(name, first) for name, first, _ in rows]) and not _one_to_one(
        [(name, last) for name, _, last in rows]
    )


def _one_to_one(pairs: Sequence[tuple[str | None, str]]) -> bool:
    different = set(pairs)
    names, numbers = {name for name, _ in different}, {number for _, number in different}
    return None not in names and len(names) == len(numbers) == len(different)


def _read_unlabelled(
    file: Path, lines: Sequence[tuple[int, str, str]], subset: Subset, problems: list[Problem], classes: bool
) -> list[Entry]:
    entries = []
    for number, line, fragment in lines:
        if classes and (match := _with_name(line)):
            entries.append(Entry(file, number, match[0], subset, name=match[1], fragment=fragment))
            continue
        name = class_in_path(line.replace("\\", "/"))
        if name is None and classes:
            advice = "write 'path label', or a path with a folder named after the class"
            problems.append(Problem(str(file), number, line, "has no label number, and no class in its path", advice))
        else:
            entries.append(Entry(file, number, line.strip('"'), subset, name=name, fragment=fragment))
    return entries


def _with_name(line: str) -> tuple[str, str] | None:
    """The path and the class of ``a.mp4 riding a bike`` or ``a.mp4,riding a bike``; None for a path alone."""
    if len(line) > _LONGEST_LINE:
        return None
    for place in re.finditer(r"[\s,;]+", line):
        path, name = line[: place.start()].strip('"'), line[place.end() :].strip('"')
        if split_suffix(path)[1] and not split_suffix(name)[1]:
            return path, name
    return None
