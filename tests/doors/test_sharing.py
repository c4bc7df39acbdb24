"""Push and pull in one call each, as the guide shows them, to a Hub on this computer."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

import ga2app
from ga2app.errors import BundleError, HubConflict, HubError
from ga2app.paths import PROJECT, SKETCH_HARD_PROMPT, default_home
from ga2app.store import Store
from tests.hub_server import LoopbackHub

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # the client's own


@pytest.fixture(autouse=True)
def _bundle(loopback_hub: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a bundle in it, and a login."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    shutil.copytree(SKETCH_HARD_PROMPT, "bundle")


def test_the_python_of_the_guide_runs(loopback_hub: LoopbackHub, capsys: pytest.CaptureFixture[str]) -> None:
    guide = PROJECT / "docs" / "guides" / "train.md"
    (code,) = re.findall(r"```python\n(.*?)```", guide.read_text(encoding="utf-8"), re.DOTALL)
    exec(compile(code, guide.name, "exec"), {})
    repo = loopback_hub.repos["model", "alice/drawn-actions"]
    head = repo.head[:12]
    pushed, pulled = capsys.readouterr().out.splitlines()
    assert pushed == f"{loopback_hub.url}/alice/drawn-actions {head} private"
    assert pulled.endswith(f"sketch {head}")
    assert repo.files["README.md"].content.startswith(b'---\nlicense: "cc-by-4.0"\n')
    with Store.open(default_home()) as store:
        assert len(store.bundles.list()) == 1, "what is pulled is what was pushed: it is not listed twice"


def test_what_somebody_else_pushed_is_not_overwritten_unless_it_is_named(loopback_hub: LoopbackHub) -> None:
    ga2app.push("bundle", "walls")
    theirs = loopback_hub.repos["model", "alice/walls"].put(README__md=b"# Somebody else was here\n")
    with pytest.raises(HubConflict):
        ga2app.push("bundle")
    assert ga2app.push("bundle", onto=theirs).changed == ("README.md",)


def test_what_cannot_be_pushed_or_pulled_is_told(loopback_hub: LoopbackHub) -> None:
    with pytest.raises(BundleError, match="there is no bundle 'gone' in the library and no folder of that name"):
        ga2app.push("gone")
    with pytest.raises(HubError, match="confirm"):
        ga2app.push("bundle", "walls", examples=["clip.mp4"])
    with pytest.raises(HubError):
        ga2app.pull("alice/nothing-here")
    assert not loopback_hub.repos
