"""Which requests are for this studio: by its own names, and not from another site's page in somebody's browser.

A browser sends a person's cookies along whatever page asks, and believes any name server about where a name leads. So
a page elsewhere could act as that person, or reach a studio on this machine under a name of its own (DNS rebinding).
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping
from functools import cache
from hmac import compare_digest
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

KEY_HEADER = "x-ga2-key"
HUB = "https://huggingface.co"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_PRIVATE = (".local", ".lan", ".internal", ".home.arpa", ".localhost")
"""Ends of names that no public name server leads anywhere."""
_HOW = "To let people and programs use it, start the studio with --allowed-host NAME, or set GA2_ALLOWED_HOSTS.\n"


class SafeHeaders:
    """Middleware: what a browser is told of every answer.

    It may be shown in a frame of the studio's own pages alone, on a Space also in the Hub's, which shows it so. It is
    what its type says and nothing else, and no other site learns which page a link was followed from.
    """

    def __init__(self, app: ASGIApp, *, on_space: bool = False) -> None:
        self._app = app
        self._headers = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"} | (
            {"Content-Security-Policy": f"frame-ancestors 'self' {HUB}"}
            if on_space  # the older header knows no other site than one's own
            else {"Content-Security-Policy": "frame-ancestors 'self'", "X-Frame-Options": "SAMEORIGIN"}
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on, and add the headers to its answer."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    if name == "Content-Security-Policy":  # several hold together: an answer's own stays
                        given.append(name, value)
                    else:
                        given[name] = value
            await send(message)

        await self._app(scope, receive, send_with_headers)


class OwnNames:
    """Middleware: a request under a name that is not the studio's, or of another site's page, is refused in a sentence.

    ``host`` is where the app listens. On this machine's own address its names are those of the machine itself and
    ``allowed``. On others they are also addresses, and names that no public name server knows; on a Space, where the
    name is the Space's and nothing of a person lies on the machine, every name is good. The page in whose name a
    browser asks (``Origin``) has to have the request's own name, or one that is known beforehand. Ports do not count:
    proxies change them. Who shows ``key``, a Space's, asks for a program and not for a browser.
    """

    def __init__(
        self, app: ASGIApp, host: str, allowed: Iterable[str] = (), *, on_space: bool = False, key: str = ""
    ) -> None:
        self._app, self._key, self._on_space = app, key, on_space
        listens = host.strip("[]").lower()
        self._names = {*LOOPBACK, listens, *(name.lower() for name in allowed)}
        self._alone = listens in LOOPBACK

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on, or refuse it."""
        refusal = self._refusal(Headers(scope=scope)) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, given: Headers) -> PlainTextResponse | None:
        name = host_of(f"//{given.get('host', '')}")
        if not self._on_space and not self._is_own(name):
            return PlainTextResponse(f"Invalid Host header: this studio is not known as '{name or ''}'. {_HOW}", 421)
        origin = given.get("origin")
        if origin is None or host_of(origin) in {name, *self._names} - {None}:
            return None
        if shows_key(given, self._key):
            return None
        return PlainTextResponse(f"Invalid Origin header: a page of another site asks ({origin:.200}). {_HOW}", 403)

    def _is_own(self, name: str | None) -> bool:
        if name is None or name in self._names:
            return name is not None
        return not self._alone and _leads_nowhere_else(name)


def shows_key(headers: Mapping[str, str], key: str) -> bool:
    """Whether a request with ``headers`` shows ``key``, a Space's; without one nobody does."""
    return bool(key) and compare_digest(headers.get(KEY_HEADER, "").encode(), key.encode())


def host_of(address: str) -> str | None:
    """The host in an address, in small letters; None where there is none."""
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


def _leads_nowhere_else(name: str) -> bool:
    """Whether no public name server could send browsers here under ``name``."""
    try:
        ip_address(name)
    except ValueError:
        return "." not in name or name.endswith(_PRIVATE) or name in _machine_names()
    return True


@cache
def _machine_names() -> frozenset[str]:
    return frozenset({socket.gethostname().lower(), socket.getfqdn().lower()})
