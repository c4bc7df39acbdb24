"""The rule of a Space, kept in one place: who acts just now, and what a stranger may not touch.

Whatever a press, an endpoint or an agent's tool reads or changes goes through the store, which asks here who acts and
keeps to that person's rows (``ga2app.store.row_guard``), or through one of the doors, which are guarded here. Handlers
are not: a new one is covered as soon as it reads or changes something, whether it is listed in the API or not. To
recognize and to ask why is everybody's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any, cast
from weakref import WeakKeyDictionary

import gradio as gr
from gradio.context import LocalContext
from gradio.helpers import special_args

from ga2app.environment import OwnThread
from ga2app.errors import AccessError
from ga2app.hub import Downloads
from ga2app.services.anchor_pools import AnchorAdvisor
from ga2app.services.space import Space, Visitor, is_owner, refusal
from ga2app.services.studio import Studio
from ga2app.store.row_guard import APP, Actor
from ga2app.web.own_names import shows_key

_WRITERS = ("admin", "write")


_known: WeakKeyDictionary[gr.Request, tuple[gr.OAuthProfile | None, gr.OAuthToken | None]] = WeakKeyDictionary()


class Refused(AccessError, gr.Error):
    """What a stranger reads. Also one of Gradio's errors: where a handler does not tell it, the page does."""

    def __init__(self, message: str) -> None:
        gr.Error.__init__(self, message, title="You may not change this", print_exception=False)

    def __str__(self) -> str:
        return str(self.message)


class Guarded:
    """A door of which strangers may use nothing but what is ``free``; what it gains later is guarded, too."""

    def __init__(self, door: object, may_change: Callable[[], None], free: Collection[str]) -> None:
        self._door, self._may_change, self._free = door, may_change, free

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._door, name)
        if name in self._free or not callable(found):
            return found

        def asked(*args: Any, **settings: Any) -> Any:
            self._may_change()
            return found(*args, **settings)

        return asked


def guarded(studio: Studio) -> Studio:
    """``studio`` as its Space's visitors may use it; off a Space it stays as it is.

    It is made once: what its services keep in memory is the same for pages and for routes.
    """
    space = studio.space
    if space is None:
        return studio
    if (before := vars(studio).get("_guarded")) is not None:
        return cast(Studio, before)

    def actor() -> Actor:
        visitor = present_visitor(space)
        if visitor is None or is_owner(space, visitor):
            return APP
        name = visitor.name.casefold() if visitor.name is not None else None
        return Actor(name, refusal=refusal(space, visitor), error=Refused)

    studio.store.guard(actor)
    may_change = studio.store.may_change
    made = replace(
        studio,
        asked_by=lambda: (present_visitor(space) or Visitor()).name or "",
        advisor=cast(AnchorAdvisor, Guarded(studio.advisor, may_change, ["login"])),
        downloads=cast(Downloads, Guarded(studio.downloads, may_change, ["status", "place"])),
    )
    vars(studio)["_guarded"] = vars(made)["_guarded"] = made
    return made


def present_visitor(space: Space) -> Visitor | None:
    """Who asked for what is being done in this thread; None for the app itself, which nobody asked.

    Where it cannot be told who asks, nobody is signed in.
    """
    if LocalContext.blocks.get(None) is None and OwnThread.is_current():
        return None
    request = LocalContext.request.get(None)
    profile, _ = _signed_in(request)
    return Visitor(
        name=profile.username if profile is not None else None,
        writes_for=frozenset(_organizations(profile)),
        has_key=request is not None and shows_key(request.headers, space.key),
    )


def visitors_token(studio: Studio) -> str | None:
    """The token that what is being done now may show to the Hub: on a Space the visitor's own, never the Space's.

    None off a Space, where the machine's own login serves. Raises AccessError for a visitor who is not signed in.
    """
    if studio.space is None:
        return None
    _, token = _signed_in(LocalContext.request.get(None))
    if token is None:
        how = f"nobody can, because {studio.space.no_sign_in}" if studio.space.no_sign_in else "sign in at the top"
        raise Refused(f"this needs your own account on the Hub: {how}")
    return token.token


def _signed_in(request: gr.Request | None) -> tuple[gr.OAuthProfile | None, gr.OAuthToken | None]:
    """Profile and token of the session behind ``request``, as Gradio would hand them to a handler; asked once each."""
    known = _known.get(request) if request is not None else None
    if known is None:

        def handler(profile: gr.OAuthProfile | None, token: gr.OAuthToken | None) -> None:
            """Gradio reads what it asks for from its signature."""

        (profile, token), *_ = special_args(handler, [], request)
        known = (profile, token)
        if request is not None:
            _known[request] = known
    return known


def _organizations(profile: gr.OAuthProfile | None) -> list[str]:
    """The organizations in which the person may write, as far as the person has let the Space see them."""
    userinfo = cast("dict[str, Any]", profile or {})
    told = userinfo.get("orgs") or []
    return [str(one.get("preferred_username")) for one in told if one.get("roleInOrg") in _WRITERS]
