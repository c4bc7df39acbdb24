"""Putting files into a repository as one commit, on top of a commit that was seen, and of no other."""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from huggingface_hub import CommitOperationAdd, CommitOperationDelete
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils.tqdm import disable_progress_bars

from ga2app.errors import HubConflict, HubError
from ga2app.hub.hub_client import HubClient
from ga2app.hub.repositories import Listing, check_repo_id, digest_like, read_listing
from ga2app.types import ByteProgress, HubRevision, Pushed, RepoKind

Content: TypeAlias = Path | bytes

_MIN_COMMIT = 7
_CONFLICTS = (409, 412)
_NO_SUCH_STORAGE = "not supported by Xet Storage"


@dataclass(frozen=True)
class PushJob:
    """What is to be pushed, and where.

    ``files`` by their names in the repository; those of the repository that are ``ours`` but not among them are taken
    out of it, all others stay. ``base`` is the commit that the files came from or went to last; ``onto`` names one
    that they shall go on top of instead. ``private`` says what a new repository is.
    """

    repo_id: str
    kind: RepoKind
    files: Mapping[str, Content]
    ours: Callable[[str], bool]
    message: str
    base: HubRevision | None = None
    onto: str = ""
    private: bool = True


def full_name(repo: str, account: str) -> str:
    """``repo`` with ``account`` before it where it names nobody. Raises HubError for what cannot be a name."""
    repo = repo.strip()
    return check_repo_id(repo if "/" in repo else f"{account}/{repo}")


def push(client: HubClient, job: PushJob, progress: ByteProgress | None = None) -> Pushed:
    """Make the repository hold the files of ``job``, in one commit that changes only what is other than before.

    The repository is made if there is none. Raises HubConflict where its newest commit is not the one that was seen:
    then nothing was changed. Raises HubError for everything else, before the first byte goes out where it can be told.
    """
    account = client.account()
    if account.writes is False:
        raise HubError(
            f"the token of '{account.name}' may only read; make one with the role write at "
            "https://huggingface.co/settings/tokens, then: hf auth login"
        )
    there = read_listing(client, job.repo_id, job.kind)
    with client.asking(job.repo_id, writing=True):
        if there is None:
            _create(client, job)
        client.api.auth_check(job.repo_id, repo_type=job.kind.value, write=True)
    there = there or read_listing(client, job.repo_id, job.kind)
    if there is None:
        raise HubError(f"'{job.repo_id}' was made, but the Hub does not show it yet; push again in a minute")
    changed, removed = _difference(job, there)
    link = client.link(there.revision.repo_id, job.kind)
    if not (changed or removed):
        return Pushed(there.revision, link, there.private)
    _check_parent(client, job, there)
    revision = _commit(client, job, there, changed, removed, progress)
    _check_arrival(client, job, revision)
    return Pushed(revision, link, there.private, tuple(changed), tuple(removed))


def _create(client: HubClient, job: PushJob) -> None:
    try:
        client.api.create_repo(job.repo_id, repo_type=job.kind.value, private=job.private)
    except HfHubHTTPError as exc:
        if exc.response.status_code != 409:
            raise
        raise HubError(
            f"the name '{job.repo_id}' is taken, by something that you may not see or that was made just now; "
            "choose another name, or push again"
        ) from exc


def _difference(job: PushJob, there: Listing) -> tuple[list[str], list[str]]:
    """Names of the files that the repository has not or has otherwise, and of those that it has too many."""
    changed = []
    with _readable(job):
        for name, content in job.files.items():
            known = there.files.get(name)
            with _Counted(content) as stream:
                same = (
                    known is not None
                    and known.size_bytes == stream.size_bytes
                    and digest_like(known.digest, stream, stream.size_bytes) == known.digest
                )
            if not same:
                changed.append(name)
    return changed, sorted(name for name in there.files if job.ours(name) and name not in job.files)


def _check_parent(client: HubClient, job: PushJob, there: Listing) -> None:
    """Raises HubConflict unless the newest commit is one that whoever pushes has seen.

    Raises HubError where the repository is open to everybody and nobody has said that it may be.
    """
    head, repo_id = there.revision.commit, there.revision.repo_id
    known = job.base is not None and job.base.repo_id.casefold() == repo_id.casefold()
    if job.private and not (there.private or known) and (there.blank or job.onto):
        raise HubError(f"'{repo_id}' is there, and everybody may see it; push it as public, or choose another name")
    if there.blank:
        return
    if job.onto:
        if len(job.onto) < _MIN_COMMIT or not head.startswith(job.onto.lower()):
            raise HubConflict(
                f"'{repo_id}' is at commit {head[:12]} and not at '{job.onto}'; look at it again: "
                f"{client.link(repo_id, job.kind)}/commits/main",
                head,
            )
        return
    if job.base is None or not known:
        raise HubConflict(
            f"the name '{repo_id}' is taken: something else is there, at commit {head[:12]}; choose another name, or "
            f"push onto {head[:12]} if this shall be its next version",
            head,
        )
    if job.base.commit != head:
        raise _overtaken(client, job, head)


def _overtaken(client: HubClient, job: PushJob, head: str) -> HubConflict:
    at = f"commit {head[:12]}" if head else "another commit"
    return HubConflict(
        f"'{job.repo_id}' was changed by somebody else meanwhile: it is at {at}. Nothing was overwritten. Look at "
        f"{client.link(job.repo_id, job.kind)}/commits/main, pull it, or push onto {head[:12] or 'the newest commit'}",
        head,
    )


def _commit(
    client: HubClient,
    job: PushJob,
    there: Listing,
    changed: Sequence[str],
    removed: Sequence[str],
    progress: ByteProgress | None,
) -> HubRevision:
    with _readable(job):
        counter = _Counter(progress, sum(_size(job.files[name]) for name in changed))
        streams = {name: _Counted(job.files[name]) for name in changed}
    try:
        with client.asking(job.repo_id, writing=True), quietly():
            additions = [CommitOperationAdd(name, stream) for name, stream in streams.items()]
            for name, stream in streams.items():
                # From here on what is read goes out; before, it was only hashed.
                stream.told = counter.of(name)
            told = client.api.create_commit(
                there.revision.repo_id,
                [*additions, *map(CommitOperationDelete, removed)],
                commit_message=job.message,
                repo_type=job.kind.value,
                parent_commit=there.revision.commit,
            )
    except HubError as exc:
        cause = exc.__cause__
        if isinstance(cause, HfHubHTTPError) and cause.response.status_code in _CONFLICTS:
            newest = read_listing(client, job.repo_id, job.kind)
            raise _overtaken(client, job, newest.revision.commit if newest else "") from exc
        raise
    finally:
        for stream in streams.values():
            stream.close()
    counter.finish()
    return HubRevision(there.revision.repo_id, told.oid)


def _check_arrival(client: HubClient, job: PushJob, revision: HubRevision) -> None:
    """Raises HubError where the commit does not hold the files: a .gitignore there may keep some out, silently."""
    after = read_listing(client, revision.repo_id, job.kind, revision.commit)
    lost, _ = _difference(job, after) if after else (sorted(job.files), [])
    if lost:
        raise HubError(
            f"'{revision.repo_id}' took the commit without {', '.join(lost)}; look for a .gitignore there that keeps "
            "such files out, take it out, and push again"
        )


class _Counted(io.BufferedReader):
    """Content as a stream that tells how far it has been read. The client sends streams by plain HTTP."""

    def __init__(self, content: Content) -> None:
        raw = io.BytesIO(content) if isinstance(content, bytes) else io.FileIO(content)
        super().__init__(raw)
        self.size_bytes = _size(content)
        self.told: Callable[[int], None] | None = None

    def read(self, size: int | None = -1, /) -> bytes:
        piece = super().read(size)
        if self.told:
            self.told(self.tell())
        return piece


class _Counter:
    """Adds up how far each of several files has gone, and passes it on."""

    def __init__(self, progress: ByteProgress | None, total: int) -> None:
        self._progress, self._total = progress, total
        self._lock = threading.Lock()  # large files go out side by side
        self._done: dict[str, int] = {}

    def of(self, name: str) -> Callable[[int], None]:
        """What the file ``name`` tells."""

        def told(done: int) -> None:
            with self._lock:
                self._done[name] = done
                if self._progress:
                    self._progress(min(sum(self._done.values()), self._total), self._total)

        return told

    def finish(self) -> None:
        """Everything is there, what the Hub had already included."""
        if self._progress:
            self._progress(self._total, self._total)


@contextmanager
def _readable(job: PushJob) -> Iterator[None]:
    """Turns a file of our own that cannot be read into HubError."""
    try:
        yield
    except OSError as exc:
        raise HubError(
            f"a file for '{job.repo_id}' cannot be read ({exc.strerror or exc}: {exc.filename}); check that it is there"
        ) from exc


@contextmanager
def quietly() -> Iterator[None]:
    """Without the client's bars, and without its remark that streams do not go the way it likes best."""

    def wanted(record: logging.LogRecord) -> bool:
        return _NO_SUCH_STORAGE not in record.getMessage()

    log = logging.getLogger("huggingface_hub._commit_api")
    log.addFilter(wanted)
    try:
        with disable_progress_bars():
            yield
    finally:
        log.removeFilter(wanted)


def _size(content: Content) -> int:
    return len(content) if isinstance(content, bytes) else content.stat().st_size
