"""Files of the data directory at their signed addresses: who gets them, in which form, and for how long."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import gradio as gr
import httpx
import pytest
from fastapi import Request
from gradio.context import LocalContext
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from ga2app.paths import Home
from ga2app.services import served_files
from ga2app.services.clip_inspector import preview_of, sweep_pictures
from ga2app.services.served_files import PictureFiles
from ga2app.services.space import Access, Space
from ga2app.services.uploads import export_folder
from ga2app.store.clip_pages import ClipFilter, ClipRow
from ga2app.store.row_guard import Actor, acting_as
from ga2app.types import RunState
from ga2app.web import Studio
from ga2app.web.access import guarded
from ga2app.web.file_route import file_routes
from tests.space.hosting import finish
from tests.space.test_strangers import signed_in

from .studios import add_dataset, add_run


class Browser:
    """The browser of a person, or of somebody who is not signed in, with what Gradio's sign-in leaves in a request."""

    def __init__(self, studio: Studio, person: str = "") -> None:
        self._app = Starlette(routes=file_routes(guarded(studio)))
        self._session = signed_in(person) if person else {}

    def get(self, address: str, method: str = "GET", **headers: str) -> httpx.Response:
        """What an address answers."""

        async def asked(scope: Scope, receive: Receive, send: Send) -> None:
            await self._app(scope | {"session": self._session}, receive, send)

        async def ask() -> httpx.Response:
            there: Any = httpx.ASGITransport(app=asked)
            async with httpx.AsyncClient(transport=there, base_url="http://127.0.0.1") as client:
                return await client.request(method, address, headers=headers)

        return finish(ask())


def address_for(studio: Studio, file: Path | str, person: str = "") -> str:
    """The address that a page which was drawn for a person has of a file."""
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}
    request = gr.Request(Request(scope | {"session": signed_in(person) if person else {}}))
    tokens = LocalContext.blocks.set(cast(gr.Blocks, object())), LocalContext.request.set(request)
    try:
        return "/" + guarded(studio).files.address(file)
    finally:
        LocalContext.request.reset(tokens[1])
        LocalContext.blocks.reset(tokens[0])


@pytest.fixture
def clip(studio: Studio) -> ClipRow:
    """A clip of a data set, with a preview."""
    add_dataset(studio)
    row = studio.store.clips.page(studio.store.datasets.list()[0].id, ClipFilter(), limit=1)[0]
    preview_of(studio, row)
    return row


def on_space(studio: Studio) -> Studio:
    return replace(studio, space=Space("alice/studio", "alice", no_sign_in=""))


def test_a_file_is_served_at_its_signed_address_alone(studio: Studio, clip: ClipRow) -> None:
    visitor, preview = Browser(studio), preview_of(studio, clip)
    inside = preview.relative_to(studio.home.root).as_posix()
    address = address_for(studio, preview)
    assert visitor.get(address).content == preview.read_bytes()
    assert str(studio.home.root) not in address, "no path of the machine is told"
    sealed = address.split("/")[2]
    until, signature = sealed.split(".")
    for wrong in (
        "all",
        f"{int(until) + 1}.{signature}",
        f"{until}.{signature[::-1]}",
        f"{until}.",
        f".{signature}",
        "é",
    ):
        assert visitor.get(f"/files/{wrong}/{inside}").status_code == 404, wrong
    for wrong in ("studio.db", "media/../studio.db", "media/examples/../../studio.db", str(studio.home.database)):
        for seal in (sealed, "all"):
            assert visitor.get(f"/files/{seal}/{wrong.replace('..', '%2e%2e')}").status_code == 404, wrong
    assert visitor.get(f"/gradio_api/file={preview}").status_code == 404


def test_the_address_of_a_file_survives_any_sign(studio: Studio) -> None:
    file = studio.home.examples / 'naïve 名前 #1? 50%"<.mp4'
    file.write_bytes(b"frames")
    address = studio.files.address(file)
    assert address == "files/all/media/examples/na%C3%AFve%20%E5%90%8D%E5%89%8D%20%231%3F%2050%25%22%3C.mp4"
    assert Browser(studio).get("/" + address).content == b"frames"


def test_an_address_runs_out_and_stays_the_same_for_hours_before(
    studio: Studio, clip: ClipRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    preview, visitor, start = preview_of(studio, clip), Browser(studio), (time.time() // served_files.HOLDS_S) * 43200.0
    monkeypatch.setattr(served_files.time, "time", lambda: start + 1)
    address = address_for(studio, preview)
    monkeypatch.setattr(served_files.time, "time", lambda: start + 12 * 3600 - 1)
    assert address_for(studio, preview) == address, "the browser's cache goes by the address"
    monkeypatch.setattr(served_files.time, "time", lambda: start + 24 * 3600 - 1)
    assert visitor.get(address).status_code == 200 and address_for(studio, preview) != address
    monkeypatch.setattr(served_files.time, "time", lambda: start + 24 * 3600)
    assert visitor.get(address).status_code == 404


def test_an_address_is_of_use_to_the_visitor_alone_for_whom_the_page_was_drawn(studio: Studio, clip: ClipRow) -> None:
    space, preview = on_space(studio), preview_of(studio, clip)
    hers = address_for(space, preview, "alice")
    assert hers == address_for(space, preview, "alice") != address_for(space, preview, "bob")
    told = {person: Browser(space, person).get(hers).status_code for person in ("alice", "bob", "")}
    assert told == {"alice": 200, "bob": 404, "": 404}
    his = address_for(space, preview, "bob")
    assert Browser(space, "bob").get(his).status_code == 404, "it is alice's, and not shared"
    studio.store.share("datasets", clip.dataset_id, True)
    assert Browser(space, "bob").get(his).status_code == 200
    nobodys = address_for(space, preview, "")
    assert Browser(space, "bob").get(nobodys).status_code == 200, "he signed in while its pictures were on their way"
    studio.store.share("datasets", clip.dataset_id, False)
    assert Browser(space, "bob").get(nobodys).status_code == 404


def test_a_persons_files_are_that_persons_and_the_owners_until_they_are_shared(studio: Studio) -> None:
    space = guarded(replace(studio, space=Space("alice/studio", "alice", access=Access.SIGNED_IN)))
    with acting_as(Actor("carol")):
        add_dataset(studio)
        dataset = studio.store.datasets.list()[0].id
        clip = studio.store.clips.page(dataset, ClipFilter(), limit=1)[0]
        files = [preview_of(studio, clip), studio.datasets.export(dataset, packed=True)]

    def told() -> dict[str, list[int]]:
        """What each gets at an address that was made for her or him."""
        people = ("carol", "alice", "bob", "")
        return {
            one: [Browser(space, one).get(address_for(space, file, one)).status_code for file in files]
            for one in people
        }

    assert told() == {"carol": [200, 200], "alice": [200, 200], "bob": [404, 404], "": [404, 404]}
    with acting_as(Actor("carol")):
        space.datasets.share(dataset, True)
    assert told() == dict.fromkeys(("carol", "alice", "bob", ""), [200, 200])
    with acting_as(Actor("carol")):
        space.datasets.share(dataset, False)
    assert told()["bob"] == told()[""] == [404, 404]
    with acting_as(Actor("bob")):
        assert sweep_pictures(studio.home, studio.store, fresh_s=-1) == 0, "what bob does not see is not his to sweep"


def test_a_picture_that_a_visitor_was_the_first_to_ask_for_is_shown(studio: Studio) -> None:
    """As those of the drawn scenes on a fresh Space: nobody has opened their clips before."""
    add_dataset(studio)
    dataset = studio.store.datasets.list()[0].id
    studio.store.share("datasets", dataset, True)
    clip = studio.store.clips.page(dataset, ClipFilter(), limit=1)[0]
    assert clip.facts is None
    space = guarded(on_space(studio))
    with acting_as(Actor(None, refusal="sign in")):
        assert space.anchors.draw_pictures([(clip.path, None)])
        picture = space.anchors.picture(clip.path)
    assert picture and picture.exists()
    for person in ("", "eve"):
        assert Browser(space, person).get(address_for(space, picture, person)).status_code == 200
    assert sweep_pictures(studio.home, studio.store, fresh_s=-1) == 0


def test_what_is_deleted_is_gone_at_once_also_at_an_address_that_holds(studio: Studio, clip: ClipRow) -> None:
    visitor, dataset = Browser(studio), studio.store.datasets.list()[0]
    export = studio.datasets.export(dataset.id, packed=True)
    own = studio.home.datasets / "import-9" / "clip.mp4"
    own.parent.mkdir(parents=True)
    own.write_bytes(Path(clip.path).read_bytes())
    with studio.store._database.write() as db:
        db.execute("UPDATE clips SET path = ? WHERE id = ?", [studio.store._database.to_stored(own), clip.id])
    addresses = [address_for(studio, file) for file in (preview_of(studio, clip), export, own)]
    assert [visitor.get(one).status_code for one in addresses] == [200, 200, 200]
    studio.datasets.delete(dataset.id)
    assert [visitor.get(one).status_code for one in addresses] == [404, 404, 404]
    studio.datasets.undo()
    assert [visitor.get(one).status_code for one in addresses] == [200, 200, 200]


def test_a_link_a_pipe_and_a_folder_are_not_served(studio: Studio, clip: ClipRow, tmp_path: Path) -> None:
    visitor, thumb = Browser(studio), studio.home.thumbs / f"{preview_of(studio, clip).stem}.jpg"
    thumb.parent.mkdir(parents=True, exist_ok=True)
    address = address_for(studio, thumb)
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    thumb.symlink_to(tmp_path / "secret.jpg")
    assert visitor.get(address).status_code == 404
    thumb.unlink()
    os.mkfifo(thumb)
    assert visitor.get(address).status_code == 404, "and nobody waits for the other end of the pipe"
    thumb.unlink()
    thumb.mkdir()
    assert visitor.get(address).status_code == 404
    thumb.rmdir()
    studio.home.thumbs.rmdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / thumb.name).write_bytes(b"secret")
    studio.home.thumbs.symlink_to(tmp_path / "elsewhere")
    assert visitor.get(address).status_code == 404


def test_a_browser_seeks_in_a_video_and_asks_for_a_picture_once(studio: Studio, clip: ClipRow) -> None:
    visitor, preview = Browser(studio), preview_of(studio, clip)
    address, content = address_for(studio, preview), preview.read_bytes()
    whole = visitor.get(address)
    assert whole.headers["content-type"] == "video/mp4" and whole.headers["accept-ranges"] == "bytes"
    assert whole.headers["x-content-type-options"] == "nosniff"
    assert whole.headers["cache-control"] == "private, max-age=3600"
    assert "content-disposition" not in whole.headers
    part = visitor.get(address, Range="bytes=10-19")
    assert (part.status_code, part.content) == (206, content[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(content)}"
    assert visitor.get(address, Range=f"bytes={len(content)}-").status_code == 416
    head = visitor.get(address, "HEAD")
    assert (head.content, head.headers["content-length"]) == (b"", str(len(content)))
    again = visitor.get(address, **{"If-None-Match": whole.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    os.utime(preview, (1, 1))
    assert visitor.get(address, **{"If-None-Match": whole.headers["etag"]}).status_code == 200
    assert visitor.get(address, "POST").status_code == 405


def test_what_is_no_picture_and_no_video_is_saved_and_never_shown(studio: Studio) -> None:
    run = add_run(studio, RunState.STOPPED)
    log, page = studio.runs.log_file(run), export_folder(studio.home, f"runs-{run}") / "report.html"
    page.write_text("<script>alert(1)</script>")
    visitor = Browser(studio)
    for file, kind in ((log, "text/plain"), (page, "text/html")):
        answer = visitor.get(address_for(studio, file))
        assert answer.status_code == 200 and answer.headers["content-disposition"] == "attachment"
        assert answer.headers["content-type"].startswith(kind)
    other = studio.home.run_folder(run) / "checkpoint.safetensors"
    other.write_bytes(b"weights")
    assert visitor.get(address_for(studio, other)).status_code == 404, "of a run there is the log, nothing else"
    studio.runs.delete(run)
    assert [visitor.get(address_for(studio, file)).status_code for file in (log, page)] == [404, 404]


def test_examples_are_everybodys_and_pictures_of_an_answer_go_with_it(studio: Studio) -> None:
    import numpy as np

    space, example = on_space(studio), studio.examples[0].path
    assert Browser(space, "bob").get("/" + studio.files.address(example)).content == Path(example).read_bytes()
    files = PictureFiles(studio)
    written = files.write("clip-0", [np.zeros((8, 8, 3), np.uint8)])
    address = "/" + files.address(written[0])
    assert Browser(studio).get(address).headers["content-type"] == "image/jpeg"
    del files
    assert Browser(studio).get(address).status_code == 404
    assert studio.files.address("/etc/passwd") == ""


def test_pictures_go_when_nobody_has_the_clip_and_no_undo_brings_it_back(studio: Studio, clip: ClipRow) -> None:
    preview = preview_of(studio, clip)
    orphan = studio.home.thumbs / "0123.jpg"
    orphan.parent.mkdir(parents=True, exist_ok=True)
    orphan.write_bytes(b"picture")
    assert sweep_pictures(studio.home, studio.store) == 0, "what is fresh may be of an import that is not done"
    assert sweep_pictures(studio.home, studio.store, fresh_s=-1) == 1 and not orphan.exists()
    studio.datasets.delete(studio.store.datasets.list()[0].id)
    assert sweep_pictures(studio.home, studio.store, fresh_s=-1) == 0 and preview.exists()
    studio.store.trash.purge(keep_s=-1)
    assert sweep_pictures(studio.home, studio.store, fresh_s=-1) == 1 and not preview.exists()
    assert sweep_pictures(Home(studio.home.root / "nowhere"), studio.store) == 0
