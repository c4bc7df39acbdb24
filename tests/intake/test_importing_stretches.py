"""Data sets whose clips are stretches of videos: from a list into the studio, divided, exported and read again."""

from __future__ import annotations

import csv
import errno
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from zips import import_service

from ga2app.datasets import read_table
from ga2app.datasets.clip_files import content_digest
from ga2app.datasets.import_report import flaws_of
from ga2app.datasets.train_test import draw_shots, left_over
from ga2app.errors import ClipError, DatasetError
from ga2app.paths import Home
from ga2app.services import clip_inspector
from ga2app.services.clip_inspector import VideoInspector
from ga2app.services.dataset_export import export_csv, export_zip
from ga2app.services.dataset_service import choose_test
from ga2app.services.import_sources import FileSource, Source, source_at
from ga2app.services.uploads import copy_into
from ga2app.store import Store
from ga2app.store.clip_pages import ClipFilter
from ga2app.store.dataset_edits import ROOM, SplitClip
from ga2app.store.import_records import ImportRow, ImportState
from ga2app.types import Dataset, LabelKind, LabelledClip, Subset
from ga2app.video import Every, read_clip
from ga2app.video.decoder_pool import shared_pool
from tests.clipsets.test_annotations import SAMPLES, write_clip
from tests.video.made_clips import numbered, numbers_of


def listed(folder: Path, *rows: str, header: str = "path,label,start,end") -> Path:
    (folder / "list.csv").write_text("\n".join([header, *rows]) + "\n")
    return folder / "list.csv"


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """Four videos of 24 frames at 25 a second."""
    for more, name in enumerate("abcd"):
        numbered(tmp_path / f"{name}.mp4", size=(96, 64 + 2 * more))
    return tmp_path


def imported(home: Home, store: Store, source: Path) -> ImportRow:
    return imported_from(home, store, FileSource(source))


def imported_from(home: Home, store: Store, source: Source) -> ImportRow:
    importer = import_service(home, store, VideoInspector())
    return importer.wait(importer.start(source, "mine"), 60)


def test_a_list_with_start_and_end_gives_clips_of_these_frames(home: Home, store: Store, videos: Path) -> None:
    rows = ["a.mp4,run,0.2,0.4", "a.mp4,jump,0:00.4,00:00:00.8", "b.mp4,run,,", "c.mp4,jump,0.48,", "d.mp4,run,,0.2"]
    row = imported(home, store, listed(videos, *rows))
    assert (row.state, row.error) == (ImportState.DONE, None)
    dataset = store.datasets.get("mine")
    told = {(Path(clip.file).name, clip.label): (clip.start_s, clip.end_s) for clip in dataset.clips}
    assert told["a.mp4", "run"] == (0.2, 0.4) and told["b.mp4", "run"] == (None, None)
    assert told["c.mp4", "jump"] == (0.48, float("inf")) and told["d.mp4", "run"] == (0.0, 0.2)
    shown = {Path(clip.path).name: numbers_of(read_clip(clip.path, Every(99)).frames) for clip in dataset.clips}
    assert shown["a.mp4#t=0.2,0.4"] == [5, 6, 7, 8, 9] and shown["a.mp4#t=0.4,0.8"] == list(range(10, 20))
    assert shown["c.mp4#t=0.48"] == list(range(12, 24)) and len(shown["b.mp4"]) == 24
    rows_shown = store.clips.page(store.datasets.list()[0].id, ClipFilter(), limit=9)
    assert {clip.facts.frames for clip in rows_shown if clip.facts} == {5, 10, 24, 12}
    assert len({clip.facts.digest for clip in rows_shown if clip.facts}) == 5
    assert all((home.thumbs / f"{clip.facts.digest}.jpg").exists() for clip in rows_shown if clip.facts)


def test_what_is_wrong_with_a_stretch_is_told_and_the_others_are_taken(home: Home, store: Store, videos: Path) -> None:
    rows = ["a.mp4,run,0,0.4", "b.mp4,jump,0.2,0.6", "a.mp4,run,0.3,0.5", "c.mp4,jump,0.5,9", "b.mp4,run,50,99",
            "d.mp4,run,0.5,0.1", "d.mp4,run,0.1,0.1", "d.mp4,jump,soon,0.2", "a.mp4,run,0.0,0.40"]  # fmt: skip
    row = imported(home, store, listed(videos, *rows))
    assert row.state is ImportState.DONE and len(store.datasets.get("mine").clips) == 4
    reasons = {flaw.file: flaw.reason for flaw in flaws_of(row.report or {})}
    assert "its end at 9 s lies beyond the video's at 0.96 s" in reasons["c.mp4#t=0.5,9"]
    assert "the stretch 50–99 s lies outside: its frames are shown from 0 s to 0.92 s" in reasons["b.mp4#t=50,99"]
    assert reasons["a.mp4#t=0,0.4"] == "it is listed twice"
    lines = [reason for reason in reasons.values() if "stretch from" in reason or "is no time" in reason]
    faults = str((row.report or {})["faults"]) + str(lines)
    for said in ("from 0.5 s to 0.1 s does not end", "from 0.1 s to 0.1 s does not end", "'soon' is no time"):
        assert said in faults
    notes = "\n".join((row.report or {})["notes"])
    assert "1 stretch overlaps another of the same video, such as 'a.mp4 0–0.4 s' and 'a.mp4 0.3–0.5 s'" in notes


def test_frames_where_seconds_are_meant_are_refused(videos: Path) -> None:
    file = listed(videos, "a.mp4,run,5,10", header="path,label,start_frame,end_frame")
    with pytest.raises(DatasetError, match=r"column 'start_frame' of 'list.csv' counts frames \(first in line 2\)"):
        read_table(file)
    both = listed(videos, "a.mp4,run,5,10,0.2,0.4", header="path,label,start_frame,end_frame,start,end")
    assert read_table(both).clips[0].path.endswith("a.mp4#t=0.2,0.4")


def test_stretches_of_one_video_are_never_on_both_sides(home: Home, store: Store, videos: Path) -> None:
    rows = [f"{name}.mp4,{label},{start / 10},{start / 10 + 0.05}" for name in "abcd" for start in range(9)
            for label in ("run", "jump")]  # fmt: skip
    imported(home, store, listed(videos, *rows, "a.mp4,run,,"))
    clips = store.datasets.get("mine").clips
    sides = {clip.file: {other.subset for other in clips if other.file == clip.file} for clip in clips}
    assert all(len(side) == 1 for side in sides.values()) and set.union(*sides.values()) == set(Subset)
    split = [SplitClip(at, clip.label, LabelKind.BASE, clip.path, f"{at}") for at, clip in enumerate(clips)]
    for seed in range(4):
        tested = choose_test(split, share=0.25, seed=seed, novel_whole=False)
        assert {clip.file for at, clip in enumerate(clips) if at in tested}.isdisjoint(
            clip.file for at, clip in enumerate(clips) if at not in tested
        )


def stretched(videos: Path) -> Dataset:
    clips = [
        LabelledClip(f"{videos / 'a.mp4'}#t=0.2,0.4", "run"),
        LabelledClip(f"{videos / 'a.mp4'}#t=0.4", "jump", Subset.TEST),
        LabelledClip(str(videos / "b.mp4"), "run", Subset.TEST),
        LabelledClip(str(videos / "c.mp4"), "jump"),
    ]
    return Dataset("mine", ("run", "jump"), (), tuple(clips))


def test_an_export_has_start_and_end_and_is_read_back_the_same(videos: Path, tmp_path: Path) -> None:
    dataset = stretched(videos)
    file = export_csv(tmp_path, dataset)
    rows = list(csv.DictReader(file.read_text().splitlines()))
    assert [(row["start"], row["end"]) for row in rows] == [("0.2", "0.4"), ("", ""), ("0.4", ""), ("", "")]
    again = read_table(file)
    assert {(clip.path, clip.label, clip.subset) for clip in again.clips} == {
        (clip.path, clip.label, clip.subset) for clip in dataset.clips
    }
    plain = Dataset("plain", ("run", "jump"), (), dataset.clips[2:])
    assert export_csv(tmp_path, plain).read_text().splitlines()[0] == "path,label,subset,group"


def test_a_zip_holds_a_video_of_many_stretches_once_and_comes_in_again(
    home: Home, store: Store, videos: Path, tmp_path: Path
) -> None:
    dataset = stretched(videos)
    packed = export_zip(tmp_path, dataset)
    with zipfile.ZipFile(packed) as archive:
        assert sorted(archive.namelist()) == ["clips.csv", "jump/c.mp4", "run/b.mp4", "videos/a.mp4"]
    assert imported(home, store, packed).state is ImportState.DONE
    clips = store.datasets.get("mine").clips
    assert {(clip.label, clip.start_s, clip.subset) for clip in clips} == {
        (clip.label, clip.start_s, clip.subset) for clip in dataset.clips
    }
    frames = {clip.label: read_clip(clip.path, Every(99)).frames for clip in clips if clip.start_s is not None}
    assert np.array_equal(frames["run"], read_clip(dataset.clips[0].path, Every(99)).frames)
    assert store.clips.has_file(clips[0].file) and not store.clips.has_file(tmp_path / "else.mp4")


def test_an_export_whose_video_is_gone_is_refused(videos: Path, tmp_path: Path) -> None:
    (videos / "a.mp4").unlink()
    with pytest.raises(DatasetError, match="2 of the clips are not there any more"):
        export_zip(tmp_path, stretched(videos))


def test_hundreds_of_stretches_of_a_video_open_it_once(home: Home, store: Store, videos: Path) -> None:
    rows = [f"a.mp4,{'run' if number % 2 else 'jump'},{number / 330},{number / 330 + 0.05}" for number in range(300)]
    before = shared_pool.opened
    assert imported(home, store, listed(videos, *rows, "a.mp4,run,7,8")).state is ImportState.DONE
    assert shared_pool.opened - before == 1
    assert len(store.datasets.get("mine").clips) == 300


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a video of 5 s, which no test changes."""
    return write_clip(tmp_path_factory.mktemp("root") / "a.mp4").parent


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_tools_file_is_imported_without_a_preview_by_opening_its_video_once(
    sample: str, home: Home, store: Store, root: Path, tmp_path: Path
) -> None:
    _, name, content = SAMPLES[sample]
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    source = source_at(tmp_path / name, None, root, 25.0 if "label studio" in sample else None)
    before = shared_pool.opened
    row = imported_from(home, store, source)
    assert (row.state, row.error, shared_pool.opened - before) == (ImportState.DONE, None, 1)
    for clip in store.clips.page(1, ClipFilter(), limit=9):
        known = replace(VideoInspector().inspect(clip.path), digest=content_digest(clip.path), warnings=())
        assert clip.facts == known
        assert (home.thumbs / f"{content_digest(clip.path)}.jpg").exists()


def test_a_video_in_a_tools_file_that_cannot_be_read_is_opened_once_too(
    home: Home, store: Store, tmp_path: Path
) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no video" * 500)
    (tmp_path / "a.vtt").write_text("WEBVTT\n\n00:02.000 --> 00:04.000\nrun\n")
    before = shared_pool.opened
    row = imported_from(home, store, source_at(tmp_path / "a.vtt", None, tmp_path))
    assert row.state is ImportState.FAILED and shared_pool.opened - before == 1
    assert "not a video" in str(flaws_of(row.report or {}))


def test_an_import_of_a_tools_file_ends_where_its_pictures_find_the_disk_full(
    home: Home, store: Store, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*given: object) -> None:
        raise ClipError("a.mp4", "no picture", "free space") from OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(clip_inspector, "_write_picture", full)
    (tmp_path / "a.vtt").write_text("WEBVTT\n\n00:02.000 --> 00:04.000\nrun\n")
    row = imported_from(home, store, source_at(tmp_path / "a.vtt", None, root))
    assert row.state is ImportState.FAILED and (row.error or "").startswith("disk full")


def test_a_deleted_stretch_comes_back_and_its_video_is_counted_once(
    home: Home, store: Store, videos: Path, tmp_path: Path
) -> None:
    imported(home, store, export_zip(tmp_path, stretched(videos)))
    before = store.datasets.get("mine")
    files = {clip.file for clip in before.clips}
    had = store.holdings("")
    assert (had.clips, had.size_bytes) == (4, sum(Path(file).stat().st_size for file in files))
    store.dataset_edits.delete_clips([clip.id for clip in store.clips.page(1, ClipFilter(), limit=9)])
    last = store.trash.last(ROOM)
    assert last and store.trash.restore(last.id).lost == 0
    assert store.datasets.get("mine") == before


def test_a_temperature_is_not_fitted_on_stretches_of_videos_that_are_trained_on(videos: Path) -> None:
    clips = [LabelledClip(f"{videos / name}.mp4#t=0.{at},0.{at + 2}", label) for at in range(1, 4) for name in "abcd"
             for label in ("run", "jump")]  # fmt: skip
    dataset = Dataset("mine", ("run", "jump"), (), tuple(clips))
    drawn, spare = draw_shots(dataset, 1, 3), left_over(dataset, 1, 3, 99)
    assert spare and {clip.file for clip in spare}.isdisjoint(clip.file for clip in drawn)


def test_a_stretch_goes_to_no_anchor_set_as_if_it_were_the_whole_video(videos: Path, tmp_path: Path) -> None:
    with pytest.raises(ClipError, match="'a.mp4 1–2 s': it is a stretch of a video, and only whole files are copied"):
        copy_into(tmp_path / "anchors", f"{videos / 'a.mp4'}#t=1,2")
