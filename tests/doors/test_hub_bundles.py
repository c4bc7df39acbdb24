"""Bundles from one studio's library to the Hub and into another's: the whole way, through real sockets."""

from __future__ import annotations

import json
import logging
import resource
import shutil
import sqlite3
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from clips import write_color_clip

from ga2app import Recognizer, load_backbone
from ga2app.bundles import read_card
from ga2app.config import PromptConfig, RunConfig
from ga2app.errors import BundleError, HubConflict, HubError, StoreError
from ga2app.paths import SKETCH_HARD_PROMPT, Home
from ga2app.services.studio import Studio, own_studio
from ga2app.store import BundleQuery, Store
from ga2app.training.training_checks import hard_prompt
from ga2app.types import BundleCard, HubAccount, Pushed, PushOptions
from tests.approx import same_record
from tests.hub_server import Login, LoopbackHub

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # the client's own

REPO = ("model", "alice/red-walls")
LABELS = ["red wall", "blue wall", "a person walking"]


class Lab:
    """A studio with a home of its own."""

    def __init__(self, studio: Studio) -> None:
        self.studio, self.home, self.store, self.sharing = studio, studio.home, studio.store, studio.sharing

    def own_bundle(self, name: str = "red walls") -> str:
        """A bundle of its library; gives its folder."""
        folder = self.home.bundles / name
        shutil.copytree(SKETCH_HARD_PROMPT, folder)
        manifest = json.loads((folder / "bundle.json").read_text())
        (folder / "bundle.json").write_text(json.dumps(manifest | {"name": name}, indent=2))
        self.store.bundles.add(read_card(folder, origin="trained"))
        return str(folder)

    def push(self, folder: str, **options: object) -> Pushed:
        return self.sharing.push_bundle(folder, PushOptions(**options))  # type: ignore[arg-type]

    def pull(self, repo: str = "alice/red-walls", **options: str) -> BundleCard:
        return self.sharing.pull_bundle(self.sharing.find_bundle(repo, **options))[0]


@pytest.fixture
def lab(loopback_hub: LoopbackHub, tmp_path: Path) -> Iterator[Lab]:
    with own_studio(Home(tmp_path / "here")) as studio:
        yield Lab(studio)


@pytest.fixture
def elsewhere(loopback_hub: LoopbackHub, tmp_path: Path) -> Iterator[Lab]:
    with own_studio(Home(tmp_path / "elsewhere")) as studio:
        yield Lab(studio)


def change(folder: str, **facts: object) -> None:
    path = Path(folder) / "bundle.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | facts, indent=2))


def test_a_pushed_bundle_is_pulled_into_a_fresh_home_and_predicts_the_same(
    lab: Lab, elsewhere: Lab, loopback_hub: LoopbackHub, tmp_path: Path
) -> None:
    folder = lab.own_bundle()
    assert lab.sharing.repo_of_bundle(folder, lab.sharing.account()) == "alice/red-walls"
    pushed = lab.push(folder)
    assert pushed.private and loopback_hub.repos[REPO].files.keys() == {
        ".gitattributes",
        "README.md",
        "bundle.json",
        "prompts.safetensors",
    }
    assert lab.store.bundles.get(folder).hub == pushed.revision
    card = elsewhere.pull()
    assert card.origin == f"hub:alice/red-walls@{pushed.revision.commit}" and card.hub == pushed.revision
    assert Path(card.folder).parent == elsewhere.home.bundles and card.title == "red walls"
    assert {path.name: path.read_bytes() for path in Path(card.folder).iterdir()} == {
        path.name: path.read_bytes() for path in Path(folder).iterdir()
    }
    assert elsewhere.store.bundles.page(BundleQuery(origin="hub"), limit=9) == [card]
    clip = write_color_clip(tmp_path / "a.mp4", (220, 40, 40), seed=1)
    one, other = (Recognizer("sketch", bundle=place).recognize([clip], LABELS) for place in (folder, card.folder))
    assert one.clips[0].bundle and same_record(one.clips[0].bundle, other.clips[0].bundle)


def test_a_pulled_bundle_can_be_built_upon_at_once(lab: Lab, elsewhere: Lab) -> None:
    folder = lab.own_bundle()
    lab.push(folder)
    config = RunConfig(prompts=PromptConfig(hard_prompt=elsewhere.pull().folder))
    backbone = load_backbone("sketch")
    mine = hard_prompt(replace(config, prompts=replace(config.prompts, hard_prompt=folder)), backbone)
    assert mine.tokens is not None and bool((hard_prompt(config, backbone).tokens == mine.tokens).all())


def test_a_changed_bundle_is_pushed_again_as_a_commit_of_what_changed(lab: Lab, loopback_hub: LoopbackHub) -> None:
    folder = lab.own_bundle()
    first = lab.push(folder)
    assert lab.push(folder) == replace(first, changed=())
    change(folder, steps=2000)
    second = lab.push(folder)
    assert (second.changed, second.removed) == (("bundle.json",), ()) and second.revision != first.revision
    assert lab.store.bundles.get(folder).hub == second.revision
    assert len(loopback_hub.repos[REPO].commits) == 3


def test_two_labs_that_push_into_one_repository_do_not_overwrite_each_other(
    lab: Lab, elsewhere: Lab, loopback_hub: LoopbackHub
) -> None:
    folder = lab.own_bundle()
    lab.push(folder)
    theirs = elsewhere.pull().folder
    change(theirs, steps=1)
    elsewhere.push(theirs)
    change(folder, steps=2)
    with pytest.raises(HubConflict, match="was changed by somebody else meanwhile") as caught:
        lab.push(folder)
    assert json.loads(loopback_hub.repos[REPO].files["bundle.json"].content)["steps"] == 1
    lab.push(folder, onto=caught.value.head)
    assert json.loads(loopback_hub.repos[REPO].files["bundle.json"].content)["steps"] == 2


def test_the_card_that_is_given_goes_along_instead_of_the_bundles_own(lab: Lab, loopback_hub: LoopbackHub) -> None:
    folder = lab.own_bundle()
    lab.sharing.push_bundle(folder, PushOptions(), card="---\nlicense: mit\n---\n# mine\n")
    assert loopback_hub.repos[REPO].files["README.md"].content == b"---\nlicense: mit\n---\n# mine\n"


def test_a_renamed_bundle_is_pushed_under_its_new_name_and_is_the_same_bundle_still(
    lab: Lab, elsewhere: Lab, loopback_hub: LoopbackHub
) -> None:
    folder = lab.own_bundle()
    lab.store.bundles.rename(folder, "walls in red")
    pushed = lab.push(folder)
    files = loopback_hub.repos["model", pushed.revision.repo_id].files
    assert json.loads(files["bundle.json"].content)["name"] == "walls in red"
    assert b"\n# walls in red\n" in files["README.md"].content
    assert json.loads((Path(folder) / "bundle.json").read_text())["name"] == "red walls"
    assert lab.push(folder) == replace(pushed, changed=())
    assert elsewhere.pull(pushed.revision.repo_id).title == "walls in red"
    assert lab.pull(pushed.revision.repo_id).folder == folder


def test_where_things_lie_on_this_machine_does_not_go_along(lab: Lab, loopback_hub: LoopbackHub) -> None:
    folder, place = lab.own_bundle(), "/home/alice/secret project"
    told = json.loads((Path(folder) / "bundle.json").read_text())
    told["backbone"]["name"] = told["config"]["backbone"] = f"{place}/my-clip"
    told["config"]["dataset"] = f"{place}/my clips/"
    told["config"]["prompts"]["hard_prompt"] = f"{place}/first bundle"
    change(folder, **told)
    lab.push(folder)
    files = loopback_hub.repos[REPO].files
    assert not [name for name, file in files.items() if b"secret project" in file.content]
    there = json.loads(files["bundle.json"].content)
    assert (there["backbone"]["name"], there["config"]["backbone"]) == ("my-clip", "my-clip")
    assert (there["config"]["dataset"], there["config"]["prompts"]["hard_prompt"]) == ("my clips", "first bundle")
    assert there["backbone"]["fingerprint"] == told["backbone"]["fingerprint"]
    assert json.loads((Path(folder) / "bundle.json").read_text()) == told, "the own one keeps them"
    assert not lab.push(folder).changed, "what is the same for others is pushed once"
    card, fresh = lab.sharing.pull_bundle(lab.sharing.find_bundle("alice/red-walls"))
    assert (card.folder, fresh) == (folder, False), "and is not kept twice"


def test_report_and_examples_go_along_only_with_the_rights_and_leave_with_the_next_push(
    lab: Lab, loopback_hub: LoopbackHub, tmp_path: Path
) -> None:
    folder, run = lab.own_bundle("run-000001"), lab.home.run_folder(1)
    clip = Path(write_color_clip(tmp_path / "My holiday!.mp4", (9, 9, 200), seed=3))
    asked = {"report": True, "examples": [clip]}
    with pytest.raises(HubError, match="go along only if you confirm that you have the right to publish them"):
        lab.sharing.push_bundle(folder, PushOptions(), **asked)  # type: ignore[arg-type]
    with pytest.raises(HubError, match="'Run 1' has no report of its run here; push it without one"):
        lab.sharing.push_bundle(folder, PushOptions(rights=True), report=True)
    with pytest.raises(BundleError, match="example '.*bundle.json' is not a video file"):
        lab.sharing.push_bundle(folder, PushOptions(rights=True), examples=[Path(folder) / "bundle.json"])
    assert loopback_hub.seen == []
    run.mkdir(parents=True)
    (run / "report.json").write_text(small_report(str(tmp_path / "secret place" / "a.mp4")))
    pushed = lab.sharing.push_bundle(folder, PushOptions(rights=True), **asked)  # type: ignore[arg-type]
    assert {"report.json", "examples/01-My-holiday.mp4"} <= set(pushed.changed)
    files = loopback_hub.repos["model", "alice/run-1"].files
    assert b"a.mp4" in files["report.json"].content and b"secret place" not in files["report.json"].content
    assert lab.push(folder).removed == ("examples/01-My-holiday.mp4", "report.json")


def small_report(clip: str) -> str:
    figures = {"metrics": {"base": 50.0}, "joint_metrics": {}, "groups": {}}
    changed = {"path": clip, "label": "a", "kind": "base", "plain": "b", "bundle": "a", "thumbnail": ""}
    point = {"what": "clip", "name": clip, "label": "a", "kind": "base", "before": [0, 0], "after": [1, 1]}
    place = str(Path(clip).parent)
    facts = {
        "dataset": f"{place}/d",
        "backbone": f"{place}/clip",
        "seed": 1,
        "shots": 1,
        "steps": 1,
        "gained": 1,
        "lost": 0,
    }
    lists = {"base": ["a"], "novel": ["b"], "anchor_captions": [], "negatives": []}
    rest = {"map_share": [1, 1], "clips_mapped": 1, "packages": None, "format": 1}
    pictured = {"plain": figures, "bundle": figures, "changed": [changed], "points": [point]}
    return json.dumps(facts | lists | rest | pictured)


def test_pulling_the_same_twice_keeps_one_and_notes_where_it_is_on_the_hub(lab: Lab, elsewhere: Lab) -> None:
    folder = lab.own_bundle()
    pushed = lab.push(folder)
    offer = elsewhere.sharing.find_bundle("alice/red-walls")
    first, second = (elsewhere.sharing.pull_bundle(offer) for _ in range(2))
    assert (first[1], second[1]) == (True, False) and first[0].folder == second[0].folder
    assert [path.name for path in elsewhere.home.bundles.iterdir()] == ["red-walls"]
    twin = elsewhere.own_bundle()
    shutil.rmtree(first[0].folder)
    elsewhere.store.bundles.delete(first[0].folder)
    card, fresh = elsewhere.sharing.pull_bundle(offer)
    assert (card.folder, fresh, card.hub, card.origin) == (twin, False, pushed.revision, "trained")


def nothing_of_it(lab: Lab) -> bool:
    """Whether neither the disk nor the list knows of any bundle."""
    return list(lab.home.bundles.iterdir()) == [] and lab.store.bundles.list() == []


@pytest.mark.parametrize(
    ("manifest", "told"),
    [
        (b"{}", "bundle 'alice/red-walls' has format version None"),
        (b"[" * 100_000, "bundle 'alice/red-walls': bundle.json cannot be read"),
        (b'{"format_version": 1, "name": 7}', "bundle 'alice/red-walls': bundle.json is not a valid manifest"),
    ],
)
def test_a_pulled_bundle_is_checked_as_a_zipped_one_is(
    lab: Lab, elsewhere: Lab, loopback_hub: LoopbackHub, manifest: bytes, told: str
) -> None:
    lab.push(lab.own_bundle())
    loopback_hub.repos[REPO].put(bundle__json=manifest)
    with pytest.raises(BundleError, match=told):
        elsewhere.pull()
    assert nothing_of_it(elsewhere)


def test_a_disk_that_fills_during_a_pull_is_told_and_nothing_of_it_stays(lab: Lab, elsewhere: Lab) -> None:
    """A limit on the size of files stands in for the disk."""
    lab.push(lab.own_bundle())
    offer, before = elsewhere.sharing.find_bundle("alice/red-walls"), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (9_000, before[1]))
    try:
        with pytest.raises(
            HubError, match="'alice/red-walls' was not pulled, the disk is full; nothing of it was kept"
        ):
            elsewhere.sharing.pull_bundle(offer)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert nothing_of_it(elsewhere)


def test_a_pull_that_the_list_cannot_take_leaves_no_folder(lab: Lab, elsewhere: Lab) -> None:
    lab.push(lab.own_bundle())
    other = sqlite3.connect(elsewhere.home.database, isolation_level=None)
    with Store.open(elsewhere.home, busy_s=0.05) as hasty:
        sharing = replace(elsewhere.studio, store=hasty).sharing
        offer = sharing.find_bundle("alice/red-walls")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="is locked by another program"):
            sharing.pull_bundle(offer)
        other.close()
        assert nothing_of_it(elsewhere)
        assert sharing.pull_bundle(offer)[1]


def test_a_bundle_of_another_account_is_pushed_under_ones_own(lab: Lab, loopback_hub: LoopbackHub) -> None:
    folder = lab.own_bundle()
    lab.push(folder, repo="lab/shared")
    assert lab.sharing.repo_of_bundle(folder, HubAccount("alice", ("lab",))) == "lab/shared"
    assert lab.sharing.repo_of_bundle(folder, HubAccount("carol")) == "carol/red-walls"
    assert lab.push(folder).revision.repo_id == "lab/shared"
    assert not lab.push(folder, repo="public-walls", private=False).private


def test_what_the_library_does_not_have_is_not_pushed(lab: Lab, loopback_hub: LoopbackHub) -> None:
    with pytest.raises(BundleError, match="there is no bundle '.*nothing' in the library"):
        lab.push(str(lab.home.bundles / "nothing"))
    folder = lab.own_bundle()
    (Path(folder) / "prompts.safetensors").write_bytes(b"\x80pickle")
    with pytest.raises(BundleError, match="prompts.safetensors cannot be read"):
        lab.push(folder)
    assert loopback_hub.seen == []


def test_the_token_is_in_request_headers_and_nowhere_else(
    lab: Lab,
    elsewhere: Lab,
    loopback_hub: LoopbackHub,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    token = "hf_aSecretThatNobodyMaySee"
    loopback_hub.logins[token] = Login("alice")
    folder = lab.own_bundle()
    with everything_logged(caplog):
        pushed = lab.sharing.push_bundle(folder, PushOptions(), token=token)
        change(folder, steps=3)
        loopback_hub.refuse("preupload", 418, message="odd")
        with pytest.raises(HubError) as caught:
            lab.sharing.push_bundle(folder, PushOptions(), token=token)
        offer = elsewhere.sharing.find_bundle("alice/red-walls", token=token)
        card, _ = elsewhere.sharing.pull_bundle(offer, token=token)
    told = "".join(traceback.format_exception(caught.value))
    printed = capfd.readouterr()
    assert "preupload" in caplog.text and "DEBUG" in caplog.text and "418" in told
    assert token not in caplog.text + told + printed.out + printed.err + repr((pushed, offer, card, lab.sharing))
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 6 and not [path for path in files if token.encode() in path.read_bytes()]
    bearers = [seen.headers.get("authorization", seen.headers.get("Authorization")) for seen in loopback_hub.seen]
    apart = [seen.path.startswith("/lfs/") for seen in loopback_hub.seen]
    # The storage beside the Hub is another host and gets none.
    assert bearers == [None if beside else f"Bearer {token}" for beside in apart] and any(apart)
    assert not [seen for seen in loopback_hub.seen if token in seen.path or token.encode() in seen.body]


@contextmanager
def everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """The client's own log goes nowhere else but where it is told to."""
    own = logging.getLogger("huggingface_hub")
    level = own.level
    own.addHandler(caplog.handler)
    own.setLevel(logging.DEBUG)
    try:
        with caplog.at_level(logging.DEBUG):
            yield
    finally:
        own.setLevel(level)
        own.removeHandler(caplog.handler)
