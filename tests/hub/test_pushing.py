"""Pushing through the real client to a Hub on this computer: one commit, only what changed, on top of what was seen."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ga2app.errors import HubConflict, HubError
from ga2app.hub import HubClient, PushJob, full_name, propose_name, push
from ga2app.types import HubAccount, RepoKind
from tests.hub_server import QUOTA, LoopbackHub

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # the client's own

WEIGHTS = bytes(range(256)) * 1200
UPLOAD, COMMIT, CREATE = r"PUT /lfs/", r"POST .*/commit/main", r"POST /api/repos/create"


@pytest.fixture
def job(tmp_path: Path) -> PushJob:
    (tmp_path / "prompts.safetensors").write_bytes(WEIGHTS)
    files = {
        "bundle.json": b"{}",
        "prompts.safetensors": tmp_path / "prompts.safetensors",
        "README.md": b"---\nlicense: mit\n---\n# jumps\n",
    }
    return PushJob("alice/jumps", RepoKind.MODEL, files, lambda name: name == "report.json", "Pushed")


def with_files(job: PushJob, **files: bytes) -> PushJob:
    return replace(job, files={**job.files, **{name.replace("__", "."): content for name, content in files.items()}})


def committed(hub: LoopbackHub) -> list[tuple[str, str]]:
    """What each line of the newest commit did, to which file."""
    lines = [json.loads(line) for line in hub.asked(COMMIT)[-1].body.splitlines()]
    return [(line["key"], line["value"]["path"]) for line in lines[1:]]


def test_a_first_push_makes_a_private_repository_with_one_commit(loopback_hub: LoopbackHub, job: PushJob) -> None:
    told: list[tuple[int, int]] = []
    pushed = push(HubClient(), job, lambda done, total: told.append((done, total)))
    repo = loopback_hub.repos["model", "alice/jumps"]
    assert repo.private and pushed.private and pushed.link == f"{loopback_hub.url}/alice/jumps"
    assert [message for message in repo.messages if message] == ["Pushed"] and pushed.revision.commit == repo.head
    assert set(pushed.changed) == set(job.files) and pushed.removed == ()
    assert {name: repo.files[name].content for name in job.files} == {
        "bundle.json": b"{}",
        "prompts.safetensors": WEIGHTS,
        "README.md": job.files["README.md"],
    }
    assert committed(loopback_hub) == [
        ("file", "bundle.json"),
        ("lfsFile", "prompts.safetensors"),
        ("file", "README.md"),
    ]
    total = len(WEIGHTS) + 2 + len(repo.files["README.md"].content)
    assert told[-1] == (total, total) and all(one <= two for one, two in zip(told, told[1:], strict=False))
    assert len({done for done, _ in told}) > 3


def test_who_pushes_and_whether_they_may_is_asked_before_anything_goes_out(
    loopback_hub: LoopbackHub, job: PushJob
) -> None:
    push(HubClient(), job)
    routes = [seen.route for seen in loopback_hub.seen]
    first = {
        name: next(n for n, route in enumerate(routes) if name in route) for name in ("whoami", "auth-check/write")
    }
    sent = min(n for n, route in enumerate(routes) if "preupload" in route or "PUT" in route)
    assert first["whoami"] == 0 and first["auth-check/write"] < sent


def test_pushing_the_same_again_commits_nothing(loopback_hub: LoopbackHub, job: PushJob) -> None:
    first = push(HubClient(), job)
    again = push(HubClient(), replace(job, base=first.revision))
    assert (again.changed, again.removed, again.revision) == ((), (), first.revision)
    assert len(loopback_hub.asked(COMMIT)) == 1 and len(loopback_hub.asked(UPLOAD)) == 1
    # Nor does it where the answer to the first push was lost on its way, so that nobody noted the commit.
    assert push(HubClient(), job).revision == first.revision


def test_pushing_again_changes_only_what_changed_and_takes_out_what_is_ours_no_more(
    loopback_hub: LoopbackHub, job: PushJob
) -> None:
    first = push(HubClient(), with_files(job, report__json=b"[]"))
    repo = loopback_hub.repos["model", "alice/jumps"]
    theirs = repo.put(picture__png=b"added on the website")
    second = push(HubClient(), replace(with_files(job, bundle__json=b'{"a": 1}'), base=first.revision, onto=theirs))
    assert (second.changed, second.removed) == (("bundle.json",), ("report.json",))
    assert committed(loopback_hub) == [("file", "bundle.json"), ("deletedFile", "report.json")]
    assert repo.files["picture.png"].content == b"added on the website"
    assert len(loopback_hub.asked(UPLOAD)) == 1


def test_a_push_of_somebody_else_is_told_apart_and_nothing_of_it_is_overwritten(
    loopback_hub: LoopbackHub, job: PushJob
) -> None:
    first = push(HubClient(), job)
    theirs = loopback_hub.repos["model", "alice/jumps"].put(bundle__json=b'"theirs"')
    mine = replace(with_files(job, bundle__json=b'"mine"'), base=first.revision)
    with pytest.raises(
        HubConflict, match="'alice/jumps' was changed by somebody else meanwhile.*Nothing was overwri"
    ) as caught:
        push(HubClient(), mine)
    assert caught.value.head == theirs
    assert loopback_hub.repos["model", "alice/jumps"].files["bundle.json"].content == b'"theirs"'
    with pytest.raises(HubConflict, match="is at commit .* and not at 'abcdef0'; look at it again"):
        push(HubClient(), replace(mine, onto="abcdef0"))
    assert push(HubClient(), replace(mine, onto=theirs[:12])).changed == ("bundle.json",)
    assert loopback_hub.repos["model", "alice/jumps"].files["bundle.json"].content == b'"mine"'


def test_a_push_that_is_overtaken_while_it_uploads_changes_nothing(loopback_hub: LoopbackHub, job: PushJob) -> None:
    first = push(HubClient(), job)
    repo = loopback_hub.repos["model", "alice/jumps"]
    loopback_hub.refuse("preupload", do=lambda: repo.put(bundle__json=b'"theirs"'))
    with pytest.raises(
        HubConflict, match=r"changed by somebody else meanwhile: it is at commit [0-9a-f]{12}\. "
    ) as caught:
        push(HubClient(), replace(with_files(job, bundle__json=b'"mine"'), base=first.revision))
    assert caught.value.head == repo.head and repo.files["bundle.json"].content == b'"theirs"'


def test_a_name_that_is_taken_is_told_and_an_empty_repository_is_free(loopback_hub: LoopbackHub, job: PushJob) -> None:
    loopback_hub.add("alice/jumps", files={"bundle.json": b"something else"})
    with pytest.raises(HubConflict, match="the name 'alice/jumps' is taken: something else is there.*choose another"):
        push(HubClient(), job)
    assert loopback_hub.asked(UPLOAD) == loopback_hub.asked(COMMIT) == []
    loopback_hub.add("alice/blank")
    blank = replace(job, repo_id="alice/blank")
    with pytest.raises(
        HubError, match="'alice/blank' is there, and everybody may see it; push it as public, or choose"
    ):
        push(HubClient(), blank)
    assert not push(HubClient(), replace(blank, private=False)).private
    loopback_hub.refuse(CREATE, 409, message="You already created this model repo")
    with pytest.raises(HubError, match="the name 'lab/jumps' is taken, by something that you may not see"):
        push(HubClient(), replace(job, repo_id="lab/jumps"))


def test_an_upload_that_is_stopped_leaves_no_commit_and_the_next_push_finishes_it(
    loopback_hub: LoopbackHub, job: PushJob
) -> None:
    class Stopped(HubError):
        pass

    def stop(done: int, total: int) -> None:
        if done > 100_000:
            raise Stopped("stopped")

    with pytest.raises(Stopped):
        push(HubClient(), job, stop)
    assert loopback_hub.repos["model", "alice/jumps"].files.keys() == {".gitattributes"}
    assert set(push(HubClient(), job).changed) == set(job.files)


def test_a_connection_that_breaks_off_in_an_upload_is_taken_up(loopback_hub: LoopbackHub, job: PushJob) -> None:
    loopback_hub.refuse(UPLOAD, after=70_000)
    push(HubClient(), job)
    assert len(loopback_hub.asked(UPLOAD)) == 2
    assert loopback_hub.repos["model", "alice/jumps"].files["prompts.safetensors"].content == WEIGHTS


def test_a_storage_that_refuses_leaves_no_commit_and_what_arrived_is_not_sent_again(
    loopback_hub: LoopbackHub, job: PushJob
) -> None:
    loopback_hub.refuse(COMMIT, 500)
    with pytest.raises(HubError, match=r"the Hub is not available now \(status 500\)"):
        push(HubClient(), job)
    push(HubClient(), job)
    assert len(loopback_hub.asked(UPLOAD)) == 1


def test_files_that_a_gitignore_there_keeps_out_are_told(loopback_hub: LoopbackHub, job: PushJob) -> None:
    head = loopback_hub.add("alice/jumps", files={".gitignore": b"*.json\n"}).head
    with pytest.raises(HubError, match="took the commit without bundle.json; look for a .gitignore there"):
        push(HubClient(), replace(job, onto=head, private=False))


@pytest.mark.parametrize(
    ("route", "status", "code", "message", "told"),
    [
        ("whoami", 401, "", "Invalid", "the Hub did not accept your token; log in again with: hf auth login"),
        ("whoami", 429, "", "Too many", "the Hub was asked too often; wait 5 minutes, then try again"),
        ("auth-check/write", 403, "", "no write", "you may not write to 'alice/jumps' with this login; use a token"),
        ("auth-check/write", 403, "GatedRepo", "no", "'alice/jumps' is open only to people who accepted its conditi"),
        (
            "auth-check/write",
            403,
            "",
            "Access to this resource is disabled.",
            "'alice/jumps' has been closed by the Hub",
        ),
        ("batch", 403, "", QUOTA, "the storage of the account behind 'alice/jumps' is full; delete something"),
        ("commit", 402, "", "Payment required", "the storage of the account behind 'alice/jumps' is full"),
        ("commit", 413, "", "Too large", "the Hub finds what goes to 'alice/jumps' too large"),
        ("commit", 503, "", "Down", r"the Hub is not available now \(status 503\); try again in a few minutes"),
        ("commit", 418, "", "Tea\npot", r"the Hub refused what was asked of 'alice/jumps' \(status 418: Tea pot"),
        ("/lfs/", 403, "", "Expired", "you may not write to 'alice/jumps'"),
    ],
)
def test_each_refusal_of_a_push_has_a_message_of_its_own(
    loopback_hub: LoopbackHub, job: PushJob, route: str, status: int, code: str, message: str, told: str
) -> None:
    loopback_hub.refuse(route, status, code, message.replace("\n", " "), headers={"Retry-After": "300"})
    with pytest.raises(HubError, match=told):
        push(HubClient(), job)
    assert all(len(repo.commits) == 1 for repo in loopback_hub.repos.values())


def test_a_refusal_that_repeats_the_token_is_told_without_it(loopback_hub: LoopbackHub, job: PushJob) -> None:
    loopback_hub.refuse("preupload", 418, message="odd: Bearer hf_alice \x07 " + "x" * 500)
    with pytest.raises(HubError, match=r"status 418: odd: Bearer … x{100,200}\)") as caught:
        push(HubClient(), job)
    assert "hf_alice" not in str(caught.value)


def test_a_full_account_is_told_before_a_byte_goes_out(loopback_hub: LoopbackHub, job: PushJob) -> None:
    loopback_hub.quota_bytes = 1000
    with pytest.raises(
        HubError, match="is full; delete something on the Hub, or see https://huggingface.co/settings/bil"
    ):
        push(HubClient(), job)
    assert loopback_hub.asked(UPLOAD) == []


def test_a_token_that_only_reads_and_an_account_of_others_are_told_before_anything_is_made(
    loopback_hub: LoopbackHub, job: PushJob
) -> None:
    with pytest.raises(HubError, match="the token of 'alice' may only read; make one with the role write"):
        push(HubClient("hf_reader"), job)
    with pytest.raises(HubError, match="you may not write to 'bob/jumps' with this login"):
        push(HubClient(), replace(job, repo_id="bob/jumps"))
    with pytest.raises(HubError, match="the Hub did not accept your token"):
        push(HubClient("hf_unknown"), job)
    assert loopback_hub.repos == {}


def test_a_space_never_pushes_with_its_own_login(
    loopback_hub: LoopbackHub, job: PushJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPACE_ID", "alice/studio")
    with pytest.raises(
        HubError,
        match="you are not logged in to Hugging Face; run `hf auth login` on this machine",
    ):
        push(HubClient(), job)
    assert loopback_hub.seen == []
    assert push(HubClient("hf_bob"), replace(job, repo_id="bob/jumps")).revision.repo_id == "bob/jumps"


def test_a_repository_that_was_renamed_is_not_pushed_to(loopback_hub: LoopbackHub, job: PushJob) -> None:
    loopback_hub.add("alice/leaps")
    loopback_hub.renamed["model", "alice/jumps"] = "alice/leaps"
    with pytest.raises(HubError, match="'alice/jumps' has been renamed: it is 'alice/leaps' now; use that name if"):
        push(HubClient(), job)
    assert loopback_hub.asked(COMMIT) == []


def test_a_card_that_the_hub_does_not_accept_is_told_before_an_upload(loopback_hub: LoopbackHub, job: PushJob) -> None:
    with pytest.raises(HubError, match="does not accept the model card for 'alice/jumps' .YAML metadata is not a mapp"):
        push(HubClient(), with_files(job, README__md=b"---\n- {hostile: [\n---\n"))
    assert loopback_hub.asked(UPLOAD) == loopback_hub.asked(COMMIT) == []


def test_without_a_way_to_the_hub_it_says_so(job: PushJob) -> None:
    with pytest.raises(
        HubError, match="the Hub cannot be reached for 'your account' .ConnectError.; check the network"
    ):
        push(HubClient("hf_x", endpoint="http://127.0.0.1:9"), job)


def test_a_file_that_vanished_is_named(loopback_hub: LoopbackHub, job: PushJob, tmp_path: Path) -> None:
    (tmp_path / "prompts.safetensors").unlink()
    with pytest.raises(HubError, match="a file for 'alice/jumps' cannot be read .No such file.*prompts.safetensors"):
        push(HubClient(), job)


def test_whose_login_it_is_can_be_shown(loopback_hub: LoopbackHub) -> None:
    assert HubClient().account() == HubAccount("alice", ("lab",), writes=True)
    assert HubClient("hf_reader").account().writes is False


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Run 3: my jumps", "run-3-my-jumps"),
        ("läufe", "laufe"),
        ("v1.0 -.- beta", "v1.0-beta"),
        ("..", "ga2-bundle"),
        ("日本語", "ga2-bundle"),
        ("a--b.git", "a-b"),
        ("x" * 200, "x" * 80),
    ],
)
def test_a_name_is_proposed_after_the_title(title: str, name: str) -> None:
    assert propose_name(title) == name and full_name(name, "alice") == f"alice/{name}"


@pytest.mark.parametrize("name", ["a b", "../x", "a/b/c", "-x", "x.git", "", "a--b", "https://evil.example/x"])
def test_what_cannot_be_a_name_is_told(name: str) -> None:
    with pytest.raises(HubError, match="cannot be a repository; write it like user/name"):
        full_name(name, "alice")
