"""An outline counts a data set's clips without listing them, and says the same as the whole."""

from __future__ import annotations

from dataclasses import replace

from ga2app.paths import Home
from ga2app.store import Store
from ga2app.types import AnchorClip, Dataset, LabelledClip, Subset

CLIPS = tuple(
    LabelledClip(
        f"/clips/{label}/{place}.{'mp4' if place else 'avi'}", label, Subset.TEST if place % 3 == 2 else Subset.TRAIN
    )
    for label in ("run", "jump", "wave")
    for place in range(9)
)
WHOLE = Dataset("mine", ("run", "jump"), ("wave", "never"), CLIPS, (AnchorClip("/a.mp4", "rain"),), ("nothing",))


def test_an_outline_has_labels_anchors_and_counts_and_no_clip(home: Home) -> None:
    with Store.open(home) as store:
        store.datasets.add(WHOLE, origin="test")
        outline = store.datasets.outline("mine")
        assert list(store.datasets.names().values()) == ["mine"]
        assert store.datasets.pictured("mine", [".mp4"], 8) == [
            ("run", "/clips/run/1.mp4"),
            ("jump", "/clips/jump/1.mp4"),
        ]
    assert replace(WHOLE, clips=()) == Dataset(
        outline.name, outline.base, outline.novel, outline.clips, outline.anchors, outline.negatives
    )
    assert all(outline.counts(subset) == WHOLE.counts(subset) for subset in Subset)


def test_an_outline_names_a_few_training_clips_from_the_whole_data_set(home: Home) -> None:
    with Store.open(home) as store:
        store.datasets.add(WHOLE, origin="test")
        sample = store.datasets.outline("mine").sample()
        store.datasets.add(replace(WHOLE, name="one", clips=CLIPS[2:3]), origin="test")
        assert store.datasets.outline("one").sample() == (CLIPS[2].path,), "of test clips where there are no others"
    trained = [clip.path for clip in CLIPS if clip.subset is Subset.TRAIN]
    assert len(set(sample)) == 3 and set(sample) <= set(trained)
