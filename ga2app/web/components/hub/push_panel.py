"""Something goes to the Hub: the account is shown first, and nothing leaves before a second press."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import gradio as gr

from ga2app.errors import HubConflict, StudioError
from ga2app.services.studio import Studio
from ga2app.types import ByteProgress, HubAccount, Pushed, PushOptions
from ga2app.web.access import visitors_token
from ga2app.web.components.hub.watching import Ended, Underway, errand_html, watched
from ga2app.web.components.markup import busy, escape, notice
from ga2app.web.events import QUIET
from ga2app.web.pages.recognize.recognize_page import UNEXPECTED
from ga2app.web.theme import part

log = logging.getLogger(__name__)


class Goods(Protocol):
    """What a panel pushes. ``chosen`` is what the screen's own component holds; everything raises StudioError."""

    def title(self, chosen: Any) -> str:
        """What people call it."""
        ...

    def place(self, chosen: Any, account: HubAccount) -> str:
        """The repository that is proposed."""
        ...

    def ticks(self) -> Sequence[Any]:
        """Lay out the fields that say what goes along; gives those whose values ``push`` gets."""
        ...

    def push(
        self, chosen: Any, options: PushOptions, along: Sequence[Any], token: str | None, progress: ByteProgress
    ) -> Pushed:
        """Push it, with the values of ``ticks`` in ``along``."""
        ...


def build_push(studio: Studio, goods: Goods, chosen: Any, opens: gr.Button, prefix: str = "") -> None:
    """Lay the panel out, closed; ``opens`` opens it for what ``chosen`` holds. ``prefix`` begins its elem_ids."""
    with gr.Column(visible=False, elem_classes="hub-panel", elem_id=f"{prefix}push-panel") as box:
        account = part(elem_id=f"{prefix}push-account")
        with gr.Column(visible=False) as form:
            repo = gr.Textbox(
                label="Repository",
                info="Account and name, or a name under your own account. It is made if it is not there.",
                max_lines=1,
                elem_id=f"{prefix}push-repo",
            )
            private = gr.Checkbox(
                True,
                label="Private",
                info="Only you see a new repository, until you open it on the Hub. Untick it for one that is public.",
                elem_id=f"{prefix}push-private",
            )
            along = list(goods.ticks())
            rights = gr.Checkbox(
                False,
                label="I have the right to publish what goes along",
                info="Asked only where clips, or pictures of clips, go along.",
                elem_id=f"{prefix}push-rights",
            )
        with gr.Row(elem_classes="actions"):
            go = gr.Button("Push", variant="primary", size="sm", visible=False, elem_id=f"{prefix}push-go")
            onto = gr.Button("Push on top of it", size="sm", visible=False, elem_id=f"{prefix}push-onto")
            leave = gr.Button("Close", size="sm", elem_id=f"{prefix}push-close")
        told = part(elem_id=f"{prefix}push-answer")
        newer, nothing = gr.State(""), gr.State("")

    hidden = gr.update(visible=False)

    def begin(chosen: Any) -> Iterator[list[Any]]:
        asking = busy("Asking the Hub whose login this is…")
        yield [gr.update(visible=True), gr.skip(), hidden, hidden, hidden, "", asking]
        try:
            title = goods.title(chosen)
            who = studio.sharing.account(token=visitors_token(studio))
            place = goods.place(chosen, who)
        except Exception as exc:
            yield [gr.skip(), gr.skip(), hidden, hidden, hidden, fault_html(exc), ""]
            return
        shown = gr.update(visible=who.writes is not False)
        yield [gr.skip(), place, shown, shown, hidden, "", account_html(who, title)]

    def push(chosen: Any, repo: str, private: bool, rights: bool, onto: str, *ticked: Any) -> Iterator[list[Any]]:
        ready, still = gr.update(interactive=True), gr.update(interactive=False)
        yield [busy("Looking at the repository…"), still, hidden, ""]
        options = PushOptions(repo.strip(), private, rights, onto)
        try:
            token = visitors_token(studio)
            for state in watched(lambda progress: goods.push(chosen, options, ticked, token, progress)):
                match state:
                    case Underway(done_bytes=done, total_bytes=total) if total:
                        yield [errand_html("Sending", done, total), gr.skip(), gr.skip(), gr.skip()]
                    case Ended(value=pushed):
                        yield [pushed_html(pushed), ready, hidden, ""]
        except HubConflict as exc:
            yield [notice("warning", str(exc)), ready, gr.update(visible=True), exc.head]
        except Exception as exc:
            yield [fault_html(exc), ready, hidden, ""]

    # Drawn in this order: a name that is proposed after the field is in sight would replace one that is typed already.
    opens.click(begin, chosen, [box, repo, form, go, onto, told, account], **QUIET)
    for button, parent in ((go, nothing), (onto, newer)):
        asked = [chosen, repo, private, rights, parent, *along]
        button.click(push, asked, [told, go, onto, newer], **QUIET)
    leave.click(lambda: hidden, None, box, **QUIET)
    chosen.change(lambda: hidden, None, box, **QUIET)


def fault_html(exc: Exception) -> str:
    """What an errand to the Hub has ended with; call it in the handler of ``exc``."""
    if isinstance(exc, StudioError):
        return notice("error", str(exc))
    log.exception("an errand to the Hub failed")
    return notice("error", UNEXPECTED)


def account_html(account: HubAccount, title: str) -> str:
    """Whose login would be used, and for what."""
    others = f", or for {escape(', '.join(account.organizations))}" if account.organizations else ""
    said = f'<p class="legend">Pushing <b>{escape(title)}</b> as <b>{escape(account.name)}</b>{others}.</p>'
    if account.writes is False:
        said += notice(
            "warning",
            "Make a token with write permission on huggingface.co/settings/tokens and log in with it: hf auth login.",
            "This login may read only.",
        )
    return said


def pushed_html(pushed: Pushed) -> str:
    """What came of a push, with the link."""
    link = f'<a href="{escape(pushed.link)}" target="_blank" rel="noreferrer">{escape(pushed.link)}</a>'
    seen = "only you can see it" if pushed.private else "everybody can see it"
    if not (pushed.changed or pushed.removed):
        head = "The Hub has all of this already; no commit was made."
    else:
        parts = [f"{len(pushed.changed)} files sent" if len(pushed.changed) != 1 else f"{pushed.changed[0]} sent"]
        parts += [f"{len(pushed.removed)} removed"] if pushed.removed else []
        head = f"Pushed: {', '.join(parts)}, as one commit ({pushed.revision.commit[:7]})."
    told = f"<strong>{escape(head)}</strong> <span>{link}, {seen}.</span>"
    return f'<div class="notice success" role="status">{told}</div>'
