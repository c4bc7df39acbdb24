"""Fetching what a repository offers: looked at first, pinned to a commit, checked byte by byte, resumable."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeAlias

from filelock import FileLock, Timeout
from huggingface_hub import get_session, hf_hub_url
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled
from huggingface_hub.utils import hf_raise_for_status  # type: ignore[attr-defined]

from ga2app.disk import drop_older
from ga2app.errors import HubError, shown
from ga2app.hub.hub_client import HTTPError, HubClient
from ga2app.hub.repositories import (
    TIMEOUT_S,
    Listing,
    digest_like,
    is_plain,
    not_found,
    read_address,
    read_listing,
)
from ga2app.types import ByteProgress, HubFile, HubOffer, RepoKind

ATTEMPTS = 4
"""How often a connection that breaks off is taken up again without a single new byte."""

_PAUSE_S = 0.5
_PIECE = 1 << 18
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_PART, _LOCK = ".part", ".lock"
_PARTS = ".pull-"
_KEEP_PARTS_S = 7 * 24 * 3600
_LISTED = 6
_COMMIT = re.compile(r"[0-9a-f]{40}")

Told: TypeAlias = Callable[[int], None]


class _Piece(NamedTuple):
    """Bytes of a file, and where in it they begin."""

    start: int
    content: bytes


def look(
    client: HubClient,
    repo: str,
    kind: RepoKind,
    limits: Callable[[str], int],
    *,
    required: Collection[str],
    what: str,
    revision: str = "",
) -> HubOffer:
    """What ``repo`` offers of ``what`` at ``revision``, pinned to a commit. Nothing is fetched.

    ``limits`` says how many bytes a file of a name may have, 0 for one that is never fetched. Raises HubError where a
    file of ``required`` is missing, where one is too large, and for names that lead out of a folder.
    """
    address = read_address(repo, kind, revision, endpoint=client.api.endpoint)
    listing = read_listing(client, address.repo_id, kind, address.revision)
    if listing is None:
        raise not_found(client, address.repo_id, kind)
    if listing.gated:
        with client.asking(address.repo_id):
            client.api.auth_check(address.repo_id, repo_type=kind.value)
    files = _wanted(listing, limits, required, what)
    left_out = tuple(sorted(listing.files.keys() - {file.name for file in files}))
    return HubOffer(kind, listing.revision, files, left_out, listing.private)


def fetch(client: HubClient, offer: HubOffer, folder: Path, progress: ByteProgress | None = None) -> None:
    """Download the files of ``offer`` into ``folder``; what an earlier fetch of the same commit has left is used.

    Each is what the Hub lists, to the last bit, or HubError is raised. A fetch that breaks off keeps what it has for
    the next one; one that finds the disk full keeps nothing.
    """
    repo_id = offer.revision.repo_id
    try:
        with _alone(folder, repo_id):
            _check_space(folder, offer)
            before = 0
            for file in offer.files:
                _fetch_file(client, offer, file, folder, _told(offer, before, progress))
                before += file.size_bytes
    except OSError as exc:
        shutil.rmtree(folder, ignore_errors=True)
        why = "the disk is full" if exc.errno in _FULL else f"it could not be stored: {exc.strerror or exc}"
        raise HubError(
            f"'{repo_id}' was not pulled, {why}; nothing of it was kept. Free some space in '{folder.parent}'"
        ) from exc


def parts_folder(shelf: Path, offer: HubOffer) -> Path:
    """Where what an interrupted pull of ``offer`` has fetched waits; what nobody came back for in a week is dropped."""
    drop_older(shelf.glob(f"{_PARTS}*"), _KEEP_PARTS_S)
    name = hashlib.sha256(f"{offer.kind} {offer.revision.origin}".encode()).hexdigest()[:16]
    return shelf / f"{_PARTS}{name}"


def _told(offer: HubOffer, before: int, progress: ByteProgress | None) -> Told:
    """Passes on how far one file has come as how far all have."""
    return (lambda done: progress(before + done, offer.size_bytes)) if progress else (lambda done: None)


def _wanted(
    listing: Listing, limits: Callable[[str], int], required: Collection[str], what: str
) -> tuple[HubFile, ...]:
    repo_id, files = listing.revision.repo_id, listing.files
    if odd := [name for name in files if not is_plain(name)]:
        told = ", ".join(f"'{shown(name)}'" for name in odd[:_LISTED])
        raise HubError(f"'{repo_id}' is not pulled: file names that lead out of a folder are in it ({told})")
    if missing := [name for name in required if name not in files]:
        there = ", ".join(shown(name) for name in sorted(files)[:_LISTED]) or "nothing"
        raise HubError(f"'{repo_id}' holds no {what}: it has no {' and no '.join(missing)}, but {there}")
    found = [file for file in files.values() if limits(file.name)]
    if large := [file for file in found if file.size_bytes > limits(file.name)]:
        told = ", ".join(f"{shown(file.name)} has {_size(file.size_bytes)}" for file in large[:_LISTED])
        most = _size(limits(large[0].name))
        raise HubError(f"'{repo_id}' is not pulled: {told}; at most {most} are taken, which {what}s never need")
    return tuple(sorted(found, key=lambda file: (file.name not in required, file.name)))


def _fetch_file(client: HubClient, offer: HubOffer, file: HubFile, folder: Path, told: Told) -> None:
    """One file, at last in its place."""
    place = folder / file.name
    part = place.with_name(place.name + _PART)
    place.parent.mkdir(parents=True, exist_ok=True)
    if not (place.is_file() and _is(file, place)):
        part.touch()
        _fill(client, offer, part, file, told)
        if not _is(file, part):
            part.unlink()
            raise HubError(f"{file.name} of '{offer.revision.repo_id}' arrived damaged and was dropped; pull again")
        os.replace(part, place)
    told(file.size_bytes)


def _fill(client: HubClient, offer: HubOffer, part: Path, file: HubFile, told: Told) -> None:
    """Append to ``part`` until it is as long as the file is, taking up a connection that breaks off."""
    repo_id, left = offer.revision.repo_id, ATTEMPTS
    url = hf_hub_url(
        repo_id, file.name, repo_type=offer.kind.value, revision=offer.revision.commit, endpoint=client.api.endpoint
    )
    while (had := part.stat().st_size) < file.size_bytes:
        fault: HubError | None = None
        try:
            _append(_pieces(client, repo_id, url, had), part, file, told)
        except HubError as exc:
            if isinstance(exc.__cause__, HfHubHTTPError) or not isinstance(exc.__cause__, HTTPError):
                raise
            fault = exc
        left = left - 1 if part.stat().st_size <= had else ATTEMPTS
        if not left:
            raise HubError(
                f"'{repo_id}' stopped arriving: the connection was lost. What has arrived is kept, and the next "
                "pull goes on from there; check the network, then pull again"
            ) from fault
        if fault:
            time.sleep(_PAUSE_S)


def _append(pieces: Generator[_Piece, None, None], part: Path, file: HubFile, told: Told) -> None:
    """Write what one request brings, never more than the Hub said that there is."""
    with closing(pieces):
        for piece in pieces:
            with part.open("r+b") as stream:
                stream.seek(piece.start)
                stream.truncate()
                stream.write(piece.content[: file.size_bytes - piece.start])
                done = stream.tell()
            told(done)
            if done >= file.size_bytes:
                return


def _pieces(client: HubClient, repo_id: str, url: str, had: int) -> Generator[_Piece, None, None]:
    """The file from byte ``had`` on, or from its start where the server does not go on in the middle."""
    headers = {**client.headers(), "Accept-Encoding": "identity"} | ({"Range": f"bytes={had}-"} if had else {})
    with client.asking(repo_id):
        with get_session().stream("GET", url, headers=headers, timeout=TIMEOUT_S) as response:
            hf_raise_for_status(response)
            start = had if response.status_code == 206 else 0
            for content in response.iter_bytes(_PIECE):
                yield _Piece(start, content)
                start += len(content)


def _is(file: HubFile, path: Path) -> bool:
    """Whether ``path`` is the file that the Hub lists."""
    with path.open("rb") as content:
        return digest_like(file.digest, content, file.size_bytes) == file.digest


def _check_space(folder: Path, offer: HubOffer) -> None:
    """Raises OSError where what is still to come cannot fit on the disk."""
    here = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    if shutil.disk_usage(folder).free < offer.size_bytes - here:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@contextmanager
def _alone(folder: Path, repo_id: str) -> Iterator[None]:
    """The folder for this fetch alone. Raises HubError where another one is at work in it."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        lock = FileLock(folder / _LOCK, timeout=0).acquire()
    except Timeout as exc:
        raise HubError(f"'{repo_id}' is being pulled just now; wait until that is done") from exc
    with lock:
        yield


def _size(count: int) -> str:
    return f"{count / (1 << 20):,.0f} MiB" if count >= 1 << 20 else f"{count:,} bytes"


def fetch_bundle(
    repo: str,
    files: Mapping[str, int],
    *,
    revision: str | None = None,
    allow_download: bool = True,
    cache: Path | None = None,
) -> Path:
    """The folder in the local cache that holds ``files`` of the repository ``repo``, which are fetched if need be.

    ``files`` are names and the most bytes of each; nothing else of it is ever fetched. ``repo`` may be an address, and
    ``revision`` is a branch, a tag or a commit. A commit that is in the cache takes no network, and nothing does
    unless ``allow_download``. Where the Hub cannot be reached, what was fetched before is good enough. Raises HubError.
    """
    client = HubClient()
    address = read_address(repo, RepoKind.MODEL, revision or "", endpoint=client.api.endpoint)
    get = partial(
        client.api.snapshot_download,
        address.repo_id,
        revision=address.revision or None,
        allow_patterns=list(files),
        cache_dir=cache,
    )

    def cached() -> Path | None:
        """The folder, if all of it is there already."""
        try:
            place = Path(get(local_files_only=True))
        except LocalEntryNotFoundError:
            return None
        return place if all((place / name).is_file() for name in files) else None

    if not allow_download or _COMMIT.fullmatch(address.revision):
        found = cached()
        if found:
            return found
    if not allow_download:
        raise HubError(f"'{address.repo_id}' is not in the local cache; fetch it once with allow_download")
    try:
        offer = look(
            client,
            address.repo_id,
            RepoKind.MODEL,
            lambda name: files.get(name, 0),
            required=files,
            what="bundle",
            revision=address.revision,
        )
        with client.asking(address.repo_id):
            place = Path(get())
    except HubError as exc:
        found = cached() if _out_of_reach(exc.__cause__) else None
        if found is None:
            raise
        return found
    if place.name != offer.revision.commit:
        raise HubError(f"'{address.repo_id}' was changed while it was being fetched; try again")
    return place


def _out_of_reach(cause: BaseException | None) -> bool:
    """Whether the Hub itself could not be asked."""
    if isinstance(cause, OfflineModeIsEnabled | ConnectionError | TimeoutError):
        return True
    return isinstance(cause, HTTPError) and not isinstance(cause, HfHubHTTPError)
