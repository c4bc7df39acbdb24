"""Bundles to the Hub and from it on the Library screen: the real app, client and bundle, and a Hub on this computer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ga2app.paths import SKETCH_HARD_PROMPT, Home
from ga2app.store import Store
from tests.hub_server import LoopbackHub, Repo

from ..studios import draw_clip, real_studio

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect

LISTED_MS = 120_000


class App(NamedTuple):
    """The app of all tests here, and the Hub that it knows."""

    address: str
    home: Home
    log: Path
    hub: LoopbackHub


@pytest.fixture(scope="module")
def app(lasting_hub: LoopbackHub, tmp_path_factory: pytest.TempPathFactory, drawn_demo: Path) -> Iterator[App]:
    folder = tmp_path_factory.mktemp("app")
    with real_studio(folder, drawn_demo) as (address, home):
        yield App(address, home, folder / "app.log", lasting_hub)


def others_repo(hub: LoopbackHub) -> Repo:
    """A bundle that bob has published, beside files that nobody should fetch."""
    names = ("bundle.json", "prompts.safetensors", "README.md")
    files = {name: (SKETCH_HARD_PROMPT / name).read_bytes() for name in names}
    files["bundle.json"] = files["bundle.json"].replace(b'"seed": 1024', b'"seed": 7')
    return hub.add("bob/kites", files=files | {"weights.bin": b"\x80\x04pickle"})


def open_library(tab: Any, app: App) -> None:
    """The Library, with the embedded bundle in it, which the app lists as soon as torch is loaded."""
    deadline = time.monotonic() + LISTED_MS / 1000
    with Store.open(app.home) as store:
        while not store.bundles.count():
            assert time.monotonic() < deadline, "the embedded bundle was not listed"
            time.sleep(0.2)
    tab.goto(f"{app.address}/library")
    expect(tab.locator("#bundles [data-bundle]").first).to_be_visible(timeout=LISTED_MS)


def test_a_bundle_is_pushed_again_after_somebody_else_and_another_is_pulled(tab: Any, app: App) -> None:
    theirs = others_repo(app.hub)
    open_library(tab, app)
    tab.locator("#push-bundle").click()
    expect(tab.locator("#push-account")).to_contain_text("as alice", timeout=LISTED_MS)
    assert not app.hub.asked("POST .*/commit"), "nothing leaves before a second press"
    tab.locator("#push-repo input, #push-repo textarea").first.fill("drawn-actions")
    tab.locator("#push-license input").click()
    tab.get_by_role("option", name="cc-by-4.0").click()
    tab.locator("#push-go").click()
    answer = tab.locator("#push-answer")
    expect(answer).to_contain_text("Pushed", timeout=LISTED_MS)
    expect(answer.get_by_role("link")).to_have_text(f"{app.hub.url}/alice/drawn-actions")
    ours = app.hub.repos["model", "alice/drawn-actions"]
    assert ours.private and {"bundle.json", "prompts.safetensors"} <= set(ours.files)
    assert ours.files["README.md"].content.startswith(b'---\nlicense: "cc-by-4.0"\n')

    tab.locator("#push-go").click()
    expect(answer).to_contain_text("no commit was made", timeout=LISTED_MS)
    head = ours.put(README__md=b"# Somebody else was here\n")
    tab.locator("#push-go").click()
    expect(tab.locator("#push-onto")).to_be_visible(timeout=LISTED_MS)
    assert ours.head == head, "a conflict changes nothing"
    tab.locator("#push-onto").click()
    expect(answer).to_contain_text("Pushed", timeout=LISTED_MS)
    assert ours.head != head

    tab.get_by_role("button", name="From the Hugging Face Hub").click()
    tab.locator("#pull-repo input, #pull-repo textarea").first.fill(f"{app.hub.url}/bob/kites")
    tab.locator("#pull-ask").click()
    told = tab.locator("#pull-answer")
    expect(told).to_contain_text("bob/kites, public", timeout=LISTED_MS)
    expect(told).to_contain_text("Not fetched: weights.bin")
    assert not app.hub.asked("GET .*/resolve/.*safetensors")
    tab.locator("#pull-go").click()
    expect(tab.locator("#library-answer")).to_contain_text("is here", timeout=LISTED_MS)
    expect(tab.locator("#bundles [data-bundle]")).to_have_count(2)
    expect(tab.locator("#bundle-body")).to_contain_text(f"bob/kites at {theirs.head[:7]}")
    assert "hf_alice" not in app.log.read_text()
    assert not [path for path in app.home.root.rglob("*") if path.is_file() and b"hf_alice" in path.read_bytes()]


def test_an_anchor_set_is_pushed_with_its_clips_and_pulled_into_another_home(
    tab: Any, app: App, tmp_path: Path, drawn_demo: Path
) -> None:
    clip = draw_clip(tmp_path / "rain.mp4", 90)
    tab.goto(f"{app.address}/anchors")
    tab.locator("#anchor-new-name input, #anchor-new-name textarea").first.fill("weather")
    tab.locator("#anchor-create").click()
    expect(tab.locator("#anchor-name input, #anchor-name textarea").first).to_have_value("weather")
    tab.get_by_role("button", name="Add clips of your own").click()
    tab.locator("#anchor-files input[type=file]").set_input_files(str(clip))
    expect(tab.locator("#anchor-rows .anchor-card img")).to_have_count(1, timeout=LISTED_MS)
    expect(tab.locator("#anchor-told")).to_contain_text("1 clip added", timeout=LISTED_MS)
    tab.locator("#anchor-push").click()
    expect(tab.locator("#anchor-push-account")).to_contain_text("Pushing weather as alice", timeout=LISTED_MS)
    tab.get_by_label("With the clips themselves").check()
    tab.locator("#anchor-push-go").click()
    answer = tab.locator("#anchor-push-answer")
    expect(answer).to_contain_text("the right to publish", timeout=LISTED_MS)
    assert ("dataset", "alice/weather-anchors") not in app.hub.repos
    tab.get_by_label("I have the right to publish what goes along").check()
    tab.locator("#anchor-push-go").click()
    expect(answer).to_contain_text("Pushed", timeout=LISTED_MS)
    repo = app.hub.repos["dataset", "alice/weather-anchors"]
    assert repo.private and len([name for name in repo.files if name.endswith(".mp4")]) == 1
    with real_studio(tmp_path, drawn_demo) as (address, _):
        tab.goto(f"{address}/anchors")
        tab.get_by_role("button", name="From the Hugging Face Hub").first.click()
        tab.locator("#anchor-pull-repo input, #anchor-pull-repo textarea").first.fill("alice/weather-anchors")
        tab.locator("#anchor-pull-ask").click()
        tab.locator("#anchor-pull-go").click(timeout=LISTED_MS)
        expect(tab.locator("#anchor-told")).to_contain_text("'weather' is here", timeout=LISTED_MS)
        expect(tab.locator("#anchor-name input, #anchor-name textarea").first).to_have_value("weather")
        expect(tab.locator("#anchor-rows .anchor-card")).to_have_count(1)
