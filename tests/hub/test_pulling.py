"""Pulling through real sockets: looked at first, pinned to a commit, only what is wanted, resumed if it broke off."""

from __future__ import annotations

import fcntl
import os
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ga2app.errors import HubError
from ga2app.hub import HubClient, fetch, look
from ga2app.paths import PROJECT
from ga2app.types import HubFile, HubOffer, RepoKind
from tests.hub_server import LoopbackHub, stored

WEIGHTS = os.urandom(700_000)
LIMITS = {"bundle.json": 1 << 16, "prompts.safetensors": 1 << 30, "README.md": 1 << 16}
FILES = {"bundle.json": b"{}", "prompts.safetensors": WEIGHTS, "README.md": b"# hello"}
LARGE = r"GET /lfs/"


def found(repo: str = "alice/jumps", token: str | None = None, **options: str) -> HubOffer:
    required = ("bundle.json", "prompts.safetensors")
    return look(
        HubClient(token),
        repo,
        RepoKind.MODEL,
        lambda name: LIMITS.get(name, 0),
        required=required,
        what="bundle",
        **options,
    )


def there(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.name[0] != "."}


def test_what_would_be_pulled_is_known_before_it_is(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    repo = loopback_hub.add("alice/jumps", private=True, files={**FILES, "model.bin": b"\x80pickle", "x.pt": b"\x80"})
    offer = found()
    assert [(file.name, file.size_bytes) for file in offer.files] == [
        ("bundle.json", 2),
        ("prompts.safetensors", 700_000),
        ("README.md", 7),
    ]
    assert offer.size_bytes == 700_009 and offer.private and offer.revision.commit == repo.head
    assert offer.left_out == (".gitattributes", "model.bin", "x.pt")
    assert offer.revision.origin == f"hub:alice/jumps@{repo.head}" and loopback_hub.asked("resolve|lfs") == []
    told: list[tuple[int, int]] = []
    fetch(HubClient(), offer, tmp_path / "parts", lambda done, total: told.append((done, total)))
    assert there(tmp_path / "parts") == FILES and told[-1] == (700_009, 700_009) and len(told) > 4
    assert loopback_hub.asked(r"model\.bin|x\.pt") == []


def test_what_was_looked_at_is_what_comes_whatever_happens_meanwhile(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    repo = loopback_hub.add("alice/jumps", files=FILES)
    first = found()
    repo.put(bundle__json=b'{"newer": 1}')
    fetch(HubClient(), first, tmp_path / "old")
    assert (tmp_path / "old" / "bundle.json").read_bytes() == b"{}"
    address = f"{loopback_hub.url}/alice/jumps/tree/{first.revision.commit}"
    assert found(address).revision == found(f"alice/jumps@{first.revision.commit}").revision == first.revision
    assert found(address.replace("tree", "commit")).revision == first.revision
    assert found(revision="main").revision.commit == repo.head != first.revision.commit


def test_a_connection_that_breaks_off_is_taken_up_where_it_broke(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    loopback_hub.add("alice/jumps", files=FILES)
    loopback_hub.refuse(LARGE, after=300_000)
    fetch(HubClient(), found(), tmp_path / "parts")
    assert there(tmp_path / "parts") == FILES
    first, second = loopback_hub.asked(LARGE)
    assert "Range" not in first.headers and 0 < int(second.headers["Range"].strip("bytes=-")) <= 300_000


def test_a_pull_that_gave_up_is_gone_on_with_by_the_next(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    loopback_hub.add("alice/jumps", files=FILES)
    loopback_hub.refuse(LARGE, after=0, times=9)
    with pytest.raises(HubError, match="'alice/jumps' stopped arriving: .* the next pull goes on from there"):
        fetch(HubClient(), found(), tmp_path / "parts")
    loopback_hub.refuse(LARGE, after=500_000, times=1)

    class Stopped(HubError):
        pass

    def stop(done: int, total: int) -> None:
        if done > 400_000:
            raise Stopped("stopped")

    with pytest.raises(Stopped):
        fetch(HubClient(), found(), tmp_path / "parts", stop)
    held = (tmp_path / "parts" / "prompts.safetensors.part").stat().st_size
    asked = len(loopback_hub.asked("resolve"))
    fetch(HubClient(), found(), tmp_path / "parts")
    assert there(tmp_path / "parts") == FILES
    assert loopback_hub.asked(LARGE)[-1].headers["Range"] == f"bytes={held}-" and held > 400_000
    assert [seen.route.rpartition("/")[2] for seen in loopback_hub.asked("resolve")[asked:]] == [
        "prompts.safetensors",
        "README.md",
    ]


@pytest.mark.parametrize("lie", [-1, 1])
def test_what_is_not_as_the_hub_lists_it_is_dropped(loopback_hub: LoopbackHub, tmp_path: Path, lie: int) -> None:
    repo = loopback_hub.add("alice/jumps", files=FILES)
    repo.commit(repo.files | {"bundle.json": stored("bundle.json", b"{}", size=2 + lie)})
    with pytest.raises(HubError, match="arrived damaged and was dropped; pull again|stopped arriving"):
        fetch(HubClient(), found(), tmp_path / "parts")
    assert "bundle.json" not in there(tmp_path / "parts")


def test_a_damaged_part_is_noticed_and_fetched_anew(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    loopback_hub.add("alice/jumps", files=FILES)
    parts = tmp_path / "parts"
    parts.mkdir()
    (parts / "prompts.safetensors.part").write_bytes(b"\0" * 1000)
    (parts / "bundle.json").write_bytes(b"[]")
    with pytest.raises(HubError, match="prompts.safetensors of 'alice/jumps' arrived damaged"):
        fetch(HubClient(), found(), parts)
    fetch(HubClient(), found(), parts)
    assert there(parts) == FILES


def test_a_full_disk_is_told_and_nothing_half_written_stays(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    """A limit on the size of files stands in for the disk."""
    loopback_hub.add("alice/jumps", files=FILES)
    offer, before = found(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, before[1]))
    try:
        with pytest.raises(HubError, match="'alice/jumps' was not pulled, the disk is full; nothing of it was kept"):
            fetch(HubClient(), offer, tmp_path / "parts")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []
    asked = len(loopback_hub.seen)
    vast = replace(offer, files=(HubFile("prompts.safetensors", 1 << 60, "0" * 64),))
    with pytest.raises(HubError, match="the disk is full"):
        fetch(HubClient(), vast, tmp_path / "parts")
    assert list(tmp_path.iterdir()) == [] and len(loopback_hub.seen) == asked


def test_two_pulls_of_the_same_do_not_write_into_one_file(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    loopback_hub.add("alice/jumps", files=FILES)
    offer = found()
    (tmp_path / "parts").mkdir()
    with (tmp_path / "parts" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(HubError, match="'alice/jumps' is being pulled just now; wait until that is done"):
            fetch(HubClient(), offer, tmp_path / "parts")
    fetch(HubClient(), offer, tmp_path / "parts")


def test_a_bundle_that_is_too_large_is_refused_unseen(loopback_hub: LoopbackHub) -> None:
    repo = loopback_hub.add("alice/jumps", files=FILES)
    repo.commit(repo.files | {"prompts.safetensors": stored("prompts.safetensors", b"x", size=2 << 30)})
    with pytest.raises(HubError, match="prompts.safetensors has 2,048 MiB; at most 1,024 MiB are taken, which bun"):
        found()
    repo.commit(repo.files | {"prompts.safetensors": stored("p", b"x"), "weights.bin": stored("w", b"", size=2 << 30)})
    assert found().size_bytes == 10 and loopback_hub.asked("resolve") == []


@pytest.mark.parametrize("name", ["../evil.json", "/etc/passwd", "a/../../b", "c:\\x", "a\\..\\b", "x\ny", "a//b"])
def test_a_name_that_leads_out_of_the_folder_is_refused(loopback_hub: LoopbackHub, name: str) -> None:
    repo = loopback_hub.add("alice/jumps", files=FILES)
    repo.commit(repo.files | {name: stored(name, b"evil")})
    with pytest.raises(HubError, match="'alice/jumps' is not pulled: file names that lead out of a folder are in it"):
        found()


def test_what_is_no_bundle_is_told_with_what_it_is(loopback_hub: LoopbackHub) -> None:
    loopback_hub.add("alice/jumps", files={"model.safetensors": b"x"})
    with pytest.raises(HubError, match="holds no bundle: it has no bundle.json and no prompts.safetensors, but"):
        found()
    loopback_hub.add("alice/shots", "dataset", files=FILES)
    for repo in ("alice/shots", f"{loopback_hub.url}/datasets/alice/shots", "datasets/alice/shots"):
        with pytest.raises(HubError, match="'alice/shots' is a data set, not a bundle, which is a model; if it"):
            found(repo)
    loopback_hub.add("alice/studio", "space")
    with pytest.raises(HubError, match="'alice/studio' is a Space, not a bundle"):
        found("alice/studio")


@pytest.mark.parametrize("repo", ["jumps", "a/b/c", "https://evil.example/a/b", "alice/ju mps", "", "../../x"])
def test_what_names_no_repository_is_told_and_nobody_is_asked(loopback_hub: LoopbackHub, repo: str) -> None:
    with pytest.raises(HubError, match="not the name of a repository; write|cannot be a repository; write"):
        found(repo)
    assert loopback_hub.seen == []


def test_each_reason_why_there_is_nothing_to_pull_has_a_message_of_its_own(
    loopback_hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    loopback_hub.add("bob/secret", private=True, files=FILES)
    loopback_hub.add("bob/gated", gated=True, files=FILES)
    loopback_hub.add("bob/closed", disabled=True)
    loopback_hub.add("bob/jumps", files=FILES)
    loopback_hub.renamed["model", "bob/old"] = "bob/jumps"
    told = {
        "bob/missing": "there is no 'bob/missing' on the Hub, or it is private and your account may not see it; check",
        "bob/secret": "there is no 'bob/secret' on the Hub, or it is private and your account may not see it; check",
        "bob/gated": "'bob/gated' is open only to people who accepted its conditions; accept them at https://huggingfac",
        "bob/closed": "'bob/closed' has been closed by the Hub; choose another repository",
        "bob/old": "'bob/old' has been renamed: it is 'bob/jumps' now; use that name if it is what you want",
        "bob/jumps@abcdef1": "the revision of 'bob/jumps' that was asked for is not on the Hub, or not any more; leave",
    }
    for repo, said in told.items():
        with pytest.raises(HubError) as caught:
            found(repo)
        assert str(caught.value).startswith(said)
    assert found("bob/secret", "hf_bob").private
    monkeypatch.setenv("SPACE_ID", "alice/studio")  # nobody's login
    assert found("bob/jumps").files
    with pytest.raises(HubError, match="there is no 'bob/secret' on the Hub that everybody may see; check the name"):
        found("bob/secret")
    with pytest.raises(HubError, match="two revisions are named, 'main' and 'dev'; name one"):
        found("bob/jumps@dev", revision="main")


@pytest.mark.parametrize(
    ("status", "code", "told"),
    [
        (
            404,
            "RevisionNotFound",
            "the revision of 'alice/jumps' that was asked for is not on the Hub, or not any more",
        ),
        (404, "EntryNotFound", "a file that 'alice/jumps' listed is not there any more; try again"),
        (403, "GatedRepo", "'alice/jumps' is open only to people who accepted its conditions"),
        (403, "", "your login may not read 'alice/jumps'; ask its owner, or use a token that may"),
        (429, "", "the Hub was asked too often; wait 90 seconds, then try again"),
        (502, "", r"the Hub is not available now \(status 502\); try again in a few minutes"),
        (401, "", "the Hub did not accept your token; log in again with: hf auth login"),
    ],
)
def test_each_refusal_of_a_pull_has_a_message_of_its_own(
    loopback_hub: LoopbackHub, tmp_path: Path, status: int, code: str, told: str
) -> None:
    loopback_hub.add("alice/jumps", files=FILES)
    offer = found()
    loopback_hub.refuse("resolve", status, code, "Invalid", headers={"ratelimit": '"api";r=0;t=90'})
    with pytest.raises(HubError, match=told):
        fetch(HubClient(), offer, tmp_path / "parts")


def test_an_answer_that_is_not_the_hubs_is_told(loopback_hub: LoopbackHub) -> None:
    loopback_hub.refuse("GET", 200, message="please accept the terms of this wireless network", times=2)
    with pytest.raises(HubError, match="the Hub's answer for 'alice/jumps' cannot be used .it does not describe a"):
        found()
    with pytest.raises(HubError, match="the Hub's answer for 'your account' cannot be used .it does not describe an"):
        HubClient().account()


def test_without_a_way_to_the_hub_it_says_so() -> None:
    with pytest.raises(HubError, match="the Hub cannot be reached for 'a/b' .ConnectError.; check the network"):
        look(HubClient("hf_x", endpoint="http://127.0.0.1:9"), "a/b", RepoKind.MODEL, len, required=(), what="bundle")


def test_offline_mode_is_named(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    script = """
from ga2app.types import RepoKind
from ga2app.errors import HubError
from ga2app.hub import HubClient, look
try: look(HubClient(), "a/b", RepoKind.MODEL, len, required=(), what="bundle")
except HubError as exc: print(exc)
"""
    environment = os.environ | {"HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    answer = subprocess.run(
        [sys.executable, "-c", script], env=environment, cwd=PROJECT, capture_output=True, text=True, timeout=60
    )
    told = "the Hub cannot be asked for 'a/b' because HF_HUB_OFFLINE is set; unset it, and try again\n"
    assert answer.stdout == told, answer.stderr
    assert loopback_hub.seen == []
