"""Who is signed in on a Space, and what that means there: a line below the masthead, with the button to sign in."""

from __future__ import annotations

import gradio as gr

from ga2app.services.space import Space, Visitor, is_owner, refusal
from ga2app.services.studio import Studio
from ga2app.web.access import present_visitor
from ga2app.web.components.markup import escape
from ga2app.web.events import QUIET
from ga2app.web.theme import part


def build_account(studio: Studio, page: gr.Blocks) -> None:
    """The line, drawn anew whenever the page is opened. Off a Space there is none: everything is one's own."""
    space = studio.space
    if space is None:
        return
    with gr.Row(elem_id="account", equal_height=True):
        told = part(account_html(space, Visitor()), elem_id="account-told")
        if not space.no_sign_in:
            gr.LoginButton(size="sm", scale=0, min_width=190, logout_value="Sign out ({})", elem_id="sign-in")

    def tell() -> str:
        return account_html(space, present_visitor(space) or Visitor())

    page.load(tell, None, told, **QUIET)


def account_html(space: Space, visitor: Visitor) -> str:
    """What ``visitor`` may do here, in a sentence or two."""
    if why := refusal(space, visitor):
        return f"<p>{escape(why[0].upper() + why[1:])}.</p>"
    whose = "the owner's program" if visitor.name is None else f"Signed in as <b>{escape(visitor.name)}</b>"
    may = "this Space is yours" if is_owner(space, visitor) else "you may change what is here, as may all who sign in"
    lost = (
        "" if space.keeps else " Nothing that is made here outlives a restart: mount storage, and name it in GA2_HOME."
    )
    return f"<p>{whose}: {may}.{lost}</p>"
