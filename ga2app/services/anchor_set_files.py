"""An anchor set as files that travel: ``anchors.json`` says what clips it has, ``negatives.csv`` has the prompts.

Clips are named by their content, so that a laboratory that has the same clips needs no copy of them, and nothing of
how they are called at home goes along.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ga2app.datasets import VIDEO_SUFFIXES
from ga2app.datasets.clip_files import content_digest
from ga2app.errors import ClipError, HubError, StoreError
from ga2app.labels import label_key
from ga2app.services.clip_inspector import VideoInspector
from ga2app.services.quotas import check_clips
from ga2app.store import Store
from ga2app.store.anchor_rows import AnchorFile, NegativeEntry
from ga2app.store.anchor_sets import MAX_NAME
from ga2app.store.prompt_files import read_prompts, write_prompts
from ga2app.types import HubOffer, PulledAnchors
from ga2app.untrusted import parse_json, read_ordinary, text_fault

if TYPE_CHECKING:
    from ga2app.hub.pushing import Content

FORMAT_VERSION = 1
ANCHORS, NEGATIVES, CLIPS = "anchors.json", "negatives.csv", "clips/"
MAX_LIST_BYTES = 4 << 20
MAX_CLIP_BYTES = 512 << 20
MAX_CLIPS = 5_000
MAX_TEXT = 500

_CLIP = re.compile(rf"{CLIPS}[A-Za-z0-9_-]{{1,80}}(\.[a-z0-9]{{2,5}})")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class ListedClip:
    """A clip of a set: its caption, its content as SHA-256, and the ``file`` in the repository that it is, if it is."""

    caption: str
    enabled: bool
    sha256: str
    file: str = ""


@dataclass(frozen=True)
class AnchorList:
    """What ``anchors.json`` says."""

    name: str
    about: str
    clips: tuple[ListedClip, ...]

    def to_json(self) -> str:
        """The text of the file: indented, keys sorted."""
        document = {"format_version": FORMAT_VERSION, **asdict(self)}
        return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def size_limit(name: str) -> int:
    """How many bytes a file of an anchor set may have; 0 for one that does not belong to it."""
    if name in (ANCHORS, NEGATIVES):
        return MAX_LIST_BYTES
    found = _CLIP.fullmatch(name)
    return MAX_CLIP_BYTES if found and found[1] in VIDEO_SUFFIXES else 0


def read_anchor_list(content: bytes, shown: str) -> AnchorList:
    """What a file of somebody else says, checked. Raises HubError, which calls the repository ``shown``."""
    try:
        data = parse_json(content)
    except ValueError as exc:
        raise HubError(f"'{shown}': {ANCHORS} cannot be read as JSON ({exc}); ask who made it for a whole one") from exc
    version = data.get("format_version") if isinstance(data, dict) else None
    if version != FORMAT_VERSION:
        raise HubError(
            f"'{shown}': {ANCHORS} has format version {version!r} and this program reads version {FORMAT_VERSION}; "
            "update GA² Studio"
        )
    clips = data.get("clips")
    sound = isinstance(clips, list) and len(clips) <= MAX_CLIPS and all(map(_is_clip, clips))
    if not (_is_text(data.get("name")) and data["name"].strip() and _is_text(data.get("about", "")) and sound):
        raise HubError(f"'{shown}': {ANCHORS} is not the list of an anchor set; ask who made it for a whole one")
    listed = (ListedClip(one["caption"], one["enabled"], one["sha256"], one.get("file", "")) for one in clips)
    return AnchorList(data["name"], data.get("about", ""), tuple(listed))


def anchor_set_files(store: Store, set_id: int, groups: Sequence[str] | None, clips: bool) -> dict[str, Content]:
    """The lists of a set, and its clips if they are wanted. Raises StoreError, ClipError."""
    row = next((one for one in store.anchors.sets() if one.id == set_id), None)
    if row is None:
        raise StoreError("this anchor set is not there any more; choose another one")
    files: dict[str, Content] = {}
    listed = []
    for clip in store.anchors.rows(set_id):
        digest = clip.digest or content_digest(clip.path)
        name = clip_name(digest, Path(clip.path).suffix) if clips else ""
        listed.append(ListedClip(clip.caption, clip.enabled, digest, name))
        if clips:
            files[name] = Path(clip.path)
    files[ANCHORS] = AnchorList(row.name, row.about, tuple(listed)).to_json().encode()
    prompts = [prompt for prompt in store.negatives.rows() if groups is None or prompt.group in groups]
    if unknown := set(groups or ()) - set(store.negatives.groups()):
        raise StoreError(f"there is no group of negative prompts '{sorted(unknown)[0]}'; name one of those here")
    if prompts:
        files[NEGATIVES] = write_prompts(prompts).encode()
    return files


def keep_anchor_set(store: Store, inspector: VideoInspector, offer: HubOffer, parts: Path) -> PulledAnchors:
    """Make a set and groups of what was fetched into ``parts``; the set goes again if anything goes wrong."""
    anchors = store.anchors
    listed = read_anchor_list(read_ordinary(parts / ANCHORS, MAX_LIST_BYTES), offer.revision.repo_id)
    entries, faults = _read_negatives(parts / NEGATIVES)
    sources, missing = _sources(store, listed, parts)
    there = store.hub_notes.anchors_at(offer.revision)
    if there is not None and len(anchors.rows(there)) >= len(sources):
        return PulledAnchors(there, set_name(store, there), 0, missing=missing, new=False)
    check_clips(store, [str(source) for _, source in sources])
    name = numbered(" ".join(listed.name.split())[: MAX_NAME - 4], store.taken_names("anchor_sets"))
    set_id = anchors.create(name, listed.about)
    made: list[str] = []
    try:
        taken, told = _copy(store, inspector, set_id, sources)
        anchors.add(set_id, taken, undoable=False)
        groups = _put_groups(store, entries, made)
        store.hub_notes.note_anchors(set_id, offer.revision)
    except BaseException:
        anchors.drop_set(set_id)
        for row in store.negatives.group_rows():
            if row.name in made:
                store.negatives.drop_group(row.id)
        raise
    return PulledAnchors(set_id, name, len(taken), groups, missing, (*faults, *told))


def _sources(store: Store, listed: AnchorList, parts: Path) -> tuple[list[tuple[ListedClip, Path]], tuple[str, ...]]:
    """Where each clip can be had: from the repository, or from this home; and captions of those that cannot."""
    here = store.hub_notes.copies({clip.sha256 for clip in listed.clips})
    found, missing = [], []
    for clip in listed.clips:
        came, own = parts / clip.file, Path(here.get(clip.sha256, ""))
        source = came if clip.file and came.is_file() else own if own.is_file() else None
        if source is None:
            missing.append(clip.caption or clip.sha256[:16])
        else:
            found.append((clip, source))
    return found, tuple(missing)


def _copy(
    store: Store, inspector: VideoInspector, set_id: int, sources: Iterable[tuple[ListedClip, Path]]
) -> tuple[list[AnchorFile], list[str]]:
    """Copies in the set's own folder, each really opened, and what is wrong with those that cannot be."""
    home = store.anchors.folder(set_id)
    home.mkdir(parents=True, exist_ok=True)
    taken, faults = [], []
    for clip, source in sources:
        folder = Path(tempfile.mkdtemp(dir=home, prefix="clip-"))
        copy = Path(shutil.copyfile(source, folder / Path(clip.file or source.name).name))
        try:
            if content_digest(copy) != clip.sha256:
                raise ClipError(copy.name, "it is not the clip that the list describes", "ask who made the set")
            facts = inspector.inspect(str(copy))
        except ClipError as exc:
            shutil.rmtree(folder, ignore_errors=True)
            faults.append(str(exc))
            continue
        size = (facts.seconds, facts.frames, facts.width, facts.height)
        taken.append(AnchorFile(str(copy), clip.caption, clip.sha256, *size, enabled=clip.enabled))
    return taken, faults


def _put_groups(store: Store, entries: Sequence[NegativeEntry], made: list[str]) -> tuple[str, ...]:
    """Groups of the prompts. One that is here with the same prompts is left; one that has others gets a sibling.

    The names of those that were not there before go to ``made``, each before it is made.
    """
    negatives = store.negatives
    names: list[str] = []
    for wanted in dict.fromkeys(entry.group for entry in entries):
        prompts = {label_key(entry.text): entry for entry in entries if entry.group == wanted}
        known, taken = {row.name: row.id for row in negatives.group_rows()}, store.taken_names("negative_groups")
        name = wanted if wanted in known or wanted not in taken else numbered(wanted[: MAX_NAME - 4], taken)
        if wanted in known:
            here = {label_key(row.text): row.enabled for row in negatives.rows(known[wanted])}
            if here != {text: entry.enabled for text, entry in prompts.items()}:
                name = numbered(wanted[: MAX_NAME - 4], taken)
        if name not in known:
            made.append(name)
        negatives.put((replace(entry, group=name) for entry in prompts.values()), undoable=False)
        names.append(name)
    return tuple(names)


def set_name(store: Store, set_id: int) -> str:
    """What the anchor set is called."""
    return next((one.name for one in store.anchors.sets() if one.id == set_id), "anchor set")


def _read_negatives(path: Path) -> tuple[tuple[NegativeEntry, ...], tuple[str, ...]]:
    """The prompts in ``path``, and faults of its lines; none where the set has none."""
    if not path.is_file():
        return (), ()
    read = read_prompts(read_ordinary(path, MAX_LIST_BYTES))
    return read.entries, tuple(f"{NEGATIVES}, {fault}" for fault in read.faults)


def clip_name(sha256: str, suffix: str) -> str:
    """What a clip is called in the repository."""
    return f"{CLIPS}{sha256[:16]}{suffix.lower()}"


def numbered(name: str, taken: Sequence[str]) -> str:
    """``name``, with a number behind it where that is taken."""
    if name not in taken:
        return name
    return next(f"{name} {number}" for number in range(2, len(taken) + 3) if f"{name} {number}" not in taken)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= MAX_TEXT and not text_fault(value)


def _is_clip(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("enabled"), bool) or not _is_text(value.get("caption")):
        return False
    digest, file = value.get("sha256"), value.get("file", "")
    known = isinstance(digest, str) and bool(_DIGEST.fullmatch(digest))
    return known and isinstance(file, str) and (not file or size_limit(file) == MAX_CLIP_BYTES)
