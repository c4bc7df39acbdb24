"""Who may change something in a Space: the owner, or whoever is signed in, as its settings say."""

from __future__ import annotations

from dataclasses import dataclass, field

from ga2app.services.space.space_settings import Access, Space


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


def refusal(space: Space, visitor: Visitor) -> str:
    """Why ``visitor`` may change nothing here, and what to do about it; empty for one who may."""
    if is_owner(space, visitor) or (space.access is Access.SIGNED_IN and visitor.name is not None):
        return ""
    if visitor.name is not None:
        return (
            f"data, anchors, training and bundles of this Space belong to its owner, {space.author}, and you are "
            f"signed in as {visitor.name}; duplicate the Space to have one of your own, or ask {space.author} to add "
            "you to GA2_OWNERS. Recognizing is open to you"
        )
    whose = f"its owner, {space.author}" if space.access is Access.OWNER else "people who are signed in"
    if space.no_sign_in:
        how = f"nobody can sign in here, because {space.no_sign_in}; {space.author} has to put that right"
    elif space.access is Access.OWNER:
        how = f"sign in at the top if that is you, ask {space.author} to let in all who sign in, or duplicate the Space"
    else:
        how = "sign in with Hugging Face at the top of the page"
    return f"data, anchors, training and bundles of this Space belong to {whose}: {how}. Recognizing is open to you"
