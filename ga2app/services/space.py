"""The app as a Hugging Face Space: what the Space's variables say, and who may do what."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.util import find_spec

from ga2app.errors import ConfigError, Fault

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
