"""Of a damaged clip the intact frames are read, and the rest is left out."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

from ga2app.video import Every, read_clip
from ga2app.video.writer import write_clip

FRAMES, GROUP = 60, 12  # the writer starts a group of pictures at least every 12 frames


def numbered_clip(path: Path) -> bytearray:
    """A clip whose frame i is gray of level 4·i, with a little noise that gives every packet some bytes."""
    noise = np.random.default_rng(0).integers(-3, 4, (FRAMES, 64, 96, 3))
    frames = np.clip(4 * np.arange(FRAMES)[:, None, None, None] + noise, 0, 255).astype(np.uint8)
    write_clip(path, frames, 10)
    return bytearray(path.read_bytes())


def numbers(path: Path) -> list[int]:
    """The numbers that the frames show."""
    return [round(frame.mean() / 4) for frame in read_clip(path, Every(1000)).frames]


def packet_places(path: Path) -> list[tuple[int, int]]:
    """Offset in the file and size of each packet, in decoding order."""
    with av.open(str(path)) as container:
        return [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size and packet.pos]


def test_damage_in_the_middle_costs_its_group_and_no_more(tmp_path: Path) -> None:
    path = tmp_path / "damaged.mp4"
    data = numbered_clip(path)
    assert numbers(path) == list(range(FRAMES))
    position, size = packet_places(path)[2 * GROUP + 3]
    data[position : position + size] = bytes([255]) * size
    path.write_bytes(data)

    found = numbers(path)
    lost = set(range(FRAMES)) - set(found)
    assert found == sorted(found)
    assert lost
    assert lost <= set(range(2 * GROUP, 3 * GROUP))


def test_a_clip_cut_off_gives_the_frames_that_are_there(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole.mp4", tmp_path / "cut.mkv"
    numbered_clip(whole)
    with av.open(str(whole)) as source, av.open(str(cut), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    data = cut.read_bytes()
    cut.write_bytes(data[: len(data) // 2])

    found = numbers(cut)
    assert GROUP < len(found) < FRAMES
    assert found == list(range(len(found)))
