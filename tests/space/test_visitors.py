"""Who acts just now, and with whose token: what Gradio's session tells, and what the page offers."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from fastapi import Request

from ga2app.config import preset
from ga2app.environment import OwnThread
from ga2app.errors import AccessError
from ga2app.paths import Home
from ga2app.services.space import Space, Visitor
from ga2app.types import RunState
from ga2app.web import access, build_page
from ga2app.web.access import present_visitor, visitors_token
from tests.ui.studios import make_studio

from .hosting import finish, token_of
from .test_strangers import signed_in


def test_a_member_of_the_organization_that_may_write_is_an_owner(tmp_path: Path) -> None:
    space = Space("lab/studio", "lab")
    orgs = [{"preferred_username": "lab", "roleInOrg": "write"}, {"preferred_username": "zoo", "roleInOrg": "read"}]
    session = signed_in("bob")
    session["oauth_info"]["userinfo"]["orgs"] = orgs
    seen = during_a_call(tmp_path, space, session, lambda studio: present_visitor(space))
    assert (seen.name, seen.writes_for) == ("bob", {"lab"})


def test_a_push_shows_the_visitors_own_token_and_never_the_spaces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_of_the_space")
    space = Space("alice/studio", "alice")
    session = signed_in("bob")
    session["oauth_info"]["access_token"] = token_of("bob")
    assert during_a_call(tmp_path / "a", space, session, visitors_token) == token_of("bob")
    with pytest.raises(AccessError, match="this needs your own account on the Hub: sign in at the top"):
        during_a_call(tmp_path / "b", space, {}, visitors_token)
    with pytest.raises(AccessError, match="nobody can, because its README lacks"):
        unable = replace(space, no_sign_in="its README lacks 'hf_oauth: true'")
        during_a_call(tmp_path / "c", unable, {}, visitors_token)
    assert visitors_token(make_studio(Home(tmp_path / "desktop"))) is None


def test_where_it_cannot_be_told_who_asks_nobody_is_signed_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if Gradio kept the request elsewhere: what an update could do."""
    space = Space("alice/studio", "alice")
    assert present_visitor(space) is None, "the app acts by itself in its main thread"
    assert finish_in_own_thread(lambda: present_visitor(space)) is None
    asked = during_a_call(tmp_path / "a", space, signed_in("alice"), lambda studio: present_visitor(space))
    assert asked.name == "alice"
    monkeypatch.setattr(access, "LocalContext", SimpleNamespace(blocks=ContextVar("b"), request=ContextVar("r")))
    seen = during_a_call(tmp_path / "b", space, signed_in("alice"), lambda studio: present_visitor(space))
    assert seen == Visitor()


def test_an_agent_or_whoever_else_comes_past_gradio_changes_nothing_on_a_space(tmp_path: Path) -> None:
    studio = access.guarded(make_studio(Home(tmp_path / "home"), space=Space("alice/studio", "alice")))
    with ThreadPoolExecutor(1) as agents, pytest.raises(AccessError, match="belong to its owner, alice"):
        agents.submit(studio.store.runs.queue, preset("quick")).result()
    assert studio.store.runs.count(tuple(RunState)) == 0
    finish_in_own_thread(lambda: studio.store.runs.queue(preset("quick")))
    assert studio.store.runs.count(tuple(RunState)) == 1
    studio.store.close()


def finish_in_own_thread(work: Callable[[], Any]) -> Any:
    """What ``work`` gives in a thread of the app."""
    given: list[Any] = []
    thread = OwnThread(target=lambda: given.append(work()))
    thread.start()
    thread.join()
    return given[0]


def during_a_call(folder: Path, space: Space, session: dict[str, Any], ask: Any) -> Any:
    """What ``ask`` gives while Gradio answers a request with that session."""
    scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b"", "session": session}

    async def call() -> Any:
        studio = make_studio(Home(folder), space=space)
        with gr.Blocks() as page:
            gr.Button().click(lambda: ask(studio), None, gr.JSON())
        (handler,) = page.fns.values()
        try:
            answer = await page.call_function(handler, [], requests=gr.Request(Request(scope)))
        finally:
            studio.store.close()
        return answer["prediction"]

    return finish(call())


def test_off_a_space_there_is_neither_a_sign_in_button_nor_a_rule(tmp_path: Path) -> None:
    async def desktop() -> gr.Blocks:
        studio = make_studio(Home(tmp_path))
        studio.store.close()
        return build_page(studio)

    page = finish(desktop())
    assert not page.expects_oauth
    assert not [one for one in page.blocks.values() if getattr(one, "elem_id", None) in ("account", "sign-in")]
