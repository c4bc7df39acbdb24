"""What the buttons of the page do to the store; each gives in words what it did."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ga2app.datasets import Division, Half, Problem
from ga2app.datasets.drafts import divide
from ga2app.errors import DatasetError
from ga2app.labels import LabelNames, parse_labels
from ga2app.store import Store
from ga2app.store.clip_pages import LabelRow
from ga2app.store.dataset_edits import ROOM
from ga2app.types import LabelKind, Subset
from ga2app.web.pages.datasets.splitting import choose_test


def ids_of(ticked: str | None) -> list[int]:
    """The numbers of what is ticked, as the page's script lists them."""
    return [int(number) for number in (ticked or "").split(",") if number.isascii() and number.isdigit()]


def move_to_label(store: Store, dataset_id: int, ticked: str, name: str | None) -> str:
    """Give the ticked clips the label ``name``, which is made if the data set does not have it."""
    clips = ids_of(ticked)
    if not clips:
        raise DatasetError("no clip is ticked; tick one below its picture")
    if not (name or "").strip():
        raise DatasetError("no label was chosen; choose one, or type a new one")
    moved = store.dataset_edits.relabel_clips(dataset_id, clips, name or "")
    return f"{_clips(moved)} moved to '{name}'."


def move_to_subset(store: Store, ticked: str, subset: Subset) -> str:
    """Put the ticked clips into train or test."""
    moved = store.dataset_edits.move_clips(ids_of(ticked), subset=subset)
    return f"{_clips(moved)} {'is' if moved == 1 else 'are'} for {subset.value} now."


def delete_clips(store: Store, ticked: str) -> str:
    """Delete the ticked clips."""
    return f"{store.dataset_edits.delete_clips(ids_of(ticked))} deleted. 'Undo' brings them back."


def rename_label(store: Store, ticked: str, name: str) -> str:
    """Rename the one label that is ticked."""
    labels = ids_of(ticked)
    if len(labels) != 1:
        raise DatasetError(f"{len(labels)} labels are ticked; tick the one to be renamed")
    store.dataset_edits.rename_label(labels[0], name)
    return f"The label is called '{' '.join(name.split())}' now."


def merge_labels(store: Store, ticked: str, keep_id: int | None) -> str:
    """Merge the ticked labels into one."""
    if not keep_id:
        raise DatasetError("choose which label stays; the ticked ones are merged into it")
    moved = store.dataset_edits.merge_labels(int(keep_id), ids_of(ticked))
    return f"Merged: {_clips(moved)} moved."


def delete_labels(store: Store, dataset_id: int, ticked: str) -> str:
    """Delete the ticked labels with their clips."""
    what = store.dataset_edits.delete_labels(dataset_id, ids_of(ticked))
    return f"Deleted: {what}. 'Undo' brings it back."


def set_kind(store: Store, dataset_id: int, ticked: str, kind: LabelKind) -> str:
    """Make the ticked labels base or novel."""
    labels = ids_of(ticked)
    store.dataset_edits.set_kinds(dataset_id, dict.fromkeys(labels, kind))
    return f"{_labels(len(labels))} {'is' if len(labels) == 1 else 'are'} {kind.value} now."


def divide_by_half(store: Store, dataset_id: int, half: Half) -> str:
    """Make one half of the labels base and the other novel."""
    labels = store.clips.labels(dataset_id)
    problems: list[Problem] = []
    counts = {label.name: label.n_train for label in labels}
    base, _ = divide([label.name for label in labels], counts, Division(half=half), problems)
    return _keep(store, dataset_id, labels, set(base))


def divide_by_list(store: Store, dataset_id: int, text: str, kind: LabelKind) -> str:
    """Make the labels of a pasted list base or novel, and all others the other. Spelling may differ in case."""
    wanted = parse_labels(text)
    if not wanted:
        raise DatasetError("the list is empty; paste label names, one a line or between commas")
    labels = store.clips.labels(dataset_id)
    known = LabelNames(label.name for label in labels)
    if unknown := [name for name in wanted if known.find(name) is None]:
        raise DatasetError(f"no label of this data set: {', '.join(unknown[:8])}; mend the list, nothing was changed")
    named = {found for name in wanted if (found := known.find(name)) is not None}
    base = named if kind is LabelKind.BASE else {label.name for label in labels} - named
    return _keep(store, dataset_id, labels, base)


def split(store: Store, dataset_id: int, share: float, seed: int, novel_whole: bool) -> str:
    """Divide all clips into train and test anew."""
    train, test = store.dataset_edits.split(
        dataset_id, lambda clips: choose_test(clips, share=share, seed=seed, novel_whole=novel_whole)
    )
    return f"Split anew with seed {seed}: {_clips(train)} for training, {_clips(test)} for testing."


def undo(store: Store) -> str:
    """Undo the last deletion or edit on this screen."""
    last = store.trash.last(ROOM)
    if last is None:
        raise DatasetError("there is nothing to undo any more")
    return store.trash.restore(last.id).told


def _keep(store: Store, dataset_id: int, labels: Sequence[LabelRow], base: Collection[str]) -> str:
    kinds = {label.id: LabelKind.BASE if label.name in base else LabelKind.NOVEL for label in labels}
    store.dataset_edits.set_kinds(dataset_id, kinds)
    return f"{_labels(len(base))} {'is' if len(base) == 1 else 'are'} base now, {len(labels) - len(base)} novel."


def _clips(count: int) -> str:
    return f"{count:,} clip{'' if count == 1 else 's'}"


def _labels(count: int) -> str:
    return f"{count:,} label{'' if count == 1 else 's'}"
