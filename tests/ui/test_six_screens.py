"""A newcomer's whole trip through the six pages, to the Hub and into another home, in Chromium.

The app, its worker, the backbone and the training are real, and so is the Hub's client; the Hub is on this computer.
"""

from __future__ import annotations

import re
import time
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from ga2app.cli.main import main
from ga2app.config import DEMO
from ga2app.paths import PROJECT, SKETCH_HARD_PROMPT, Home
from ga2app.store import Store
from ga2app.synthetic.actions import ACTIONS
from ga2app.synthetic.demo_dataset import write_drawn_clip
from ga2app.types import EventKind
from ga2app.worker import launcher
from tests.browser import go_to
from tests.demo import link_demo
from tests.hub_server import LoopbackHub, Repo

from .studios import free_port, running

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect

LABELS = ("climbing_a_ladder", "rowing_a_boat", "riding_a_bicycle", "flying_a_kite")
CLIPS_EACH, EPOCHS, SEEDS = 5, 160, (1, 2)
BROKEN = {"empty.mp4": b"", "letter.mp4": b"Dear reader, this is no clip.\n" * 40, "half.mp4": None}
SOON_MS, TRAINED_MS = 90_000, 600_000


@contextmanager
def app(home: Home, log: Path) -> Iterator[str]:
    """``app.py`` on ``home`` for as long as the block lasts; its worker is a process of its own and lives on."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [str(PROJECT / "app.py"), "--port", str(port), "--home", str(home.root)]
    with running(command, address, log):
        yield address


@pytest.fixture
def home(tmp_path: Path, drawn_demo: Path) -> Iterator[Home]:
    home = Home(tmp_path / "home")
    link_demo(drawn_demo, home)
    yield home
    launcher.stop_worker(home)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty-three files in four class folders: twenty drawn clips, and three that cannot be read."""
    folder = tmp_path_factory.mktemp("archive")
    clips = [folder / label / f"{label}-{index}.mp4" for label in LABELS for index in range(CLIPS_EACH)]
    for number, clip in enumerate(clips):
        write_drawn_clip(clip, ACTIONS[clip.parent.name], "camcorder", (31, number))
    place = folder / "mine.zip"
    with zipfile.ZipFile(place, "w") as packed:
        for clip in clips:
            packed.write(clip, f"{clip.parent.name}/{clip.name}")
        for name, content in BROKEN.items():
            packed.writestr(f"{LABELS[0]}/{name}", clips[0].read_bytes()[:900] if content is None else content)
    return place


def open_tab(tab: Any, name: str) -> None:
    if name == "Labels":
        tab.get_by_role("tab", name=name, exact=True).click()
    else:
        go_to(tab, name)


def import_zip(tab: Any, archive: Path) -> None:
    """The good clips go in; every broken one is told with its reason."""
    open_tab(tab, "Datasets")
    tab.locator(".ds-new").click()
    tab.locator("#ds-zip input[type=file]").set_input_files(str(archive))
    expect(tab.locator("#ds-zip a")).to_be_visible(timeout=SOON_MS)
    tab.locator("#ds-import").click()
    report = tab.locator("#ds-report")
    for name in BROKEN:
        expect(report).to_contain_text(name, timeout=SOON_MS)
    expect(tab.locator("#ds-list .ds-set", has_text="mine")).to_be_visible()
    tab.locator("#ds-list .ds-set", has_text="mine").click()
    expect(tab.locator("#ds-head")).to_contain_text("mine")


def make_half_novel(tab: Any) -> None:
    open_tab(tab, "Labels")
    tab.get_by_text("Base and novel for all labels at once").click()
    tab.locator("#ds-half-list").click()
    expect(tab.locator("#ds-labels .kind.novel")).to_have_count(2)


def wait_for_demo(home: Home) -> None:
    """The worker lists the demo in the background; what it lends is there only afterwards."""
    deadline = time.monotonic() + TRAINED_MS / 1000
    with Store.open(home) as store:
        while DEMO not in {row.name for row in store.datasets.list()}:
            assert time.monotonic() < deadline, "the demo was not listed"
            time.sleep(0.2)


def build_anchor_set(tab: Any, home: Home) -> None:
    """A set of four clips that the studio proposed, from the scenes of the demo, and the user accepted."""
    wait_for_demo(home)
    open_tab(tab, "Anchors")
    expect(tab.locator("#anchor-name input, #anchor-name textarea").first).to_have_value("drawn scenes")
    tab.locator("#anchor-new-name input, #anchor-new-name textarea").first.fill("calm")
    tab.locator("#anchor-create").click()
    expect(tab.locator("#anchor-name input, #anchor-name textarea").first).to_have_value("calm")
    tab.locator("#anchor-suggest-box > button").click()
    choose(tab, "anchor-pool", "drawn scenes")
    tab.locator("#anchor-count input").fill("4")
    tab.locator("#anchor-suggest").click()
    proposals = tab.locator("#anchor-proposals [data-pick]")
    expect(tab.locator("#anchor-told")).to_have_text("", timeout=SOON_MS)
    expect(proposals).to_have_count(4)
    tab.locator("#anchor-proposals [data-action=accept]").click()
    expect(tab.locator("#anchor-rows .anchor-card")).to_have_count(4, timeout=SOON_MS)


def choose(tab: Any, field: str, option: str) -> None:
    """Choose an option of a list whose elem_id is ``field``."""
    tab.locator(f"#{field} input").first.click()
    tab.locator("[role=option]", has_text=option).first.click()


def queue_two_runs(tab: Any) -> None:
    open_tab(tab, "Datasets")
    tab.locator("#ds-list .ds-set", has_text="mine").click()
    expect(tab.locator("#ds-head h2")).to_have_text("mine")
    expect(tab.locator("#ds-clips .ds-clip")).to_have_count(len(LABELS) * CLIPS_EACH)
    tab.locator("#ds-train-on").click()
    expect(tab.locator("#dataset-card")).to_contain_text("16 training clips", timeout=SOON_MS)
    tab.locator("#seeds input, #seeds textarea").first.fill(", ".join(map(str, SEEDS)))
    tab.locator("#set-optimizer-epochs input").fill(str(EPOCHS))
    tab.locator("summary", has_text="Hard prompt, anchors and negatives").click()
    tab.locator("#set-anchors select").select_option("calm")
    expect(tab.locator("#queue")).to_contain_text("2 runs", timeout=SOON_MS)
    tab.locator("#queue").click()
    tab.locator("#watch").click()
    expect(tab.locator("#runs .run")).to_have_count(len(SEEDS))


def show_run(tab: Any, number: int) -> Any:
    tab.locator(f"#runs [data-run='{number}']").click()
    expect(tab.locator("#run-head h2")).to_contain_text(f"Run {number}")
    return tab.locator("#run-head .badge")


def steps_of(home: Home, run_id: int) -> list[int]:
    """The steps of the run's curve, in the order in which they were told."""
    with Store.open(home) as store:
        return [stored.event.step for stored in store.runs.events(run_id, kinds=[EventKind.STEP])]


def test_from_a_zip_with_broken_clips_to_a_bundle_on_the_hub_and_in_another_home(
    tab: Any, tmp_path: Path, home: Home, archive: Path, loopback_hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as first:
        address = first.enter_context(app(home, tmp_path / "app.log"))
        tab.goto(address)
        import_zip(tab, archive)
        make_half_novel(tab)
        build_anchor_set(tab, home)
        queue_two_runs(tab)
        stopped = stop(tab, home)
        tab.reload()
        expect(tab.locator("#runs .run")).to_have_count(len(SEEDS))
        tab.goto("about:blank")
    with app(home, tmp_path / "again.log") as address:
        resume(tab, home, address, stopped)
        compare_and_report(tab)
        recognize_four(tab, archive, tmp_path)
        bundle = download_bundle(tab, tmp_path)
        push_bundle(tab, loopback_hub)
        push_anchors(tab, loopback_hub)
        pull_bundle(tab, loopback_hub)
        pull_anchors(tab)
        assert "hf_alice" not in (tmp_path / "again.log").read_text()
        tab.goto("about:blank")
    assert not [path for path in home.root.rglob("*") if path.is_file() and b"hf_alice" in path.read_bytes()]
    monkeypatch.setenv("GA2_HOME", str(tmp_path / "other"))
    anchors = ["pull", "--anchors", "alice/calm-anchors"]
    for command in (["import-bundle", str(bundle)], ["pull", "alice/drawn-actions"], anchors):
        assert main(command) == 0
    with Store.open(Home(tmp_path / "other")) as store:
        assert [card.origin for card in store.bundles.list()] == ["imported"], "what is pulled is the same bundle"
        assert len(store.anchors.clips("calm")) == 4


def stop(tab: Any, home: Home) -> int:
    """The first run is stopped as soon as it has a pace; gives the last step that it took."""
    expect(tab.locator("#run-head .pace")).to_contain_text("step", timeout=TRAINED_MS)
    tab.locator("#stop").click()
    state = tab.locator("#run-head .badge")
    expect(state).to_have_text(re.compile("stopping|stopped"))
    expect(state).to_have_text("stopped", timeout=SOON_MS)
    return steps_of(home, 1)[-1]


def resume(tab: Any, home: Home, address: str, stopped_at: int) -> None:
    """A run goes on where it was stopped, also after a restart of the app, and both end."""
    tab.goto(f"{address}/runs?id=1")
    expect(tab.locator("#run-head h2")).to_contain_text("Run 1")
    tab.locator("#resume").click()
    for number in SEEDS:
        expect(show_run(tab, number)).to_have_text("done", timeout=TRAINED_MS)
    steps = steps_of(home, 1)
    assert steps == sorted(set(steps)) and steps[0] < stopped_at < steps[-1]


def compare_and_report(tab: Any) -> None:
    for number, told in zip(SEEDS, ("Tick another to compare", "Compare 2 runs"), strict=True):
        tab.locator(f"#runs [data-compare='{number}']").click()
        expect(tab.locator("#compare")).to_have_text(told)
    tab.locator("#compare").click()
    expect(tab.locator("#run-comparison h2")).to_have_text("2 runs compared")
    expect(tab.locator("#run-comparison")).to_contain_text("2 seeds of the same settings")
    tab.locator("#compare-back").click()

    tab.get_by_role("link", name="Report", exact=True).click()
    expect(tab.locator("#run-report .report .lead")).to_contain_text("HM went from")
    with tab.expect_download() as saved:
        tab.locator("#save-report").click()
    page = Path(saved.value.path()).read_text(encoding="utf-8")
    assert "HM went from" in page and not re.search(r"(src|href)=.https?:", page)


def recognize_four(tab: Any, archive: Path, folder: Path) -> None:
    """Four clips at once, with two bundles beside zero-shot CLIP."""
    clips = []
    for label in LABELS:
        place = folder / f"{label}.mp4"
        with zipfile.ZipFile(archive) as packed:
            place.write_bytes(packed.read(f"{label}/{label}-0.mp4"))
        clips.append(str(place))
    open_tab(tab, "Recognize")
    tab.locator("#clips input[type=file]").set_input_files(clips)
    tab.locator("#labels textarea").fill("climbing a ladder, rowing a boat, riding a bicycle, flying a kite")
    for title in ("Run 1", "Run 2"):
        choose(tab, "bundle", title)
    tab.keyboard.press("Escape")
    tab.locator("#recognize").click()
    expect(tab.locator("#answer article.clip")).to_have_count(4, timeout=SOON_MS)
    expect(tab.locator("#answer article.clip").first.locator(".side")).to_have_count(3)


def download_bundle(tab: Any, folder: Path) -> Path:
    open_tab(tab, "Library")
    tab.locator("#bundles .bundle").first.click()
    with tab.expect_download() as packed:
        tab.locator("#download-bundle").click()
    bundle = folder / packed.value.suggested_filename
    packed.value.save_as(bundle)
    return bundle


def push_bundle(tab: Any, hub: LoopbackHub) -> None:
    """Nothing leaves before a second press; what somebody else has done there is not overwritten unasked."""
    tab.locator("#push-bundle").click()
    expect(tab.locator("#push-account")).to_contain_text("as alice", timeout=SOON_MS)
    assert not hub.asked("POST .*/commit")
    tab.locator("#push-repo input, #push-repo textarea").first.fill("drawn-actions")
    tab.locator("#push-license input").click()
    tab.get_by_role("option", name="cc-by-4.0").click()
    tab.locator("#push-go").click()
    answer = tab.locator("#push-answer")
    expect(answer).to_contain_text("Pushed", timeout=SOON_MS)
    expect(answer.get_by_role("link")).to_have_text(f"{hub.url}/alice/drawn-actions")
    ours = hub.repos["model", "alice/drawn-actions"]
    assert ours.private and {"bundle.json", "prompts.safetensors"} <= set(ours.files)
    assert ours.files["README.md"].content.startswith(b'---\nlicense: "cc-by-4.0"\n')

    tab.locator("#push-go").click()
    expect(answer).to_contain_text("no commit was made", timeout=SOON_MS)
    head = ours.put(README__md=b"# Somebody else was here\n")
    tab.locator("#push-go").click()
    expect(tab.locator("#push-onto")).to_be_visible(timeout=SOON_MS)
    assert ours.head == head, "a conflict changes nothing"
    tab.locator("#push-onto").click()
    expect(answer).to_contain_text("Pushed", timeout=SOON_MS)
    assert ours.head != head


def push_anchors(tab: Any, hub: LoopbackHub) -> None:
    """An anchor set goes with its clips where one says that one may publish them."""
    open_tab(tab, "Anchors")
    tab.locator("#anchor-sets [data-choose]").filter(has_text="calm").click()
    expect(tab.locator("#anchor-name input, #anchor-name textarea").first).to_have_value("calm")
    tab.locator("#anchor-push").click()
    expect(tab.locator("#anchor-push-account")).to_contain_text("Pushing calm as alice", timeout=SOON_MS)
    tab.get_by_label("With the clips themselves").check()
    tab.locator("#anchor-push-go").click()
    answer = tab.locator("#anchor-push-answer")
    expect(answer).to_contain_text("the right to publish", timeout=SOON_MS)
    assert ("dataset", "alice/calm-anchors") not in hub.repos
    tab.get_by_label("I have the right to publish what goes along").check()
    tab.locator("#anchor-push-go").click()
    expect(answer).to_contain_text("Pushed", timeout=SOON_MS)
    repo = hub.repos["dataset", "alice/calm-anchors"]
    assert repo.private and len([name for name in repo.files if name.endswith(".mp4")]) == 4


def others_repo(hub: LoopbackHub) -> Repo:
    """A bundle that bob has published, beside files that nobody should fetch."""
    names = ("bundle.json", "prompts.safetensors", "README.md")
    files = {name: (SKETCH_HARD_PROMPT / name).read_bytes() for name in names}
    files["bundle.json"] = files["bundle.json"].replace(b'"seed": 1024', b'"seed": 7')
    return hub.add("bob/kites", files=files | {"weights.bin": b"\x80\x04pickle"})


def pull_bundle(tab: Any, hub: LoopbackHub) -> None:
    """What is there is told first; what a bundle does not need is not fetched."""
    theirs, fetched = others_repo(hub), "GET .*/resolve/.*safetensors"
    open_tab(tab, "Library")
    before = len(hub.asked(fetched))
    tab.get_by_role("button", name="From the Hugging Face Hub").click()
    tab.locator("#pull-repo input, #pull-repo textarea").first.fill(f"{hub.url}/bob/kites")
    tab.locator("#pull-ask").click()
    told = tab.locator("#pull-answer")
    expect(told).to_contain_text("bob/kites, public", timeout=SOON_MS)
    expect(told).to_contain_text("Not fetched: weights.bin")
    assert len(hub.asked(fetched)) == before
    tab.locator("#pull-go").click()
    expect(tab.locator("#library-answer")).to_contain_text("is here", timeout=SOON_MS)
    expect(tab.locator("#bundle-body")).to_contain_text(f"bob/kites at {theirs.head[:7]}")


def pull_anchors(tab: Any) -> None:
    open_tab(tab, "Anchors")
    tab.get_by_role("button", name="From the Hugging Face Hub").first.click()
    tab.locator("#anchor-pull-repo input, #anchor-pull-repo textarea").first.fill("alice/calm-anchors")
    tab.locator("#anchor-pull-ask").click()
    tab.locator("#anchor-pull-go").click(timeout=SOON_MS)
    expect(tab.locator("#anchor-told")).to_contain_text("'calm' is here", timeout=SOON_MS)
    expect(tab.locator("#anchor-name input, #anchor-name textarea").first).to_have_value("calm")
    expect(tab.locator("#anchor-rows .anchor-card")).to_have_count(4)
