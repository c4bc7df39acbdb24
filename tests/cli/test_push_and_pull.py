"""``push`` and ``pull``, as a user calls them, to a Hub on this computer."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ga2app.cli.main import main
from ga2app.paths import SKETCH_HARD_PROMPT, default_home
from ga2app.store import Store
from tests.commands import document, refused
from tests.hub_server import LoopbackHub

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # the client's own


@pytest.fixture
def bundle(loopback_hub: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A bundle in a folder of its own, outside of the library."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(SKETCH_HARD_PROMPT, "walls")
    return "walls"


def test_a_bundle_is_pushed_changed_pushed_again_and_pulled(
    capsys: pytest.CaptureFixture[str], loopback_hub: LoopbackHub, bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = document(capsys, "push", bundle, "--repo", "walls")
    assert (first["account"], first["repo"], first["private"]) == ("alice", "alice/walls", True)
    assert first["link"] == f"{loopback_hub.url}/alice/walls" and len(first["changed"]) == 3
    assert document(capsys, "push", bundle) == first | {"changed": []}
    Path("card.md").write_text("---\nlicense: mit\n---\n# walls\n")
    again = document(capsys, "push", bundle, "--card", "card.md")
    assert again["changed"] == ["README.md"] and again["commit"] != first["commit"]
    monkeypatch.setenv("GA2_HOME", "fresh")
    looked = document(capsys, "pull", "alice/walls", "--dry-run")
    assert looked["commit"] == again["commit"] and looked["bytes"] == sum(looked["files"].values())
    assert looked["left_out"] == [".gitattributes"] and not (default_home().bundles).exists()
    pulled = document(capsys, "pull", f"{loopback_hub.url}/alice/walls/tree/{first['commit']}")
    assert (pulled["name"], pulled["backbone"], pulled["new"]) == ("sketch-hard-prompt", "sketch", True)
    assert pulled["commit"] == first["commit"] and "# walls" not in (Path(pulled["bundle"]) / "README.md").read_text()
    assert document(capsys, "pull", "alice/walls")["new"] is False
    with Store.open(default_home()) as store:
        assert [card.origin for card in store.bundles.list()] == [f"hub:alice/walls@{first['commit']}"]


def test_the_card_names_its_repository_and_the_license_that_was_chosen(
    capsys: pytest.CaptureFixture[str], loopback_hub: LoopbackHub, bundle: str, tmp_path: Path
) -> None:
    assert "'other' needs a name" in refused_push(capsys, bundle, "--license", "other")
    first = document(capsys, "push", bundle, "--repo", "walls", "--license", "cc-by-4.0")
    card = loopback_hub.repos["model", "alice/walls"].files["README.md"].content.decode()
    assert card.startswith('---\nlicense: "cc-by-4.0"\n') and 'from_pretrained("alice/walls")' in card
    assert document(capsys, "push", bundle) == first | {"changed": []}
    assert "a card was given" in refused_push(capsys, bundle, "--card", f"{bundle}/README.md", "--license", "mit")


def refused_push(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    assert main(["push", *argv]) == 1
    return capsys.readouterr().err


def test_the_account_and_the_place_are_said_before_anything_else(
    capsys: pytest.CaptureFixture[str], loopback_hub: LoopbackHub, bundle: str
) -> None:
    assert main(["push", bundle, "--dry-run"]) == 0
    answer = capsys.readouterr()
    assert answer.err == "you are alice at the Hub; to alice/sketch-hard-prompt\n"
    assert answer.out == "alice/sketch-hard-prompt\n" and loopback_hub.repos == {}
    assert (
        main(["push", bundle, "--public"]) == main(["push", bundle]) == main(["pull", "alice/sketch-hard-prompt"]) == 0
    )
    answer = capsys.readouterr()
    commit = loopback_hub.repos["model", "alice/sketch-hard-prompt"].head
    assert answer.out.splitlines()[:3] == [
        f"{loopback_hub.url}/alice/sketch-hard-prompt (public)",
        f"commit {commit[:12]}: bundle.json, prompts.safetensors, README.md",
        f"{loopback_hub.url}/alice/sketch-hard-prompt (public)",
    ]
    assert f"nothing changed: the Hub has all of it, at commit {commit[:12]}\n" in answer.out
    assert "'sketch-hard-prompt' is in the library already" in answer.out
    assert f"alice/sketch-hard-prompt at {commit[:12]}: 3 files, " in answer.err


def test_an_anchor_set_is_pushed_and_pulled(
    capsys: pytest.CaptureFixture[str], loopback_hub: LoopbackHub, bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.open(default_home()) as store:
        store.anchors.create("still things")
        group = store.negatives.create_group("walls")
        store.negatives.add(group, ["a wall"])
    pushed = document(capsys, "push", "still things", "--anchors", "--negatives", "walls")
    assert pushed["link"].endswith("/datasets/alice/still-things-anchors")
    assert pushed["changed"] == ["anchors.json", "negatives.csv"]
    monkeypatch.setenv("GA2_HOME", "fresh")
    pulled = document(capsys, "pull", pushed["link"], "--anchors")
    assert (pulled["set"], pulled["clips"], pulled["groups"]) == ("still things", 0, ["walls"])
    assert main(["pull", pushed["repo"], "--anchors"]) == 0
    assert "anchor set 'still things': is here already" in capsys.readouterr().out


def test_what_cannot_be_done_is_told_in_a_line(
    capsys: pytest.CaptureFixture[str], loopback_hub: LoopbackHub, bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "there is no bundle 'nothing' in the library" in refused(capsys, "push", "nothing")
    assert "there is no anchor set 'nothing' here; name one of: drawn scenes" in refused(
        capsys, "push", "nothing", "--anchors"
    )
    assert "--clips and --negatives belong to an anchor set" in refused(capsys, "push", bundle, "--clips")
    assert "--report and --example belong to a bundle" in refused(capsys, "push", "x", "--anchors", "--report")
    assert "there is no 'alice/nothing' on the Hub, or it is private" in refused(capsys, "pull", "alice/nothing")
    assert main(["push", bundle, "--report"]) == 1
    assert "confirm that you have the right to publish them" in capsys.readouterr().err
    loopback_hub.add("alice/sketch-hard-prompt", files={"a.txt": b"a"})
    assert main(["push", bundle]) == 1
    head = loopback_hub.repos["model", "alice/sketch-hard-prompt"].head
    assert f"push onto {head[:12]} if this shall be its next version" in capsys.readouterr().err
    assert main(["push", bundle, "--onto", head[:12], "--public"]) == 0
    monkeypatch.setenv("SPACE_ID", "alice/studio")
    assert "you are not logged in to Hugging Face; run `hf auth login` on this machine" in refused(
        capsys, "push", bundle
    )
    assert json.loads((Path(bundle) / "bundle.json").read_text())["name"] == "sketch-hard-prompt"
