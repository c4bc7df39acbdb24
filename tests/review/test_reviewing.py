"""Reviewing the clips of a data set: lists, what is said of each clip, search, near-copies."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from ga2app.cli.review import clip_number
from ga2app.config import RunConfig, preset
from ga2app.errors import DatasetError, LimitError, StudioError
from ga2app.store import Quotas
from ga2app.store.clip_pages import ClipFilter
from ga2app.types import Dataset, LabelKind, LabelledClip, Subset
from ga2app.types.dataset_types import ORDERS, Order, Reviewed
from ga2app.web import Studio

EVERY = [order for order in Order if order is not Order.DISAGREE]


def rows(studio: Studio, dataset_id: int) -> list[tuple[int, str]]:
    return [(row.id, row.label) for row in studio.store.clips.page(dataset_id, ClipFilter(), limit=100)]


def test_no_clip_is_in_a_list_before_it_was_looked_at(studio: Studio, dataset_id: int) -> None:
    with pytest.raises(DatasetError, match="none of the 16 clips of this data set was looked at yet"):
        studio.review.ranked(dataset_id, "uncertain")


def test_every_order_is_explained() -> None:
    assert list(ORDERS) == list(Order)


@pytest.mark.parametrize("order", EVERY)
def test_each_order_lists_clips_with_reasons_and_answers(studio: Studio, looked: int, order: Order) -> None:
    found = studio.review.ranked(looked, order)
    if order is not Order.SUSPECTED:
        assert len(found) == 16
    for one in found:
        assert one.why or order is Order.LISTED
        (best,) = one.answers.values()
        assert len(best) == 4 and sum(share for _, share in best) == pytest.approx(1, rel=1e-4)


def test_the_least_certain_clip_comes_first(studio: Studio, looked: int) -> None:
    found = studio.review.ranked(looked, "margin")
    ahead = [best[0][1] - best[1][1] for one in found for best in one.answers.values()]
    assert ahead == pytest.approx(sorted(ahead), rel=1e-4)


def test_an_unknown_order_and_a_disagreement_with_nobody_are_refused(studio: Studio, looked: int) -> None:
    with pytest.raises(DatasetError, match="no order 'best'; choose one of uncertain, margin"):
        studio.review.ranked(looked, "best")
    with pytest.raises(DatasetError, match="no bundle is named"):
        studio.review.ranked(looked, "disagree")


@pytest.mark.parametrize("count", [0, -3])
def test_a_list_of_no_clips_is_refused_in_place_of_one_that_seems_done(studio: Studio, looked: int, count: int) -> None:
    review, clip = studio.review, rows(studio, looked)[0][0]
    for ask in (
        lambda: review.ranked(looked, "uncertain", count=count),
        lambda: review.search(looked, "walking", count=count),
        lambda: review.similar(looked, clip, count=count),
        lambda: review.copies(looked, count=count),
    ):
        with pytest.raises(DatasetError, match=f"{count} clips cannot be listed; ask for 1 or more"):
            ask()
    assert len(review.ranked(looked, "uncertain", count=1)) == 1


def test_what_is_said_of_a_clip_takes_it_off_the_list_and_counts(studio: Studio, looked: int) -> None:
    first, second, third = (one.clip for one in studio.review.ranked(looked, "uncertain", count=3))
    review = studio.review
    other = "running" if second.label != "running" else "walking"
    assert review.confirm(first.id).startswith(f"Done: confirming '{first.label}' of")
    assert f"from '{second.label}' to '{other}'" in review.correct(second.id, other.upper())
    review.skip(third.id)
    left = [one.clip.id for one in review.ranked(looked, "uncertain", fresh=False)]
    assert len(left) == 14 and left[-1] == third.id, "a skipped clip comes last"
    assert review.remaining(looked, "uncertain") == 14
    counts = review.counts(looked)
    assert [counts[how] for how in Reviewed] == [13, 1, 1, 1]
    assert studio.store.clips.get(second.id).label == other


def test_each_review_can_be_undone_the_newest_first(studio: Studio, looked: int) -> None:
    before = rows(studio, looked)
    (id_, label), (skipped, _), *_ = before
    studio.review.correct(id_, "handstand")
    studio.review.skip(skipped)
    assert "handstand" in [one.name for one in studio.store.clips.labels(looked)]
    assert studio.review.undo().startswith("Undone: skipping")
    assert studio.review.undo() == f"Undone: correcting {label}-0.mp4 from '{label}' to 'handstand'."
    assert rows(studio, looked) == before and studio.review.counts(looked)[Reviewed.NOT_YET] == 16
    assert "handstand" not in [one.name for one in studio.store.clips.labels(looked)]


def test_to_correct_a_clip_to_its_own_label_is_to_confirm_it(studio: Studio, looked: int) -> None:
    (id_, label), *_ = rows(studio, looked)
    assert "confirming" in studio.review.correct(id_, label)
    assert studio.review.counts(looked)[Reviewed.CONFIRMED] == 1


def test_a_clip_that_was_left_out_comes_back_as_it_was_reviewed(studio: Studio, looked: int) -> None:
    (id_, _), *_ = rows(studio, looked)
    studio.review.confirm(id_)
    assert studio.review.leave_out(id_) == "Left out: walking-0.mp4."
    with pytest.raises(DatasetError, match="not in the data set any more"):
        studio.review.confirm(id_)
    studio.review.undo()
    assert studio.review.counts(looked)[Reviewed.CONFIRMED] == 1


def test_while_a_run_waits_a_label_can_be_confirmed_and_not_corrected(studio: Studio, looked: int) -> None:
    studio.store.runs.queue(RunConfig.from_dict(preset("quick").to_dict() | {"dataset": "colors"}))
    (id_, _), *_ = rows(studio, looked)
    studio.review.confirm(id_)
    with pytest.raises(DatasetError, match="still needs the data set 'colors', so it cannot be changed"):
        studio.review.correct(id_, "running")
    assert studio.review.counts(looked)[Reviewed.CONFIRMED] == 1


def test_the_reviews_of_a_data_set_survive_a_restart(studio: Studio, looked: int) -> None:
    from ga2app.store import Store

    (id_, _), *_ = rows(studio, looked)
    studio.review.confirm(id_)
    with Store.open(studio.home) as again:
        assert again.reviews.counts(looked)[Reviewed.CONFIRMED] == 1


def test_a_clip_is_found_by_its_like(studio: Studio, looked: int) -> None:
    by_id = dict(rows(studio, looked))
    for id_, label in by_id.items():
        found = studio.review.similar(looked, id_, count=3)
        assert [one.clip.label for one in found] == [label] * 3 and id_ not in [one.clip.id for one in found]
        assert found[0].score >= found[-1].score


def test_a_clip_of_the_machine_can_be_searched_by(studio: Studio, looked: int, colors: Dataset) -> None:
    found = studio.review.similar(looked, colors.clips[0].path, count=2)
    assert found[0].clip.path == colors.clips[0].path and found[0].score == pytest.approx(1, rel=1e-4)


def test_words_are_searched_by_the_text_tower(studio: Studio, looked: int) -> None:
    import torch

    found = studio.review.search(looked, "a person walking", count=16)
    seen = studio.looks.seen(looked)
    cosines = seen.features.features(seen.digests) @ seen.features.texts(["a person walking"])[0]
    assert [one.score for one in found] == pytest.approx(torch.sort(cosines, descending=True).values.tolist(), rel=1e-4)


@pytest.mark.parametrize(
    ("words", "told"), [(" ", "nothing to search for"), ("x" * 301, "301 characters"), ("zyx", "none")]
)
def test_words_that_say_nothing_are_refused(studio: Studio, looked: int, words: str, told: str) -> None:
    with pytest.raises(DatasetError, match=told):
        studio.review.search(looked, words)


def test_copies_and_overlaps_are_listed_those_under_two_labels_first(
    studio: Studio, colors: Dataset, tmp_path: Path
) -> None:
    again = shutil.copy(colors.clips[0].path, tmp_path / "again.mp4")
    video = colors.clips[4].path
    clips = (
        *(LabelledClip(f"{video}#t={part}", "running") for part in ("0,0.4", "0.2,0.6")),
        LabelledClip(colors.clips[0].path, "walking", Subset.TEST),
        LabelledClip(str(again), "running", Subset.TEST),
    )
    of = studio.store.datasets.add(Dataset("copies", ("walking", "running"), (), clips), origin="test")
    assert studio.looks.look(of) == {}
    first, second, *_ = studio.review.copies(of)
    assert (first.why, first.warning) == ("the same content", "under two labels")
    assert (second.why, second.warning) == ("stretches of one video that overlap", "")


def test_a_clip_encoded_anew_is_a_near_copy(studio: Studio, colors: Dataset, tmp_path: Path) -> None:
    from ga2app.video import Evaluation, read_clip
    from ga2app.video.writer import write_clip

    frames = read_clip(colors.clips[0].path, Evaluation(6)).frames
    write_clip(tmp_path / "anew.mp4", frames, 12)
    clips = (*colors.clips[:8], LabelledClip(str(tmp_path / "anew.mp4"), "walking", Subset.TEST))
    of = studio.store.datasets.add(Dataset("anew", ("walking", "running"), (), clips), origin="test")
    studio.looks.look(of)
    found = studio.review.copies(of)
    assert [{Path(pair.first.path).name, Path(pair.second.path).name} for pair in found] == [
        {"walking-0.mp4", "anew.mp4"}
    ]
    assert found[0].warning == "for training and for testing" and found[0].cosine > 0.97


def test_a_look_in_the_background_tells_how_far_it_is_and_can_be_begun_again(studio: Studio, dataset_id: int) -> None:
    looks = studio.looks
    looks.start(dataset_id)
    looks.start(dataset_id)  # is going on, and is one
    while looks.state(dataset_id).running:
        time.sleep(0.02)
    assert (looks.state(dataset_id).done, looks.state(dataset_id).total) == (16, 16)
    assert looks.seen(dataset_id).unseen == 0 and studio.review.ranked(dataset_id, "listed")


def test_a_look_that_would_cost_too_much_says_so(studio: Studio, dataset_id: int) -> None:
    studio.store.quotas = Quotas(frames=100)
    with pytest.raises(LimitError, match="asks for 128 frames"):
        studio.looks.look(dataset_id)
    studio.looks.start(dataset_id)
    while studio.looks.state(dataset_id).running:
        time.sleep(0.02)
    assert "asks for 128 frames" in studio.looks.state(dataset_id).error


def test_a_clip_whose_file_is_gone_is_named_and_the_others_are_listed(studio: Studio, colors: Dataset) -> None:
    clips = (*colors.clips[:4], LabelledClip("/gone.mp4", "walking"))
    of = studio.store.datasets.add(Dataset("gone", ("walking", "running"), (), clips), origin="test")
    faults = studio.looks.look(of)
    assert list(faults) == ["/gone.mp4"] and "the file cannot be read (No such file" in faults["/gone.mp4"]
    assert len(studio.review.ranked(of, "listed")) == 4 and studio.looks.seen(of).unseen == 1


def test_what_is_not_there_is_told(studio: Studio) -> None:
    with pytest.raises(StudioError, match="not there any more"):
        studio.looks.look(99)


def test_a_label_that_a_correction_makes_is_base(studio: Studio, looked: int) -> None:
    (id_, _), *_ = rows(studio, looked)
    studio.review.correct(id_, "handstand")
    made = next(one for one in studio.store.clips.labels(looked) if one.name == "handstand")
    assert made.kind is LabelKind.BASE and made.clips == 1


def test_a_command_names_a_clip_by_its_number_its_file_or_the_file_s_name(studio: Studio, dataset_id: int) -> None:
    listed = studio.store.clips.page(dataset_id, ClipFilter(), limit=100)
    one = listed[5]
    assert clip_number(studio, dataset_id, str(one.id)) == clip_number(studio, dataset_id, one.path) == one.id
    alone = next(row for row in listed if [Path(each.path).name for each in listed].count(Path(row.path).name) == 1)
    assert clip_number(studio, dataset_id, Path(alone.path).name) == alone.id
    twin = LabelledClip(f"/elsewhere/{Path(alone.path).name}", alone.label, Subset.TRAIN)
    studio.store.datasets.add(Dataset("more", (alone.label,), (), (twin,)), origin="test")
    other = studio.datasets.called("more").id
    studio.store.dataset_edits.add_clips(dataset_id, [(twin.path, twin.label, "")])
    with pytest.raises(DatasetError, match="2 clips are called .* name one by its number"):
        clip_number(studio, dataset_id, Path(alone.path).name)
    assert clip_number(studio, dataset_id, alone.path) == alone.id
    with pytest.raises(DatasetError, match="no clip is called 'gone.mp4'"):
        clip_number(studio, dataset_id, "gone.mp4")
    with pytest.raises(DatasetError, match=f"clip {one.id} is in another data set"):
        clip_number(studio, other, str(one.id))
