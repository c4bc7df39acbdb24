"""The clips that an agent names: a file of the studio's machine, an upload, or an address that is fetched."""

from __future__ import annotations

import ipaddress
import os
import socket
import tempfile
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx
from gradio.utils import get_upload_folder

from ga2app.errors import ClipError, shown
from ga2app.paths import safe_name
from ga2app.services.studio import Studio
from ga2app.stretches import address_of, split_address

MOST_BYTES = 512 * 2**20
TIME_LIMIT_S = 120.0
_HOPS = 5
_CHUNK = 2**20


def find_clip(studio: Studio, clip: str, folder: Path) -> Path:
    """The file behind ``clip``, or a stretch of it (``#t=12,15.5``); what has to be fetched goes into ``folder``.

    A file of the machine is read where ``studio.server_paths`` says that its user asks, and an upload everywhere.
    Raises ClipError for what cannot be had.
    """
    try:
        scheme = urlsplit(clip).scheme.lower()
    except ValueError as exc:
        raise ClipError(shown(clip), "it is no address", "give an http(s) address, or the path of a file") from exc
    if scheme in ("http", "https"):
        fetched = fetch(clip, folder, public_only=not studio.server_paths)
        return _stretch_of(fetched, "#" + urlsplit(clip).fragment)
    file, stretch = split_address(clip)
    path = Path(os.path.expanduser(unquote(urlsplit(file).path) if scheme == "file" else file))
    if not studio.server_paths and not _uploaded(path):
        raise ClipError(
            clip,
            "it is no upload, and this studio, which is open to all, reads no other file of its machine",
            "give an http(s) address, or send the file to /gradio_api/upload first and give the path that this answers",
        )
    if not path.is_absolute():
        raise ClipError(clip, "is not a whole path", "begin it with / (or a drive), or give an http(s) address")
    if not os.path.isfile(path):
        raise ClipError(clip, "there is no such file on the studio's machine", "check the path, or give an address")
    return Path(f"{path}{stretch.fragment}") if stretch else path


def _stretch_of(path: Path, fragment: str) -> Path:
    """The file at ``path``, or the stretch of it that a media fragment names; other fragments mean nothing to it."""
    stretch = split_address(f"clip.mp4{fragment}")[1] if fragment.startswith("#t=") else None
    return Path(address_of(path, stretch.start_s, stretch.end_s)) if stretch else path


def fetch(url: str, folder: Path, *, public_only: bool, most_bytes: int = MOST_BYTES) -> Path:
    """Fetch the clip at ``url`` into ``folder``, in a folder of its own there; raises ClipError.

    With ``public_only`` an address that leads into the studio's own network is refused, also behind a redirect.
    """
    deadline_s = time.monotonic() + TIME_LIMIT_S
    target = Path(tempfile.mkdtemp(dir=folder)) / safe_name(Path(unquote(urlsplit(url).path)).name)
    try:
        address = httpx.URL(url)
        for _ in range(_HOPS):
            transport = _Pinned(_public_ip(url, address)) if public_only else None
            with httpx.Client(transport=transport, timeout=30) as client, client.stream("GET", address) as answer:
                if answer.next_request is not None:
                    address = answer.next_request.url
                    continue
                answer.raise_for_status()
                _save(url, answer, target, most_bytes, deadline_s)
                return target
    except httpx.HTTPStatusError as exc:
        reason = f"the server answers {exc.response.status_code} {exc.response.reason_phrase}"
        raise ClipError(url, reason, "check the address: it must lead to the video file itself") from exc
    except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as exc:
        raise ClipError(url, f"it could not be fetched ({exc})", "check the address, or try again later") from exc
    raise ClipError(url, f"it redirects more than {_HOPS} times", "give the address that it leads to in the end")


def _save(url: str, answer: httpx.Response, target: Path, most_bytes: int, deadline_s: float) -> None:
    size = 0
    with target.open("wb") as file:
        for chunk in answer.iter_bytes(_CHUNK):
            size += len(chunk)
            if size > most_bytes:
                raise ClipError(url, f"it is larger than {most_bytes:,} bytes", "cut a shorter clip out of it")
            if time.monotonic() > deadline_s:
                raise ClipError(
                    url, f"it took longer than {TIME_LIMIT_S:.0f} s to fetch", "cut a shorter clip out of it"
                )
            file.write(chunk)


def _public_ip(url: str, address: httpx.URL) -> str:
    """The number of the host of ``address``; raises ClipError if any that it has is outside of the public network."""
    found = socket.getaddrinfo(address.host, address.port or 443, type=socket.SOCK_STREAM)
    numbers = [str(entry[4][0]) for entry in found]
    if not numbers or not all(map(_is_public, numbers)):
        raise ClipError(
            url, f"'{address.host}' is not in the public network", "give an address that anybody can open, or upload it"
        )
    return numbers[0]


def _is_public(number: str) -> bool:
    ip = ipaddress.ip_address(number.partition("%")[0])
    inner = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return (inner or ip).is_global


class _Pinned(httpx.HTTPTransport):
    """Connects to the number that was checked, whatever the name may lead to a moment later."""

    def __init__(self, number: str) -> None:
        super().__init__()
        self._number = number

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions = request.extensions | {"sni_hostname": request.url.host}
        request.url = request.url.copy_with(host=self._number)
        return super().handle_request(request)


def _uploaded(path: Path) -> bool:
    return path.is_absolute() and Path(os.path.realpath(path)).is_relative_to(os.path.realpath(get_upload_folder()))
