"""What is not a readable video is refused with its name, what is wrong with it and what to do."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from ga2app.errors import ClipError
from ga2app.video import Evaluation, read_clip, sample_frames
from ga2app.video.writer import write_clip

ODD = {
    "audio_only.mp3": "it has sound but no picture",
    "audio_only.mp4": "it has sound but no picture",
    "image_renamed.mp4": "this is a picture, not a video",
    "image_renamed_png.png": "this is a picture, not a video",
    "jpeg_renamed.mp4": "this is a picture, not a video",
    "random_bytes.mp4": "this is not a video",
    "text.mp4": "this is text, not a video",
    "truncated_no_moov.mp4": "the file is incomplete",
    "zero_byte.mp4": "the file is empty",
}


def refusal(path: Path) -> ClipError:
    with pytest.raises(ClipError) as caught:
        sample_frames(path, 4)
    assert caught.value.name == path.name
    assert path.name in str(caught.value)
    assert caught.value.advice
    return caught.value


@pytest.mark.parametrize(("name", "reason"), ODD.items(), ids=ODD)
def test_an_unreadable_file_is_refused_with_its_own_reason(real_clips: Path, name: str, reason: str) -> None:
    assert refusal(real_clips.parent / "odd" / name).reason.startswith(reason)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "there is no such file" in refusal(tmp_path / "nothing.mp4").reason


def test_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "clips.mp4").mkdir()
    assert "this is a folder" in refusal(tmp_path / "clips.mp4").reason


def test_a_pipe_is_refused_at_once_instead_of_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    assert "not an ordinary file" in refusal(tmp_path / "pipe.mp4").reason


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    (tmp_path / "locked.mp4").write_bytes(b"x")
    (tmp_path / "locked.mp4").chmod(0)
    assert "may not be read" in refusal(tmp_path / "locked.mp4").reason


def test_a_playlist_cannot_make_the_app_open_other_files(tmp_path: Path) -> None:
    secret = tmp_path / "secret.mp4"
    write_clip(secret, np.full((5, 32, 32, 3), 200, np.uint8), 10)
    lists = {
        "hls.mp4": f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n",
        "concat.mp4": f"ffconcat version 1.0\nfile {secret.name}\n",
        "padded.mp4": f"\n\n\n#EXTM3U\n#EXTINF:1,\n{secret}\n",
        "sdp.mp4": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
    }
    for name, text in lists.items():
        (tmp_path / name).write_text(text)
        refusal(tmp_path / name)


def test_a_text_file_is_not_drawn_as_a_picture_of_letters(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("walk\nrun\n" * 50)
    assert "text" in refusal(tmp_path / "notes.txt").reason


def test_a_clip_whose_pictures_are_all_destroyed_has_no_decodable_frames(tmp_path: Path) -> None:
    path = tmp_path / "ruined.mp4"
    write_clip(path, np.random.default_rng(0).integers(0, 255, (12, 64, 64, 3), np.uint8), 10)
    data = bytearray(path.read_bytes())
    start, end = data.index(b"mdat") + 4, data.index(b"moov") - 4
    data[start:end] = bytes(end - start)
    path.write_bytes(data)
    assert refusal(path).reason == "it has 0 decodable frames"


def test_a_name_that_is_no_text_is_still_named(tmp_path: Path) -> None:
    path = os.path.join(os.fsencode(tmp_path), b"\xff.mp4")
    Path(os.fsdecode(path)).write_bytes(b"")
    with pytest.raises(ClipError, match="\ufffd.mp4"):
        read_clip(os.fsdecode(path), Evaluation(1))


def test_a_clip_with_spaces_and_foreign_letters_is_read_by_a_relative_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_clip(tmp_path / "http: naïve 名前 #1%d.mp4", np.zeros((3, 32, 32, 3), np.uint8), 10)
    monkeypatch.chdir(tmp_path)
    assert sample_frames("http: naïve 名前 #1%d.mp4", 2).shape == (2, 32, 32, 3)
