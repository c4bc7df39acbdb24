"""Everything that the page can do, done by a stranger: nothing changes, and the stranger is told."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from fastapi import Request
from gradio.context import LocalContext

from ga2app.errors import StudioError
from ga2app.paths import Home
from ga2app.services.space import Space
from ga2app.store.row_guard import SHARED
from ga2app.types import RunState
from ga2app.web import Studio, build_page
from ga2app.web.pages.anchors.anchor_room import ClipView, PromptView
from ga2app.web.pages.datasets.dataset_handlers import EDITS
from ga2app.web.pages.datasets.dataset_views import View
from tests.ui.studios import add_dataset, add_run, keep_bundle, make_studio

from .hosting import finish

TOLD = "of this Space belong to its owner, alice"
FEWEST, FEWEST_DONE = 40, 20
"""Handlers that change something: fewer mean that this test does not press them right any more.

For the owner, who has deleted what later ones would change, there are not so many.
"""

CLICKED = json.loads(
    '{"value": "Train", "index": 0, "selected": true, "text": "x", "on": false, "id": 1, "ids": [1], "run": 1, '
    '"play": 1, "set": 1, "chosen": 1, "idea": 0, "ticks": [[1, true]], "bundle": "kept", "clip": 0, "step": 0, '
    '"name": "another name", "label": "another label", "keep": 1, "pasted": "jumping rope", "kind": "csv"}'
)
"""What a script of the page tells of a click, for any of them."""
ACTIONS = (
    "enable",
    "text",
    "accept",
    "resume",
    "restart",
    "stop",
    "front",
    *sorted(EDITS, key=lambda one: "delete" in one),
)
"""What buttons of templates say that they do, what deletes last."""
_LEARNED = re.compile(r"""(INSERT INTO "clips" VALUES\(\d+,\d+,\d+,'[^']*','[^']*'),.*""")
MADE_BY_LOOKING = (
    "studio.db",
    "media/thumbs",
    "media/previews",
    "media/exports",
    "media/uploads",
    "media/anchors/made",
)


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    studio = make_studio(Home(tmp_path / "home"), space=Space("alice/studio", "alice", no_sign_in="this is a test"))
    add_dataset(studio)
    keep_bundle(studio)
    add_run(studio, RunState.STOPPED)
    add_run(studio, RunState.QUEUED)
    studio.store.anchors.create("mine")
    shutil.copyfile(studio.examples[0].path, tmp_path / "upload.mp4")
    for table in SHARED:
        with studio.store._database.write() as db:
            db.execute(f"UPDATE {table} SET shared = 1")
    yield studio
    studio.store.close()


@dataclass
class Pressed:
    """What came of pressing everything: per handler what it gave, which ones asked whether they may, and which look."""

    given: dict[str, str] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    looks: set[str] = field(default_factory=set)
    """Handlers that go by themselves, when a page opens and as time passes."""


def press_everything(studio: Studio, session: dict[str, Any]) -> Pressed:
    """Call each handler of the page as Gradio does, with inputs that name what is there."""
    return finish(_press_everything(studio, session))


async def _press_everything(studio: Studio, session: dict[str, Any]) -> Pressed:
    page, pressed = build_page(studio), Pressed()
    scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b"", "session": session}
    request = gr.Request(Request(scope), session_hash="stranger")
    database = studio.store._database
    may_change = database.may_change
    for number, handler in page.fns.items():
        if handler.fn is None:
            continue
        for action in ACTIONS if handler.collects_event_data else ("",):
            name = f"{number} {getattr(handler.fn, '__qualname__', handler.fn)} {action}"
            if handler.targets and {event for _, event in handler.targets} <= {"load", "tick"}:
                pressed.looks.add(name)

            def note(name: str = name) -> None:
                if LocalContext.blocks.get(None) is not None:  # not so in a thread of the app's own
                    pressed.asked.add(name)
                may_change()

            database.may_change = note  # type: ignore[method-assign]
            pressed.given[name] = await _press(studio, page, handler, request, action)
    database.may_change = may_change  # type: ignore[method-assign]
    return pressed


async def _press(studio: Studio, page: gr.Blocks, handler: Any, request: gr.Request, action: str) -> str:
    """What one handler gives, or raises, as text."""
    clicked = CLICKED | {"action": action, "what": action, "do": action}
    settings: dict[str, Any] = {"requests": request, "event_data": gr.SelectData(None, clicked)}
    given = [_plausible(studio, one) for one in handler.inputs]
    try:
        answer = await page.call_function(handler, given, **settings)
        said = [repr(answer["prediction"])]
        while answer["iterator"] is not None:
            answer = await page.call_function(handler, given, iterator=answer["iterator"], **settings)
            said.append(repr(answer["prediction"]))
        return " ".join(said)
    except (gr.Error, StudioError) as exc:
        return str(exc)
    except Exception as exc:
        return f"it does not take these inputs: {exc!r}"


def test_a_stranger_changes_nothing_and_is_told_so(studio: Studio) -> None:
    rows, files = dump(studio), files_of(studio)
    pressed = press_everything(studio, {})
    assert dump(studio) == rows
    assert files_of(studio) == files
    told = {name for name, said in pressed.given.items() if TOLD in said}
    assert len({name.split(" ")[0] for name in told}) >= FEWEST, sorted(told)
    untold = pressed.asked - told
    assert untold == set(), {name: pressed.given[name][:300] for name in untold}
    assert len(pressed.looks) >= 6 and not pressed.asked & pressed.looks, (
        "to open a page and to look at it is no change"
    )


def test_the_owner_does_all_of_it(studio: Studio) -> None:
    rows = dump(studio)
    pressed = press_everything(studio, signed_in("alice"))
    assert dump(studio) != rows
    assert not [name for name, said in pressed.given.items() if TOLD in said]
    assert len({name.split(" ")[0] for name in pressed.asked}) >= FEWEST_DONE


def signed_in(person: str) -> dict[str, Any]:
    """A session as Gradio keeps it once ``person`` has signed in."""
    about = {"name": person, "preferred_username": person, "profile": "", "picture": ""}
    told = {"access_token": "t", "scope": "openid", "expires_at": time.time() + 86_400, "userinfo": about}
    return {"oauth_info": told}


def dump(studio: Studio) -> list[str]:
    """Everything in the database, but for what the app itself learns of clips when somebody looks at them."""
    with studio.store._database.read() as db:
        return [_LEARNED.sub(r"\1", line) for line in db.conn.iterdump()]


def files_of(studio: Studio) -> set[str]:
    """The home's files, without those that looking at clips makes."""
    root = studio.home.root
    found = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    return {name for name in found if not name.startswith(MADE_BY_LOOKING)}


def _plausible(studio: Studio, component: Any) -> Any:
    """A value for an input: what it shows, else one that names the first of whatever is asked for."""
    shown = getattr(component, "value", None)
    clip = str(studio.home.root.parent / "upload.mp4")
    match component:
        case gr.Checkbox():
            return True
        case gr.CheckboxGroup():
            return [value for _, value in component.choices]
        case gr.Dropdown() | gr.Radio():
            first = shown or next((value for _, value in component.choices or []), "1")
            several = getattr(component, "multiselect", False) and not isinstance(first, list)
            return [first] if several else first
        case gr.File():
            return [clip] if component.file_count == "multiple" else clip
        case gr.Video():
            return clip
        case gr.JSON():
            return shown or {}
        case gr.State() if isinstance(shown, ClipView | PromptView):
            return replace(shown, key=1)
        case gr.State() if isinstance(shown, View):
            return replace(shown, dataset_id=1)
        case gr.Number():
            return 1 if shown is None else shown
        case gr.Textbox() if not component.visible and component.label is None:
            return shown or "kept"
        case gr.Textbox():
            return shown or "1"
    return shown
