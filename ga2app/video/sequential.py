"""Read a clip from its first packet to its last: slow, and right for every container.

Frames are numbered as they come out of the decoder. Damage is left out: from a packet that the decoder refuses,
or a frame that it marks as corrupt, up to the next keyframe, since every frame between is built upon the damage.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from errno import ENOMEM
from typing import TYPE_CHECKING, Any

import av

from ga2app.errors import ClipError
from ga2app.video.container_facts import RE_ENCODE, clip_name, open_clip, still_picture
from ga2app.video.images import ImageMaker
from ga2app.video.sampling import Sampling
from ga2app.video.video_clip import TimeStamps

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

logger = logging.getLogger(__name__)

HELD_BYTES = 192 * 2**20
_REORDERED_PACKETS = 64  # more than any decoder holds back


class _Damage:
    """Tells intact frames from those between a fault and the next keyframe."""

    def __init__(self) -> None:
        self._broken = False
        self._sent: deque[int | None] = deque(maxlen=_REORDERED_PACKETS)

    def accepted(self, pts: int | None) -> None:
        """The decoder took the packet of time ``pts``."""
        if not self._broken:
            self._sent.append(pts)

    def fault(self) -> None:
        """The decoder refused a packet. Frames of packets that it took before are intact, even if they come later."""
        self._broken = True

    def intact(self, frame: VideoFrame) -> bool:
        """Whether ``frame``, the next that the decoder gave out, shows what was recorded."""
        if frame.is_corrupt:
            self._broken = True
            self._sent.clear()
            return False
        if self._broken and frame.key_frame:
            self._broken = False
        return not self._broken or (frame.pts is not None and frame.pts in self._sent)


def decoded_frames(
    container: InputContainer, stream: VideoStream, *, keep_damaged: bool = False
) -> Iterator[VideoFrame]:
    """Every intact frame of ``stream``, in order of display; the damaged ones too if ``keep_damaged``."""
    damage = _Damage()
    for pts, frames in _packets(container, stream):
        if frames is None:
            damage.fault()
            continue
        damage.accepted(pts)
        for frame in frames:
            if damage.intact(frame) or keep_damaged:
                yield frame


def _packets(
    container: InputContainer, stream: VideoStream
) -> Iterator[tuple[int | None, Iterable[VideoFrame] | None]]:
    """Time and frames of each packet, frames None where the decoder refuses it; ends where demuxing fails."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except av.FFmpegError as exc:
            logger.info("the container is damaged, the rest is left out: %s", exc)
            # What the decoder still holds belongs to intact packets.
            yield None, _decode(stream, None)
            return
        yield packet.pts, _decode(stream, packet)


def _decode(stream: VideoStream, packet: Packet[Any] | None) -> list[VideoFrame] | None:
    try:
        return stream.codec_context.decode(packet)
    except av.FFmpegError as exc:
        if exc.errno == ENOMEM:  # no fault of the packet, and the frame is not to be left out in silence
            raise MemoryError from exc
        return None


class _Keeper:
    """Holds the frames that may be wanted: all while they are small together, else the images that ``maker`` makes of
    those of a forecast."""

    def __init__(self, forecast: frozenset[int], maker: ImageMaker, *, hold: bool) -> None:
        self.frames: dict[int, Any] = {}
        self.total = 0
        self._forecast, self._maker, self._bytes, self._all = forecast, maker, 0, hold

    def add(self, frame: VideoFrame) -> None:
        if self._all:
            self._bytes += sum(plane.buffer_size for plane in frame.planes)
            if self._bytes > HELD_BYTES:
                self._all = False
                self.frames = {i: self._maker.image(held) for i, held in self.frames.items() if i in self._forecast}
        if self._all or self.total in self._forecast:
            self.frames[self.total] = frame if self._all else self._maker.image(frame)
        self.total += 1


def read_sequentially(
    path: str,
    sampling: Sampling | None,
    expected: int,
    times: TimeStamps | None = None,
    maker: ImageMaker | None = None,
    told: Callable[[], Sampling] | None = None,
) -> tuple[list[Any], tuple[int, ...], int]:
    """The frames of ``path`` that ``sampling`` chooses, their numbers, and the number of frames in the clip.

    ``expected`` is the number of frames that the container announces, 0 if unknown; ``times`` notes when the frames
    are shown. Frames of a clip that is too large to be held come as the images that ``maker`` makes of them. The clip
    is decoded a second time only if it is too large to be held and the announcement was wrong, or ``sampling`` is None:
    ``told`` gives it when the times of all frames are known. Raises ClipError.
    """
    times, maker = times or TimeStamps(), maker or ImageMaker(None)
    forecast = frozenset(sampling.indices(expected)) if expected and sampling else frozenset()
    keeper, keep_damaged = _keep(path, forecast, times, maker), False
    if not keeper.total:
        keeper, keep_damaged = _keep(path, forecast, times, maker, keep_damaged=True), True
    total = keeper.total
    if not total:
        raise ClipError(clip_name(path), "it has 0 decodable frames", f"{RE_ENCODE}, or record it again")
    if sampling is None:
        assert told is not None
        sampling = told()
    indices = sampling.indices(total)
    if not keeper.frames.keys() >= set(indices):
        keeper = _keep(path, frozenset(indices), times, maker, keep_damaged=keep_damaged, hold=False)
    return [keeper.frames[i] for i in indices], indices, total


def _keep(
    path: str,
    wanted: frozenset[int],
    times: TimeStamps,
    maker: ImageMaker,
    *,
    keep_damaged: bool = False,
    hold: bool = True,
) -> _Keeper:
    # Each pass opens the file anew: seeking back to the first frame is what containers get wrong.
    keeper = _Keeper(wanted, maker, hold=hold)
    times.clear()
    maker.clear()
    with open_clip(path) as (container, stream):
        for frame in decoded_frames(container, stream, keep_damaged=keep_damaged):
            keeper.add(frame)
            times.add(frame)
        if refusal := still_picture(container, keeper.total, clip_name(path)):
            raise refusal
    return keeper
