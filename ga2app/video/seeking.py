"""Read single frames of a long clip by seeking, where the container can be trusted to find them.

decord finds a frame by its number in the container's index, and where that index is not what the decoder gives out
(packets without time, edit lists, open groups of pictures, damage) it returns another frame and says nothing.
So an index is trusted only if everything about it is plain, and some frames are compared before any is returned.
"""

from __future__ import annotations

import logging
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import av
import numpy as np
from numpy.typing import NDArray

from ga2app.video.container_facts import open_clip
from ga2app.video.display import Display
from ga2app.video.images import PLAIN, ImageMaker, fitted_size, to_images
from ga2app.video.sampling import Sampling, typical_indices

if TYPE_CHECKING:
    from av import VideoCodecContext
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

logger = logging.getLogger(__name__)

MIN_FRAMES = 300
_MAX_SHARE = 0.5  # of the clip's frames, to be decoded: above it, reading from the start is as fast
_MAX_DIFFERENCE = 1.0  # mean absolute, of 255, between the two decoders
_FORMATS = {"mov", "matroska"}
_H264_LAST_TYPE = 23
_HEVC_LAST_TYPE = 40
_CODECS = {"h264", "hevc", "vp9", "av1", "libdav1d", "libaom-av1"}


@dataclass(frozen=True)
class TrustedIndex:
    """Presentation time of every frame, in display order, and the numbers of the keyframes.

    ``whole`` says that it begins at 0 and that the container announces as many frames, as fragmented files do not.
    """

    pts: tuple[int, ...]
    keyframes: tuple[int, ...]
    time_base_s: float
    width: int
    height: int
    last_duration: int = 0
    whole: bool = True

    def group(self, number: int) -> int:
        """Number of the last keyframe at or before frame ``number``."""
        return self.keyframes[bisect_right(self.keyframes, number) - 1]

    def runs(self, numbers: Iterable[int]) -> list[tuple[int, int]]:
        """First and last frame of each stretch of adjoining groups in which some of ``numbers`` lie."""
        found: list[tuple[int, int]] = []
        for place in sorted({bisect_right(self.keyframes, number) - 1 for number in numbers}):
            first, after = self.keyframes[place], [*self.keyframes, len(self.pts)][place + 1]
            if found and found[-1][1] + 1 == first:
                first = found.pop()[0]
            found.append((first, after - 1))
        return found

    def cost(self, numbers: tuple[int, ...]) -> int:
        """Frames to be decoded to get at frames ``numbers`` by seeking."""
        last = {self.group(number): number for number in sorted(numbers)}
        return sum(number - key + 1 for key, number in last.items())


def trusted_index(container: InputContainer, stream: VideoStream) -> TrustedIndex | None:
    """The index of an open clip, None where anything about it is unusual. Reads all packets."""
    context = stream.codec_context
    kind = container.format.name.split(",")[0]
    plain = (
        kind in _FORMATS
        and context.codec.name in _CODECS
        and len(container.streams.video) == 1
        and stream.time_base is not None
    )
    if not plain:
        return None
    times: list[tuple[int, int, bool]] = []  # pts, dts, keyframe
    durations: dict[int, int] = {}
    length_bytes = _nal_length_bytes(context)
    try:
        for packet in container.demux(stream):
            if not packet.size and packet.pts is None:
                continue  # the end of the stream
            pts, dts = packet.pts, packet.dts
            if pts is None or dts is None or packet.is_discard or packet.is_corrupt:
                return None
            if not _intact_packet(packet, context.codec.name, length_bytes):
                return None
            times.append((pts, dts, packet.is_keyframe))
            durations[pts] = packet.duration or 0
    except av.FFmpegError:
        return None
    if not times or (kind == "mov" and stream.frames not in (0, len(times))) or not _orderly(times):
        return None
    order = sorted(pts for pts, _, _ in times)
    place = {pts: number for number, pts in enumerate(order)}
    keyframes = tuple(sorted(place[pts] for pts, _, key in times if key))
    assert stream.time_base is not None
    last = durations[order[-1]]
    whole = stream.start_time == 0 == order[0] and (kind != "mov" or stream.frames > 0)
    return TrustedIndex(tuple(order), keyframes, float(stream.time_base), stream.width, stream.height, last, whole)


def _orderly(times: list[tuple[int, int, bool]]) -> bool:
    """Whether (pts, dts, keyframe) in decoding order form closed groups."""
    if not times[0][2] or len({pts for pts, _, _ in times}) != len(times):
        return False
    first = key_pts = times[0][0]
    latest = first - 1
    previous_dts = times[0][1] - 1
    for pts, dts, key in times:
        if dts <= previous_dts:
            return False
        if key:
            # All before it are shown before it, and no seek to an earlier group can land on it.
            if pts <= latest or (latest >= first and dts <= key_pts):
                return False
            key_pts = pts
        elif pts <= key_pts:
            return False
        latest, previous_dts = max(latest, pts), dts
    return True


def read_by_seeking(
    path: str, index: TrustedIndex, sampling: Sampling, short_side_px: int | None, display: Display = PLAIN
) -> tuple[NDArray[np.uint8], tuple[int, ...]] | None:
    """Images (T, H, W, 3) of ``path`` that ``sampling`` chooses, by decord, with their numbers; None where seeking
    does not pay or anything speaks against the frames that it found. ``display`` is one that suits decord."""
    total = len(index.pts)
    if not index.whole or total < MIN_FRAMES or index.cost(typical_indices(sampling, total)) > _MAX_SHARE * total:
        return None
    numbers = sampling.indices(total)
    images = _decord_images(path, index, numbers, short_side_px, display)
    if images is None:
        return None
    for chosen in {len(numbers) // 2, len(numbers) - 1}:
        proof = _proof(path, index, numbers[chosen], short_side_px, display)
        if proof is None or proof.shape != images[chosen].shape:
            return None
        difference = np.abs(proof.astype(np.int16) - images[chosen]).mean()
        if difference > _MAX_DIFFERENCE:
            logger.info("seeking found another frame %d than decoding did (%.1f)", numbers[chosen], difference)
            return None
    return images, numbers


def images_by_index(
    path: str, index: TrustedIndex, sampling: Sampling, maker: ImageMaker
) -> tuple[NDArray[np.uint8], tuple[int, ...]] | None:
    """Images (T, H, W, 3) of ``path`` that ``sampling`` chooses, by PyAV, with their numbers; None where the frames are
    not where the index has them. They are those of reading in order, for less: see ``_sought``."""
    numbers = sampling.indices(len(index.pts))
    found = _sought(path, index, numbers, maker.image)
    return None if found is None else (maker.images([found[number] for number in numbers]), numbers)


def _decord_images(
    path: str, index: TrustedIndex, numbers: tuple[int, ...], short_side_px: int | None, display: Display = PLAIN
) -> NDArray[np.uint8] | None:
    # Imported where it is used: short clips, most of all, never need it.
    import decord

    decord.logging.set_level(decord.logging.QUIET)
    width, height = fitted_size(*display.size(index.width, index.height), short_side_px)
    try:
        reader = decord.VideoReader(path, width=width, height=height, num_threads=1)
        times = np.asarray(reader.get_frame_timestamp(list(range(len(reader)))))[:, 0]
        if len(reader) != len(index.pts) or tuple(reader.get_key_indices()) != index.keyframes:
            return None
        if np.abs(times - np.asarray(index.pts) * index.time_base_s).max() > index.time_base_s + 1e-3:
            return None
        unique = sorted(set(numbers))
        found = reader.get_batch(unique).asnumpy()
    except Exception as exc:  # decord raises its own error and plain RuntimeErrors; reading in order remains
        logger.info("seeking failed: %s", exc)
        return None
    if found.shape != (len(unique), height, width, 3):
        return None
    place = {number: row for row, number in enumerate(unique)}
    images: NDArray[np.uint8] = found[[place[number] for number in numbers]]
    return images


def _proof(
    path: str, index: TrustedIndex, number: int, short_side_px: int | None, display: Display
) -> NDArray[np.uint8] | None:
    """Image (H, W, 3) of frame ``number``, found by its time; None where its group is damaged or turned."""
    found = _sought(path, index, (number,))
    if found is None:
        return None
    image: NDArray[np.uint8] = to_images([found[number]], short_side_px, display)[0]
    return image


def _sought(
    path: str, index: TrustedIndex, numbers: tuple[int, ...], keep: Callable[[VideoFrame], Any] = lambda frame: frame
) -> dict[int, Any] | None:
    """What ``keep`` makes of frames ``numbers``; None where one is not found, damaged, turned or interlaced.

    Groups without a wanted frame are passed over, and of the others' frames those that no other is built upon are not
    decoded unless they are wanted, which spares a third of the work and changes no bit of the rest.
    """
    places = {pts: number for number, pts in enumerate(index.pts)}
    missing, found = set(numbers), dict[int, Any]()
    with open_clip(path) as (container, stream):
        try:
            for key, last in index.runs(numbers):
                container.seek(index.pts[key], stream=stream, backward=True)
                due = {number for number in missing if key <= number <= last}
                for frame in _thinned(container, stream, {index.pts[number] for number in due}):
                    number = -1 if frame.pts is None else places.get(frame.pts, -1)
                    if number < key or frame.is_corrupt or frame.rotation or frame.interlaced_frame:
                        return None
                    if number in due:
                        found[number] = keep(frame)
                        due.remove(number)
                        if not due:
                            break
        except av.FFmpegError:
            return None
    return found if found.keys() >= missing else None


def _thinned(container: InputContainer, stream: VideoStream, wanted: Set[int]) -> Iterator[VideoFrame]:
    """Frames from where the container is, but for those, not of a time ``wanted``, that no other is built upon."""
    context = stream.codec_context
    for packet in container.demux(stream):
        context.skip_frame = "DEFAULT" if packet.pts is None or packet.pts in wanted else "NONREF"
        yield from context.decode(packet)


def _nal_length_bytes(context: VideoCodecContext) -> int:
    """Bytes of the length before each unit of H.264 or HEVC in mp4 and mkv; 0 for other codecs and other layouts."""
    extra = context.extradata
    if not extra or extra[0] != 1:
        return 0
    if context.codec.name == "h264" and len(extra) > 4:
        return (extra[4] & 3) + 1
    if context.codec.name == "hevc" and len(extra) > 21:
        return (extra[21] & 3) + 1
    return 0


def _intact_packet(packet: Packet[Any], codec: str, length_bytes: int) -> bool:
    """Whether the units of an H.264 or HEVC ``packet`` follow each other to its very end.

    Packets of other codecs count as intact, H.264 and HEVC without lengths (``length_bytes`` 0) as damaged.
    """
    if codec not in ("h264", "hevc"):
        return packet.size > 0
    if not length_bytes or not packet.size:
        return False
    data = memoryview(packet)
    place = 0
    while place + length_bytes < len(data):
        length = int.from_bytes(data[place : place + length_bytes], "big")
        place += length_bytes
        header = data[place]
        kind, last = (header & 31, _H264_LAST_TYPE) if codec == "h264" else (header >> 1, _HEVC_LAST_TYPE)
        if not length or header & 128 or kind > last:
            return False
        place += length
    return place == len(data)
