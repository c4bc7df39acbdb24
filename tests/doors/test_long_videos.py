"""A long video at every door: labeled over time, written for labeling tools, and added to a data set."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import gradio as gr
import numpy as np
import pytest

from ga2app.cli.main import main
from ga2app.datasets.annotation_writers import AnnotationFormat
from ga2app.datasets.annotations import read_annotations
from ga2app.environment import received_folder
from ga2app.errors import AccessError, BusyError, ClipError, ConfigError, DatasetError, LimitError, StudioError
from ga2app.paths import Home
from ga2app.services.long_videos import checked
from ga2app.services.studio import Studio, own_studio
from ga2app.store import Quotas
from ga2app.stretches import split_address
from ga2app.synthetic.demo_dataset import subject_named
from ga2app.synthetic.world import clip_frames
from ga2app.types import RecognitionRequest, Sliding, StretchRules, TimedStretch
from ga2app.video.writer import write_clip
from ga2app.web.api import build_api
from tests.space.hosting import finish
from tests.ui.studios import keep_bundle, make_studio

LABELS = "jumping, climbing a ladder, dancing"
FINE = Sliding(1.0, 0.25)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds of jumping, four of climbing a ladder."""
    parts = [clip_frames(subject_named(name), "plain", 1, 32, 96) for name in ("jumping", "climbing a ladder")]
    path = tmp_path_factory.mktemp("video") / "day.mp4"
    write_clip(path, np.concatenate(parts), 8.0)
    return path


@pytest.fixture
def studio(home: Home) -> Iterator[Studio]:
    with own_studio(home) as studio:
        yield studio


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Studio]:
    studio = make_studio(Home(tmp_path / "small"))
    yield studio
    studio.store.close()


def request(path: Path | str, **more: Any) -> RecognitionRequest:
    return RecognitionRequest([str(path)], LABELS, **more)


def test_the_service_labels_a_video_of_this_machine_where_it_lies(studio: Studio, video: Path) -> None:
    *shares, last = studio.long_videos.answers(request(video), FINE)
    assert [one.share for one in shares] == sorted(one.share for one in shares) and shares[-1].share == 1
    found = last.found
    assert found is not None and found.file == "day.mp4" and found.bundle is None
    assert [one.label for one in found.stretches] == ["jumping", "climbing a ladder"]
    assert abs(found.stretches[0].end - 4) <= 0.5 and found.stretches[1].end == pytest.approx(8)
    assert last.path == str(video)


def test_leaving_early_ends_the_decoder(studio: Studio, video: Path) -> None:
    steps = studio.long_videos.answers(request(video), FINE)
    next(steps)
    steps.close()
    assert not studio.recognition.admission._inside
    assert studio.long_videos.answer(request(video, stretch="0,3"), FINE).end == pytest.approx(3)


def test_what_cannot_be_done_is_told_before_anything_is_read(small: Studio, video: Path, tmp_path: Path) -> None:
    with pytest.raises(StudioError, match="2 videos were given; one is labeled over time at a time"):
        small.long_videos.answer(RecognitionRequest([str(video)] * 2, LABELS), FINE)
    keep_bundle(small, "one"), keep_bundle(small, "two")
    with pytest.raises(ConfigError, match="several were chosen"):
        small.long_videos.answer(request(video, bundles=["one", "two"]), FINE)
    with pytest.raises(ClipError, match="gone"):
        small.long_videos.answer(request(tmp_path / "gone.mp4"), FINE)
    assert not cast(Any, small.recognizer).asked
    small.store.quotas = Quotas(recognitions=1)
    with small.recognition.admission.admitted(), pytest.raises(BusyError):
        small.long_videos.answer(request(video), FINE)


def test_more_frames_than_one_request_may_have_are_refused_as_soon_as_that_can_be_told(
    studio: Studio, video: Path
) -> None:
    studio.store.quotas = Quotas(frames=20)
    with pytest.raises(LimitError, match=r"about \d\d frames to look at, and 20 are the most at a time"):
        studio.long_videos.answer(request(video), FINE)


@pytest.mark.parametrize("form", list(AnnotationFormat))
def test_what_is_exported_is_read_back_in_every_format(small: Studio, tmp_path: Path, form: AnnotationFormat) -> None:
    write_clip(tmp_path / "a.mp4", np.zeros((40, 32, 32, 3), np.uint8), 10)
    stretches = [TimedStretch(2.0, 4.0, "a climb"), TimedStretch(0.5, 2.0, "a jump", 0.7)]
    file = small.long_videos.export("a.mp4", stretches, form, end_s=4.0, frame_rate=20.0)
    assert file.is_relative_to(small.home.exports)
    rate = 20.0 if form is AnnotationFormat.LABEL_STUDIO else None
    found = read_annotations(file, tmp_path, rate)
    assert [(one.start, one.end, one.label) for one in found.stretches] == [(0.5, 2, "a jump"), (2, 4, "a climb")]


def test_stretches_make_a_new_data_set_or_join_one_once_and_can_be_undone(small: Studio, video: Path) -> None:
    stretches = [TimedStretch(0, 4, "jumping"), TimedStretch(4, 8, "Climbing a ladder")]
    number, said = small.long_videos.add(str(video), stretches[:1], None, "days")
    assert said == "1 clip in the new data set 'days'."
    _, said = small.long_videos.add(str(video), stretches, number)
    assert said == "1 clip added to 'days'. 1 were there already."
    last = small.datasets.last_edit()
    assert small.long_videos.add(str(video), stretches, number)[1] == "0 clips added to 'days'. 2 were there already."
    assert small.datasets.last_edit() == last
    dataset = small.store.datasets.get("days")
    assert [split_address(clip.path)[0] for clip in dataset.clips] == [str(video)] * 2
    assert dataset.base == ("jumping", "Climbing a ladder")
    small.datasets.undo()
    assert len(small.store.datasets.get("days").clips) == 1
    with pytest.raises(DatasetError, match="there is a data set 'days' already"):
        small.long_videos.add(str(video), stretches, None, "days")


def test_an_upload_stays_when_uploads_are_dropped(small: Studio, video: Path) -> None:
    received = received_folder() / "0" / "day.mp4"
    received.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(video, received)
    *_, last = small.long_videos.answers(request(received), Sliding())
    assert last.found is not None and Path(last.path).is_relative_to(small.home.media)
    small.long_videos.add(last.path, last.found.stretches, None, "days")
    Path(last.path).unlink()
    files = {split_address(clip.path)[0] for clip in small.store.datasets.get("days").clips}
    assert len(files) == 1 and all(Path(file).is_file() for file in files)


@pytest.mark.parametrize(
    ("stretch", "said"),
    [
        (TimedStretch(1, 1, "a"), "stretch 1, from 1 s to 1 s, does not end after its start"),
        (TimedStretch(3, 1, "a"), "does not end after"),
        (TimedStretch(0, float("nan"), "a"), "does not end after"),
        (TimedStretch(-1, 1, "a"), "does not end after"),
        (TimedStretch(0, 1, " "), "stretch 1, from 0 s, has no label"),
    ],
)
def test_a_stretch_that_is_none_is_named_with_its_numbers(stretch: TimedStretch, said: str) -> None:
    with pytest.raises(DatasetError, match=said):
        checked([stretch])


def test_labels_are_put_into_one_spelling_and_stretches_into_order() -> None:
    found = checked([TimedStretch(2, 3, " Jumping "), TimedStretch(0, 1, "jumping")])
    assert [(one.start, one.label) for one in found] == [(0, "Jumping"), (2, "Jumping")]


def test_a_stranger_adds_nothing(tmp_path: Path, small: Studio, video: Path) -> None:
    from ga2app.services.space import Access, Space
    from ga2app.web.access import guarded

    space = Space("alice/studio", "alice", Access.SIGNED_IN, no_sign_in="this is a test")
    studio = guarded(make_studio(Home(tmp_path / "space"), space=space, server_paths=False))
    from ga2app.store.row_guard import Actor, acting_as

    stranger = Actor("", refusal="sign in", error=AccessError)
    with acting_as(stranger), pytest.raises(AccessError):
        studio.long_videos.add(str(video), [TimedStretch(0, 1, "a")], None, "days")
    studio.store.close()


def test_the_command_writes_adds_and_prints_one_document(
    video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = ["label-video", str(video), "--labels", LABELS, "--window", "1", "--step", "0.25"]
    assert main([*asked, "--as", "webvtt", "--dataset", "days", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["label"] for one in told["stretches"]] == ["jumping", "climbing a ladder"]
    assert told["written"] == ["day.vtt"] and (tmp_path / "day.vtt").read_text().startswith("WEBVTT")
    assert len(told["windows"]) == 29 and told["dataset"] == "days"
    assert main([*asked, "--dataset", "days", "--start", "0", "--end", "0:03"]) == 0
    shown = capsys.readouterr().out
    assert "9 windows of 1 s, 1 stretch" in shown and "0 to 3 s" in shown and "1 clip added to 'days'" in shown


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--step", "0"], "step: must be a number of seconds from 0.01 to 3600 (it is 0)"),
        (["--gap", "-1"], "gap_s: must be between 0 and 3600 (it is -1)"),
        (["--as", "label-studio"], "Label Studio's timeline counts frames of its own grid"),
    ],
)
def test_the_command_refuses_in_one_line(
    video: Path, options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["label-video", str(video), "--labels", LABELS, "--window", "2", "--step", "2", *options]) == 1
    told = capsys.readouterr().err
    assert said in told and told.count("\n") == 1


def test_the_endpoint_answers_plain_json_without_a_path_of_the_machine(small: Studio, video: Path) -> None:
    async def built() -> gr.Blocks:
        with gr.Blocks(analytics_enabled=False) as page:
            build_api(small)
        return page

    page = finish(built())
    label = next(one.fn for one in page.fns.values() if one.api_name == "label_video")
    assert label is not None
    keep_bundle(small, "one")
    told = label(str(video), LABELS, "one", "", 1, 0.5, write_as="csv")
    assert told["bundle"] == "one" and told["file"] == "day.mp4" and str(small.home.root) not in json.dumps(told)
    assert told["files"]["day.csv"].startswith("path,label,start,end\n")
    with pytest.raises(gr.Error, match="write_as: must be one of csv, webvtt, elan, boris, label-studio, activitynet"):
        label(str(video), LABELS, write_as="pdf")
    with pytest.raises(gr.Error, match="step: must be a number"):
        label(str(video), LABELS, step="soon")
    sliding = cast(Any, small.recognizer).asked[0][3]
    assert sliding == Sliding(1, 0.5, StretchRules())
