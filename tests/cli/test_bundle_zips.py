"""``export`` and ``import-bundle``, as a user calls them."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from ga2app.cli.main import main
from ga2app.paths import SKETCH_HARD_PROMPT, default_home
from ga2app.store import Store
from tests.commands import document, refused


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_bundle_goes_out_and_comes_in_once(capsys: pytest.CaptureFixture[str]):
    exported = document(capsys, "export", str(SKETCH_HARD_PROMPT), "--out", "hard.zip")
    assert exported == {"file": "hard.zip", "bytes": Path("hard.zip").stat().st_size}
    first = document(capsys, "import-bundle", "hard.zip")
    assert (first["name"], first["backbone"], first["new"]) == ("sketch-hard-prompt", "sketch", True)
    assert document(capsys, "import-bundle", "hard.zip") == first | {"new": False}
    with Store.open(default_home()) as store:
        assert [card.folder for card in store.bundles.list()] == [first["bundle"]]
    assert main(["export", "sketch-hard-prompt"]) == 0
    assert Path("sketch-hard-prompt.zip").read_bytes() == Path("hard.zip").read_bytes()


def test_a_renamed_bundle_is_exported_under_its_new_name(capsys: pytest.CaptureFixture[str]):
    document(capsys, "export", str(SKETCH_HARD_PROMPT), "--out", "hard.zip")
    first = document(capsys, "import-bundle", "hard.zip")
    with Store.open(default_home()) as store:
        store.bundles.rename(first["bundle"], "drawn actions")
    document(capsys, "export", first["bundle"], "--out", "named.zip")
    assert document(capsys, "import-bundle", "named.zip", "--out", "elsewhere")["name"] == "drawn actions"
    assert "\n# drawn actions\n" in Path("elsewhere/README.md").read_text(encoding="utf-8")
    assert document(capsys, "import-bundle", "named.zip") == first | {"name": "drawn actions", "new": False}


def test_out_puts_the_bundle_elsewhere_and_lists_nothing(capsys: pytest.CaptureFixture[str]):
    document(capsys, "export", str(SKETCH_HARD_PROMPT), "--out", "hard.zip")
    assert document(capsys, "import-bundle", "hard.zip", "--out", "mine")["bundle"] == "mine"
    assert sorted(path.name for path in Path("mine").iterdir()) == ["README.md", "bundle.json", "prompts.safetensors"]
    with Store.open(default_home()) as store:
        assert store.bundles.list() == []
    assert "'mine' is there already" in refused(capsys, "import-bundle", "hard.zip", "--out", "mine")


def test_what_cannot_be_done_is_told_in_a_line(capsys: pytest.CaptureFixture[str]):
    assert "'nothing' is not a prompt bundle" in refused(capsys, "export", "nothing")
    assert "'no.zip' cannot be read" in refused(capsys, "import-bundle", "no.zip")
    Path("there.zip").touch()
    assert "'there.zip' is there already" in refused(capsys, "export", str(SKETCH_HARD_PROMPT), "--out", "there.zip")
    with zipfile.ZipFile("bad.zip", "w") as archive:
        archive.writestr("weights.pt", b"")
    assert "'weights.pt' may run code when it is opened" in refused(capsys, "import-bundle", "bad.zip")
