"""Every command of the README is run, in order, in one folder; what it prints has the words that the README shows."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ga2app.paths import PROJECT

README = (PROJECT / "README.md").read_text(encoding="utf-8")

# What cannot run as it stands inside a test, and what is run in its place.
STAND_INS = {
    "make run": "make -n run",  # starts the app, which the browser tests do
    "make test": "make -n test",  # would start this very test
    "python app.py": "python app.py --help",  # likewise
    "make screenshots": "make -n screenshots",  # takes two minutes and a browser
    "python -m ga2app sketch pretrain --out assets/sketch-clip --seed 0": (
        "python -m ga2app sketch pretrain --help"  # takes an hour; tests/sketch runs a few steps of it
    ),
    "python -m ga2app sketch hard-prompt --out assets/sketch-hard-prompt": (
        "python -m ga2app sketch hard-prompt --out hard-prompt"  # must not change the shipped one
    ),
    "python -m ga2app bench base2novel": "python -m ga2app bench base2novel --help",  # half an hour
    "python -m ga2app sketch contact-sheet --out assets/pictures/sketch_world.png": (
        "python -m ga2app sketch contact-sheet --out sheet.png"
    ),
}


def console_blocks() -> list[list[tuple[str, str]]]:
    """(command, printed text) pairs of each ``console`` block."""
    blocks = []
    for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL):
        parts = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
        blocks.append([(part.split("\n", 1)[0], part.split("\n", 1)[1]) for part in parts])
    return blocks


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("readme")


def run(command: str, folder: Path) -> str:
    python = f'"{sys.executable}"'
    command = re.sub(r"^python ", f"{python} ", STAND_INS.get(command, command))
    in_project = command.startswith("make") or "app.py" in command
    answer = subprocess.run(
        command,
        shell=True,
        capture_output=True,
        text=True,
        cwd=PROJECT if in_project else folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "GA2_HOME": str(folder / "home")},
        timeout=600,
        check=False,
    )
    assert answer.returncode == 0, f"{command}\n{answer.stdout}\n{answer.stderr}"
    return answer.stdout + answer.stderr


def words(text: str) -> set[str]:
    """Words of a text: what is left when figures, bars and signs are taken away."""
    return set(re.findall(r"[A-Za-z²]{2,}", text))


def test_every_command_runs_and_prints_what_the_readme_shows(folder: Path):
    blocks = console_blocks()
    assert sum(map(len, blocks)) >= 8
    for block in blocks:
        for command, shown in block:
            printed = run(command, folder)
            missing = words(shown) - words(printed)
            assert not missing, f"{command} no longer prints {sorted(missing)}; it printed\n{printed}"


def test_the_bundle_that_it_trains_is_better_than_plain_clip(folder: Path):
    if not (folder / "bundle").exists():
        run("python -m ga2app train --preset quick --out bundle", folder)
    printed = run("python -m ga2app evaluate bundle --json", folder)
    measured = json.loads(printed)
    assert measured["metrics"]["base"] > measured["zero_shot"]["base"]
    assert measured["metrics"]["hm"] > measured["zero_shot"]["hm"]


def test_the_python_of_the_readme_runs(folder: Path):
    (script,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    if not (folder / "clips").exists():
        run("python -m ga2app sketch generate --out clips --actions 'riding a bicycle' --clips 1", folder)
    if not (folder / "bundle").exists():
        run("python -m ga2app train --preset quick --epochs 1 --out bundle", folder)
    (folder / "example.py").write_text(script, encoding="utf-8")
    run("python example.py", folder)


def test_links_and_pictures_are_there():
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert targets and all((PROJECT / target).exists() for target in targets)
