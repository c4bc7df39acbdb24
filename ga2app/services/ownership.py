"""What people of one Space share with each other, and whose a thing is. Off a Space everything is one person's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ga2app.errors import AccessError, StoreError

if TYPE_CHECKING:
    from ga2app.services.studio import Studio


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
