"""Whether a packet of compressed video is whole, told without decoding it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from av import VideoCodecContext
    from av.packet import Packet

_H264_LAST_TYPE = 23
_HEVC_LAST_TYPE = 40


def nal_length_bytes(context: VideoCodecContext) -> int:
    """Bytes of the length before each unit of H.264 or HEVC in mp4 and mkv; 0 for other codecs and other layouts."""
    extra = context.extradata
    if not extra or extra[0] != 1:
        return 0
    if context.codec.name == "h264" and len(extra) > 4:
        return (extra[4] & 3) + 1
    if context.codec.name == "hevc" and len(extra) > 21:
        return (extra[21] & 3) + 1
    return 0


def intact_packet(packet: Packet[Any], codec: str, length_bytes: int) -> bool:
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
