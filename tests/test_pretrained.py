"""``Recognizer.from_pretrained``: a folder, or a repository of a small Hub on this computer, over real sockets."""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path

import pytest

from ga2app import Recognizer, load_backbone
from ga2app.errors import BackboneError, BundleError, HubError, LabelError
from ga2app.hub import fetch_bundle
from ga2app.inference.pretrained import Fetch
from ga2app.paths import SKETCH_HARD_PROMPT
from ga2app.synthetic.demo_dataset import subject_named, write_drawn_clip
from tests.hub_server import LoopbackHub, stored

LABELS = ["jumping", "dancing"]
BUNDLE = {path.name: path.read_bytes() for path in SKETCH_HARD_PROMPT.iterdir()}
FETCHED = r"GET /(lfs/|.*/resolve/)"


@pytest.fixture
def small_hub(loopback_hub: LoopbackHub) -> LoopbackHub:
    loopback_hub.add("me/bundle", files=BUNDLE | {"pytorch_model.bin": b"\x80\x04pickle", "deep/bundle.json": b"{}"})
    return loopback_hub


@pytest.fixture
def fetch(tmp_path: Path) -> Fetch:
    return partial(fetch_bundle, cache=tmp_path / "cache")


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    write_drawn_clip(tmp_path / "clip.mp4", subject_named("jumping"), "plain", 3)
    return tmp_path / "clip.mp4"


def test_a_repository_answers_as_its_folder_does_and_only_its_own_files_are_fetched(
    small_hub: LoopbackHub, fetch: Fetch, clip: Path
):
    named = Recognizer.from_pretrained("me/bundle", fetch=fetch)
    assert len(small_hub.asked(FETCHED)) == len(small_hub.asked(r"GET .*/(bundle\.json|prompts\.safetensors)$|/lfs/"))
    assert named.bundle and sorted(path.name for path in Path(named.bundle.folder).rglob("*")) == [
        "bundle.json",
        "prompts.safetensors",
    ]
    folder = Recognizer.from_pretrained(SKETCH_HARD_PROMPT)
    (one,), (other,) = (each.recognize([clip], LABELS).clips for each in (named, folder))
    assert one.bundle is not None and one.bundle == other.bundle


def test_labels_are_the_bundles_own_unless_others_are_given(clip: Path):
    own = Recognizer.from_pretrained(SKETCH_HARD_PROMPT, num_frames=2)
    (answer,) = own.recognize([clip]).clips
    assert {score.label for score in answer.bundle or ()} == set(own.bundle.manifest.base if own.bundle else ())
    (answer,) = own.recognize([clip], LABELS).clips
    assert {score.label for score in answer.bundle or ()} == set(LABELS)
    named = Recognizer.from_pretrained(SKETCH_HARD_PROMPT, labels=LABELS, negatives=["nothing"], num_frames=2)
    (answer,) = named.recognize([clip]).clips
    assert {score.label for score in answer.bundle or () if score.label in LABELS} == set(LABELS)
    assert answer.answers[1].verdict is not None and answer.answers[1].verdict.negative == "nothing"
    with pytest.raises(LabelError, match="no labels were given"):
        Recognizer("sketch").recognize([clip])


def test_a_revision_is_kept_to(small_hub: LoopbackHub, fetch: Fetch):
    repo = small_hub.repos["model", "me/bundle"]
    older, newer = repo.head, repo.put(README__md=b"# new")
    for asked, commit in (("me/bundle", newer), (f"me/bundle@{older}", older), (f"{small_hub.url}/me/bundle", newer)):
        found = Recognizer.from_pretrained(asked, fetch=fetch).bundle
        assert found is not None and Path(found.folder).name == commit
    pinned = Recognizer.from_pretrained("me/bundle", revision=older, fetch=fetch).bundle
    assert pinned is not None and Path(pinned.folder).name == older
    with pytest.raises(HubError, match="the revision of 'me/bundle' that was asked for is not on the Hub"):
        Recognizer.from_pretrained("me/bundle", revision="gone", fetch=fetch)
    with pytest.raises(BundleError, match="is a folder, and a folder has no revision 'v1'"):
        Recognizer.from_pretrained(SKETCH_HARD_PROMPT, revision="v1")


def test_what_was_fetched_once_is_used_where_the_hub_is_out_of_reach(
    small_hub: LoopbackHub, fetch: Fetch, monkeypatch: pytest.MonkeyPatch
):
    with pytest.raises(HubError, match="'me/bundle' is not in the local cache; fetch it once with allow_download"):
        Recognizer.from_pretrained("me/bundle", allow_download=False, fetch=fetch)
    first = Recognizer.from_pretrained("me/bundle", fetch=fetch)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    for options in ({}, {"revision": small_hub.repos["model", "me/bundle"].head}, {"allow_download": False}):
        again = Recognizer.from_pretrained("me/bundle", fetch=fetch, **options)  # type: ignore[arg-type]
        assert again.bundle and first.bundle and again.bundle.folder == first.bundle.folder
    with pytest.raises(HubError, match="the Hub cannot be reached for 'me/other' .*; check the network"):
        Recognizer.from_pretrained("me/other", fetch=fetch)


def test_what_is_no_bundle_is_refused_before_anything_is_fetched(small_hub: LoopbackHub, fetch: Fetch):
    small_hub.add("me/clip", files={"model.safetensors": b"", "prompts.safetensors": b""})
    small_hub.add("me/data", "dataset", files=BUNDLE)
    large = small_hub.add("me/large", files=BUNDLE)
    large.commit(large.files | {"prompts.safetensors": stored("prompts.safetensors", b"", 2 << 30)})
    for name, message in {
        "me/nothing": "there is no 'me/nothing' on the Hub, or it is private",
        "me/clip": "'me/clip' holds no bundle: it has no bundle.json",
        "me/data": "'me/data' is a data set, not a bundle",
        "me/large": "prompts.safetensors has 2,048 MiB; at most 1,024 MiB are taken",
        "me/--x": "'me/--x' is not the name of a repository",
        "a/b/c": "'a/b/c' is not the name of a repository",
    }.items():
        with pytest.raises(HubError, match=message):
            Recognizer.from_pretrained(name, fetch=fetch)
    assert small_hub.asked(FETCHED) == []


def test_a_pickle_that_calls_itself_safetensors_is_never_opened(small_hub: LoopbackHub, fetch: Fetch):
    small_hub.add("me/pickle", files=BUNDLE | {"prompts.safetensors": b"\x80\x04pickle"})
    with pytest.raises(BundleError, match="prompts.safetensors cannot be read"):
        Recognizer.from_pretrained("me/pickle", fetch=fetch)


@pytest.mark.parametrize("name", ["bundle", "/no/where", "./me", "~/me", "me\\bundle"])
def test_what_can_only_be_a_folder_never_reaches_the_hub(small_hub: LoopbackHub, fetch: Fetch, name: str):
    with pytest.raises(BundleError, match="is neither a bundle's folder nor the name of a repository"):
        Recognizer.from_pretrained(name, fetch=fetch)
    assert small_hub.seen == []


def renamed(folder: Path, **backbone: object) -> Path:
    """The embedded bundle, saying that it was trained on another backbone."""
    shutil.copytree(SKETCH_HARD_PROMPT, folder)
    manifest = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
    manifest["backbone"] |= backbone
    (folder / "bundle.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def test_a_backbone_that_is_not_here_is_named(tmp_path: Path):
    own = renamed(tmp_path / "own", name="/home/somebody/clip")
    with pytest.raises(BundleError, match="in the folder '/home/somebody/clip', which is not here; name the folder"):
        Recognizer.from_pretrained(own)
    assert Recognizer.from_pretrained(own, backbone="sketch").backbone.name == "sketch"
    assert Recognizer.from_pretrained(own, backbone=load_backbone("sketch")).bundle is not None
    with pytest.raises(BackboneError, match="neither a folder nor in the local Hugging Face cache"):
        Recognizer.from_pretrained(renamed(tmp_path / "hub", name="some/clip"), allow_download=False)
    with pytest.raises(BundleError, match=r"was trained on backbone 'sketch' \(ffff\) and cannot be used with"):
        Recognizer.from_pretrained(renamed(tmp_path / "other", fingerprint="ffff"))
