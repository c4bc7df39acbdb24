"""The order of the packages, held against every import."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from ga2app.aliases import OLD_PATHS
from ga2app.paths import PROJECT

LAYERS = (
    "errors fast_start untrusted disk stretches paths environment labels types config video datasets clip method "
    "bundles evaluation training hub inference synthetic protocols store worker services web cli"
).split()
"""A package imports only from those before it. The table in HOUSE's order; CONTRIBUTING.md says what lives where."""

TORCH = {"torch", "safetensors", "transformers", "tokenizers"}
OUTSIDE = {
    "labels": {"ftfy"},
    "datasets": {"yaml", "pyarrow"},
    "video": {"torch", "PIL", "av", "decord"},
    "clip": TORCH | {"huggingface_hub"},
    "method": TORCH,
    "bundles": TORCH | {"av", "onnxruntime"},
    "evaluation": TORCH,
    "training": TORCH | {"filelock", "accelerate", "tensorboard", "trackio", "wandb"},
    "inference": TORCH,
    "synthetic": TORCH | {"PIL"},
    "protocols": TORCH,
    "store": {"sqlite_utils"},
    "hub": {"huggingface_hub", "filelock"},
    "worker": {"filelock", "psutil"},
    "web": {
        "gradio",
        "brotli",
        "jinja2",
        "markupsafe",
        "markdown_it",
        "PIL",
        "mcp",
        "pydantic",
        "starlette",
        "anyio",
        "httpx",
    },
}
"""What a package imports from others than the standard library and numpy; for services and cli, anything."""
ANYTHING = {"services", "cli"}
"""They load what is heavy inside their functions."""
ROOT = {"__init__", "__main__", "aliases"}
# The drawn world itself needs no torch; only training its backbone and measuring it does.
LIGHT_FILES = tuple(f"synthetic/{name}.py" for name in ("world", "scenes", "actions", "demo_dataset"))


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


def test_a_package_imports_only_from_those_before_it() -> None:
    wrong = []
    for path in sources():
        package = path.relative_to(PROJECT / "ga2app").parts[0].removesuffix(".py")
        if package in ROOT:
            continue
        below = LAYERS[: LAYERS.index(package) + 1]
        for name in imported(path):
            top, _, rest = name.partition(".")
            if top == "ga2app":
                allowed = rest.partition(".")[0] in below
            else:
                allowed = top in sys.stdlib_module_names or top == "numpy" or package in ANYTHING
                allowed = allowed or top in OUTSIDE.get(package, ())
            if not allowed:
                wrong.append(f"{path.relative_to(PROJECT)} imports {name}")
    assert wrong == []


def packages_imported(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imported(path)}


def test_the_drawn_world_needs_no_torch():
    assert [name for name in LIGHT_FILES if packages_imported(PROJECT / "ga2app" / name) & TORCH] == []


def test_importing_what_is_light_loads_neither_torch_nor_gradio():
    modules = (
        "ga2app",
        "ga2app.video",
        "ga2app.store",
        "ga2app.services",
        "ga2app.cli.main",
        "ga2app.synthetic.demo_dataset",
    )
    script = (
        f"import sys, {', '.join(modules)}; print(sorted({{'torch', 'gradio', 'transformers'}} & set(sys.modules)))"
    )
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


def test_a_file_name_stands_once() -> None:
    names = [path.name for path in sources() if path.name not in ("__init__.py", "__main__.py")]
    assert sorted(name for name in set(names) if names.count(name) > 1) == []


def test_documented_import_paths_of_earlier_versions_still_work() -> None:
    for old, new in OLD_PATHS.items():
        now, earlier = importlib.import_module(f"ga2app.{new}"), importlib.import_module(f"ga2app.{old}")
        names = [name for name in getattr(now, "__all__", vars(now)) if not name.startswith("_")]
        assert names and all(getattr(earlier, name) is getattr(now, name) for name in names), old


def test_every_module_says_what_it_is_for():
    silent = [
        path for path in sources() if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []


def test_files_stay_small():
    long = {str(path): lines for path in sources() if (lines := len(path.read_text().splitlines())) > 300}
    assert long == {}


def test_functions_fit_on_a_screen():
    """Their docstrings apart: those of endpoints and public functions are what callers and agents read."""
    long = {}
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                told = node.body[0].end_lineno - node.body[0].lineno + 1 if ast.get_docstring(node) else 0
                if (lines := node.end_lineno - node.lineno + 1 - told) > 60:
                    long[f"{path.relative_to(PROJECT)}:{node.name}"] = lines
    assert long == {}
