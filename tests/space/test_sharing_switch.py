"""The switch with which a person shows something to everybody, on each page, and that a desktop has no such thing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from fastapi import Request

from ga2app.config import preset
from ga2app.errors import AccessError
from ga2app.paths import PROJECT, Home
from ga2app.services.space import Access, Space
from ga2app.store.anchor_rows import AnchorFile
from ga2app.store.clip_pages import ClipFilter
from ga2app.store.row_guard import APP, Actor, acting_as, owner_of
from ga2app.web import Studio, build_page
from ga2app.web.components.markup import locked
from ga2app.web.pages.anchors.anchor_html import Page, clips_html, prompts_html
from ga2app.web.pages.anchors.anchor_room import ClipView, PromptView
from ga2app.web.pages.datasets import dataset_views
from ga2app.web.pages.datasets.dataset_views import MORE, View
from ga2app.web.pages.library.library_view import Asked, library_view
from ga2app.web.pages.runs.run_views import actions_html
from ga2app.web.pages.runs.runs_page import Look
from tests.ui.studios import add_dataset, keep_bundle, make_studio

from .hosting import finish
from .test_strangers import signed_in

SPACE = Space("alice/studio", "alice", Access.SIGNED_IN, no_sign_in="this is a test")


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    studio = make_studio(Home(tmp_path / "home"), space=SPACE)
    with acting_as(owner_of("bob")):
        add_dataset(studio, "mine")
        keep_bundle(studio, "mine")
        studio.store.anchors.create("mine")
        studio.store.negatives.create_group("mine")
        studio.store.runs.queue(preset("quick"), name="mine")
    yield studio
    studio.store.close()


@pytest.fixture
def page(studio: Studio) -> gr.Blocks:
    async def built() -> gr.Blocks:
        return build_page(studio)

    return finish(built())


def press(page: gr.Blocks, handled_by: str, person: str, given: dict[type, Any], **clicked: Any) -> str:
    """What handlers called ``handled_by`` say when ``person`` presses; ``given`` are values by kinds of inputs."""

    async def pressed() -> list[str]:
        said, session = list[str](), signed_in(person)
        scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b"", "session": session}
        for handler in page.fns.values():
            if getattr(handler.fn, "__qualname__", "") != handled_by:
                continue
            values = [
                next((value for kind, value in given.items() if fits(one, kind)), getattr(one, "value", None))
                for one in handler.inputs
            ]
            if any(fits(one, next(iter(given))) for one in handler.inputs):
                event = gr.SelectData(None, clicked | {"value": "", "index": 0})
                how: dict[str, Any] = {"requests": gr.Request(Request(scope)), "event_data": event}
                said.append(repr((await page.call_function(handler, values, **how))["prediction"]))
        return said

    return " ".join(finish(pressed()))


def fits(component: Any, kind: type) -> bool:
    shown = getattr(component, "value", None)
    if kind is gr.Button:
        return isinstance(component, gr.Button)
    return isinstance(shown, kind) and (kind is not str or not component.visible)


def shared(studio: Studio) -> dict[str, list[str]]:
    """What everybody sees of what Bob has made."""
    store = studio.store
    with acting_as(owner_of("eve")):
        seen = {
            "data sets": [row.name for row in store.datasets.list()],
            "anchors": [row.name for row in store.anchors.sets()],
            "groups": [row.name for row in store.negatives.group_rows()],
            "runs": [row.name for row in store.runs.list()],
            "bundles": [row.name for row in store.bundles.list()],
        }
    return {what: [name for name in names if name == "mine"] for what, names in seen.items()}


def test_each_page_shares_what_is_shown_and_takes_it_back(studio: Studio, page: gr.Blocks) -> None:
    none = {what: [] for what in shared(studio)}
    assert shared(studio) == none
    with acting_as(owner_of("bob")):
        anchors = next(row.id for row in studio.store.anchors.sets() if row.name == "mine")
        group = next(row.id for row in studio.store.negatives.group_rows() if row.name == "mine")
    for word, action, wanted in (("Share", "share", ["mine"]), ("Stop sharing", "unshare", [])):
        press(page, "Handlers.act", "Bob", {View: View(1)}, do=action, ids=[])
        press(page, "RunsPage.on_detail", "Bob", {Look: Look(1)}, what=action)
        press(page, "LibraryPage.share", "Bob", {str: "mine", gr.Button: word})
        press(page, "Room._share", "Bob", {ClipView: ClipView(anchors), gr.Button: word})
        press(page, "Room._share", "Bob", {PromptView: PromptView(group), gr.Button: word})
        assert shared(studio) == dict.fromkeys(none, wanted), action


def test_another_person_has_no_such_switch_and_the_owner_of_the_space_reads_whose_it_is(page: gr.Blocks) -> None:
    def acted(person: str, **what: Any) -> str:
        said = press(page, "Handlers.act", person, {View: View(1)}, **what)
        return said + press(page, "Handlers.draw_tab", person, {View: View(1, tab=MORE)})

    said = acted("Bob", do="share", ids=[])
    assert "Stop sharing" in said and "by bob" not in said
    said = acted("eve", do="rename", name="hers", ids=[])
    assert "only that person and the owner of this Space may change it" in said and "ds-share" not in said
    assert "shared" in said
    said = acted("alice", do="rename", name="mine", ids=[])
    assert "by bob, shared" in said and "ds-share" in said


def test_what_is_shared_is_not_downloaded_by_others(studio: Studio, tmp_path: Path) -> None:
    with acting_as(owner_of("bob")):
        for kind in ("dataset", "bundle"):
            studio.ownership.share(kind, "mine", True)
    takes = {
        "bundle": lambda file: studio.library.export_zip("mine", file),
        "dataset": lambda file: studio.datasets.export(1, packed=False),
    }
    for kind, take in takes.items():
        with acting_as(owner_of("eve")), pytest.raises(AccessError, match="looked at and used"):
            take(tmp_path / f"{kind}-of-eve")
        for person in (owner_of("bob"), APP):
            with acting_as(person):
                assert take(tmp_path / f"{kind}-of-{person.name}.zip").is_file()


def test_a_desktop_has_no_word_of_sharing(tmp_path: Path) -> None:
    async def built() -> str:
        studio = make_studio(Home(tmp_path))
        add_dataset(studio)
        with pytest.raises(AccessError, match="there is nobody to share with"):
            studio.datasets.share(1, True)
        page = build_page(studio)
        studio.store.close()
        return repr([one for one in page.config["components"]] + [one.api_name for one in page.fns.values()])

    config = finish(built())
    assert (
        "Stop sharing" not in config and "-share'" not in config.replace("'ds-share'", "") and "'share'" not in config
    )


CHANGING = ("data-do", "data-export", "data-action", "data-on", "data-text")


class Seen(HTMLParser):
    """Of a page's pieces: what is said, and what can be pressed or typed into, in or beside what has been said."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.locked = "data-locked" in html
        self.usable: set[str] = set()
        self._hidden: list[bool] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        out = "hidden" in given or self.locked and "changes" in str(given.get("class")).split()
        out = out or any(self._hidden)
        if tag not in ("br", "img", "input"):
            self._hidden.append(out)
        names = [
            given[one] for one in ("data-do", "data-export", "data-action", "data-on", "data-text") if one in given
        ]
        if names and not out and not {"disabled", "readonly"} & given.keys():
            self.usable.add(next(one for one in given if one.startswith("data-")) + f"={names[0] or ''}")

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("br", "img", "input"):
            self._hidden.pop()


def pieces(studio: Studio, person: Actor) -> dict[str, str]:
    """What the pages show of Bob's things to ``person``."""
    with acting_as(person):
        (row,) = (row for row in studio.datasets.all() if row.name == "mine")
        labels = studio.store.clips.labels(row.id)
        clips = studio.store.clips.page(row.id, ClipFilter(), limit=9, offset=0)
        anchors = next(one for one in studio.store.anchors.sets() if one.name == "mine")
        group = next(one for one in studio.store.negatives.group_rows() if one.name == "mine")
        held = {one.name: bool(studio.ownership.locked(one)) for one in (anchors, group)}
        rows, place = studio.store.anchors.rows(anchors.id, limit=9, offset=0), Page(0, 9, 1)
        prompts, own = studio.store.negatives.rows(group.id), () if not held["mine"] else (group.id,)
        lock = locked(studio.ownership.locked(anchors))
        return {
            "data set": dataset_views.head_html(studio, row, labels)
            + dataset_views.labels_html(row.id, labels, bool(studio.ownership.locked(row)))
            + str(dataset_views.grid_html(studio, View(row.id), labels, clips, len(clips)))
            + dataset_views.whole_html(studio, row),
            "run": str(actions_html(studio, studio.runs.get(1), "progress", 1)),
            "bundle": library_view(studio, "mine", Asked()).head,
            "anchor set": lock + clips_html(studio, rows, place, True, held["mine"]),
            "group": lock + prompts_html(prompts, place, searched="", show_group=False, locked=own),
        }


def test_of_what_others_share_a_page_offers_nothing_that_would_be_refused_and_says_why(studio: Studio) -> None:
    with acting_as(owner_of("bob")):
        anchors = next(row.id for row in studio.store.anchors.sets() if row.name == "mine")
        group = next(row.id for row in studio.store.negatives.group_rows() if row.name == "mine")
        studio.store.anchors.add(anchors, [AnchorFile(studio.examples[0].path, "a room")])
        studio.store.negatives.add(group, ["an empty room"])
        for kind, name in (("dataset", "mine"), ("anchor_set", "mine"), ("negative_group", "mine"), ("run", 1)):
            studio.ownership.share(kind, name, True)
        studio.ownership.share("bundle", "mine", True)
    hers = {what: Seen(html) for what, html in pieces(studio, owner_of("eve")).items()}
    assert {what: seen.usable for what, seen in hers.items()} == {what: set() for what in hers}
    assert all(seen.locked for seen in hers.values())
    for person in (owner_of("bob"), APP):
        shown = {what: Seen(html) for what, html in pieces(studio, person).items()}
        assert not any(seen.locked for seen in shown.values())
        assert {"data-do=rename", "data-do=delete", "data-do=novel", "data-export=zip"} <= shown["data set"].usable
        assert {"data-do=stop", "data-do=delete"} <= shown["run"].usable
        assert shown["anchor set"].usable and shown["group"].usable


LOOKS = {
    *("share-bundle", "anchor-share", "negative-share"),  # shown to whoever may share alone
    *("anchor-measure", "negative-measure", "ds-draw"),
}


def test_what_changes_something_is_marked_on_each_page(page: gr.Blocks) -> None:
    """Gradio's own buttons: ``base.css`` hides those of the class ``changes`` beside what belongs to somebody else."""
    plain = set()
    for one in page.blocks.values():
        if not isinstance(one, gr.Button | gr.UploadButton):
            continue
        around, ids, classes = one, set(), set()
        while around is not None:
            ids.add(str(around.elem_id))
            classes |= set(" ".join(getattr(around, "elem_classes", None) or ()).split())
            around = around.parent
        if ("detail" in classes or "ds-detail" in ids) and not {"changes", "renaming", "hub-panel"} & classes:
            plain.add(str(one.elem_id))
    assert plain - LOOKS == set(), "mark it with the class changes, or name it among those that only look"


def test_what_is_only_looked_at_is_not_hidden_with_what_changes_things() -> None:
    templates = {path.name: path.read_text(encoding="utf-8") for path in (PROJECT / "ga2app/web").rglob("*.html")}
    hidden = {name for name, text in templates.items() if re.search(r'<(figure|table|section)[^>]*"changes"', text)}
    assert len(templates) > 20 and not hidden
