"""A small Hub on this computer: the routes that the real huggingface_hub client takes, over real sockets.

Large files go to and come from another host (this one under its other name), which must never see a token.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

from tests.hub_jobs import answer_jobs
from tests.hub_state import LARGE, OVERTAKEN, QUOTA, Login, LoopbackHub, Repo, Seen, Stored, stored

__all__ = ["QUOTA", "Login", "LoopbackHub", "Repo", "Stored", "hub_listening", "stored"]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    hub: LoopbackHub

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._serve()

    do_GET = do_POST = do_PUT = do_HEAD

    def _serve(self) -> None:
        self.path_only = unquote(urlsplit(self.path).path)
        self.cut: int | None = None
        length = int(self.headers.get("Content-Length") or 0)
        route = f"{self.command} {self.path_only}"
        refusal = next((self.hub.refusals[key] for key in self.hub.refusals if re.search(key, route)), None)
        if refusal and refusal.times > 0:
            refusal.times -= 1
            if refusal.after is not None and self.command == "PUT":
                self.rfile.read(min(refusal.after, length))
                self._note(b"")
                return self._break_off()
            self.cut = refusal.after
            if refusal.do:
                refusal.do()
        else:
            refusal = None
        body = self.rfile.read(length)
        self._note(body)
        if refusal and refusal.status:
            return self._answer(refusal.status, {"error": refusal.message}, refusal.headers)
        self._route(body)

    def _note(self, body: bytes) -> None:
        self.hub.seen.append(Seen(self.command, self.path, dict(self.headers), body))

    def _break_off(self) -> None:
        self.close_connection = True
        self.connection.close()

    def _route(self, body: bytes) -> None:
        path = self.path_only
        if path == "/api/whoami-v2":
            return self._whoami()
        if path.startswith("/api/jobs/"):
            return self._jobs(body)
        if path == "/api/repos/create":
            return self._create(json.loads(body))
        if path == "/api/validate-yaml":
            return self._validate(json.loads(body)["content"])
        if found := re.fullmatch(r"/lfs/([0-9a-f]{64})", path):
            return self._large(found[1], body)
        if found := re.fullmatch(r"/(datasets/|)([^/]+/[^/]+)\.git/info/lfs/objects/batch", path):
            return self._with_repo("dataset" if found[1] else "model", found[2], self._batch, json.loads(body))
        if found := re.fullmatch(r"/(datasets/|)([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            return self._with_repo("dataset" if found[1] else "model", found[2], self._resolve, found[3], found[4])
        if found := re.fullmatch(r"/api/(model|dataset|space)s/([^/]+/[^/]+)(?:/(.*))?", path):
            return self._with_repo(found[1], found[2], self._api, found[3] or "", body)
        self._refused(404, "", f"no such route: {path}")

    # Who asks, and for what

    def _login(self) -> Login | None:
        return self.hub.logins.get(self.headers.get("Authorization", "").removeprefix("Bearer "))

    def _may_write(self, repo_id: str) -> bool:
        login, owner = self._login(), repo_id.partition("/")[0]
        return login is not None and login.role != "read" and owner in (login.name, *login.organizations)

    def _with_repo(self, kind: str, repo_id: str, then: Callable[..., None], *rest: Any) -> None:
        login, owner = self._login(), repo_id.partition("/")[0]
        if self.headers.get("Authorization") and login is None:
            return self._refused(401, "", "Invalid credentials in Authorization header")
        if (kind, repo_id) in self.hub.renamed:
            place = self.path.replace(repo_id, self.hub.renamed[kind, repo_id])
            return self._answer(307, {}, {"Location": place})
        repo = self.hub.repos.get((kind, repo_id))
        inside = login is not None and owner in (login.name, *login.organizations)
        if repo is None or (repo.private and not inside):
            return self._refused(404 if login else 401, "RepoNotFound", "Repository not found")
        if repo.disabled:
            return self._refused(403, "", "Access to this resource is disabled.")
        then(kind, repo, *rest)

    def _whoami(self) -> None:
        login = self._login()
        if login is None:
            return self._refused(401, "", "Invalid credentials in Authorization header")
        auth = {"type": "access_token", "accessToken": {"displayName": "a token", "role": login.role}}
        self._answer(200, {"name": login.name, "orgs": [{"name": one} for one in login.organizations], "auth": auth})

    def _jobs(self, body: bytes) -> None:
        login = self._login()
        answer = answer_jobs(self.hub.jobs, login and login.name, f"{self.command} {self.path_only}", body)
        if isinstance(answer, int):
            return self._refused(answer, "", "no")
        if not isinstance(answer, Iterator):
            return self._answer(200, answer)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        with suppress(OSError):  # whoever listened has gone
            for piece in answer:
                self.wfile.write(piece)

    def _create(self, asked: dict[str, Any]) -> None:
        login = self._login()
        owner = asked.get("organization") or (login.name if login else "")
        repo_id, kind = f"{owner}/{asked['name']}", asked.get("type", "model")
        if not self._may_write(repo_id):
            return self._refused(403, "", f"You don't have the rights to create a {kind} under this namespace")
        if (kind, repo_id) in self.hub.repos:
            return self._refused(409, "", f"You already created this {kind} repo")
        self.hub.add(repo_id, kind, private=asked.get("visibility") == "private")
        self._answer(200, {"url": f"{self.hub.url}/{'datasets/' if kind == 'dataset' else ''}{repo_id}"})

    def _validate(self, content: str) -> None:
        head = re.match(r"---\n(.*?)\n---\n", content, re.DOTALL)
        try:
            fine = head is None or isinstance(yaml.safe_load(head[1]), dict)
        except yaml.YAMLError:
            fine = False
        told = [] if fine else [{"message": "YAML metadata is not a mapping"}]
        self._answer(200 if fine else 400, {"errors": told, "warnings": []})

    # What is there

    def _api(self, kind: str, repo: Repo, rest: str, body: bytes) -> None:
        what, _, revision = rest.partition("/")
        if what == "auth-check":
            return self._check(repo, revision == "write")
        files = repo.at(revision or "main")
        if files is None:
            return self._refused(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        if what in ("", "revision"):
            oid = next(oid for oid, held in repo.commits if held is files)
            siblings = [self._sibling(name, one) for name, one in files.items()]
            facts = {"id": repo.id, "sha": oid, "private": repo.private, "gated": "auto" if repo.gated else False}
            return self._answer(200, facts | {"siblings": siblings})
        if what == "tree":
            return self._answer(200, [self._entry(name, one) for name, one in files.items()])
        if not self._may_write(repo.id):
            return self._refused(403, "", "You need write access")
        if what == "preupload":
            asked = json.loads(body)["files"]
            return self._answer(200, {"files": [self._mode(files, one["path"]) for one in asked]})
        if what == "commit":
            return self._commit(kind, repo, [json.loads(line) for line in body.splitlines()])
        self._refused(404, "", f"no such route: {self.path}")

    def _check(self, repo: Repo, write: bool) -> None:
        if write and not self._may_write(repo.id):
            return self._refused(403, "", "Your token does not have write access")
        if repo.gated and not self._may_write(repo.id):
            return self._refused(403, "GatedRepo", "Access to this repository is restricted")
        self._answer(200, {})

    @staticmethod
    def _sibling(name: str, one: Stored) -> dict[str, Any]:
        apart = {"lfs": {"size": one.size, "sha256": one.sha256, "pointerSize": 130}} if one.large else {}
        return {"rfilename": name, "size": one.size, "blobId": one.sha1, **apart}

    @staticmethod
    def _entry(name: str, one: Stored) -> dict[str, Any]:
        apart = {"lfs": {"size": one.size, "oid": one.sha256, "pointerSize": 130}} if one.large else {}
        return {"type": "file", "path": name, "size": one.size, "oid": one.sha1, **apart}

    @staticmethod
    def _mode(files: dict[str, Stored], name: str) -> dict[str, Any]:
        known, large = files.get(name), name.endswith(LARGE)
        oid = None if known is None else known.sha256 if large else known.sha1
        ignored = b"*" + name[name.rfind(".") :].encode() in files.get(".gitignore", stored("", b"")).content
        return {"path": name, "uploadMode": "lfs" if large else "regular", "shouldIgnore": ignored, "oid": oid}

    # What comes

    def _batch(self, kind: str, repo: Repo, asked: dict[str, Any]) -> None:
        if not self._may_write(repo.id):
            return self._refused(403, "", "You need write access")
        objects, held = [], sum(map(len, self.hub.large.values()))
        for one in asked["objects"]:
            if self.hub.quota_bytes is not None and held + one["size"] > self.hub.quota_bytes:
                return self._refused(403, "", QUOTA)
            elsewhere = self.hub.url.replace("127.0.0.1", "localhost")
            action = {"upload": {"href": f"{elsewhere}/lfs/{one['oid']}"}}
            objects.append(one | ({} if one["oid"] in self.hub.large else {"actions": action}))
        self._answer(200, {"transfer": "basic", "objects": objects})

    def _large(self, oid: str, body: bytes) -> None:
        if self.command == "PUT":
            if hashlib.sha256(body).hexdigest() != oid:
                return self._refused(400, "", "other content than was announced")
            self.hub.large[oid] = body
            return self._answer(200, {})
        self._send(self.hub.large[oid], {})

    def _commit(self, kind: str, repo: Repo, lines: list[dict[str, Any]]) -> None:
        header, files = lines[0]["value"], dict(repo.files)
        if header.get("parentCommit") not in (None, repo.head):
            return self._refused(412, "", OVERTAKEN)
        for line in lines[1:]:
            name = line["value"]["path"]
            if line["key"] == "deletedFile":
                del files[name]
            elif line["key"] == "file":
                files[name] = Stored(content := base64.b64decode(line["value"]["content"]), False, len(content))
            elif (content := self.hub.large.get(line["value"]["oid"], b"")) or not line["value"]["size"]:
                files[name] = Stored(content, True, len(content))
            else:
                return self._refused(400, "", f"{name} was never uploaded")
        oid = repo.commit(files, header["summary"])
        place = f"{self.hub.url}/{'datasets/' if kind == 'dataset' else ''}{repo.id}"
        self._answer(200, {"commitUrl": f"{place}/commit/{oid}", "commitOid": oid})

    # What goes

    def _resolve(self, kind: str, repo: Repo, revision: str, name: str) -> None:
        files = repo.at(revision)
        if files is None:
            return self._refused(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        if repo.gated and not self._may_write(repo.id):
            return self._refused(403, "GatedRepo", "Access to this repository is restricted")
        if name not in files:
            return self._refused(404, "EntryNotFound", "Entry not found")
        one, headers = files[name], {"X-Repo-Commit": revision, "ETag": f'"{files[name].sha1}"'}
        if not one.large:
            return self._send(one.content, headers)
        self.hub.large.setdefault(one.sha256, one.content)
        place = f"{self.hub.url.replace('127.0.0.1', 'localhost')}/lfs/{one.sha256}"
        self._answer(302, {}, headers | {"Location": place, "X-Linked-Etag": f'"{one.sha256}"'})

    def _send(self, content: bytes, headers: dict[str, str]) -> None:
        """A file, from where the request wants it on."""
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        start = int(asked[1]) if asked else 0
        if asked:
            headers = headers | {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
        self._head(206 if asked else 200, len(content) - start, "application/octet-stream", headers)
        if self.command == "GET":
            part = content[start:]
            self.wfile.write(part if self.cut is None else part[: self.cut])
            if self.cut is not None:
                self._break_off()

    def _refused(self, status: int, code: str, message: str) -> None:
        self._answer(
            status, {"error": message}, {"X-Error-Message": message} | ({"X-Error-Code": code} if code else {})
        )

    def _answer(self, status: int, document: Any, headers: dict[str, str] | None = None) -> None:
        body = json.dumps(document).encode()
        self._head(status, len(body), "application/json", headers or {})
        if self.command != "HEAD":
            self.wfile.write(body)

    def _head(self, status: int, length: int, kind: str, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(length), "Content-Type": kind, **headers}.items():
            self.send_header(name, value)
        self.end_headers()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away in the middle is part of the tests."""


@contextmanager
def hub_listening() -> Iterator[LoopbackHub]:
    """The Hub, while it listens."""
    hub = LoopbackHub()
    listening = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    thread = threading.Thread(target=listening.serve_forever, args=(0.02,))
    thread.start()
    hub.url = f"http://127.0.0.1:{listening.server_port}"
    try:
        yield hub
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()
