"""The Hub as one person sees it, with their login or none, and what each of its refusals means in a plain message."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from huggingface_hub import HfApi, get_token
from huggingface_hub.errors import (
    DeviceCodeError,
    DisabledRepoError,
    GatedRepoError,
    HfHubHTTPError,
    HfUriError,
    HFValidationError,
    LocalTokenNotFoundError,
    OfflineModeIsEnabled,
    OIDCError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import build_hf_headers, get_session, parse_ratelimit_headers  # type: ignore[attr-defined]

from ga2app.clip.files.clip_download import HTTPError as HTTPError
from ga2app.errors import HubError, StudioError
from ga2app.types import HubAccount, RepoKind

_ROLES = {"read": False, "write": True}
_LIBRARY = "ga2app"
NOT_LOGGED_IN = "you are not logged in to Hugging Face; run `hf auth login` on this machine, then try again"
_QUOTA = re.compile(r"storage (limit|quota|patterns)|(exceeded|over|reached) your .*quota", re.IGNORECASE)
_CARD = "Invalid metadata in README.md"
_LFS = "LFS batch API returned errors"


def hub_access(timeout_s: float = 5.0) -> str:
    """Whether the Hub can be reached from here, and who is logged in, in a few words. Never raises."""
    try:
        client = HubClient()
        get_session().head(client.api.endpoint, timeout=timeout_s)
        who = f"logged in as {client.account().name}" if client.logged_in else "not logged in (hf auth login)"
        return f"reachable at {client.api.endpoint}, {who}"
    except OfflineModeIsEnabled:
        return "switched off by HF_HUB_OFFLINE"
    except (HTTPError, OSError) as exc:
        return f"cannot be reached ({type(exc).__name__}); all but downloads and pushes works without it"
    except HubError as exc:
        return str(exc)


class HubClient:
    """Asks the Hub at ``endpoint``: for None at what HF_ENDPOINT names, else at the usual one.

    ``token`` is what an OAuth login gave. Without one the login of this machine is used, but never on a Space: there
    it is the owner's, and whoever visits would act in the owner's name. The token goes into request headers, and
    nowhere else. Raises HubError where the machine's login cannot be read.
    """

    def __init__(self, token: str | None = None, *, endpoint: str | None = None) -> None:
        self._token = token or _own_token()
        self._account: HubAccount | None = None
        endpoint = endpoint or os.environ.get("HF_ENDPOINT") or None
        self.api = HfApi(endpoint=endpoint and endpoint.rstrip("/"), token=self._token or False, library_name=_LIBRARY)

    @property
    def logged_in(self) -> bool:
        """Whether there is a login to show; the Hub has not been asked."""
        return bool(self._token)

    def account(self) -> HubAccount:
        """Whose login this is, asked for once. Raises HubError without one, or where the Hub does not know it."""
        if self._account is not None:
            return self._account
        if not self._token:
            raise HubError(NOT_LOGGED_IN)
        with self.asking("your account"):
            self._account = _account_of(self.api.whoami())
        return self._account

    def headers(self) -> dict[str, str]:
        """What a request of ours has to say of itself, the login among it."""
        return build_hf_headers(token=self._token or False, library_name=_LIBRARY)

    def link(self, repo_id: str, kind: RepoKind) -> str:
        """The address of a repository's page."""
        return f"{self.api.endpoint}/{'datasets/' if kind is RepoKind.DATASET else ''}{repo_id}"

    @contextmanager
    def asking(self, repo: str, *, writing: bool = False) -> Iterator[None]:
        """Turns what the client raises into HubError, without the token."""
        with translated(repo, token=self._token, writing=writing):
            yield


def _account_of(told: dict[str, Any]) -> HubAccount:
    """What the Hub tells of an account. Raises ValueError for an answer that is none."""
    try:
        token = (told.get("auth") or {}).get("accessToken") or {}
        organizations = tuple(str(one["name"]) for one in told.get("orgs") or ())
        return HubAccount(str(told["name"]), organizations, _ROLES.get(str(token.get("role"))))
    except (KeyError, TypeError, AttributeError) as exc:
        raise ValueError("it does not describe an account") from exc


def _own_token() -> str | None:
    if os.environ.get("SPACE_ID"):
        return None
    try:
        return get_token()
    except (DeviceCodeError, OIDCError, HTTPError, OSError) as exc:
        raise HubError(
            f"your login at the Hub cannot be used ({type(exc).__name__}); log in again: hf auth login"
        ) from exc


@contextmanager
def translated(repo: str, *, token: str | None = None, writing: bool = False) -> Iterator[None]:
    """Turns what the client raises into HubError; ``repo`` is how the message calls what was asked for."""
    try:
        yield
    except StudioError:
        raise
    except (HTTPError, HFValidationError, HfUriError, OSError, ValueError, RuntimeError) as exc:
        cause = _innermost(exc)
        if isinstance(cause, StudioError):
            raise cause from exc
        raise HubError(explain(cause, repo, token=token, writing=writing)) from exc


def explain(exc: BaseException, repo: str, *, token: str | None = None, writing: bool = False) -> str:
    """What happened, why, and what to do next."""
    if isinstance(exc, OfflineModeIsEnabled):
        return f"the Hub cannot be asked for '{repo}' because HF_HUB_OFFLINE is set; unset it, and try again"
    if isinstance(exc, HFValidationError | HfUriError):
        return f"'{repo}' is not the name of a repository; it should look like user/name, or be its address on the Hub"
    if isinstance(exc, LocalTokenNotFoundError):
        return NOT_LOGGED_IN
    if isinstance(exc, HfHubHTTPError):
        return _refusal(exc, repo) or _by_status(exc, repo, scrubbed(str(exc.server_message or ""), token), writing)
    if isinstance(exc, HTTPError | ConnectionError | TimeoutError):
        return f"the Hub cannot be reached for '{repo}' ({type(exc).__name__}); check the network, and try again"
    said = scrubbed(str(exc), token)
    if said.startswith(_CARD):
        why = said[len(_CARD) :].strip(" .-")
        return f"the Hub does not accept the model card for '{repo}' ({why}); correct the lines that it begins with"
    if said.startswith(_LFS) and _QUOTA.search(said):
        return _quota(repo)
    if isinstance(exc, OSError):
        return f"a file for '{repo}' cannot be read or written ({exc.strerror or said}); check the disk, and try again"
    return f"the Hub's answer for '{repo}' cannot be used ({said}); try again in a few minutes"


def _refusal(exc: HfHubHTTPError, repo: str) -> str:
    """The Hub's own kinds of refusal; empty for any other."""
    if isinstance(exc, GatedRepoError):
        page = f"https://huggingface.co/{repo}"
        return f"'{repo}' is open only to people who accepted its conditions; accept them at {page}, then log in here"
    if isinstance(exc, DisabledRepoError):
        return f"'{repo}' has been closed by the Hub; choose another repository"
    if isinstance(exc, RevisionNotFoundError):
        return (
            f"the revision of '{repo}' that was asked for is not on the Hub, or not any more; "
            "leave the revision out to get the newest, or name another"
        )
    if isinstance(exc, RemoteEntryNotFoundError):
        return f"a file that '{repo}' listed is not there any more; try again"
    if isinstance(exc, RepositoryNotFoundError):
        if exc.response.status_code == 401:
            return (
                f"there is no '{repo}' on the Hub that everybody may see; check the name, or if it is private, "
                "log in with an account that may see it: hf auth login"
            )
        return f"there is no '{repo}' on the Hub, or it is private and your account may not see it; check the name"
    return ""


def _by_status(exc: HfHubHTTPError, repo: str, said: str, writing: bool) -> str:
    status = exc.response.status_code
    if status == 401:
        return "the Hub did not accept your token; log in again with: hf auth login"
    if status in (402, 507) or (status in (403, 413) and _QUOTA.search(said)):
        return _quota(repo)
    if status == 403 and writing:
        return (
            f"you may not write to '{repo}' with this login; use a token with the role write, "
            "or choose a repository of your own"
        )
    if status == 403:
        return f"your login may not read '{repo}'; ask its owner, or use a token that may: hf auth login"
    if status == 413:
        return f"the Hub finds what goes to '{repo}' too large; leave example clips out, or shorten them"
    if status == 429:
        return f"the Hub was asked too often; wait {_wait(exc)}, then try again"
    if status >= 500:
        return f"the Hub is not available now (status {status}); try again in a few minutes"
    return f"the Hub refused what was asked of '{repo}' (status {status}{f': {said}' if said else ''}); check the name"


def _quota(repo: str) -> str:
    return (
        f"the storage of the account behind '{repo}' is full; delete something on the Hub, "
        "or see https://huggingface.co/settings/billing"
    )


def _wait(exc: HfHubHTTPError) -> str:
    """How long the Hub says to wait, in words."""
    headers = exc.response.headers
    limit = parse_ratelimit_headers(headers)
    told = headers.get("Retry-After", "")
    seconds = limit.reset_in_seconds if limit and limit.remaining == 0 else int(told) if told.isdigit() else 0
    if not seconds:
        return "a few minutes"
    return f"{seconds} seconds" if seconds < 120 else f"{-(-seconds // 60)} minutes"


def _innermost(exc: BaseException) -> BaseException:
    """What went wrong inside the threads of the client, which wrap it."""
    while isinstance(exc, RuntimeError) and exc.__cause__ is not None:
        exc = exc.__cause__
    return exc


def scrubbed(text: str, token: str | None = None) -> str:
    """A stranger's words, printable, on one line, of bounded length, and without the token should they repeat it."""
    plain = text.replace(token, "…") if token else text
    return " ".join("".join(char if char.isprintable() else " " for char in plain).split())[:200]
