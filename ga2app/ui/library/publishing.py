"""A bundle goes to the Hub: the account is shown first, and nothing leaves before a second press."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from ga2app.contracts import BundleCard, HubAccount, Pushed, PushOptions
from ga2app.errors import HubConflict, StudioError
from ga2app.ui.events import QUIET
from ga2app.ui.library import shelving
from ga2app.ui.markup import busy, escape, notice
from ga2app.ui.recognize.screen import UNEXPECTED
from ga2app.ui.studio import Studio
from ga2app.ui.theme import part
from ga2app.ui.watching import Ended, Underway, meter_html, watched

log = logging.getLogger(__name__)

TokenOf = Callable[[gr.OAuthToken | None], str | None]


@dataclass(frozen=True)
class PushPanel:
    """``open`` shows the panel for the bundle that is chosen."""

    box: gr.Column
    told: gr.HTML


def build_push(studio: Studio, chosen: gr.Textbox, opens: gr.Button) -> PushPanel:
    """Lay the panel out, closed; ``opens`` opens it for the bundle whose key is in ``chosen``."""
    with gr.Column(visible=False, elem_classes="hub-panel", elem_id="push-panel") as box:
        account = part(elem_id="push-account")
        with gr.Column(visible=False) as form:
            repo = gr.Textbox(
                label="Repository",
                info="Account and name, or a name under your own account. It is made if it is not there.",
                max_lines=1,
                elem_id="push-repo",
            )
            private = gr.Checkbox(
                True,
                label="Private",
                info="Only you see a new repository, until you open it on the Hub. One that is there stays as it is.",
                elem_id="push-private",
            )
            report = gr.Checkbox(
                False,
                label="With the report of its run",
                info="Figures, labels and a map of the clips, by file names alone.",
                elem_id="push-report",
            )
            examples = gr.File(
                label="Example clips, if you like",
                file_count="multiple",
                file_types=["video"],
                height=110,
                elem_id="push-examples",
            )
            rights = gr.Checkbox(
                False,
                label="I have the right to publish these clips, or the report",
                info="Asked only where clips or a report go along.",
                elem_id="push-rights",
            )
        with gr.Row(elem_classes="actions"):
            go = gr.Button("Push", variant="primary", size="sm", visible=False, elem_id="push-go")
            onto = gr.Button("Push on top of it", size="sm", visible=False, elem_id="push-onto")
            leave = gr.Button("Close", size="sm", elem_id="push-close")
        told = part(elem_id="push-answer")
        newer = gr.State("")

    def begin(key: str, oauth: gr.OAuthToken | None = None) -> Iterator[list[Any]]:
        hidden = gr.update(visible=False)
        yield [
            gr.update(visible=True),
            busy("Asking the Hub whose login this is…"),
            hidden,
            hidden,
            hidden,
            "",
            gr.skip(),
        ]
        try:
            card = shelving.listed(studio, key)
            who = studio.exchange.account(token=token_of(oauth))
            place = studio.exchange.repo_of_bundle(card.folder, who)
        except StudioError as exc:
            yield [gr.skip(), "", hidden, hidden, hidden, notice("error", str(exc)), gr.skip()]
            return
        except Exception:
            log.exception("the account could not be asked for")
            yield [gr.skip(), "", hidden, hidden, hidden, notice("error", UNEXPECTED), gr.skip()]
            return
        shown = gr.update(visible=who.writes is not False)
        yield [gr.skip(), account_html(who, card), shown, shown, hidden, "", place]

    def push(
        key: str,
        repo: str,
        private: bool,
        report: bool,
        examples: Sequence[str] | None,
        rights: bool,
        onto: str,
        oauth: gr.OAuthToken | None = None,
    ) -> Iterator[list[Any]]:
        hidden, still = gr.update(visible=False), gr.update(interactive=False)
        yield [busy("Looking at the repository…"), still, hidden, ""]
        ready = gr.update(interactive=True)
        try:
            card = shelving.listed(studio, key)
            options = PushOptions(repo.strip(), private, rights, onto)
            clips, token = [Path(clip) for clip in examples or ()], token_of(oauth)
            for state in watched(
                lambda progress: studio.exchange.push_bundle(
                    card.folder, options, report=report, examples=clips, token=token, progress=progress
                )
            ):
                match state:
                    case Underway(done_bytes=done, total_bytes=total) if total:
                        yield [meter_html("Sending", done, total), gr.skip(), gr.skip(), gr.skip()]
                    case Ended(value=pushed):
                        yield [pushed_html(pushed), ready, hidden, ""]
        except HubConflict as exc:
            yield [notice("warning", str(exc)), ready, gr.update(visible=True), exc.head]
        except StudioError as exc:
            yield [notice("error", str(exc)), ready, hidden, ""]
        except Exception:
            log.exception("a push failed")
            yield [notice("error", UNEXPECTED), ready, hidden, ""]

    asked = [chosen, repo, private, report, examples, rights]
    opens.click(begin, chosen, [box, account, form, go, onto, told, repo], **QUIET)
    answers = [told, go, onto, newer]
    nothing = gr.State("")
    go.click(push, [*asked, nothing], answers, **QUIET)
    onto.click(push, [*asked, newer], answers, **QUIET)
    leave.click(lambda: gr.update(visible=False), None, box, **QUIET)
    chosen.change(lambda: gr.update(visible=False), None, box, **QUIET)
    return PushPanel(box, told)


def token_of(oauth: gr.OAuthToken | None) -> str | None:
    """What a visitor's own login on a Space gives; None elsewhere, where the Hub client's login is used."""
    return oauth.token if oauth else None


def account_html(account: HubAccount, card: BundleCard) -> str:
    """Whose login would be used, and for what."""
    what = escape(card.title or card.name)
    others = f", or for {escape(', '.join(account.organizations))}" if account.organizations else ""
    said = f'<p class="legend">Pushing <b>{what}</b> as <b>{escape(account.name)}</b>{others}.</p>'
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
