"""How the app starts: what it listens on, what it offers, what it leaves for later."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

import app
from ga2app.config import SKETCH
from ga2app.hub.backbone_downloads import Backbones
from ga2app.paths import PROJECT

HEAVY = {"torch", "transformers", "av", "decord", "safetensors"}


def test_it_listens_on_this_machine_alone_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GRADIO_SERVER_NAME", "GRADIO_SERVER_PORT"):
        monkeypatch.delenv(name, raising=False)
    chosen = app.parse([])
    assert (chosen.host, chosen.port, chosen.home) == ("127.0.0.1", 7860, None)
    monkeypatch.setenv("GRADIO_SERVER_NAME", "0.0.0.0")
    monkeypatch.setenv("GRADIO_SERVER_PORT", "8000")
    chosen = app.parse([])
    assert (chosen.host, chosen.port) == ("0.0.0.0", 8000)
    assert app.parse(["--port", "9000"]).port == 9000


def test_agents_are_let_in_only_where_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GRADIO_MCP_SERVER", raising=False)
    assert not app.parse([]).mcp and app.parse(["--mcp"]).mcp
    monkeypatch.setenv("GRADIO_MCP_SERVER", "True")
    assert app.parse([]).mcp


def test_the_default_backbone_comes_first_and_the_embedded_one_is_always_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert SKETCH in [choice.name for choice in Backbones()()]
    monkeypatch.setenv("GA2_BACKBONE", "/models/my-clip")
    names = [choice.name for choice in Backbones()()]
    assert names[0] == "/models/my-clip" and SKETCH in names


def test_the_page_is_built_before_anything_heavy_is_imported_and_gradio_without_its_stubs_for_editors() -> None:
    counted = f"""
import ast, gc, inspect, sys
looked, getfile, look = [], inspect.getfile, ast.get_source_segment
ast.get_source_segment = lambda *given, **more: looked.append(given) or look(*given, **more)
import app
app.opener()
from gradio import Textbox
print(len(looked), inspect.getfile is getfile, inspect.getfile(Textbox).endswith("textbox.py"), gc.isenabled())
import ga2app.web.server, ga2app.synthetic.demo_dataset
print(sorted({HEAVY} & set(sys.modules)))
"""
    told = subprocess.run([sys.executable, "-c", counted], capture_output=True, text=True, cwd=PROJECT)
    assert told.stdout in ("0 True True True\n[]\n", "0 True True True\n['av']\n"), told.stderr


def test_a_port_that_is_taken_is_told_before_gradio_is_imported() -> None:
    code = "import sys, app; print(app.main(['--port', sys.argv[1]]), 'gradio' in sys.modules)"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = subprocess.run([sys.executable, "-c", code, port], cwd=PROJECT, capture_output=True, text=True)
    assert said.stdout == "1 False\n"
    assert f"127.0.0.1:{port} cannot be used" in said.stderr and "choose another port with --port" in said.stderr
    assert "Traceback" not in said.stderr


def test_a_port_that_is_free_or_cannot_be_is_told_apart() -> None:
    assert app.port_fault("127.0.0.1", 0) is None
    for host, port in (("127.0.0.1", 70_000), ("192.0.2.1", 0), ("no such host", 0)):
        assert app.port_fault(host, port) is not None, host


@pytest.mark.parametrize(
    "ended",
    [
        "import app; app.opener = lambda: lambda *home, **more: 0; app.main(['--port', '0'])",
        "import sys; sys.argv[1:] = ['import-bundle', 'no.zip']; from ga2app.__main__ import run; run()",
    ],
    ids=["app", "command line"],
)
def test_at_the_end_python_does_not_look_through_all_that_was_made(ended: str) -> None:
    code = f"import gc; {ended}; print(gc.get_freeze_count() > 1000)"
    said = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True)
    assert said.stdout.splitlines()[-1] == "True", said.stderr


def test_ctrl_c_while_it_starts_ends_it_without_a_traceback() -> None:
    # A suite that was started in the background ignores Ctrl-C, and so would whatever it starts.
    heeded = "signal.signal(signal.SIGINT, signal.default_int_handler)"
    pressed = "lambda: (os.kill(os.getpid(), signal.SIGINT), time.sleep(60))"
    code = f"import app, os, signal, sys, time; {heeded}; app.opener = {pressed}; sys.exit(app.main(['--port', '0']))"
    said = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True)
    assert said.returncode == 130 and "Traceback" not in said.stderr, said.stderr
