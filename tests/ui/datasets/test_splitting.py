"""A new division into train and test."""

from __future__ import annotations

from ga2app.services.dataset_service import choose_test
from ga2app.store.dataset_edits import SplitClip
from ga2app.types import Dataset, LabelKind, LabelledClip, Subset
from ga2app.web import Studio


def clips(label: str, count: int, *, first: int = 1, kind: LabelKind = LabelKind.BASE) -> list[SplitClip]:
    return [SplitClip(first + i, label, kind, f"/{label}/{label}-{i:02d}.mp4", None) for i in range(count)]


def test_a_share_of_each_label_is_for_testing_and_the_seed_decides_which() -> None:
    all_clips = clips("jump", 8) + clips("wave", 4, first=100)
    chosen = choose_test(all_clips, share=0.25, seed=3, novel_whole=True)
    assert len([id_ for id_ in chosen if id_ < 100]) == 2 and len([id_ for id_ in chosen if id_ >= 100]) == 1
    assert chosen == choose_test(list(reversed(all_clips)), share=0.25, seed=3, novel_whole=True)
    others = [choose_test(all_clips, share=0.25, seed=seed, novel_whole=True) for seed in range(6)]
    assert len({frozenset(other) for other in others}) > 1


def test_the_draw_of_a_label_hangs_on_its_own_clips_only() -> None:
    alone = choose_test(clips("jump", 8), share=0.5, seed=1, novel_whole=True)
    together = choose_test(clips("climb", 5, first=50) + clips("jump", 8), share=0.5, seed=1, novel_whole=True)
    assert {id_ for id_ in together if id_ < 50} == alone


def test_each_side_gets_at_least_one_of_two_and_a_single_clip_is_trained_on() -> None:
    for share in (0.05, 0.9):
        assert len(choose_test(clips("jump", 2), share=share, seed=0, novel_whole=True)) == 1
    assert choose_test(clips("jump", 1), share=0.9, seed=0, novel_whole=True) == set()


def test_novel_labels_are_for_testing_as_a_whole_if_wanted() -> None:
    novel = clips("wave", 4, kind=LabelKind.NOVEL)
    assert choose_test(novel, share=0.25, seed=0, novel_whole=True) == {1, 2, 3, 4}
    assert len(choose_test(novel, share=0.25, seed=0, novel_whole=False)) == 1


def test_clips_of_the_same_content_are_never_on_two_sides() -> None:
    twins = [SplitClip(i, "jump", LabelKind.BASE, f"/{i}.mp4", f"content {i % 3}") for i in range(9)]
    other = [SplitClip(100, "wave", LabelKind.BASE, "/w.mp4", "content 0"), *clips("wave", 3, first=101)]
    for seed in range(8):
        chosen = choose_test([*twins, *other], share=0.34, seed=seed, novel_whole=True)
        sides: dict[str, set[bool]] = {}
        for clip in [*twins, other[0]]:
            sides.setdefault(str(clip.digest), set()).add(clip.id in chosen)
        assert all(len(side) == 1 for side in sides.values())


def test_clips_of_one_recording_are_never_on_two_sides() -> None:
    names = [f"/YoYo/v_YoYo_g{group:02d}_c{clip:02d}.avi" for group in range(1, 9) for clip in range(1, 5)]
    yo_yo = [SplitClip(place, "yo yo", LabelKind.BASE, name, None) for place, name in enumerate(names)]
    for seed in range(4):
        chosen = choose_test(yo_yo, share=0.25, seed=seed, novel_whole=True)
        assert len(chosen) == 8
        assert all(len({clip.id in chosen for clip in yo_yo[first : first + 4]}) == 1 for first in range(0, 32, 4))


def test_a_split_can_be_undone(studio: Studio) -> None:
    labelled = tuple(LabelledClip(f"/{number}.mp4", "jump", list(Subset)[number % 2]) for number in range(8))
    dataset = Dataset("mine", ("jump",), (), labelled)
    dataset_id = studio.store.datasets.add(dataset, origin="test")
    studio.datasets.split(dataset_id, share=0.25, seed=1, novel_whole=True)
    assert studio.store.datasets.get("mine") != dataset
    last = studio.datasets.last_edit()
    assert last is not None and last.offer == "Undo: the new split of 'mine'"
    assert studio.datasets.undo() == "Undone: the new split of 'mine'."
    assert studio.store.datasets.get("mine") == dataset
