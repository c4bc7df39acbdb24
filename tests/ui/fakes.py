"""Small services that know nothing of video but keep every promise of their protocols."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from ga2app.contracts import (
    AnchorClip,
    AnchorKind,
    ClipFacts,
    ClipRating,
    ClipRatings,
    FrameScore,
    LabelKind,
    MadeClip,
    MadeClips,
    Progress,
    ProposalKind,
    Recognition,
    RecognizedClip,
    Score,
    TextProposal,
    TextRating,
    TextRatings,
)
from ga2app.errors import BundleError, ClipError, DatasetError, LabelError, LanguageModelError

FRAMES = 8


class FakeRecognizer:
    """Plain CLIP likes the first label best, the bundle likes the label that the file name holds.

    A clip whose name holds "broken" cannot be read; a bundle whose folder holds "alien" fits no backbone; a label
    "boom" is a bug.
    """

    def __init__(self, base: Sequence[str] = ()) -> None:
        self.base = set(base)
        self.asked: list[tuple[tuple[str, ...], tuple[str, ...], str, str | None, str | None, int]] = []

    def warm(self, backbone: str) -> None:
        self.warmed = backbone

    def recognize(
        self,
        paths: Sequence[str],
        labels: Sequence[str],
        *,
        backbone: str,
        bundle: str | None = None,
        template: str | None = None,
        top_k: int = 5,
    ) -> Recognition:
        self.asked.append((tuple(paths), tuple(labels), backbone, bundle, template, top_k))
        if len(labels) < 2:
            raise LabelError(f"'{labels[0]}' is the only label; add at least one other to compare with")
        if bundle and "alien" in bundle:
            raise BundleError("bundle 'alien' belongs to backbone 'other'; choose that backbone or another bundle")
        if "boom" in labels:
            raise ZeroDivisionError("a bug")
        clips = tuple(self._clip(path, list(dict.fromkeys(labels)), bundle, top_k) for path in paths)
        unknown = [label for label in labels if not label.isascii()]
        notes = (f"backbone '{backbone}' does not know: {', '.join(unknown)}",) if unknown else ()
        return Recognition(backbone, clips, notes)

    def _clip(self, path: str, labels: list[str], bundle: str | None, top_k: int) -> RecognizedClip:
        name = Path(path).stem
        if "broken" in name:
            return RecognizedClip(path, error=f"clip '{Path(path).name}': it has no video; choose another file")
        plain = self._ranked(labels, labels[0], top_k)
        seen = next((label for label in labels if label.replace(" ", "-") in name), labels[-1])
        tuned = self._ranked(labels, seen, top_k) if bundle else None
        spoken = (tuned or plain)[0].label
        timeline = tuple(FrameScore(4 * i, spoken if i > 1 else labels[-1], 0.8) for i in range(FRAMES))
        frames = tuple(np.full((48, 64, 3), 30 * i, np.uint8) for i in range(FRAMES))
        return RecognizedClip(path, None, plain, tuned, frames, timeline)

    def _ranked(self, labels: list[str], best: str, top_k: int) -> tuple[Score, ...]:
        order = [best, *(label for label in labels if label != best)]
        shares = [0.5**place for place in range(1, len(order) + 1)]
        kinds = [LabelKind.BASE if label in self.base else LabelKind.NOVEL for label in order]
        ranked = zip(order, shares, kinds, strict=True)
        return tuple(Score(label, share / sum(shares), kind) for label, share, kind in ranked)[:top_k]


class FakeInspector:
    """Takes any file with bytes for a clip; a name with "broken" cannot be read, one with "tiny" earns a warning."""

    def __init__(self) -> None:
        self.opened: list[str] = []

    def inspect(self, path: str, picture: Path | None = None) -> ClipFacts:
        self._open(path)
        if picture is not None:
            self.thumbnail(path, picture)
        warnings = ("its picture is tiny: use a larger one",) if "tiny" in Path(path).name else ()
        return ClipFacts(2.0, 16, 64, 48, warnings)

    def thumbnail(self, path: str, out: Path, px: int = 160) -> None:
        self._open(path)
        out.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (px, px), (40, 90, 160)).save(out)

    def preview(self, path: str, out: Path, px: int = 240) -> None:
        self._open(path)
        out.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, out)

    def _open(self, path: str) -> None:
        self.opened.append(path)
        name = Path(path).name
        if not Path(path).is_file():
            raise ClipError(name, "there is no such file", "check the path")
        if "broken" in name or not Path(path).stat().st_size:
            raise ClipError(name, "it has no video", "choose another file")


class FakeAdvisor:
    """A clip is relevant if a word of a label is in its file's name, and more irrelevant the longer that name is.

    A name with "broken" cannot be read. A text is close to a label by the share of its words that the label has.
    """

    def __init__(self, logged_in: bool = False) -> None:
        self.logged_in = logged_in
        self.asked: list[str] = []

    def irrelevance(
        self, paths: Sequence[str], labels: Sequence[str], *, backbone: str, progress: Progress | None = None
    ) -> ClipRatings:
        self.asked.append("irrelevance")
        rated, faults = [], []
        for number, path in enumerate(dict.fromkeys(paths), 1):
            if "broken" in Path(path).name:
                faults.append(f"clip '{Path(path).name}': it has no video; choose another file")
            else:
                rated.append(self._rate(path, "", labels))
            if progress:
                progress(number, len(paths))
        if not rated:
            raise DatasetError(f"none of the {len(paths)} clips of the pool can be read")
        return ClipRatings(tuple(rated), tuple(faults))

    def choose(
        self,
        pool: Sequence[AnchorClip],
        labels: Sequence[str],
        *,
        backbone: str,
        count: int,
        progress: Progress | None = None,
    ) -> ClipRatings:
        rated = self.irrelevance([clip.path for clip in pool], labels, backbone=backbone, progress=progress)
        captions = {clip.path: clip.caption for clip in pool}
        best = sorted(rated.clips, key=lambda one: -one.irrelevance)[:count]
        said = tuple(replace(one, caption=captions[one.path] or "something else") for one in best)
        return replace(rated, clips=said)

    def make(
        self, paths: Sequence[str], folder: Path, kinds: Sequence[AnchorKind], *, progress: Progress | None = None
    ) -> MadeClips:
        made, faults = [], []
        for path in paths:
            if "broken" in Path(path).name:
                faults.append(f"clip '{Path(path).name}': it has no video; choose another file")
                continue
            for kind in kinds:
                out = folder / kind.value / Path(path).name
                out.parent.mkdir(parents=True, exist_ok=True)
                out.write_bytes(Path(path).read_bytes() + kind.value.encode())
                made.append(MadeClip(str(out), f"made: {kind.value}", kind, path, restless=kind is AnchorKind.AWAY))
        return MadeClips(tuple(made), tuple(faults))

    def text_similarity(self, texts: Sequence[str], labels: Sequence[str], *, backbone: str) -> TextRatings:
        self.asked.append("text_similarity")
        rated = []
        for text in texts:
            words = set(text.split())
            shares = {label: len(words & set(label.split())) / len(words) for label in labels}
            nearest = max(shares, key=lambda label: shares[label])
            rated.append(TextRating(text, shares[nearest], nearest, shares[nearest] >= 0.5))
        return TextRatings(tuple(rated), 0.5)

    def suggest(
        self,
        labels: Sequence[str],
        *,
        backbone: str,
        count: int,
        kind: ProposalKind,
        language_model: str | None = None,
    ) -> list[TextProposal]:
        if language_model == "nobody/home":
            raise LanguageModelError("language model 'nobody/home' is not served; choose another")
        source = language_model or "seeds"
        return [TextProposal(f"{kind.value} {n} of {source}", kind, 1.0 - n / 10, labels[0]) for n in range(count)]

    def login(self) -> bool:
        return self.logged_in

    def _rate(self, path: str, caption: str, labels: Sequence[str]) -> ClipRating:
        name = Path(path).stem.replace("-", " ").replace("_", " ")
        near = next((label for label in labels if set(label.split()) & set(name.split())), None)
        return ClipRating(path, caption, 0.1 if near else min(0.5 + len(name) / 100, 0.95), near or labels[0])
