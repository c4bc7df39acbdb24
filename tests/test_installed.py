"""The package as ``pip install .`` leaves it: built, unpacked into a fresh folder, and used far from the checkout."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
import zipfile
from pathlib import Path

import pytest

from ga2app.paths import PROJECT, Home
from ga2app.synthetic.demo_dataset import subject_named, write_drawn_clip
from ga2app.worker import launcher
from tests.blocked import without
from tests.demo import link_demo
from tests.ui.studios import free_port

TAKEN = (
    "ga2app",
    "assets",
    "prompts_db",
    "benchmarks",
    "app.py",
    "setup.py",
    "pyproject.toml",
    "MANIFEST.in",
    "README.md",
    "LICENSE",
)
PATIENCE_S = 120.0


def run_pip(*arguments: str, cwd: Path) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    answer = subprocess.run(command, capture_output=True, text=True, cwd=cwd)
    assert answer.returncode == 0, answer.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built without a network, by the setuptools that is here, from a copy: building leaves folders behind."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in (*TAKEN, *(path.name for path in PROJECT.glob("requirements*.txt"))):
        if (PROJECT / name).is_dir():
            left = ("__pycache__", "pictures", *(["live"] if name == "prompts_db" else []))
            shutil.copytree(PROJECT / name, source / name, ignore=shutil.ignore_patterns(*left))
        else:
            shutil.copy(PROJECT / name, source / name)
    (source / "prompts_db" / "live").mkdir()
    (source / "prompts_db" / "live" / "private.csv").write_text("never shipped", encoding="utf-8")
    run_pip("wheel", "-q", "--no-deps", "--no-index", "--no-build-isolation", "-w", str(out), ".", cwd=source)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    run_pip("install", "-q", "--no-deps", "--no-index", "--no-compile", "--target", str(folder), str(wheel), cwd=folder)
    return folder


def test_types_come_along_for_who_checks_them(installed: Path):
    assert (installed / "ga2app" / "py.typed").is_file()


def requirements(file: str) -> list[str]:
    lines = (line.partition("#")[0].strip() for line in (PROJECT / file).read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line]


def name_of(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement)[0].lower()


def test_the_library_asks_for_everything_but_the_app_and_the_exporter(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith("METADATA"))
        lines = archive.read(metadata).decode().splitlines()
    asked = [line.removeprefix("Requires-Dist: ") for line in lines if line.startswith("Requires-Dist: ")]
    library = {name_of(line) for line in asked if "extra ==" not in line}
    app = {name_of(line) for line in asked if 'extra == "app"' in line}
    onnx = {name_of(line) for line in asked if 'extra == "onnx"' in line}
    assert "gradio" in app and "torch" in library and not library & {"gradio", "onnxruntime"}
    assert library | app == {name_of(line) for line in requirements("requirements.txt")}
    assert onnx == {name_of(line) for line in requirements("requirements-onnx.txt")}
    assert not [line for line in asked if "==" in line.split(";")[0]]


def test_the_wheel_takes_along_what_the_app_needs_and_nothing_private(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    shipped = {name.removeprefix("ga2app/shipped/") for name in names if name.startswith("ga2app/shipped/")}
    assert {"app.py", "assets/sketch-clip/model.safetensors", "assets/sketch-hard-prompt/bundle.json"} <= shipped
    assert {f"prompts_db/{path.name}" for path in (PROJECT / "prompts_db").glob("*.*")} <= shipped
    assert "ga2app/web/base.css" in names and "setup.py" not in shipped
    assert not [name for name in names if "private" in name or "__pycache__" in name or name.startswith("tests")]
    tops = {name.split("/")[0] for name in names}
    assert tops == {"ga2app", next(top for top in tops if top.endswith(".dist-info"))}


def test_it_recognizes_from_another_folder_where_gradio_was_never_installed(installed: Path, tmp_path: Path):
    write_drawn_clip(tmp_path / "clip.mp4", subject_named("jumping"), "plain", 3)
    environment = without(tmp_path / "blocked", "gradio", paths=(installed,)) | {"HOME": str(tmp_path)}
    environment.pop("GA2_HOME")
    script = (
        "import ga2app, ga2app.paths\n"
        "from ga2app import Recognizer\n"
        "recognizer = Recognizer.from_pretrained(ga2app.paths.SKETCH_HARD_PROMPT)\n"
        "(clip,) = recognizer.recognize(['clip.mp4']).clips\n"
        "print(ga2app.__file__, clip.bundle[0].label, ga2app.paths.default_home().root, sep='\\n')\n"
        "import gradio\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment, cwd=tmp_path
    )
    assert answer.stdout.splitlines() == [
        str(installed / "ga2app" / "__init__.py"),
        "jumping",
        str(tmp_path / ".ga2-studio"),
    ], answer.stderr
    assert answer.stderr.endswith("ModuleNotFoundError: No module named 'gradio'\n")


def test_commands_do_without_gradio_and_the_studio_says_how_to_get_it(installed: Path, tmp_path: Path):
    environment = without(tmp_path / "blocked", "gradio", paths=(installed,))

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(installed / "bin" / "ga2app"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path)

    drawn = run("sketch", "generate", "--out", "clips", "--actions", "jumping", "--clips", "1")
    assert drawn.stdout == "1 clips of 1 actions in clips\n", drawn.stderr
    assert run("--help").stdout.startswith("usage: ga2app ")
    assert "ga2-plus" in run("bench", "base2novel", "--help").stdout
    for command in (["studio", "--port", "1"],):
        answer = run(*command)
        assert answer.returncode == 1 and answer.stderr.count("\n") == 1
        assert "needs gradio, which cannot be imported" in answer.stderr
        assert 'pip install ".[app]"' in answer.stderr


def test_the_installed_studio_opens(installed: Path, tmp_path: Path, drawn_demo: Path):
    port = free_port()
    link_demo(drawn_demo, Home(tmp_path / "home"))
    command = [sys.executable, str(installed / "bin" / "ga2app"), "studio", "--port", str(port), "--home", "home"]
    environment = os.environ | {"PYTHONPATH": str(installed)}
    with (tmp_path / "log").open("wb") as log:
        studio = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=tmp_path)
    try:
        deadline = time.monotonic() + PATIENCE_S
        while b"GA\xc2\xb2 Studio is at" not in (tmp_path / "log").read_bytes():
            assert studio.poll() is None and time.monotonic() < deadline, (tmp_path / "log").read_text()
            time.sleep(0.1)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=20) as answer:
            assert "GA² Studio" in answer.read().decode()
    finally:
        studio.send_signal(signal.SIGTERM)
        assert studio.wait(60) == 0, (tmp_path / "log").read_text()
        launcher.stop_worker(Home((tmp_path / "home").resolve()))  # it outlives the studio, but not this test
    assert (tmp_path / "home" / "studio.db").is_file()
