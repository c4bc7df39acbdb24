"""Recognizing clips, as every door asks for it: what is asked, checked and resolved, and the answer as it grows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ga2app.datasets.label_descriptions import format_descriptions
from ga2app.errors import BundleError, ClipError, ConfigError, Fault, LabelError, StudioError, shown
from ga2app.labels import format_labels, label_key, merge_labels, parse_labels
from ga2app.services.quotas import Admission, cost, read_descriptions, read_lists
from ga2app.services.served_files import PictureFiles
from ga2app.services.uploads import Kept, base_name, given_name, in_use, keep_upload
from ga2app.store import default_prompts
from ga2app.stretches import part_of_clip, split_address
from ga2app.types import BundleCard, NoneOfThese, NoneWay, Recognition, RecognitionRequest, RecognizedClip, Temperature

if TYPE_CHECKING:
    from ga2app.clip import Backbone
    from ga2app.services.studio import Studio

MOST_BUNDLES = 3
"""Bundles that fit side by side with zero-shot CLIP."""
SUGGESTED = 10
"""Labels on offer under the box."""
OFF = "off"
"""No clip is none of these: the other ways are those of ``NoneWay``."""
WAYS = (OFF, *(way.value for way in NoneWay))
ZERO_SHOT = "Zero-shot CLIP"

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


@dataclass(frozen=True, eq=False)
class Results:
    """An answer, and what was asked: enough to grade it, and to ask why.

    ``backbone`` and ``bundles`` are titles. ``paths`` are the store's own copies of the clips, empty for one that could
    not be kept; ``cards`` are those of the bundles, ``templates`` the sentences round a label, none for the default.
    ``given`` are the names of the clips where they were uploaded from; without them the clips' own names count.
    """

    recognition: Recognition
    backbone: str
    bundles: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    cards: tuple[BundleCard, ...] = ()
    templates: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    pictures: PictureFiles | None = None

    @property
    def clips(self) -> tuple[RecognizedClip, ...]:
        return self.recognition.clips

    @property
    def classifiers(self) -> tuple[str, ...]:
        """Titles in the order of ``RecognizedClip.answers``."""
        return (ZERO_SHOT, *self.bundles)

    @property
    def names(self) -> tuple[str, ...]:
        """The clips' names as they were given, with as much of their paths as is known."""
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

    def with_threshold(self, threshold: float) -> Results:
        """The same answers, judged by another threshold for "none of these"."""
        clips = tuple(
            replace(clip, answers=tuple(answer.with_threshold(threshold) for answer in clip.answers))
            for clip in self.clips
        )
        return replace(self, recognition=replace(self.recognition, clips=clips))


class RecognitionService:
    """Recognizes clips, and says which labels and bundles go together."""

    def __init__(self, studio: Studio) -> None:
        self._studio, self.admission = studio, Admission(studio.store)

    def answers(self, request: RecognitionRequest, *, pictures: bool = False) -> Iterator[Results]:
        """The answer, growing by ``studio.clips_at_once`` clips; with ``pictures`` the sampled frames become files.

        Raises StudioError where it cannot be answered at all: BusyError where too many are being answered, LimitError
        where it would cost too much.
        """
        with self.admission.admitted():
            yield from self._admitted(request, pictures=pictures)

    def _admitted(self, request: RecognitionRequest, *, pictures: bool) -> Iterator[Results]:
        studio, asked, cards = self._studio, *self.resolved(request)
        files = PictureFiles(studio) if pictures else None
        backbone = asked.backbone or ""
        titles = (studio.backbone_title(backbone), tuple(map(studio.bundle_title, cards)))
        kept: Any = {"cards": tuple(cards), "templates": tuple(asked.templates or ()), "pictures": files}
        empty = Results(Recognition(backbone, ()), *titles, tuple(asked.labels), **kept)
        given = tuple(given_name(file) for file in asked.files)
        clips: list[RecognizedClip] = []
        paths: list[str] = []
        notes: dict[str, None] = {}
        told: Mapping[str, tuple[str, ...]] = {}
        for first in range(0, len(asked.files), studio.clips_at_once):
            kept = [self._kept(file, asked.stretch) for file in asked.files[first : first + studio.clips_at_once]]
            there = [one for one in kept if isinstance(one, str)]
            if there:
                found = studio.recognizer.recognize(replace(asked, files=there))
                notes.update(dict.fromkeys(found.notes))
                told = found.descriptions
                seen = iter(found.clips)
            for one in kept:
                clip = next(seen) if isinstance(one, str) else one
                number = len(clips)
                frames = files.write(f"clip-{number}", clip.thumbnails) if files else ()
                clips.append(replace(clip, file=base_name(given[number]), thumbnails=(), pictures=frames))
                paths.append(one if isinstance(one, str) else "")
            known = Recognition(backbone, tuple(clips), tuple(notes), told)
            yield replace(empty, recognition=known, paths=tuple(paths), given=given[: len(clips)])

    def answer(self, request: RecognitionRequest) -> Results:
        """The whole answer; raises StudioError."""
        *_, whole = self.answers(request)
        return whole

    def in_place(self, request: RecognitionRequest, load: Callable[[str], Backbone]) -> Recognition:
        """What clips of this machine show, read where they lie, with all labels; ``bundles`` are folders.

        ``load`` loads the backbone that is named, else the first bundle's, else the default. Raises StudioError.
        """
        from ga2app.inference import Recognizer, load_bundle

        read_lists(request)
        bundles = [load_bundle(folder) for folder in request.bundles or ()]
        named = [str(bundle.manifest.backbone["name"]) for bundle in bundles]
        backbone = load(request.backbone or next(iter(named), "") or self._studio.known_backbone(None))
        asked: Any = {
            "template": request.templates,
            "none_of_these": with_negatives(self._studio, request.none_of_these),
        }
        asked["descriptions"] = read_descriptions(request)
        files = [part_of_clip(file, request.stretch) for file in request.files]
        return Recognizer(backbone, bundles).recognize(files, list(request.labels), **asked)

    def chosen_bundles(self, keys: str | Sequence[str] | None) -> list[BundleCard]:
        """The bundles under ``keys``, each once. Raises BundleError for one that is not there, and for too many."""
        asked = [keys] if isinstance(keys, str) else keys or ()
        cards = [card for card in map(self._studio.bundle, dict.fromkeys(asked)) if card is not None]
        if len(cards) > MOST_BUNDLES:
            raise BundleError(
                f"{len(cards)} bundles were chosen; {MOST_BUNDLES} fit side by side, take some off the list"
            )
        return cards

    def agreed_backbone(self, keys: str | Sequence[str] | None) -> str:
        """The backbone that all bundles under ``keys`` belong to, where it is here; else empty."""
        named = {card.backbone for card in self.chosen_bundles(keys)}
        agreed = named.pop() if len(named) == 1 else ""
        return agreed if agreed and self._studio.has_backbone(agreed) else ""

    def misfit(self, keys: str | Sequence[str] | None, backbone: str) -> str:
        """What does not fit between the chosen bundles and the chosen backbone, in words; empty where all is well."""
        strange = [card for card in self.chosen_bundles(keys) if card.backbone != backbone]
        if not strange or Path(backbone).is_absolute():
            return ""  # a folder may hold the very CLIP that a bundle knows by another name: its weights will tell
        found = []
        for card in strange:
            missing = "" if self._studio.has_backbone(card.backbone) else ", which is not on this machine"
            title, trained_on = self._studio.bundle_title(card), self._studio.backbone_title(card.backbone)
            found.append(f"{title} was trained on backbone {trained_on}{missing}")
        return f"{'; '.join(found)}. A bundle works only with the backbone that it was trained on."

    def bundle_labels(self, keys: str | Sequence[str] | None) -> str:
        """The labels that bundles were trained and tested with, as the labels box takes them."""
        return _joined(label for card in self.chosen_bundles(keys) for label in (*card.base, *card.novel))

    def chosen_threshold(self, keys: str | Sequence[str] | None) -> Temperature | None:
        """What the first of the bundles under ``keys`` that has a threshold from data says of it; None without one.

        A bundle that cannot be read has none: recognizing with it will say what is wrong.
        """
        from ga2app.bundles import read_manifest

        with suppress(BundleError):
            for card in self.chosen_bundles(keys):
                if (found := read_manifest(Path(card.folder)).calibrated).threshold is not None:
                    return found
        return None

    def label_lists(self) -> list[tuple[str, str]]:
        """Titles and keys of the lists of labels at hand: the data sets."""
        return [
            (f"{row.name} ({len(row.base)} base, {len(row.novel)} novel labels)", row.name)
            for row in self._studio.store.datasets.list()
        ]

    def dataset_labels(self, name: str | None) -> str:
        """The labels of the data set ``name``, as the labels box takes them; empty for one that is gone."""
        rows = [row for row in self._studio.store.datasets.list() if row.name == name]
        return _joined([*rows[0].base, *rows[0].novel]) if rows else ""

    def dataset_descriptions(self, name: str | None) -> str:
        """What the data set ``name`` says of its labels, as lines; empty for one that is gone or says nothing."""
        there = name and name in self._studio.store.datasets.names().values()
        return format_descriptions(self._studio.store.datasets.outline(name).descriptions) if there and name else ""

    def suggestions(self, typed: str, keys: Sequence[str] | None) -> list[str]:
        """Labels that could be added: those of the bundles, of the drawn examples and of the data sets."""
        pool = [label for card in self.chosen_bundles(keys) for label in (*card.base, *card.novel)]
        pool += [example.label for example in self._studio.examples]
        pool += [label for row in self._studio.store.datasets.list() for label in (*row.base, *row.novel)]
        taken = {label_key(label) for label in parse_labels(typed)}
        return [label for label in merge_labels(pool).names.values() if label_key(label) not in taken][:SUGGESTED]

    def resolved(self, request: RecognitionRequest) -> tuple[RecognitionRequest, list[BundleCard]]:
        """The request as recognizers take it, and the bundles; raises StudioError for what makes no sense."""
        if not request.files:
            raise StudioError("no clip was given; upload one, or choose one of the drawn examples")
        if request.top_k < 1:
            raise ConfigError([Fault("top_k", f"must be 1 or more (it is {shown(str(request.top_k))})")])
        labels, sentences = read_lists(request)
        if not labels:
            raise LabelError("there are no labels to choose from; type at least two, separated by commas")
        cards = self.chosen_bundles(request.bundles)
        backbone = self._studio.known_backbone(request.backbone or self.agreed_backbone(request.bundles))
        named: Any = {"labels": labels, "bundles": [card.folder for card in cards], "backbone": backbone}
        none = with_negatives(self._studio, request.none_of_these)
        resolved = replace(request, **named, templates=sentences, none_of_these=none)
        cost(resolved).check(self._studio.store.quotas)
        return resolved, cards

    def _kept(self, address: str, stretch: str) -> str | RecognizedClip:
        """The ``stretch`` of the store's own copy of the clip at ``address``, or why there is none."""
        try:
            file, own = split_address(address)
            kept = keep_upload(self._studio.home, file)
            return in_use(Kept(part_of_clip(f"{kept}{own.fragment if own else ''}", stretch)))
        except ClipError as exc:
            return RecognizedClip(file=Path(address).name, error=str(exc))


def with_negatives(studio: Studio, asked: NoneOfThese | None) -> NoneOfThese | None:
    """``asked`` with the negative prompts that are switched on, where it names none. Raises LabelError."""
    if asked is None or asked.negatives is not None:
        return asked
    store = studio.store.negatives
    if asked.group and asked.group not in store.groups():
        known = ", ".join(f"'{name}'" for name in store.groups()) or "none yet"
        raise LabelError(f"there is no group of negative prompts '{asked.group}'; there are: {known}")
    return replace(asked, negatives=tuple(store.texts(asked.group or None)), shipped=default_prompts())


def none_of_these(way: str, threshold: float | None = None, group: str | None = None) -> NoneOfThese | None:
    """How "none of these" is decided; raises ConfigError for a way or a threshold that does not exist."""
    if (way or OFF) == OFF:
        return None
    if way not in WAYS:
        raise ConfigError([Fault("none_of_these", f"must be one of {', '.join(WAYS)}, not '{str(way)[:40]}'")])
    if threshold is not None and not 0 <= threshold <= 1:
        raise ConfigError([Fault("threshold", f"must be between 0 and 1, not {threshold}")])
    return NoneOfThese(way=NoneWay(way), threshold=threshold, group=group or None)


def add_labels(typed: str, labels: Iterable[str]) -> str:
    """``typed`` with more labels."""
    return _joined([*parse_labels(typed), *labels])


def _joined(labels: Iterable[str]) -> str:
    """Each label once, in the spelling in which it came first."""
    return format_labels(merge_labels(list(labels)).names.values())
