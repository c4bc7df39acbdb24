"""Uploads are kept once, by content, within a quota, and dropped when nobody uses them; so are files to download."""

import os
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from ga2app import environment
from ga2app.environment import GRADIO_TEMP, UPLOADS
from ga2app.errors import ClipError, ConfigError, StoreError
from ga2app.paths import Home, safe_name
from ga2app.services.import_sources import FileSource
from ga2app.services.uploads import (
    Kept,
    Upload,
    export_folder,
    in_use,
    keep_upload,
    make_room,
    prune_uploads,
    room_for,
    uploads_folder,
)
from ga2app.web import Studio
from ga2app.web.file_route import UploadBound
from tests.space.hosting import finish

Receive = Callable[..., Path]
MIB = 2**20


@pytest.fixture
def receive(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Receive:
    """Receives uploads in the home, as Gradio does, each a while ago unless it is ``fresh``."""
    received = tmp_path / "home" / "gradio"
    monkeypatch.setenv(GRADIO_TEMP, str(received))

    def come_in(name: str, content: bytes = b"frames") -> Path:
        file = received / name / f"{name}.mp4"
        file.parent.mkdir(parents=True)
        file.write_bytes(content)
        return file

    return come_in


@pytest.fixture
def quota(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quota of 10 MiB, and nothing counts as fresh."""
    monkeypatch.setattr("ga2app.services.uploads.upload_quota", lambda: 10 * MIB)
    monkeypatch.setattr("ga2app.services.uploads._FRESH_S", -1)


def test_the_same_file_is_kept_once(tmp_path: Path) -> None:
    home, clip = Home(tmp_path / "home"), tmp_path / "a clip.mp4"
    clip.write_bytes(b"frames")
    kept = keep_upload(home, clip)
    assert kept == keep_upload(home, clip)
    assert kept.name == "a clip.mp4" and kept.read_bytes() == b"frames"
    assert len(list(uploads_folder(home).rglob("*.mp4"))) == 1


def test_files_of_the_same_name_do_not_touch_each_other(tmp_path: Path) -> None:
    home, clip = Home(tmp_path / "home"), tmp_path / "a.mp4"
    clip.write_bytes(b"one")
    first = keep_upload(home, clip)
    clip.write_bytes(b"two")
    assert keep_upload(home, clip) != first
    assert first.read_bytes() == b"one"


def test_an_upload_that_is_gone_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ClipError, match=r"clip 'gone.mp4': the upload could not be kept .*; upload it again"):
        keep_upload(Home(tmp_path), tmp_path / "gone.mp4")


@pytest.mark.parametrize(
    ("name", "safe"),
    [("../../etc/passwd", "_.._etc_passwd"), (".hidden", "hidden"), ("", "clip"), ("a\nb.mp4", "a_b.mp4")],
)
def test_names_cannot_leave_the_folder(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_long_names_keep_their_suffix() -> None:
    name = safe_name("片" * 200 + ".mp4")
    assert name.endswith(".mp4") and len(name.encode()) <= 120


def test_old_uploads_are_dropped_and_fresh_ones_stay(tmp_path: Path) -> None:
    home, clip = Home(tmp_path / "home"), tmp_path / "a.mp4"
    clip.write_bytes(b"frames")
    kept = keep_upload(home, clip)
    now = kept.parent.stat().st_mtime
    assert prune_uploads(home, keep_s=100, now_s=now + 50) == 0
    assert prune_uploads(home, keep_s=100, now_s=now + 150) == 1
    assert not kept.exists()
    assert prune_uploads(Home(tmp_path / "nowhere")) == 0


def test_an_upload_is_on_the_disk_once_and_any_other_file_is_copied(tmp_path: Path, receive: Receive) -> None:
    home, upload = Home(tmp_path / "home"), receive("mine")
    kept = keep_upload(home, upload)
    assert os.path.samefile(kept, upload)
    upload.unlink()
    assert kept.read_bytes() == b"frames", "what Gradio drops after a day is still kept"
    other = tmp_path / "own.mp4"
    other.write_bytes(b"of the person's own")
    assert not os.path.samefile(keep_upload(home, other), other), "who edits a file does not change what was kept"


def test_without_room_what_was_used_longest_ago_goes_and_what_is_in_use_stays(
    tmp_path: Path, receive: Receive, quota: None
) -> None:
    home = Home(tmp_path / "home")
    uploads = [receive(f"clip-{number}", bytes([number]) * 3 * MIB) for number in range(3)]
    time.sleep(0.03)  # the clock that files are stamped by moves in steps
    on_page, kept = Upload(str(uploads[0]), "a page has it.mp4"), in_use(Kept(keep_upload(home, uploads[1])))
    make_room(home)
    assert all(upload.exists() for upload in uploads), "9 of 10 MiB, each once, though the second has two names"
    fourth = receive("clip-3", b"3" * 3 * MIB)
    make_room(home)
    assert [upload.exists() for upload in (*uploads, fourth)] == [True, True, False, True]
    assert Path(kept).exists() and Path(on_page).exists()
    with pytest.raises(StoreError, match="may take 0.00976562 GB here, .* try again later, or .* raise GA2_UPLOADS_GB"):
        make_room(home, 8 * MIB)
    assert Path(kept).exists() and Path(on_page).exists() and not fourth.exists()
    del kept, on_page
    make_room(home, 8 * MIB)
    assert not list(home.root.rglob("*.mp4"))


def test_what_just_came_in_is_not_dropped_for_the_next(
    tmp_path: Path, receive: Receive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ga2app.services.uploads.upload_quota", lambda: 10 * MIB)
    home, upload = Home(tmp_path / "home"), receive("fresh", b"1" * 9 * MIB)
    with pytest.raises(StoreError, match="try again later"), room_for(home, 2 * MIB):
        pass
    assert upload.exists()
    with room_for(home, MIB), pytest.raises(StoreError), room_for(home, MIB):
        pass
    with pytest.raises(StoreError):
        export_folder(home, "data-1", 2 * MIB)


def test_exports_and_uploads_that_nobody_used_go_after_a_day(tmp_path: Path, receive: Receive) -> None:
    home = Home(tmp_path / "home")
    old, fresh, never_used = export_folder(home, "data-1"), export_folder(home, "data-1"), receive("mine").parent
    half = never_used.parent / "tmpx1y2z3"
    half.write_bytes(b"the first half")
    for place in (old, never_used, half):
        os.utime(place, (1, 1))
    assert prune_uploads(home) == 2
    assert fresh.exists() and not old.exists() and not never_used.exists() and not half.exists()


def test_an_uploaded_zip_goes_when_it_has_become_a_data_set(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    received = studio.home.root / "gradio"
    monkeypatch.setenv(GRADIO_TEMP, str(received))
    good, bad = received / "1" / "moves.zip", received / "2" / "none.zip"
    for file, names in ((good, ("moves/waving/a.mp4", "moves/jumping/b.mp4")), (bad, ("none/read-me.txt",))):
        file.parent.mkdir(parents=True)
        with zipfile.ZipFile(file, "w") as archive:
            for name in names:
                archive.writestr(name, f"clip {name}")
        studio.imports.run(FileSource(file, uploaded=True))
    assert [row.name for row in studio.store.datasets.list()] == ["moves"]
    assert not good.exists() and bad.exists(), "what has failed may be tried again with other settings"


def test_uploads_of_other_programs_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: None) -> None:
    shared = tmp_path / "gradio"
    (shared / "theirs").mkdir(parents=True)
    (shared / "theirs" / "a.mp4").write_bytes(b"1" * 20 * MIB)
    monkeypatch.setenv(GRADIO_TEMP, str(shared))
    make_room(Home(tmp_path / "home"))
    os.utime(shared / "theirs", (1, 1))
    assert prune_uploads(Home(tmp_path / "home")) == 0 and (shared / "theirs" / "a.mp4").exists()


def test_the_quota_is_a_variable_and_smaller_on_a_space(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPACE_ID", raising=False)
    assert environment.upload_quota() == 20 * 2**30
    monkeypatch.setenv("SPACE_ID", "alice/studio")
    assert environment.upload_quota() == 5 * 2**30
    monkeypatch.setenv(UPLOADS, "2")
    assert environment.upload_quota() == 2 * 2**30
    monkeypatch.setenv(UPLOADS, "much")
    with pytest.raises(ConfigError, match="GA2_UPLOADS_GB.*must be a whole number"):
        environment.upload_quota()


def test_an_upload_without_room_is_refused_before_it_comes_in(studio: Studio, quota: None) -> None:
    came: list[int] = []

    async def take(request: Request) -> PlainTextResponse:
        came.append(len(await request.body()))
        return PlainTextResponse("[]")

    app = UploadBound(Starlette(routes=[Route("/gradio_api/upload", take, methods=["POST"])]), studio)

    async def send(content: bytes, **headers: str) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://here") as client:
            return await client.post("/gradio_api/upload", content=content, headers=headers)

    assert finish(send(b"1" * MIB)).text == "[]" and came == [MIB]
    refused = finish(send(b"1" * 11 * MIB))
    assert refused.status_code == 413 and "raise GA2_UPLOADS_GB" in refused.text and came == [MIB]
    unknown = finish(send(b"1", **{"Content-Length": "many"}))
    assert unknown.status_code == 411 and came == [MIB]
    assert finish(send(b"1" * MIB)).text == "[]", "what was refused or is done holds no room"
