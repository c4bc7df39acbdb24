"""Anchor sets with their negative prompts, from one laboratory's studio to another's."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from clips import write_color_clip

from ga2app.datasets.clip_files import content_digest
from ga2app.errors import HubConflict, HubError, StoreError
from ga2app.paths import Home
from ga2app.services.clip_inspector import VideoInspector
from ga2app.services.studio import Studio, own_studio
from ga2app.store.anchor_sets import AnchorFile
from ga2app.store.row_guard import acting_as, owner_of
from ga2app.types import ClipFacts, PushOptions
from tests.hub_server import LoopbackHub, stored

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # the client's own

REPO = ("dataset", "alice/still-things-anchors")
CAPTIONS = ("a red wall", "a blue wall")


class Lab:
    """A studio with a home of its own."""

    def __init__(self, studio: Studio) -> None:
        self.studio, self.home, self.store, self.sharing = studio, studio.home, studio.store, studio.sharing

    def own_set(self) -> int:
        """A set of two clips, the second switched off, and a group of two prompts of its own."""
        set_id = self.store.anchors.create("still things", "Nothing moves.")
        for caption, color in zip(CAPTIONS, ((220, 40, 40), (40, 40, 220)), strict=True):
            folder = self.store.anchors.folder(set_id)
            folder.mkdir(parents=True, exist_ok=True)
            path = write_color_clip(folder / f"{caption} at home.mp4", color, seed=1)
            self.store.anchors.add(set_id, [AnchorFile(path, caption, content_digest(path))])
        self.store.anchors.enable(self.store.anchors.rows(set_id)[1].id, False)
        group = self.store.negatives.create_group("walls")
        self.store.negatives.add(group, ["a wall", 'a "wall", again'])
        return set_id

    def rows(self, set_id: int) -> list[tuple[str, bool]]:
        return [(row.caption, row.enabled) for row in self.store.anchors.rows(set_id)]


@pytest.fixture(scope="module")
def inspector() -> VideoInspector:
    return VideoInspector()


@pytest.fixture
def lab(loopback_hub: LoopbackHub, tmp_path: Path, inspector: VideoInspector) -> Iterator[Lab]:
    with own_studio(Home(tmp_path / "here")) as studio:
        yield Lab(replace(studio, inspector=inspector))


@pytest.fixture
def elsewhere(loopback_hub: LoopbackHub, tmp_path: Path, inspector: VideoInspector) -> Iterator[Lab]:
    with own_studio(Home(tmp_path / "elsewhere")) as studio:
        yield Lab(replace(studio, inspector=inspector))


def test_a_set_goes_out_with_its_clips_and_comes_in_whole(lab: Lab, elsewhere: Lab, loopback_hub: LoopbackHub) -> None:
    set_id = lab.own_set()
    assert lab.sharing.repo_of_anchors(set_id, lab.sharing.account()) == REPO[1]
    pushed = lab.sharing.push_anchors(
        set_id, PushOptions(rights=True), groups=["walls"], clips=True, card="---\nlicense: mit\n---\n"
    )
    files = loopback_hub.repos[REPO].files
    assert sorted(name.partition("/")[0] for name in files) == [
        ".gitattributes",
        "README.md",
        "anchors.json",
        "clips",
        "clips",
        "negatives.csv",
    ]
    assert pushed.private and not any(b"at home" in name.encode() + file.content for name, file in files.items())
    assert files["negatives.csv"].content.decode().splitlines() == [
        "group,text,enabled",
        "walls,a wall,1",
        'walls,"a ""wall"", again",1',
    ]
    offer = elsewhere.sharing.find_anchors(REPO[1])
    assert {file.name for file in offer.files} == files.keys() - {".gitattributes", "README.md"}
    pulled = elsewhere.sharing.pull_anchors(offer)
    assert (pulled.name, pulled.clips, pulled.groups, pulled.missing) == ("still things", 2, ("walls",), ())
    assert elsewhere.rows(pulled.set_id) == lab.rows(set_id) == [("a red wall", True), ("a blue wall", False)]
    assert elsewhere.store.negatives.texts("walls") == lab.store.negatives.texts("walls")
    row = elsewhere.store.anchors.rows(pulled.set_id)[0]
    assert Path(row.path).parent.parent == elsewhere.store.anchors.folder(pulled.set_id)
    assert row.digest == content_digest(row.path) and row.seconds is not None
    assert [clip.caption for clip in elsewhere.store.anchors.clips("still things")] == ["a red wall"]
    again = elsewhere.sharing.pull_anchors(offer)
    assert not again.new and again.set_id == pulled.set_id


def test_without_the_rights_no_clip_leaves_and_whoever_has_the_same_clips_needs_none(
    lab: Lab, elsewhere: Lab, loopback_hub: LoopbackHub, tmp_path: Path
) -> None:
    set_id = lab.own_set()
    with pytest.raises(HubError, match="the clips go along only if you confirm that you have the right"):
        lab.sharing.push_anchors(set_id, PushOptions(), clips=True)
    assert loopback_hub.seen == []
    lab.sharing.push_anchors(set_id, PushOptions(), groups=[])
    assert loopback_hub.repos[REPO].files.keys() == {".gitattributes", "anchors.json"}
    same = write_color_clip(tmp_path / "same.mp4", (220, 40, 40), seed=1)
    mine = elsewhere.store.anchors.create("mine")
    elsewhere.store.anchors.add(mine, [AnchorFile(same, "red", content_digest(same))])
    pulled = elsewhere.sharing.pull_anchors(elsewhere.sharing.find_anchors(REPO[1]))
    assert (pulled.clips, pulled.missing, pulled.groups) == (1, ("a blue wall",), ())
    assert elsewhere.rows(pulled.set_id) == [("a red wall", True)]


def test_pushing_again_changes_what_changed_and_clips_leave_with_a_push_without_them(
    lab: Lab, loopback_hub: LoopbackHub
) -> None:
    set_id = lab.own_set()
    options = PushOptions(rights=True)
    first = lab.sharing.push_anchors(set_id, options, clips=True)
    assert lab.sharing.push_anchors(set_id, options, clips=True) == replace(first, changed=())
    lab.store.anchors.set_caption(lab.store.anchors.rows(set_id)[0].id, "a wall, red")
    assert lab.sharing.push_anchors(set_id, options, clips=True).changed == ("anchors.json",)
    last = lab.sharing.push_anchors(set_id, options)
    assert last.changed == ("anchors.json",) and len(last.removed) == 2
    loopback_hub.repos[REPO].put(anchors__json=b"{}")
    with pytest.raises(HubConflict, match="was changed by somebody else meanwhile"):
        lab.sharing.push_anchors(set_id, options, groups=[])


def test_names_that_are_taken_here_get_a_number_and_nothing_here_is_changed(lab: Lab, elsewhere: Lab) -> None:
    lab.sharing.push_anchors(lab.own_set(), PushOptions(rights=True), groups=["walls"], clips=True)
    mine = elsewhere.store.anchors.create("still things")
    group = elsewhere.store.negatives.create_group("walls")
    elsewhere.store.negatives.add(group, ["my wall"])
    pulled = elsewhere.sharing.pull_anchors(elsewhere.sharing.find_anchors(REPO[1]))
    assert (pulled.name, pulled.groups) == ("still things 2", ("walls 2",))
    assert elsewhere.rows(mine) == [] and elsewhere.store.negatives.texts("walls") == ["my wall"]


@pytest.mark.parametrize(
    ("anchors", "told"),
    [
        (b"[", "anchors.json cannot be read as JSON"),
        (b"[]", "anchors.json has format version None"),
        (b'{"format_version": 9}', "has format version 9 and this program reads version 1; update"),
        (b'{"format_version": 1, "name": " ", "clips": []}', "is not the list of an anchor set"),
        (b'{"format_version": 1, "name": "x", "clips": [{"caption": 1}]}', "is not the list of an anchor set"),
        (
            json.dumps(
                {
                    "format_version": 1,
                    "name": "x",
                    "clips": [{"caption": "", "enabled": True, "sha256": "0" * 64, "file": "../x.mp4"}],
                }
            ).encode(),
            "is not the list of an anchor set",
        ),
    ],
)
def test_a_list_that_is_none_is_refused_and_leaves_nothing(
    elsewhere: Lab, loopback_hub: LoopbackHub, anchors: bytes, told: str
) -> None:
    loopback_hub.add(REPO[1], "dataset", files={"anchors.json": anchors})
    before = elsewhere.store.anchors.names()
    with pytest.raises(HubError, match=f"'alice/still-things-anchors': .*{told}"):
        elsewhere.sharing.pull_anchors(elsewhere.sharing.find_anchors(REPO[1]))
    assert elsewhere.store.anchors.names() == before and not list((elsewhere.home.media / "anchors").iterdir())


class FullDiskInspector(VideoInspector):
    """An inspector on a disk that is full when the second clip is opened."""

    def __init__(self) -> None:
        super().__init__()
        self._opened = 0

    def inspect(self, path: str, picture: Path | None = None) -> ClipFacts:
        self._opened += 1
        if self._opened > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().inspect(path, picture)


def test_a_pull_that_fails_leaves_no_set_no_file_and_nothing_to_undo(
    lab: Lab, elsewhere: Lab, loopback_hub: LoopbackHub
) -> None:
    lab.sharing.push_anchors(lab.own_set(), PushOptions(rights=True), groups=["walls"], clips=True)
    there = Lab(replace(elsewhere.studio, inspector=FullDiskInspector()))
    before = (there.store.anchors.names(), there.store.negatives.groups())
    with pytest.raises(HubError, match="could not be kept"):
        there.sharing.pull_anchors(there.sharing.find_anchors(REPO[1]))
    assert (there.store.anchors.names(), there.store.negatives.groups()) == before
    assert there.store.trash.last("anchors") is None
    assert not list((there.home.media / "anchors").iterdir())


def test_a_pulled_set_is_no_edit_that_undo_would_empty(lab: Lab, elsewhere: Lab) -> None:
    lab.sharing.push_anchors(lab.own_set(), PushOptions(rights=True), groups=["walls"], clips=True)
    pulled = elsewhere.sharing.pull_anchors(elsewhere.sharing.find_anchors(REPO[1]))
    assert elsewhere.rows(pulled.set_id) == [(CAPTIONS[0], True), (CAPTIONS[1], False)]
    assert elsewhere.store.trash.last("anchors") is None


def test_clips_that_are_none_or_others_are_told_and_the_rest_is_taken(
    lab: Lab, elsewhere: Lab, loopback_hub: LoopbackHub
) -> None:
    lab.sharing.push_anchors(lab.own_set(), PushOptions(rights=True), groups=["walls"], clips=True)
    repo = loopback_hub.repos[REPO]
    one, other = sorted(name for name in repo.files if name.startswith("clips/"))
    hostile = {
        one: stored(one, b"no clip"),
        "clips/run.pt": stored("run.pt", b"\x80"),
        "clips/a/b.mp4": stored("b.mp4", b""),
    }
    csv = b"group,text,enabled\nwalls,a wall,maybe\nwalls,a fence,1\n"
    repo.commit(repo.files | hostile | {"negatives.csv": stored("negatives.csv", csv)})
    offer = elsewhere.sharing.find_anchors(REPO[1])
    assert {"clips/run.pt", "clips/a/b.mp4"} <= set(offer.left_out)
    pulled = elsewhere.sharing.pull_anchors(offer)
    assert pulled.clips == 1 and elsewhere.store.negatives.texts("walls") == ["a fence"]
    assert pulled.faults[0] == "negatives.csv, line 2: enabled is 'maybe'; write 1 or 0"
    assert "it is not the clip that the list describes" in pulled.faults[1] and len(pulled.faults) == 2


def test_a_name_that_somebody_else_has_gets_a_number(lab: Lab, elsewhere: Lab) -> None:
    lab.sharing.push_anchors(lab.own_set(), PushOptions(rights=True), groups=["walls"], clips=True)
    with acting_as(owner_of("bob")):
        elsewhere.store.anchors.create("still things")
        elsewhere.store.negatives.add(elsewhere.store.negatives.create_group("walls"), ["a secret"])
    with acting_as(owner_of("eve")):
        pulled = elsewhere.sharing.pull_anchors(elsewhere.sharing.find_anchors(REPO[1]))
        assert (pulled.name, pulled.groups) == ("still things 2", ("walls 2",))
        assert elsewhere.store.negatives.texts("walls 2") == ["a wall", 'a "wall", again']


def test_what_is_no_anchor_set_is_told(lab: Lab, loopback_hub: LoopbackHub) -> None:
    loopback_hub.add("alice/shots", "dataset", files={"train.csv": b""})
    with pytest.raises(HubError, match="'alice/shots' holds no anchor set: it has no anchors.json, but .gitattributes"):
        lab.sharing.find_anchors("alice/shots")
    loopback_hub.add("alice/jumps", files={"bundle.json": b"{}"})
    with pytest.raises(HubError, match="'alice/jumps' is a model, not a data set; if it"):
        lab.sharing.find_anchors("alice/jumps")
    with pytest.raises(StoreError, match="this anchor set is not there any more"):
        lab.sharing.push_anchors(99, PushOptions())
    with pytest.raises(StoreError, match="there is no group of negative prompts 'fences'"):
        lab.sharing.push_anchors(lab.own_set(), PushOptions(), groups=["fences"])
