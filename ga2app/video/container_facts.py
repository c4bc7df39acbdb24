"""Open a clip's container: which files are refused and why, and which of its streams is the picture."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import av

from ga2app.errors import ClipError
from ga2app.untrusted import open_ordinary

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

RE_ENCODE = "re-encode it, for example with: ffmpeg -i INPUT -c:v libx264 -pix_fmt yuv420p OUTPUT.mp4"
AGAIN = "copy or upload it again"
PICK_VIDEO = "choose a video file, such as mp4, mkv, webm, mov or avi"
SMALLER = "make its picture smaller, for example with: ffmpeg -i INPUT -vf scale=-2:720 OUTPUT.mp4"
MAX_PICTURE_PX = 8192 * 4608
"""A picture of more pixels is not decoded: its few kilobytes would become gigabytes. 8K is 7680 x 4320, or 8192."""

# Formats that name other files or addresses. Reading one could fetch whatever its author chose.
_PLAYLISTS = (b"#EXTM3U", b"ffconcat", b"<MPD", b"<SmoothStreamingMedia", b"[playlist]")
_PICTURE_BRANDS = {"avif", "heic", "heix", "heim", "heis", "mif1"}
_SEQUENCE_BRANDS = {"avis", "hevc", "hevx", "msf1"}
PICTURE_BRANDS = _PICTURE_BRANDS | _SEQUENCE_BRANDS
"""Major brands of HEIF files: a picture, or several that move."""

_TEXT_FORMATS = {"tty", "bin", "xbin", "adf", "idf"}
_PICTURE_MAGIC = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"BM", b"II*\0", b"MM\0*", b"8BPS")


def clip_name(path: str) -> str:
    """The file's own name, printable anywhere: undecodable bytes become replacement characters."""
    return os.fsencode(os.path.basename(os.path.normpath(path))).decode("utf-8", "replace")


@contextmanager
def open_clip(path: str) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The container at ``path`` (absolute) and its picture stream, the largest one; raises ClipError."""
    head = first_bytes(path)
    try:
        # Only plain files: a container must not make the decoder fetch anything else. Some frames are decoded here: a
        # size above four times what is let pass stays unknown, any other can be told.
        options = {"protocol_whitelist": "file", "max_pixels": str(4 * MAX_PICTURE_PX)}
        container = av.open(path, metadata_errors="ignore", options=options)
    except (av.FFmpegError, OSError, ValueError) as exc:
        raise _refusal(path, head) from exc
    with container:
        stream = _picture_stream(container, clip_name(path))
        check_picture(clip_name(path), stream.width, stream.height)
        # Frames may be larger than the container says: the codec refuses those.
        stream.codec_context.options = {**stream.codec_context.options, **_MAX_PIXELS}
        yield container, stream


_MAX_PIXELS = {"max_pixels": str(MAX_PICTURE_PX)}


def check_picture(name: str, width: int, height: int) -> None:
    """Raises ClipError for a picture that is too large to be decoded."""
    if width * height > MAX_PICTURE_PX:
        reason = f"its picture of {width}x{height} pixels is larger than {MAX_PICTURE_PX / 1e6:.0f} million pixels"
        raise ClipError(name, reason, SMALLER)


def first_bytes(path: str) -> bytes:
    """The first bytes of the file at ``path``; raises ClipError where there is no file with bytes to read."""
    name = clip_name(path)
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise ClipError(name, "this is a folder, not a video file", "choose a file inside it")
        if not stat.S_ISREG(status.st_mode):
            raise ClipError(name, "this is not an ordinary file", PICK_VIDEO)
        if not status.st_size:
            raise ClipError(name, "the file is empty (0 bytes)", AGAIN)
        with open_ordinary(path) as file:
            head = file.read(4096)
    except (FileNotFoundError, NotADirectoryError) as exc:
        raise ClipError(name, "there is no such file", "check the path for a typing error or a moved file") from exc
    except PermissionError as exc:
        raise ClipError(name, "the file may not be read by this user", "change the file's permissions") from exc
    except (OSError, ValueError) as exc:
        raise ClipError(name, f"the file cannot be opened ({exc})", "check the disk and the path") from exc
    if head.lstrip().startswith(_PLAYLISTS):
        raise ClipError(name, "this is a playlist, not a video", "choose the video file that it points to")
    return head


def _refusal(path: str, head: bytes) -> ClipError:
    """Why a file that no demuxer takes is refused, told from its first bytes."""
    name = clip_name(path)
    if head.startswith(_PICTURE_MAGIC):
        return _picture_error(name)
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        reason = "the file is incomplete: the index of the mp4 file (its 'moov' part) is missing or damaged"
        return ClipError(name, reason, "copy or upload it again in full, or finish the recording first")
    if _is_text(head):
        return ClipError(name, "this is text, not a video", PICK_VIDEO)
    return ClipError(name, "this is not a video: no known video format was found in it", f"{AGAIN}, or {PICK_VIDEO}")


def _is_text(head: bytes) -> bool:
    try:
        text = head[: len(head) - 3 if len(head) == 4096 else None].decode("utf-8")
    except UnicodeDecodeError:
        return False
    return all(sign.isprintable() or sign in "\t\n\r\f" for sign in text)


def _picture_stream(container: InputContainer, name: str) -> VideoStream:
    formats = set(container.format.name.split(","))
    if formats & _TEXT_FORMATS:
        raise ClipError(name, "this is text, not a video", PICK_VIDEO)
    if container.format.name.endswith("_pipe") or "image2" in formats:
        raise _picture_error(name)
    # A song's cover is a video stream of one picture, marked as attached.
    streams = [s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
    if not streams:
        if container.streams.audio:
            raise ClipError(name, "it has sound but no picture", PICK_VIDEO)
        raise ClipError(name, "it has no video stream", PICK_VIDEO)
    known = [stream for stream in streams if stream.codec_context is not None]
    if not known:
        raise ClipError(name, "it is packed with a codec that this decoder does not know", RE_ENCODE)
    if major_brand(container) in PICTURE_BRANDS:
        # The still is a stream of its own, as large as the animation.
        known = [stream for stream in known if stream.frames > 1]
        if not known:
            raise _picture_error(name)
    # Equal sizes: the first one, as players do.
    return max(known, key=lambda stream: stream.width * stream.height)


def major_brand(container: InputContainer) -> str:
    """What kind of mp4 or HEIF a file calls itself; empty for other containers."""
    return container.metadata.get("major_brand", "").strip()


def _picture_error(name: str) -> ClipError:
    return ClipError(name, "this is a picture, not a video", "choose a file with moving pictures")


def still_picture(container: InputContainer, total_frames: int, name: str) -> ClipError | None:
    """The refusal of a container of pictures that moves no more than a picture does, a GIF of one frame say."""
    moving = not {"gif", "apng", "webp"} & set(container.format.name.split(","))
    return None if moving or total_frames > 1 else _picture_error(name)


def packet_count(container: InputContainer, stream: VideoStream) -> int:
    """Number of packets of ``stream``, which is nearly the number of its frames; reads the whole file."""
    count = 0
    try:
        for packet in container.demux(stream):
            count += packet.size > 0 and not packet.is_discard
    except av.FFmpegError:
        return count  # damage: what follows is out of reach of the decoder too
    return count
