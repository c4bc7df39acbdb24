"""Every command of the README and of the guides is run, each text in a folder of its own, in order; what it prints has
the words that the text shows. The guides are for ``make test-documents``, the README for every run.

Commands of the app run in this process, which loads torch once and not sixty times; tests/cli starts real ones.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest

from ga2app.bundles import read_manifest
from ga2app.cli.main import main
from ga2app.paths import PROJECT, Home
from tests.demo import link_demo

README = PROJECT / "README.md"
GUIDES = sorted((PROJECT / "docs" / "guides").glob("*.md"))
STUDIO, HOW = PROJECT / "docs" / "studio.md", PROJECT / "docs" / "how-it-works.md"

# What cannot run as it stands inside a test, or would take minutes, and what is run in its place.
STAND_INS = {
    "make run": "make -n run",  # starts the app, which the browser tests do
    "make test": "make -n test",  # would start this very test
    "python app.py": "python app.py --help",  # likewise
    "make screenshots": "make -n screenshots",  # takes two minutes and a browser
    "python -m ga2app train --preset quick --out bundle": (
        "python -m ga2app train --preset quick --epochs 4 --out bundle"
    ),
    "python -m ga2app protocol base-to-novel --preset quick --out draws": (
        "python -m ga2app protocol base-to-novel --preset quick --epochs 4 --out draws"
    ),
    "python -m ga2app bench base2novel": "python -m ga2app bench base2novel --help",  # three quarters of an hour
}


def console_blocks(text: str) -> list[list[tuple[str, str]]]:
    """(command, printed text) pairs of each ``console`` block."""
    blocks = []
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        parts = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
        blocks.append([(part.split("\n", 1)[0], part.split("\n", 1)[1]) for part in parts])
    return blocks


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, drawn_demo: Path) -> Path:
    """One home for all texts."""
    folder = tmp_path_factory.mktemp("home")
    link_demo(drawn_demo, Home(folder))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the README was followed."""
    return tmp_path_factory.mktemp("readme")


_MADE: dict[tuple[str, Path], tuple[str, Path]] = {}


def run(command: str, folder: Path, home: Path) -> str:
    """Run ``command`` in ``folder``; gives what it printed. What a text before it has made just so is copied."""
    made = re.search(r"(?:train --preset quick|sketch generate) --out (\w+)", command)
    if made is None:
        return run_anew(STAND_INS.get(command, command), folder, home)
    if (command, home) not in _MADE:
        printed = run_anew(STAND_INS.get(command, command), folder, home)
        _MADE[command, home] = printed, folder / made[1]
    printed, place = _MADE[command, home]
    if not (folder / made[1]).exists():
        shutil.copytree(place, folder / made[1])
    return printed


def run_anew(command: str, folder: Path, home: Path) -> str:
    environment = {"PYTHONPATH": str(PROJECT), "GA2_HOME": str(home), "TRACKIO_DIR": str(home / "trackio")}
    environment["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    if command.startswith("python -m ga2app ") and "--report-to" not in command:  # Trackio asks where it keeps once
        printed = io.StringIO()
        streams = contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed)
        with mock.patch.dict(os.environ, environment), contextlib.chdir(folder), streams[0], streams[1]:
            try:
                status = main(shlex.split(command)[3:])
            except SystemExit as exc:  # of --help
                status = exc.code or 0
        assert status == 0, f"{command}\n{printed.getvalue()}"
        return printed.getvalue()
    in_project = command.startswith("make") or "app.py" in command
    answer = subprocess.run(
        re.sub(r"^python ", f'"{sys.executable}" ', command),
        shell=True,
        capture_output=True,
        text=True,
        cwd=PROJECT if in_project else folder,
        env=os.environ | environment,
        timeout=600,
        check=False,
    )
    assert answer.returncode == 0, f"{command}\n{answer.stdout}\n{answer.stderr}"
    return answer.stdout + answer.stderr


def words(text: str) -> set[str]:
    """Words of a text: what is left when figures, bars and signs are taken away."""
    return set(re.findall(r"[A-Za-z²]{2,}", text))


def follow(document: Path, folder: Path, home: Path) -> int:
    """Run the commands of ``document``; gives their number."""
    count = 0
    for block in console_blocks(document.read_text(encoding="utf-8")):
        for command, shown in block:
            count += 1
            printed = run(command, folder, home)
            missing = words(shown) - words(printed)
            assert not missing, f"{command} no longer prints {sorted(missing)}; it printed\n{printed}"
    return count


def test_every_command_of_the_readme_runs_and_prints_what_it_shows(folder: Path, home: Path):
    assert follow(README, folder, home) >= 7


@pytest.mark.documents
@pytest.mark.parametrize("guide", [STUDIO, *GUIDES], ids=lambda guide: guide.stem)
def test_a_guide_can_be_followed_from_its_own_text(guide: Path, tmp_path: Path, home: Path):
    assert follow(guide, tmp_path, home) >= (1 if guide == STUDIO else 2)


def test_the_bundle_that_it_trains_is_better_than_plain_clip(folder: Path, home: Path):
    if not (folder / "bundle").exists():
        run("python -m ga2app train --preset quick --out bundle", folder, home)
    measured = read_manifest(folder / "bundle")
    assert measured.metrics["base"] > measured.zero_shot["base"]
    assert measured.metrics["hm"] > measured.zero_shot["hm"]


def test_the_python_of_the_readme_runs(folder: Path, home: Path):
    (script,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    if not (folder / "clips").exists():
        run("python -m ga2app sketch generate --out clips --actions 'riding a bicycle' --clips 1", folder, home)
    if not (folder / "bundle").exists():
        run("python -m ga2app train --preset quick --out bundle", folder, home)
    printed = io.StringIO()
    with mock.patch.dict(os.environ, {"GA2_HOME": str(home)}), contextlib.chdir(folder):
        with contextlib.redirect_stdout(printed):
            exec(compile(script, "README.md", "exec"), {"__name__": "__main__"})
    assert re.search(r"^\d+% riding a bicycle \(base\)$", printed.getvalue(), re.MULTILINE)


@pytest.mark.parametrize("document", [README, STUDIO, HOW, *GUIDES], ids=lambda document: document.stem)
def test_links_and_pictures_are_there(document: Path):
    targets = re.findall(r"\]\((?!https?:)([^)\s]+)\)", document.read_text(encoding="utf-8"))
    assert targets
    for target in targets:
        path, _, heading = target.partition("#")
        found = document.parent / path if path else document
        assert found.exists(), target
        assert not heading or heading in headings(found), target


def headings(document: Path) -> set[str]:
    """The anchors that GitHub and the Hub make of a text's headings, and those of before, which stand as ids."""
    text = document.read_text(encoding="utf-8")
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    made = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
    return made | set(re.findall(r'<a id="([\w-]+)"></a>', text))
