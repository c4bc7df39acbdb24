"""docs/api.md: its generated parts are what the code says, and its examples run against the real app."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import api_document
import pytest

from ga2app.cli.main import main
from ga2app.paths import PROJECT, Home
from ga2app.store import Store
from ga2app.synthetic.demo_dataset import DEMO_SET, drawn_dataset
from ga2app.web.mcp_agents import PATH
from ga2app.worker import launcher
from tests.ui.studios import free_port, running

TEXT = api_document.DOCUMENT.read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:7860"
NEXT = "~~~ next example ~~~"
SMALL_DEMO = replace(
    DEMO_SET,
    base=("riding_a_bicycle", "walking", "jumping_rope"),
    novel=DEMO_SET.novel[:2],
    base_train=2,
    base_test=1,
    novel_test=1,
    anchors_per_scene=1,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the clips that the document draws."""
    (command,) = re.findall(r"```console\n\$ python -m ga2app (.*)\n", TEXT)
    with contextlib.chdir(tmp_path), contextlib.redirect_stdout(io.StringIO()):
        assert main(shlex.split(command)) == 0
    return tmp_path


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Where ``app.py --mcp`` answers, with its worker; its demo is a small one, so that nobody waits long for it."""
    home, port = Home(tmp_path / "home"), free_port()
    address = f"http://127.0.0.1:{port}"
    with Store.open(home) as store:
        drawn = drawn_dataset(home.media / "demo", SMALL_DEMO)
        store.datasets.add(drawn, origin="drawn by the app")
    command = [str(PROJECT / "app.py"), "--mcp", "--port", str(port), "--home", str(home.root)]
    try:
        with running(command, address, tmp_path / "app.log"):
            yield address
    finally:
        launcher.stop_worker(home)


def words(text: str) -> set[str]:
    """Words of a text: what is left when figures and signs are taken away."""
    return set(re.findall(r"[A-Za-z_.]{2,}", text))


def test_the_generated_parts_are_what_the_code_says():
    assert set(re.findall(r"<!-- generated: (\w+) -->", TEXT)) == set(api_document.PARTS)

    async def written() -> str:  # Gradio asks for an event loop, and Playwright's may run in this thread
        return api_document.written(TEXT)

    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(asyncio.run, written()).result() == TEXT, api_document.HINT


def test_every_argument_of_every_command_is_explained():
    assert re.findall(r"^\| `.*` \| +\|$", TEXT, re.MULTILINE) == []


@pytest.mark.documents
def test_the_examples_run_and_print_what_is_shown(folder: Path, address: str):
    examples = re.findall(r"```python\n(.*?)```\n\n(?:```text\n(.*?)```)?", TEXT, re.DOTALL)
    assert len(examples) == 5 and f"{ADDRESS}{PATH}" in TEXT
    script = f"\nprint({NEXT!r})\n".join(code for code, _ in examples).replace(ADDRESS, address)
    (folder / "examples.py").write_text(script, encoding="utf-8")
    said = subprocess.run(
        [sys.executable, "examples.py"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    for (code, shown), printed in zip(examples, said.stdout.split(NEXT), strict=True):
        missing = words(shown) - words(printed)
        assert not missing, f"the example\n{code}\nno longer prints {sorted(missing)}, but\n{printed}"
