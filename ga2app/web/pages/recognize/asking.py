"""What the screen, or a caller of the endpoint, asks, and the answer as it grows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ga2app.errors import BundleError, ClipError, ConfigError, Fault, LabelError, StudioError
from ga2app.labels import parse_labels
from ga2app.services.studio import Studio, bundle_key
from ga2app.store import default_prompts
from ga2app.types import BundleCard, NoneOfThese, NoneWay, Recognition, RecognizedClip
from ga2app.web.uploads import base_name, given_name, keep_upload

MOST_BUNDLES = 3
"""Bundles that fit side by side with plain CLIP."""

ENSEMBLE = (
    "a video of a person {}.",
    "a photo of a person {}.",
    "a picture of a person {}.",
    "a clip of a person {}.",
    "a scene with a person {}.",
    "a person is {}.",
    "someone is {}.",
)
"""Sentences whose mean stands for a label, in words that the embedded backbone knows, too."""


@dataclass(frozen=True)
class NoneSettings:
    """How "none of these" is told: by the negative prompts of ``group``, or of all groups, that are switched on."""

    way: NoneWay
    group: str | None = None
    threshold: float | None = None


@dataclass(frozen=True)
class Request:
    """What is asked.

    ``labels`` is a list, or a text that ``labels.parse_labels`` reads; ``bundle`` is a bundle's key or several;
    ``template`` holds a sentence a line.
    """

    files: Sequence[str]
    labels: str | Sequence[str]
    bundle: str | Sequence[str] | None = None
    backbone: str | None = None
    template: str | Sequence[str] | None = None
    top_k: int = 5
    none_of_these: NoneSettings | None = None


@dataclass(frozen=True)
class Speakers:
    """Who answers: the backbone's title, and the titles of the bundles beside plain CLIP."""

    backbone: str
    bundles: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Titles in the order of ``RecognizedClip.answers``."""
        return ("Plain CLIP", *self.bundles)


@dataclass(frozen=True, eq=False)
class Told:
    """An answer, and what was asked: enough to grade it, and to ask why.

    ``paths`` are the store's own copies of the clips, empty for one that could not be kept; ``cards`` are those of the
    bundles, ``templates`` the sentences round a label, none for the default. ``given`` are the names of the clips where
    they were uploaded from; without them the clips' own names count.
    """

    recognition: Recognition
    speakers: Speakers
    labels: tuple[str, ...]
    paths: tuple[str, ...]
    cards: tuple[BundleCard, ...] = ()
    templates: tuple[str, ...] = ()
    given: tuple[str, ...] = ()

    @property
    def clips(self) -> tuple[RecognizedClip, ...]:
        return self.recognition.clips

    @property
    def names(self) -> tuple[str, ...]:
        """The clips' names as they were given, with as much of their paths as was told."""
        return self.given or tuple(clip.file for clip in self.clips)

    @property
    def titles(self) -> tuple[str, ...]:
        """The clips' file names, with the clip's number where several have the same."""
        files = [base_name(name) for name in self.names]
        times = Counter(files)
        return tuple(f"{name} (#{place})" if times[name] > 1 else name for place, name in enumerate(files, start=1))

    @property
    def asked_for_none(self) -> bool:
        """Whether a clip could be none of these."""
        return any(answer.verdict for clip in self.clips for answer in clip.answers)

    def with_threshold(self, threshold: float) -> Told:
        """The same answers, judged by another threshold for "none of these"."""
        clips = tuple(
            replace(clip, answers=tuple(answer.with_threshold(threshold) for answer in clip.answers))
            for clip in self.clips
        )
        return replace(self, recognition=replace(self.recognition, clips=clips))


def answers(studio: Studio, request: Request) -> Iterator[Told]:
    """The answer, growing by ``studio.clips_at_once`` clips. Raises StudioError if it cannot be answered at all."""
    if not request.files:
        raise StudioError("no clip was given; upload one, or choose one of the drawn examples")
    if request.top_k < 1:
        raise ConfigError([Fault("top_k", f"must be 1 or more (it is {request.top_k})")])
    labels = parse_labels(request.labels)
    if not labels:
        raise LabelError("there are no labels to choose from; type at least two, separated by commas")
    backbone = studio.known_backbone(request.backbone)
    cards = chosen_bundles(studio, request.bundle)
    speakers = Speakers(studio.backbone_title(backbone), tuple(studio.bundle_title(card) for card in cards))
    none_of_these = _none_of_these(studio, request.none_of_these)
    sentences = templates(request.template)
    given = tuple(given_name(file) for file in request.files)
    clips: list[RecognizedClip] = []
    paths: list[str] = []
    notes: dict[str, None] = {}
    ask = partial(
        studio.recognizer.recognize,
        labels=labels,
        backbone=backbone,
        bundle=[card.folder for card in cards],
        template=sentences,
        top_k=request.top_k,
        none_of_these=none_of_these,
    )
    for first in range(0, len(request.files), studio.clips_at_once):
        kept = [_kept(studio, file) for file in request.files[first : first + studio.clips_at_once]]
        there = [one for one in kept if isinstance(one, str)]
        answer = ask(there) if there else Recognition(backbone, ())
        answered = iter(answer.clips)
        notes.update(dict.fromkeys(answer.notes))
        for one in kept:
            lost = one if isinstance(one, RecognizedClip) else None
            paths.append("" if lost else str(one))
            clips.append(replace(lost or next(answered), file=base_name(given[len(clips)])))
        yield Told(
            Recognition(backbone, tuple(clips), tuple(notes)),
            speakers,
            tuple(labels),
            tuple(paths),
            tuple(cards),
            tuple(sentences),
            given[: len(clips)],
        )


def _kept(studio: Studio, file: str) -> str | RecognizedClip:
    """The store's own copy of ``file``, or why there is none."""
    try:
        return str(keep_upload(studio.home, file))
    except ClipError as exc:
        return RecognizedClip(file=Path(file).name, error=str(exc))


def chosen_bundles(studio: Studio, keys: str | Sequence[str] | None) -> list[BundleCard]:
    """The bundles under ``keys``, each once. Raises BundleError for one that is not there, and for too many."""
    asked = [keys] if isinstance(keys, str) else keys or ()
    cards = [card for card in (studio.bundle(key) for key in dict.fromkeys(asked)) if card is not None]
    if len(cards) > MOST_BUNDLES:
        raise BundleError(f"{len(cards)} bundles were chosen; {MOST_BUNDLES} fit side by side, take some off the list")
    return cards


def bundle_keys(told: Told) -> list[str]:
    """The keys of the bundles that answered."""
    return [bundle_key(card) for card in told.cards]


def templates(given: str | Sequence[str] | None) -> list[str]:
    """The sentences round a label, one a line; none for the default."""
    lines = given.splitlines() if isinstance(given, str) else given or ()
    return [line.strip() for line in lines if line.strip()]


def _none_of_these(studio: Studio, asked: NoneSettings | None) -> NoneOfThese | None:
    if asked is None:
        return None
    if asked.group and asked.group not in studio.store.negatives.groups():
        known = ", ".join(f"'{name}'" for name in studio.store.negatives.groups()) or "none yet"
        raise LabelError(f"there is no group of negative prompts '{asked.group}'; there are: {known}")
    texts = tuple(studio.store.negatives.texts(asked.group or None))
    return NoneOfThese(texts, asked.way, asked.threshold, default_prompts())
