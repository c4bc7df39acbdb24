"""The app as a Hugging Face Space: what the Space's variables say, who may do what, and what people of it share."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol

from ga2app.errors import AccessError, ConfigError, Fault, StoreError

if TYPE_CHECKING:
    from ga2app.services.studio import Studio

ACCESS = "GA2_ACCESS"
OWNERS = "GA2_OWNERS"
KEY = "GA2_KEY"
GPU_SECONDS = "GA2_GPU_SECONDS"

DEFAULT_GPU_S = 60
LEAST_GPU_S, MOST_GPU_S = 5, 3600
LEAST_KEY = 16

_SIGN_IN = ("OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET", "OAUTH_SCOPES", "OPENID_PROVIDER_URL")
_SIGN_IN_PACKAGES = ("authlib", "itsdangerous")


class Access(StrEnum):
    """Who may make and change data, anchors, training and bundles of a Space; to recognize is everybody's.

    ``OWNER`` is its owner alone. With ``SIGNED_IN`` each person who is signed in has what that person has made.
    """

    OWNER = "owner"
    SIGNED_IN = "signed-in"


@dataclass(frozen=True)
class Space:
    """The Space that the app runs as.

    ``name`` is ``author/name``. ``owners`` are user names besides the author's. ``no_sign_in`` says why nobody can
    sign in, empty where they can. ``key`` is what a program shows to act as the owner, empty for none. ``gpu_s`` is for
    how long a ZeroGPU Space asks for its GPU at a time, in seconds. ``keeps`` says whether the home folder lies on
    storage that was chosen, not on the disk that a restart empties.
    """

    name: str
    author: str
    access: Access = Access.OWNER
    owners: tuple[str, ...] = ()
    no_sign_in: str = ""
    key: str = field(default="", repr=False)
    zero_gpu: bool = False
    gpu_s: int = DEFAULT_GPU_S
    keeps: bool = False


def present_space(environment: Mapping[str, str] = os.environ) -> Space | None:
    """The Space that this process runs as, None anywhere else. Raises ConfigError with every variable at fault."""
    name = environment.get("SPACE_ID", "").strip()
    if not name:
        return None
    faults: list[Fault] = []
    access, gpu_s, key = Access.OWNER, DEFAULT_GPU_S, environment.get(KEY, "").strip()
    said = environment.get(ACCESS, "").strip() or access.value
    try:
        access = Access(said)
    except ValueError:
        faults.append(Fault(ACCESS, f"must be {' or '.join(Access)}, not '{said}'; change it in the Space's settings"))
    seconds = environment.get(GPU_SECONDS, "").strip() or str(gpu_s)
    if seconds.isascii() and seconds.isdigit() and LEAST_GPU_S <= int(seconds) <= MOST_GPU_S:
        gpu_s = int(seconds)
    else:
        rule = f"must be a whole number of seconds from {LEAST_GPU_S} to {MOST_GPU_S}, not '{seconds}'"
        faults.append(Fault(GPU_SECONDS, f"{rule}; change it in the Space's settings"))
    if key and len(key) < LEAST_KEY:
        faults.append(Fault(KEY, f"must have {LEAST_KEY} characters or more, or be left out; make it a longer secret"))
    if faults:
        raise ConfigError(faults)
    return Space(
        name=name,
        author=environment.get("SPACE_AUTHOR_NAME", "").strip() or name.partition("/")[0],
        access=access,
        owners=tuple(one.strip() for one in environment.get(OWNERS, "").split(",") if one.strip()),
        no_sign_in=_no_sign_in(environment),
        key=key,
        zero_gpu=on_zero_gpu(environment),
        gpu_s=gpu_s,
        keeps=bool(environment.get("GA2_HOME", "").strip()),
    )


def on_zero_gpu(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this is a Space whose GPU is lent for one call at a time; read as the ``spaces`` package reads it."""
    lent = environment.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")
    return lent and bool(environment.get("SPACE_ID"))


def _no_sign_in(environment: Mapping[str, str]) -> str:
    # Gradio pretends to sign people in where SYSTEM says anything else.
    lacking = [name for name in _SIGN_IN if not environment.get(name)]
    if lacking or environment.get("SYSTEM") != "spaces":
        return "its README lacks 'hf_oauth: true'"
    if gone := [name for name in _SIGN_IN_PACKAGES if find_spec(name) is None]:
        return f"the packages {' and '.join(gone)} are missing; its requirements need gradio[oauth]"
    return ""


@dataclass(frozen=True)
class Visitor:
    """Who asks: a user name on the Hub, None for somebody who is not signed in.

    ``writes_for`` are the organizations in which this person may write. ``has_key`` says that a program has shown the
    Space's key.
    """

    name: str | None = None
    writes_for: frozenset[str] = field(default_factory=frozenset)
    has_key: bool = False


def is_owner(space: Space, visitor: Visitor) -> bool:
    """Whether ``visitor`` counts as the owner. Names differ in more than upper and lower case."""
    if visitor.has_key:
        return True
    author = space.author.casefold()
    owners = {author, *(name.casefold() for name in space.owners)}
    named = visitor.name is not None and visitor.name.casefold() in owners
    return named or author in {name.casefold() for name in visitor.writes_for}


_OPEN = "What is shared is open to you, and so is recognizing"


def refusal(space: Space, visitor: Visitor) -> str:
    """Why ``visitor`` may change nothing here, and what to do about it; empty for one who may."""
    if is_owner(space, visitor) or (space.access is Access.SIGNED_IN and visitor.name is not None):
        return ""
    if visitor.name is not None:
        return (
            f"data, anchors, training and bundles of this Space belong to its owner, {space.author}, and you are "
            f"signed in as {visitor.name}; duplicate the Space to have one of your own, or ask {space.author} to add "
            f"you to GA2_OWNERS. {_OPEN}"
        )
    whose = f"its owner, {space.author}" if space.access is Access.OWNER else "whoever made them"
    if space.no_sign_in:
        how = f"nobody can sign in here, because {space.no_sign_in}; {space.author} has to put that right"
    elif space.access is Access.OWNER:
        how = f"sign in at the top if that is you, ask {space.author} to let in all who sign in, or duplicate the Space"
    else:
        how = "sign in with Hugging Face at the top of the page to make your own"
    return f"data, anchors, training and bundles of this Space belong to {whose}: {how}. {_OPEN}"


class Owned(Protocol):
    """A row that somebody owns, as lists show it."""

    @property
    def owner(self) -> str: ...
    @property
    def shared(self) -> bool | int: ...


_KINDS = {
    "dataset": ("datasets", "data set"),
    "anchor_set": ("anchor_sets", "anchor set"),
    "negative_group": ("negative_groups", "group of negative prompts"),
    "run": ("runs", "run"),
    "bundle": ("bundles", "bundle"),
}
KINDS = tuple(_KINDS)
_LOCKED = (
    "Somebody else made this and shares it to be looked at and used. Only that person and the owner of this Space may "
    "change, push or download it."
)


class OwnershipService:
    """Sharing, as every door does it."""

    def __init__(self, studio: Studio) -> None:
        self._studio, self._store = studio, studio.store

    def share(self, kind: str, name: str | int, on: bool) -> str:
        """Let everybody who opens this Space see and use a thing, or nobody else any more; says which.

        ``kind`` is one of ``KINDS``. ``name`` is the number of a run or of any row that has one, the key of a bundle,
        the name of what has a name. Raises StoreError for what is not there, AccessError for what is somebody else's,
        and off a Space, where there is nobody to share with.
        """
        if self._studio.space is None:
            raise AccessError("there is nobody to share with: everything in this studio is yours")
        if kind not in _KINDS:
            raise StoreError(f"'{kind}' cannot be shared; choose one of {', '.join(_KINDS)}")
        (table, what), key = _KINDS[kind], name
        if kind == "run":
            key = self._studio.runs.get(int(name) if str(name).isdecimal() else None).id
        elif kind == "bundle":
            key = self._studio.library.bundle(str(name)).folder
        self._store.share(table, key, on)
        called = f"run {name}" if kind == "run" else f"this {what}"
        return f"Everybody who opens this Space sees {called} now." if on else f"You alone see {called} now."

    def check_download(self, row: Owned) -> None:
        """Raises AccessError where ``row`` is shared by somebody else: shared things are seen and used, not taken."""
        actor = self._store.actor()
        if self._studio.space is not None and not actor.everything and row.owner != actor.name:
            raise actor.error(
                "this is shared to be looked at and used; only whoever made it and the owner of this Space may "
                "download it: ask them for a copy"
            )

    def locked(self, row: Owned) -> str:
        """Why whoever acts may only look at a row and use it, for pages to say; empty for one who may change it."""
        actor = self._store.actor()
        if self._studio.space is None or actor.everything or (row.owner == actor.name and not actor.refusal):
            return ""
        return actor.refusal[:1].upper() + actor.refusal[1:] or _LOCKED

    def may_share(self, row: Owned) -> bool:
        """Whether whoever acts may say who sees a row; nobody may off a Space."""
        actor = self._store.actor()
        mine = actor.everything or row.owner == actor.name
        return self._studio.space is not None and mine and not actor.refusal

    def whose(self, row: Owned) -> str:
        """What lists say beside a row: that it is shared, and to whom all belongs also whose it is; else nothing."""
        if self._studio.space is None:
            return ""
        owner = f"by {row.owner}" if row.owner and self._store.actor().everything else ""
        return ", ".join(filter(None, [owner, "shared" if row.shared else ""]))
