"""Clips into anchor sets: copied at once, really opened, duplicates and faults told."""

from __future__ import annotations

from pathlib import Path

import pytest

from ga2app.errors import DatasetError, StoreError
from ga2app.services.anchor_pools import caption_of, evenly
from ga2app.services.negatives import Asked
from ga2app.services.studio import Studio
from ga2app.store.anchor_sets import AnchorOrder
from ga2app.store.clip_pages import ClipFilter
from ga2app.types import AnchorClip, AnchorKind, ClipFacts, Dataset, LabelledClip
from ga2app.web.pages.anchors.anchor_html import Page, clips_html, measured_html, taken_html

from ..studios import BASE, NOVEL

ASKED = Asked("pool", BASE, NOVEL, "sketch")


@pytest.fixture
def set_id(studio: Studio) -> int:
    return studio.store.anchors.create("mine")


def write(folder: Path, *names: str) -> list[str]:
    """Files that the pretending decoder takes for clips, each with a content of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_text(name)
    return [str(folder / name) for name in names]


def add_pool(studio: Studio, folder: Path) -> None:
    """A data set with clips of labels and of other classes, and an anchor of its own."""
    names = write(folder, "climbing-a-ladder.mp4", "jumping-rope.mp4", "rain.mp4", "long-street.mp4", "broken.mp4")
    labels = (BASE[0], NOVEL[0], "weather", "places", "places")
    rows = tuple(LabelledClip(path, label) for path, label in zip(names, labels, strict=True))
    anchors = (AnchorClip(write(folder, "clouds.mp4")[0], "clouds"),)
    dataset = Dataset("pool", (BASE[0], "weather", "places"), (NOVEL[0],), rows, anchors)
    studio.store.datasets.add(dataset, origin="test")


def test_an_upload_is_copied_opened_and_captioned_by_its_name(studio: Studio, set_id: int, tmp_path: Path) -> None:
    sent = write(tmp_path / "sent", "rain_on-window 02.mp4", "IMG_2034.mp4")
    taken = studio.anchors.upload(set_id, sent, "")
    assert "2 clips added" in taken_html("mine", taken)
    for path in sent:
        Path(path).unlink()
    first, second = studio.store.anchors.rows(set_id)
    assert (first.caption, second.caption) == ("rain on window", "")
    assert first.seconds == 2.0 and first.digest
    for row in (first, second):
        assert Path(row.path).is_file() and Path(row.path).is_relative_to(studio.home.media / "anchors")
    assert (studio.home.thumbs / f"{first.digest}.jpg").is_file()


def test_a_caption_that_was_typed_counts_for_all(studio: Studio, set_id: int, tmp_path: Path) -> None:
    studio.anchors.upload(set_id, write(tmp_path, "a.mp4", "b.mp4"), "  empty rooms ")
    assert [row.caption for row in studio.store.anchors.rows(set_id)] == ["empty rooms"] * 2


def test_every_fault_and_every_duplicate_is_told_and_leaves_no_file(
    studio: Studio, set_id: int, tmp_path: Path
) -> None:
    studio.anchors.upload(set_id, write(tmp_path, "rain.mp4"), "")
    sent = write(tmp_path / "more", "broken <1>.mp4", "tiny.mp4")
    (tmp_path / "more" / "copy.mp4").write_text("rain.mp4")
    told: list[tuple[int, int]] = []
    taken = studio.anchors.upload(
        set_id,
        [*sent, str(tmp_path / "more" / "copy.mp4"), str(tmp_path / "gone.mp4")],
        "",
        lambda done, total: told.append((done, total)),
    )
    message = taken_html("mine", taken)
    assert "1 clip added" in message and "2 clips could not be added" in message
    assert "it has no video" in message and "could not be copied" in message and "broken &lt;1&gt;.mp4" in message
    assert "in the set already" in message and "copy.mp4" in message
    assert "tiny.mp4: its picture is tiny" in message
    assert told[-1] == (4, 4)
    kept = [path for path in studio.store.anchors.folder(set_id).rglob("*") if path.is_file()]
    assert sorted(path.name for path in kept) == ["rain.mp4", "tiny.mp4"]


def test_a_suggestion_leaves_out_the_labels_own_classes_and_what_the_set_has(
    studio: Studio, set_id: int, tmp_path: Path
) -> None:
    add_pool(studio, tmp_path / "pool")
    studio.anchors.upload(set_id, [str(tmp_path / "pool" / "clouds.mp4")], "")
    found = studio.anchors.suggest_clips(set_id, "data:pool", ASKED, 8)
    assert [Path(one.path).name for one in found.clips] == ["long-street.mp4", "rain.mp4"]
    assert [one.caption for one in found.clips] == ["places", "weather"]
    assert "2 clips of the labels' own classes were left out" in found.notes
    assert any("broken.mp4" in note for note in found.notes)
    assert studio.store.anchors.sets()[-1].clips == 1, "nothing is added by itself"


def test_a_large_pool_is_looked_at_in_part_and_that_is_said(studio: Studio, set_id: int, tmp_path: Path) -> None:
    other = studio.store.anchors.create("pool")
    studio.anchors.upload(other, write(tmp_path, *(f"scene-{n:02d}.mp4" for n in range(12))), "scene")
    found = studio.anchors.suggest_clips(set_id, f"set:{other}", ASKED, 3, look_at=6)
    assert len(found.clips) == 3
    assert "6 of 12 clips were looked at, spread evenly over the pool" in found.notes


def test_pools_that_give_nothing_are_refused_in_words(studio: Studio, set_id: int, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no pool of clips was chosen"):
        studio.anchors.suggest_clips(set_id, None, ASKED, 3)
    rows = (LabelledClip(write(tmp_path, "a.mp4")[0], BASE[0]),)
    studio.store.datasets.add(Dataset("own", (BASE[0],), (), rows), origin="test")
    with pytest.raises(DatasetError, match=r"every clip of the pool \(1\) is of the labels' own classes"):
        studio.anchors.suggest_clips(set_id, "data:own", ASKED, 3)


def test_only_what_was_ticked_is_added_with_a_copy_of_its_own(studio: Studio, set_id: int, tmp_path: Path) -> None:
    add_pool(studio, tmp_path / "pool")
    found = studio.anchors.suggest_clips(set_id, "data:pool", ASKED, 8)
    with pytest.raises(StoreError, match="none of the proposed clips is ticked"):
        studio.anchors.accept(set_id, found.clips, [])
    assert studio.anchors.accept(set_id, found.clips, [1]).count == 1
    (row,) = studio.store.anchors.rows(set_id)
    assert row.path != found.clips[1].path and Path(row.path).read_bytes() == Path(found.clips[1].path).read_bytes()
    assert row.caption == found.clips[1].caption


def test_made_clips_are_proposed_the_most_irrelevant_first_with_a_warning(
    studio: Studio, set_id: int, tmp_path: Path
) -> None:
    add_pool(studio, tmp_path / "pool")
    found = studio.anchors.make_clips("pool", [AnchorKind.AWAY, AnchorKind.HELD_FRAME], 5, ASKED)
    values = [one.rating.value for one in found.clips if one.rating]
    assert len(values) == 8 and values == sorted(values, reverse=True)
    assert found.clips[-1].rating is not None and found.clips[-1].rating.warned
    assert any("broken.mp4" in note for note in found.notes)
    assert any("still moves" in one.remark for one in found.clips)
    with pytest.raises(DatasetError, match="no way of making anchors"):
        studio.anchors.make_clips("pool", [], 5, ASKED)


def test_measured_clips_are_kept_and_relevant_ones_are_counted(studio: Studio, set_id: int, tmp_path: Path) -> None:
    names = write(tmp_path, "climbing-a-ladder.mp4", "rain.mp4")
    studio.anchors.upload(set_id, names, "")
    message = measured_html(studio.anchors.measure_clips(set_id, ASKED))
    assert "2 clips measured against 2 labels" in message and "1 clip looks relevant" in message
    question = studio.store.ratings.find(BASE, "sketch")
    assert question is not None and question.source == "pool"
    ladder, rain = (row.rating for row in studio.store.anchors.rows(set_id, question=question.id))
    assert ladder is not None and ladder.warned and ladder.nearest == BASE[0]
    assert rain is not None and not rain.warned
    rows = studio.store.anchors.rows(set_id, question=question.id, order=AnchorOrder.WORST)
    html = clips_html(studio, rows, Page(0, 24, 2), comparable=True, locked=False)
    assert html.index("looks like “climbing a ladder”") < html.index('value="rain"')


@pytest.mark.parametrize(
    ("name", "caption"),
    [
        ("rain.mp4", "rain"),
        ("Snow_Falling-01.avi", "snow falling"),
        ("DSC 0012.mov", ""),
        ("été.mp4", "été"),
        ("x.mp4", ""),
    ],
)
def test_a_files_name_gives_a_caption_where_it_has_words(name: str, caption: str) -> None:
    assert caption_of(name) == caption


def test_a_part_of_a_list_is_spread_evenly() -> None:
    assert evenly(list("abcdefghij"), 4) == ["a", "c", "f", "h"]
    assert evenly(list("ab"), 4) == ["a", "b"]


def test_a_suggestion_reads_no_file_whose_content_is_known(studio: Studio, set_id: int, tmp_path: Path) -> None:
    sent = write(tmp_path, "rain.mp4", "clouds.mp4", "snow.mp4")
    studio.anchors.upload(set_id, sent[:1], "")
    (mine,) = studio.store.anchors.rows(set_id)
    rows = tuple(LabelledClip(path, "weather") for path in sent)
    studio.store.datasets.add(Dataset("sky", ("weather",), (), rows), origin="test")
    sky = next(row.id for row in studio.store.datasets.list() if row.name == "sky")
    for clip, digest in zip(
        studio.store.clips.page(sky, ClipFilter(), limit=9), (mine.digest, "one", "two"), strict=True
    ):
        studio.store.clips.learn(clip.id, ClipFacts(1.0, 8, 64, 64, digest=digest or ""))
    for path in sent:
        Path(path).write_bytes(b"changed behind the studio's back, and so it would be seen if it were read")
    found = studio.anchors.suggest_clips(set_id, "data:sky", ASKED, 8)
    assert [Path(one.path).name for one in found.clips] == ["clouds.mp4", "snow.mp4"]
