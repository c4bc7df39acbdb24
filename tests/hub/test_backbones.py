"""Finding CLIPs in the cache, and the Hub's answers in plain words, against a small server on this computer."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ga2app import hub
from ga2app.clip.files.clips_on_disk import cached_clips
from ga2app.errors import BackboneError
from ga2app.paths import PROJECT

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CLIP_FILES = {
    "config.json": b'{"model_type": "clip"}',
    "tokenizer.json": b"{}",
    "model.safetensors": b"w" * 5000,
    "pytorch_model.bin": b"p" * 9000,
    "README.md": b"hello",
}
REFUSALS = {"some/gated": (403, "GatedRepo"), "some/missing": (404, "RepoNotFound"), "some/broken": (400, "Strange")}

LOGINS = {
    "some/mistyped": "Invalid credentials in Authorization header",
    "some/ended": "User Access Token 'mine' is expired",
}


def put_into_cache(cache: Path, repo_id: str, files: dict[str, bytes], ref: str = "main") -> Path:
    folder = cache / f"models--{repo_id.replace('/', '--')}"
    snapshot = folder / "snapshots" / COMMIT
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / ref).write_text(COMMIT)
    (folder / "blobs").mkdir()
    snapshot.mkdir(parents=True)
    for name, content in files.items():
        blob = folder / "blobs" / hashlib.sha256(content).hexdigest()
        blob.write_bytes(content)
        (snapshot / name).symlink_to(blob)
    return folder


OPEN_CLIP_FILES = {"open_clip_config.json": b"{}", "tokenizer.json": b"{}", "open_clip_model.safetensors": b"weights"}
OPEN_CLIP_FILES |= {"open_clip_pytorch_model.bin": b"pickled", "README.md": b"card"}


class FakeHub(BaseHTTPRequestHandler):
    """The few routes of the Hub that asking for a model and fetching it take."""

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        for repo_id, (status, code) in REFUSALS.items():
            if repo_id in path:
                return self.answer(status, b"{}", {"X-Error-Code": code, "X-Error-Message": "no"})
        for repo_id, said in LOGINS.items():
            if repo_id in path:
                return self.answer(401, json.dumps({"error": said}).encode(), {"X-Error-Message": said})
        if path == "/api/models/some/bert":
            return self.model({"config.json": b"{}"}, {"model_type": "bert"})
        if path == "/api/models/some/pickle":
            return self.model({"config.json": b"{}", "pytorch_model.bin": b"p"}, {"model_type": "clip"})
        if path == "/api/models/some/open_clip":
            return self.model(OPEN_CLIP_FILES, {})
        if path in ("/api/models/some/clip", "/api/models/some/clip/revision/main"):
            return self.model(CLIP_FILES, {"model_type": "clip"})
        if path == f"/api/models/some/clip/tree/{COMMIT}":
            tree = [
                {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
                for name, content in CLIP_FILES.items()
            ]
            return self.answer(200, json.dumps(tree).encode())
        name = path.rpartition("/")[2]
        content = CLIP_FILES[name]
        return self.answer(200, content, {"ETag": f'"{hashlib.sha1(content).hexdigest()}"', "X-Repo-Commit": COMMIT})

    def model(self, files: dict[str, bytes], config: dict[str, str]) -> None:
        siblings = [{"rfilename": name, "size": len(content)} for name, content in files.items()]
        info = {"id": "some/clip", "sha": COMMIT, "siblings": siblings, "config": config}
        self.answer(200, json.dumps(info).encode())

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (
            {"Content-Length": str(len(body)), "Content-Type": "application/json"} | (headers or {})
        ).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


@pytest.fixture
def endpoint() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), FakeHub)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_absent_cache_and_one_that_is_a_file_offer_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert hub.cached_backbones(tmp_path / "absent") == []
    assert hub.cached_backbones(tmp_path / "file") == []
    assert hub.default_backbone(tmp_path / "absent") == "sketch"


def test_only_whole_clips_are_offered(tmp_path: Path) -> None:
    without = {name: dict(CLIP_FILES) for name in ("config.json", "tokenizer.json", "model.safetensors")}
    for name, files in without.items():
        del files[name]
        put_into_cache(tmp_path, f"some/without-{name.partition('.')[0]}", files)
    put_into_cache(tmp_path, "some/bert", CLIP_FILES | {"config.json": b'{"model_type": "bert"}'})
    put_into_cache(tmp_path, "some/garbled", CLIP_FILES | {"config.json": b"{"})
    put_into_cache(tmp_path, "some/list", CLIP_FILES | {"config.json": b"[]"})
    put_into_cache(tmp_path, "some/branch", CLIP_FILES, ref="other")
    put_into_cache(tmp_path, "some/clip", CLIP_FILES)
    (tmp_path / "models--broken").mkdir()
    (tmp_path / "stray").touch()
    assert [choice.name for choice in hub.cached_backbones(tmp_path)] == ["some/clip"]
    assert "some/clip" in hub.cached_backbones(tmp_path)[0].title


def test_weights_in_several_files_count_when_all_are_there(tmp_path: Path) -> None:
    files = {name: content for name, content in CLIP_FILES.items() if name != "model.safetensors"}
    index = json.dumps({"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}).encode()
    files |= {"model.safetensors.index.json": index, "model-1.safetensors": b"1"}
    put_into_cache(tmp_path, "some/partial", files)
    put_into_cache(tmp_path, "some/whole", files | {"model-2.safetensors": b"2"})
    put_into_cache(tmp_path, "some/odd", files | {"model.safetensors.index.json": b"[]"})
    assert [choice.name for choice in hub.cached_backbones(tmp_path)] == ["some/whole"]


def test_the_favorite_comes_first_and_a_toy_is_nobodys_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GA2_BACKBONE", raising=False)
    put_into_cache(tmp_path, "a/toy", CLIP_FILES)
    assert hub.default_backbone(tmp_path) == "sketch"
    real = CLIP_FILES | {"model.safetensors": b"w" * hub.TOY_BYTES}
    put_into_cache(tmp_path, "b/real", real)
    assert hub.default_backbone(tmp_path) == "b/real"
    put_into_cache(tmp_path, hub.FAVORITE, real)
    assert [choice.name for choice in hub.cached_backbones(tmp_path)] == [hub.FAVORITE, "b/real", "a/toy"]
    assert hub.default_backbone(tmp_path) == hub.FAVORITE


def test_the_environment_names_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GA2_BACKBONE", "/models/mine")
    assert hub.default_backbone(tmp_path) == "/models/mine"


def test_a_download_takes_what_a_clip_needs_and_tells_how_far_it_is(tmp_path: Path, endpoint: str) -> None:
    total = sum(len(CLIP_FILES[name]) for name in ("config.json", "tokenizer.json", "model.safetensors"))
    assert hub.download_size("some/clip", endpoint=endpoint) == total
    told: list[tuple[int, int]] = []
    hub.download("some/clip", lambda done, of: told.append((done, of)), endpoint=endpoint, cache=tmp_path)
    assert told[-1] == (total, total)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert [choice.name for choice in hub.cached_backbones(tmp_path)] == ["some/clip"]
    assert not list(tmp_path.rglob("pytorch_model.bin"))


def test_of_a_repository_of_open_clip_its_own_files_are_fetched(endpoint: str) -> None:
    assert hub.download_size("some/open_clip", endpoint=endpoint) == 2 + 2 + 7


@pytest.mark.parametrize(
    ("repo_id", "message"),
    [
        ("some/gated", "accept them at https://huggingface.co/some/gated, then log in with: hf auth login"),
        ("some/missing", "there is no 'some/missing' on the Hub, or it is private; check the name"),
        (
            "some/mistyped",
            "the Hub did not accept your login when asked for 'some/mistyped'; log in again with: hf auth",
        ),
        (
            "some/ended",
            "the Hub did not accept your login when asked for 'some/ended'; log in again with: hf auth login",
        ),
        ("some/broken", "the Hub answered 400 when asked for 'some/broken'; try again"),
        ("not a name", "'not a name' is not the name of a repository; it should look like openai/clip"),
        ("some/bert", "'some/bert' is a bert model, not a CLIP; choose one such as"),
        ("some/pickle", "'some/pickle' has no model.safetensors, so it cannot be loaded; choose a CLIP"),
    ],
)
def test_a_refusal_of_the_hub_is_told_in_plain_words(endpoint: str, repo_id: str, message: str) -> None:
    with pytest.raises(BackboneError) as told:
        hub.download(repo_id, endpoint=endpoint)
    assert message in str(told.value)


def test_a_hub_that_cannot_be_reached_is_told_in_plain_words(tmp_path: Path) -> None:
    with pytest.raises(
        BackboneError, match=r"the Hub cannot be reached for 'some/clip' \(ConnectError\); check the net"
    ):
        hub.download_size("some/clip", endpoint="http://127.0.0.1:1")


def test_offline_mode_is_told_in_plain_words() -> None:
    script = """
from ga2app import hub
from ga2app.errors import StudioError
try: hub.download_size('some/clip')
except StudioError as exc: print(exc)
"""
    answer = subprocess.run(
        [sys.executable, "-c", script],
        cwd=PROJECT,
        env=os.environ | {"HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert answer.stdout.startswith("'some/clip' cannot be fetched because HF_HUB_OFFLINE is set; unset it"), answer


@pytest.mark.network
def test_the_size_of_a_real_clip_is_known_before_the_download() -> None:
    try:
        size = hub.download_size("openai/clip-vit-base-patch32")
    except BackboneError as exc:
        if "cannot be reached" in str(exc) or "HF_HUB_OFFLINE" in str(exc):
            pytest.skip(str(exc))
        raise
    assert 500e6 < size < 700e6


def test_what_is_no_clip_in_the_cache_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    snapshot = tmp_path / "models--alice--prompts" / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    (tmp_path / "models--alice--prompts" / "refs").mkdir()
    (tmp_path / "models--alice--prompts" / "refs" / "main").write_text("0" * 40)
    (snapshot / "manifest.json").write_text("{}")
    with caplog.at_level("INFO"):
        for _ in range(3):
            assert cached_clips(tmp_path) == {}
    assert caplog.text.count("left out of the list of backbones") == 1
