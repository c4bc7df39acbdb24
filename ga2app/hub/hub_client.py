"""The Hub as one person sees it: with their login, or with none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from huggingface_hub import HfApi, get_token
from huggingface_hub.errors import DeviceCodeError, OIDCError
from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

from ga2app.errors import HubError
from ga2app.hub.http_errors import HTTPError
from ga2app.hub.hub_errors import NOT_LOGGED_IN, translated
from ga2app.types import HubAccount, RepoKind

_ROLES = {"read": False, "write": True}
_LIBRARY = "ga2app"


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
        raise ValueError("it does not tell of an account") from exc


def _own_token() -> str | None:
    if os.environ.get("SPACE_ID"):
        return None
    try:
        return get_token()
    except (DeviceCodeError, OIDCError, HTTPError, OSError) as exc:
        raise HubError(
            f"your login at the Hub cannot be used ({type(exc).__name__}); log in again: hf auth login"
        ) from exc
