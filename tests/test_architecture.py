"""The layer table, held against every import in the package."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from ga2app.paths import PROJECT

BASE = {"errors", "config", "contracts", "environment", "paths", "labels", "preprocessing"}
TORCH = {"torch", "safetensors", "transformers", "tokenizers"}
DECODERS = {"av", "decord"}
METHOD = {
    "compute",
    "vocabulary",
    "shots",
    "effective_config",
    "trained_clips",
    "backbone",
    "prompts",
    "whitening",
    "objective",
    "bundle",
    "model",
    "evaluate",
    "video",
}

# What each room may import besides itself, the standard library and numpy: rooms of ours, then other packages.
ROOMS: dict[str, tuple[set[str], set[str]]] = {
    "errors": (set(), set()),
    "config": ({"errors"}, set()),
    "contracts": ({"errors"}, set()),
    "environment": ({"errors"}, set()),
    "paths": ({"errors"}, set()),
    "labels": ({"errors"}, {"ftfy"}),
    "preprocessing": ({"errors"}, set()),
    "clip_files": (BASE, {"huggingface_hub"}),
    "vocabulary": (BASE, set()),
    "shots": (BASE, set()),
    "effective_config": (BASE, set()),
    "trained_clips": (BASE | {"clipsets"}, set()),
    "store": (BASE, {"sqlite_utils"}),
    "run_warnings": (BASE | {"store", "effective_config"}, set()),
    "hub": (BASE | {"clip_files"}, {"huggingface_hub"}),
    "launcher": (BASE, set()),
    "space": (BASE, set()),
    "clipsets": (BASE, set()),
    "video": (BASE, {"torch", "PIL"} | DECODERS),
    "compute": (BASE, {"torch"}),
    "backbone": (BASE | {"compute", "clip_files"}, TORCH),
    "prompts": (BASE, TORCH),
    "whitening": (BASE, TORCH),
    "objective": (BASE, TORCH),
    "bundle": (BASE | {"prompts", "whitening"}, TORCH),
    "model": (BASE | {"backbone", "prompts", "whitening"}, TORCH),
    "evaluate": (BASE | {"backbone", "model", "video", "trained_clips"}, TORCH),
    "train": (BASE | METHOD, TORCH | {"filelock"}),
    "recognize": (BASE | METHOD, TORCH),
    "pretrained": (BASE | METHOD | {"hub", "recognize"}, set()),
    "portable": (BASE | METHOD | {"recognize"}, TORCH | {"av", "onnxruntime"}),
    "sketch": (BASE | {"video"}, {"PIL"} | TORCH),
    "anchors": (BASE | METHOD, TORCH),
    "explain": (BASE | METHOD | {"anchors"}, TORCH),
    "published": (BASE | METHOD, TORCH),
    "protocols": (BASE | METHOD | {"train"}, TORCH),
    "bench": (BASE | METHOD | {"train", "anchors", "sketch"}, TORCH | {"matplotlib"}),
    "worker": (BASE | METHOD | {"store", "launcher", "train", "recognize", "sketch", "clipsets"}, TORCH),
    "intake": (BASE | {"store", "launcher", "clipsets"}, set()),
    "agents": (BASE | {"store", "ui"}, {"gradio", "mcp", "pydantic", "starlette", "anyio", "httpx"}),
    "ui": (
        BASE
        | {
            "store",
            "hub",
            "clip_files",
            "launcher",
            "clipsets",
            "shots",
            "effective_config",
            "run_warnings",
            "intake",
            "space",
        },
        {"gradio", "PIL"},
    ),
}
UNBOUND = {"cli", "doors", "__main__", "__init__", "serve"}

# The drawn world itself needs no torch; only training its backbone and measuring it does.
LIGHT_FILES = ("sketch/world.py", "sketch/scenes.py", "sketch/actions.py", "sketch/clips.py", "sketch/demo.py")


def sources() -> list[Path]:
    return sorted((PROJECT / "ga2app").rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Dotted names that a file imports, wherever in it; ``from a import b`` counts as ``a.b``."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def room_of(path: Path) -> str:
    part = path.relative_to(PROJECT / "ga2app").parts[0]
    return part.removesuffix(".py")


def rooms_imported(path: Path) -> set[str]:
    return {name.split(".")[1] for name in imported(path) if name.startswith("ga2app.")}


def packages_imported(path: Path) -> set[str]:
    tops = {name.split(".")[0] for name in imported(path)}
    return tops - set(sys.stdlib_module_names) - {"ga2app", "numpy"}


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(PROJECT)))
def test_a_module_imports_only_what_its_layer_may(path: Path):
    room = room_of(path)
    if room in UNBOUND:
        return
    assert room in ROOMS, f"{room} has no place in the layer table"
    rooms, packages = ROOMS[room]
    assert rooms_imported(path) - {room} <= rooms
    assert packages_imported(path) <= packages


@pytest.mark.parametrize("name", LIGHT_FILES)
def test_the_drawn_world_needs_no_torch(name: str):
    assert not packages_imported(PROJECT / "ga2app" / name) & TORCH


@pytest.mark.parametrize(
    "module",
    [
        "ga2app",
        "ga2app.video",
        "ga2app.store",
        "ga2app.cli.main",
        "ga2app.sketch.demo",
        "ga2app.doors",
        "ga2app.agents",
    ],
)
def test_importing_it_loads_neither_torch_nor_gradio(module: str):
    script = f"import sys, {module}; print(sorted({{'torch', 'gradio', 'transformers'}} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=PROJECT, check=True)
    assert answer.stdout.strip() == "[]"


def test_the_public_names_are_there():
    import ga2app

    assert {name for name in ga2app.__all__ if callable(getattr(ga2app, name))} == {
        "Recognizer",
        "load_backbone",
        "load_bundle",
        "pull",
        "push",
    }
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = ga2app.nothing


def test_every_module_says_what_it_is_for():
    silent = [
        path for path in sources() if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []


def test_files_stay_small():
    long = {str(path): lines for path in sources() if (lines := len(path.read_text().splitlines())) > 300}
    assert long == {}
