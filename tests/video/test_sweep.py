"""A window slides over a long video: every frame it looks at comes once, in order, in bounded pieces, at its time."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest

from ga2app.errors import ClipError, ConfigError
from ga2app.video import ClipFrames, ClipReader, Every, read_clip, sweep
from ga2app.video.windows import Swept, Windows
from tests.video.made_clips import FRAMES, Recording, destroy_packet, numbered, numbers_of
from tests.video.test_stretches import MADE, clock_of


def swept(path: Path, windows: Windows, fragment: str = "") -> list[ClipFrames]:
    with ClipReader() as reader:
        return list(reader.sweep(f"{path}{fragment}", windows))


def seen(pieces: list[ClipFrames]) -> list[int]:
    return [number for piece in pieces if len(piece.frames) for number in numbers_of(piece.frames)]


def on_screen(times: list[float], moment: float) -> int:
    """The number of the frame that a player shows at ``moment``."""
    return max((number for number, time in enumerate(times) if time <= moment + 1e-3), default=0)


@pytest.mark.parametrize("name", [name for name in MADE if name != "moving.gif"])
def test_the_frames_are_those_that_a_player_shows_at_the_moments_of_the_windows(tmp_path: Path, name: str) -> None:
    path, windows = MADE[name](tmp_path / name), Windows(0.4, 0.2, 4)
    pieces, times = swept(path, windows), clock_of(path)
    begin, length = times[0], pieces[-1].seconds
    assert pieces[-1].first_s == pytest.approx(begin) and length == pytest.approx(times[-1] - begin, abs=0.21)
    found, shown_s = seen(pieces), [time for piece in pieces for time in piece.times_s]
    assert found == sorted(set(found)) and shown_s == pytest.approx([times[n] - begin for n in found])
    assert length is not None
    starts = windows.starts_s(length)
    assert starts.tolist() == pytest.approx([0.2 * number for number in range(len(starts))])
    assert length - 0.6 < starts[-1] <= length - 0.4 + 1e-3
    for start, places in zip(starts, windows.frames(starts, shown_s), strict=True):
        moments = [begin + start + part / 10 for part in range(4)]
        assert [found[place] for place in places] == [on_screen(times, moment) for moment in moments]


def test_a_stretch_is_swept_from_its_start_to_its_end(tmp_path: Path) -> None:
    pieces = swept(numbered(tmp_path / "a.mp4"), Windows(0.2, 0.1, 5), "#t=0.4,0.8")
    assert seen(pieces) == list(range(10, 20))
    assert pieces[-1].first_s == pytest.approx(0.4) and pieces[-1].seconds == pytest.approx(0.4)


@pytest.mark.parametrize(("fragment", "shown"), [("#t=5,6", "from 0 s to 0.96 s"), ("#t=0.2,0.2", "does not end")])
def test_a_stretch_outside_the_video_is_refused_with_its_numbers(tmp_path: Path, fragment: str, shown: str) -> None:
    with pytest.raises(ClipError, match=shown):
        swept(numbered(tmp_path / "a.mp4"), Windows(0.2, 0.1, 5), fragment)


def test_pieces_are_bounded_whatever_is_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = numbered(tmp_path / "a.mp4", frames=60)
    monkeypatch.setattr(sweep, "PIECE_FRAMES", 7)
    monkeypatch.setattr(sweep, "PIECE_DECODED", 10)
    dense = [len(piece.frames) for piece in sweep.sweep(str(path), Swept(Windows(0.4, 0.04, 10)), None)]
    assert dense == [7] * 8 + [4]
    sparse = list(sweep.sweep(str(path), Swept(Windows(2.0, 2.0, 1)), None))
    assert len(sparse) == 6 and seen(sparse) == [0, 50]


def test_damage_is_left_out_as_everywhere(tmp_path: Path) -> None:
    path = destroy_packet(numbered(tmp_path / "a.mp4", Recording(options={"g": "6", "bf": "0"})), 8)
    found = seen(swept(path, Windows(0.2, 0.2, 5)))
    assert found == numbers_of(read_clip(path, Every(FRAMES)).frames) and 0 < len(found) < FRAMES


@pytest.mark.parametrize("content", [b"", b"no video at all", b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\x02" + b"\0" * 40])
def test_what_is_no_video_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(ClipError, match=r"a\.mp4"):
        swept(tmp_path / "a.mp4", Windows(1, 1, 2))


def test_whoever_leaves_early_leaves_nothing_in_the_pipe(tmp_path: Path) -> None:
    path = numbered(tmp_path / "a.mp4", frames=60)
    with ClipReader() as reader:
        pieces = reader.sweep(path, Windows(0.04, 0.04, 1), short_side_px=32)
        pieces.close()
        pieces = reader.sweep(path, Windows(0.04, 0.04, 1), short_side_px=32)
        next(pieces)
        pieces.close()
        again = list(reader.sweep(path, Windows(0.4, 0.4, 2), short_side_px=32))
    assert again[-1].seconds == pytest.approx(2.4)


def test_a_decoder_that_is_killed_is_told_and_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = numbered(tmp_path / "long.mp4", Recording(options={"g": "300"}), frames=63)
    with ClipReader() as reader:
        for piece in (pieces := reader.sweep(path, Windows(0.04, 0.04, 1))):
            assert piece.seconds is not None or reader.pid is not None
            if piece.seconds is None and reader.pid:
                os.kill(reader.pid, signal.SIGKILL)
        pieces.close()
        assert list(reader.sweep(path, Windows(1, 1, 1)))[-1].seconds == pytest.approx(2.52)


@pytest.mark.parametrize(("window", "step", "named"), [(0.0, 1, "window"), (2, 0.001, "step"), (1e9, 1, "window")])
def test_windows_out_of_range_are_refused_with_the_number(window: float, step: float, named: str) -> None:
    with pytest.raises(ConfigError, match=rf"{named}: must be a number of seconds from 0\.01 to 3600"):
        Windows(window, step, 4)


def test_no_window_fits_into_what_is_shorter() -> None:
    assert Windows(2.0, 0.5, 4).starts_s(1.99).size == 0
    assert Windows(2.0, 0.5, 4).starts_s(2.0).tolist() == [0.0]
    assert np.array_equal(Windows(2.0, 0.5, 2).frames(np.array([0.0]), [0.0, 0.5, 1.2]), [[0, 1]])
