"""Anchor sets as the Hub's panels push and pull them: captions and negative prompts, clips only if ticked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from ga2app.errors import StoreError
from ga2app.services.negatives import chosen
from ga2app.services.studio import Studio
from ga2app.types import ByteProgress, HubAccount, HubOffer, PulledAnchors, Pushed, PushOptions
from ga2app.web.components.markup import count_of, lasting, notice, notices
from ga2app.web.pages.anchors.anchor_room import ClipView


class AnchorGoods:
    """``hub.push_panel.Goods``: the anchor set that is shown."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def title(self, view: ClipView) -> str:
        """See ``Goods``."""
        wanted = chosen(view.set_id)
        name = next((row.name for row in self._studio.store.anchors.sets() if row.id == wanted), "")
        if not name:
            raise StoreError("this anchor set is not there any more; choose another from the list")
        return name

    def place(self, view: ClipView, account: HubAccount) -> str:
        """See ``Goods``."""
        return self._studio.sharing.repo_of_anchors(chosen(view.set_id), account)

    def ticks(self) -> Sequence[Any]:
        """See ``Goods``."""
        negatives = gr.Checkbox(
            True,
            label="With the negative prompts",
            info="All groups; whoever pulls the set gets them as groups of their own.",
            elem_id="anchor-push-negatives",
        )
        films = gr.Checkbox(
            False,
            label="With the clips themselves",
            info="Otherwise captions alone: whoever has clips with the same content finds them again.",
            elem_id="anchor-push-clips",
        )
        return negatives, films

    def push(
        self, view: ClipView, options: PushOptions, along: Sequence[Any], token: str | None, progress: ByteProgress
    ) -> Pushed:
        """See ``Goods``."""
        negatives, films = along
        return self._studio.sharing.push_anchors(
            chosen(view.set_id),
            options,
            groups=None if negatives else (),
            clips=bool(films),
            token=token,
            progress=progress,
        )


class AnchorSupply:
    """``hub.pull_panel.Supply``: ``welcome`` shows the set that came, and what is said of it."""

    example = "user/anchors"
    about = "A set of anchor clips with its negative prompts: captions, and clips where the repository has them."

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def ticks(self) -> Sequence[Any]:
        """See ``Supply``."""
        return (gr.Checkbox(True, label="With the clips", elem_id="anchor-pull-clips"),)

    def find(self, repo: str, revision: str, token: str | None) -> HubOffer:
        """See ``Supply``."""
        return self._studio.sharing.find_anchors(repo, revision=revision, token=token)

    def pull(self, offer: HubOffer, along: Sequence[Any], token: str | None, progress: ByteProgress) -> PulledAnchors:
        """See ``Supply``."""
        return self._studio.sharing.pull_anchors(offer, clips=bool(along[0]), token=token, progress=progress)

    def welcome(self, pulled: PulledAnchors) -> list[Any]:
        """See ``Supply``."""
        return [ClipView(pulled.set_id), pulled_html(pulled)]


def pulled_html(pulled: PulledAnchors) -> str:
    """What came, and what could not be had."""
    groups = f", {count_of(len(pulled.groups), 'group')} of negative prompts" if pulled.groups else ""
    said = f"{count_of(pulled.clips, 'clip')}{groups}." if pulled.new else "It is here already; nothing was changed."
    missing = [f"'{caption}': neither the repository nor this studio has the clip" for caption in pulled.missing]
    left_out = notices("warning", [*missing, *pulled.faults], f"Left out of '{pulled.name}':")
    return notice("success", said, f"'{pulled.name}' is here.") + lasting(left_out)
