"""Where the clips come from that an agent names."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from gradio.utils import get_upload_folder

from ga2app.errors import ClipError
from ga2app.web import Studio
from ga2app.web.clip_addresses import fetch, find_clip

CLIP = b"not really a film, but bytes enough"


class Shelf(BaseHTTPRequestHandler):
    """Has a clip, an address that leads on to it, one that leads on for ever, and nothing else."""

    def do_GET(self) -> None:
        led = {"/old.mp4": "/a%20dog.mp4", "/round": "/round"}.get(self.path)
        self.send_response(302 if led else 200 if self.path == "/a%20dog.mp4" else 404)
        if led:
            self.send_header("Location", led)
        body = CLIP if self.path == "/a%20dog.mp4" else b""
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def shelf() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Shelf) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def public(studio: Studio) -> Studio:
    """A studio that is open to all."""
    return replace(studio, server_paths=False)


def test_a_file_of_ones_own_machine_is_read_by_its_path(studio: Studio, tmp_path: Path):
    path = studio.examples[0].path
    assert find_clip(studio, path, tmp_path) == Path(path)
    assert find_clip(studio, Path(path).as_uri(), tmp_path) == Path(path)


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("clips/a.mp4", "'clips/a.mp4': is not a whole path; begin it with /"),
        ("/nowhere/a.mp4", "there is no such file on the studio's machine; check the path"),
        ("/tmp", "there is no such file"),
    ],
)
def test_a_path_that_leads_to_no_file_says_what_to_do(studio: Studio, tmp_path: Path, named: str, told: str):
    with pytest.raises(ClipError, match=told):
        find_clip(studio, named, tmp_path)


def test_a_studio_that_is_open_to_all_reads_uploads_and_no_other_file(
    public: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    upload = Path(get_upload_folder()) / "0123" / "a.mp4"
    upload.parent.mkdir(parents=True)
    upload.write_bytes(CLIP)
    assert find_clip(public, str(upload), tmp_path) == upload
    for other in ("/etc/passwd", public.examples[0].path, f"{upload.parent}/../../secret.mp4", "file:///etc/passwd"):
        with pytest.raises(ClipError, match="no upload, and this studio, which is open to all, .*/gradio_api/upload"):
            find_clip(public, other, tmp_path)


def test_a_clip_is_fetched_from_its_address_also_where_that_leads_on(studio: Studio, tmp_path: Path, shelf: str):
    for address in ("a%20dog.mp4", "old.mp4"):
        assert find_clip(studio, f"{shelf}/{address}", tmp_path).read_bytes() == CLIP
    assert find_clip(studio, f"{shelf}/a%20dog.mp4", tmp_path).name == "a dog.mp4"


def test_what_cannot_be_fetched_says_why(studio: Studio, tmp_path: Path, shelf: str):
    with pytest.raises(ClipError, match="the server answers 404 Not Found; check the address"):
        find_clip(studio, f"{shelf}/b.mp4", tmp_path)
    with pytest.raises(ClipError, match="it redirects more than 5 times; give the address that it leads to in the end"):
        find_clip(studio, f"{shelf}/round", tmp_path)
    with pytest.raises(ClipError, match=r"larger than 20 bytes; cut a shorter clip"):
        fetch(f"{shelf}/a%20dog.mp4", tmp_path, public_only=False, most_bytes=20)
    with pytest.raises(ClipError, match="it could not be fetched"):
        find_clip(studio, "http://127.0.0.1:1/a.mp4", tmp_path)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "10.0.0.1", "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"]
)
def test_a_studio_that_is_open_to_all_fetches_nothing_from_its_own_network(public: Studio, tmp_path: Path, host: str):
    with pytest.raises(ClipError, match=r"is not in the public network; give an address that anybody can open"):
        find_clip(public, f"http://{host}:9/a.mp4", tmp_path)


def test_a_stretch_may_be_named_behind_a_path_and_behind_an_address(studio: Studio, shelf: str, tmp_path: Path):
    path = studio.examples[0].path
    assert find_clip(studio, f"{path}#t=0.50,1", tmp_path) == Path(f"{path}#t=0.5,1")
    assert find_clip(studio, f"{Path(path).as_uri()}#t=0.5,1", tmp_path) == Path(f"{path}#t=0.5,1")
    fetched = find_clip(studio, f"{shelf}/old.mp4#t=2", tmp_path)
    assert fetched.name == "old.mp4#t=2" and fetched.with_name("old.mp4").read_bytes() == CLIP
    assert find_clip(studio, f"{shelf}/old.mp4#chapter", tmp_path).name == "old.mp4"
    with pytest.raises(ClipError, match="does not end after its start"):
        find_clip(studio, f"{path}#t=2,1", tmp_path)
