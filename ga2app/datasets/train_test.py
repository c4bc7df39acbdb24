"""Which clips are for testing, and which of the others a run is trained on."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from ga2app.errors import DatasetError, ErrorCode
from ga2app.stretches import split_address
from ga2app.types import Dataset, LabelledClip, Subset

TEST_SHARE = 0.25

Rank = Callable[[str, Sequence[str]], Sequence[int]]
"""From a label and the names of its groups of clips to the order in which they are taken for testing."""


class DraftClip(NamedTuple):
    """A clip as its source names it. ``subset`` is None where the source does not say which part it is in.

    Two with one of their ``ties`` in common must be on the same side.
    """

    path: str
    label: str
    subset: Subset | None = None
    ties: tuple[str, ...] = ()


def hold_out(clips: Sequence[DraftClip]) -> list[Subset]:
    """The subset of each clip; a quarter of each label is for testing, and which clips depends on their names alone."""
    return draw(clips, TEST_SHARE, _by_name)


def draw(clips: Sequence[DraftClip], share: float, rank: Rank) -> list[Subset]:
    """The subset of each clip: ``share`` of those of a label that have none yet, at least one where there are two.

    Tied clips stay together, and no label loses its only training clip.
    """
    group_of = _groups(clips)
    tested: dict[int, bool] = {}
    for number, clip in zip(group_of, clips, strict=True):
        if clip.subset is not None:
            tested[number] = tested.get(number, True) and clip.subset is Subset.TEST
    given_sides = frozenset(tested)
    by_label: dict[str, list[int]] = {}
    for place, clip in enumerate(clips):
        if clip.subset is None:
            by_label.setdefault(clip.label, []).append(place)
    for label, own in by_label.items():
        _draw_label(label, own, clips, group_of, tested, share, rank)
    trained = {clip.label for clip in clips if clip.subset is Subset.TRAIN}
    for label, own in by_label.items():
        if label not in trained:
            _keep_one(own, group_of, tested, given_sides)
    return [
        clip.subset or (Subset.TEST if tested.get(number) else Subset.TRAIN)
        for number, clip in zip(group_of, clips, strict=True)
    ]


def _draw_label(
    label: str,
    own: Sequence[int],
    clips: Sequence[DraftClip],
    group_of: Sequence[int],
    tested: dict[int, bool],
    share: float,
    rank: Rank,
) -> None:
    """Put the groups of one label on a side, as far as they are on none yet."""
    name_of = {place: os.path.basename(clips[place].path) for place in own}
    names: dict[int, str] = {}
    for place in sorted(own, key=name_of.__getitem__):
        names.setdefault(group_of[place], name_of[place])
    sizes = Counter(group_of[place] for place in own)
    numbers = list(names)
    order = [numbers[at] for at in rank(label, list(names.values()))]
    wanted = min(max(round(len(own) * share), 1), len(own) - 1) if share > 0 else 0
    count = sum(sizes[number] for number in numbers if tested.get(number))
    free = [number for number in order if number not in tested]
    for number in free:
        tested[number] = count + sizes[number] <= wanted
        count += tested[number] * sizes[number]
    if wanted and not count and len(numbers) > 1 and free:
        smallest = min(free, key=sizes.__getitem__)
        tested[smallest] = True


def _keep_one(
    own: Sequence[int], group_of: Sequence[int], tested: dict[int, bool], given_sides: Collection[int]
) -> None:
    """A label whose clips another label's draw has taken whole gets one group back."""
    movable = [group_of[place] for place in own if group_of[place] not in given_sides]
    if movable and all(tested[group_of[place]] for place in own):
        tested[movable[0]] = False


def _groups(clips: Sequence[DraftClip]) -> Sequence[int]:
    """A number for each clip, one for all that are tied to each other, directly or through others."""
    ties = [tie for clip in clips for tie in clip.ties]
    if len(set(ties)) == len(ties):
        return range(len(clips))
    parent = list(range(len(clips)))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    first: dict[str, int] = {}
    for place, clip in enumerate(clips):
        for tie in clip.ties:
            other = root(first.setdefault(tie, place))
            parent[max(other, root(place))] = min(other, root(place))
    return [root(place) for place in range(len(clips))]


def _by_name(label: str, names: Sequence[str]) -> list[int]:
    digests = [hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest() for name in names]
    return sorted(range(len(names)), key=lambda at: digests[at])


def draw_shots(dataset: Dataset, shots: int, seed: int) -> list[LabelledClip]:
    """At most ``shots`` training clips of each base class, drawn with ``seed``; raises DatasetError.

    The draw of a class depends on its own clips only: another class more or less does not change it.
    """
    if len(dataset.base) < 2:
        raise DatasetError(
            f"data set '{dataset.name}' has {len(dataset.base)} base class{'' if len(dataset.base) == 1 else 'es'}; "
            "training needs at least 2, because with one there is nothing to tell apart",
            hint="add clips of another class",
            code=ErrorCode.NO_TRAINING_CLIPS,
        )
    drawn: list[LabelledClip] = []
    empty = []
    for label in dataset.base:
        clips, order = _order(dataset, label, seed)
        if not clips:
            empty.append(label)
        drawn += [clips[place] for place in sorted(order[:shots])]
    if empty:
        raise DatasetError(
            f"data set '{dataset.name}' has no training clips for: {', '.join(empty)}",
            hint="add clips of these classes, or make them novel",
            code=ErrorCode.NO_TRAINING_CLIPS,
        )
    return drawn


def left_over(dataset: Dataset, shots: int, seed: int, most: int) -> list[LabelledClip]:
    """Training clips that ``draw_shots`` left over and whose files are there: at most ``most``, label by label.

    Each label gives its first, then each its second, and so on, so that all have about as many. Stretches of a video of
    which others were drawn are left out.
    """
    rounds, drawn = [], set[str]()
    for number, label in enumerate(dataset.base):
        clips, order = _order(dataset, label, seed)
        drawn.update(clips[place].file for place in order[:shots])
        rounds += [(turn, number, clips[place]) for turn, place in enumerate(order[shots : shots + most])]
    taken: list[tuple[int, LabelledClip]] = []
    for _, number, clip in sorted(rounds, key=lambda one: one[:2]):
        file, stretch = split_address(clip.path)
        if len(taken) < most and not (stretch and file in drawn) and os.path.isfile(file):
            taken.append((number, clip))
    return [clip for _, clip in sorted(taken, key=lambda one: one[0])]


def _order(dataset: Dataset, label: str, seed: int) -> tuple[list[LabelledClip], list[int]]:
    """The training clips of ``label``, and their places in the order in which ``seed`` draws them."""
    import numpy as np

    clips = sorted(
        (clip for clip in dataset.clips if clip.label == label and clip.subset is Subset.TRAIN),
        key=lambda clip: clip.path.rsplit("/", 1)[-1],
    )
    digest = int.from_bytes(hashlib.sha256(label.encode()).digest()[:8], "big")
    return clips, np.random.default_rng([seed, digest]).permutation(len(clips)).tolist()
