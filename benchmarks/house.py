"""The figures of CONTRIBUTING.md: how large the code is, and what a browser waits for, here and in another checkout.

    python benchmarks/house.py [--against OTHER_CHECKOUT] [--only size copies start pages path] [--json]

What depends on the machine is measured against Gradio itself in the same run, sides taking turns, and given as a ratio
of medians. ``pages`` and ``path`` drive Chromium. Another checkout: ``git worktree add --detach ../before COMMIT``.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))
from tests.browser import CHROMIUM_FLAGS, chromium_path  # noqa: E402

ROUNDS = 5
SHARED_LINES, MANY_LINES = 6, 10
SIGNATURE = {"labels", "template", "top_k", "none_of_these"}
SERVED = """
import sys, gradio as gr
with gr.Blocks(analytics_enabled=False) as page:
    {content}
page.launch(server_port=int(sys.argv[1]), quiet=True, _frontend=False)
"""
EMPTY, ONE_BUTTON = SERVED.format(content="pass"), SERVED.format(content="gr.Button('Press')")
WATCHED = str(PROJECT / "benchmarks" / "watched_app.py")
READY = """() => {
  const seen = [...document.querySelectorAll('button')].some(one => one.checkVisibility() && one.offsetWidth);
  return seen ? performance.now() : 0;
}"""
LAST_SCRIPT = """() => Math.max(0, ...performance.getEntriesByType('resource')
  .filter(one => /\\.js($|\\?)/.test(one.name)).map(one => one.responseEnd))"""


def size(checkout: Path) -> dict[str, Any]:
    """Lines and files of the package, its largest file and function, and who repeats the signature of recognize.

    A docstring is not counted to its function: those of endpoints are what callers and agents read.
    """
    lines, functions, signatures = {}, {}, []
    for path in sorted((checkout / "ga2app").rglob("*.py")):
        name, text = str(path.relative_to(checkout)), path.read_text(encoding="utf-8")
        lines[name] = len(text.splitlines())
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                told = node.body[0] if ast.get_docstring(node) else None
                less = (told.end_lineno or 0) - told.lineno + 1 if told else 0
                functions[f"{name}:{node.name}"] = (node.end_lineno or 0) - node.lineno + 1 - less
                given = {one.arg.removesuffix("s") for one in (*node.args.args, *node.args.kwonlyargs)}
                if {one.removesuffix("s") for one in SIGNATURE} <= given:
                    signatures.append(f"{name}:{node.name}")
    return {
        "lines in ga2app": sum(lines.values()),
        "files in ga2app": len(lines),
        "largest file": _largest(lines),
        "largest function, less its docstring": _largest(functions),
        "places that repeat recognize's signature": len(signatures),
    }


def _largest(counted: Mapping[str, int]) -> str:
    name = max(counted, key=lambda name: counted[name])
    return f"{counted[name]} ({name})"


def copies(checkout: Path) -> dict[str, Any]:
    """Pairs of places that share lines one after the other, less blank ones, comments, docstrings and imports."""
    places: dict[str, list[str]] = {}
    for path in sorted((checkout / "ga2app").rglob("*.py")):
        places[str(path.relative_to(checkout))] = _code_lines(path.read_text(encoding="utf-8"))
    starts: dict[tuple[str, ...], list[tuple[str, int]]] = defaultdict(list)
    for name, lines in places.items():
        for place in range(len(lines) - SHARED_LINES + 1):
            starts[tuple(lines[place : place + SHARED_LINES])].append((name, place))
    pairs = {
        (one, other)
        for found in starts.values()
        for at, one in enumerate(found)
        for other in found[at + 1 :]
        if one[0] != other[0] or abs(one[1] - other[1]) >= SHARED_LINES
    }
    lengths = []
    for (first, place), (second, there) in pairs:
        if ((first, place - 1), (second, there - 1)) not in pairs:  # else it goes on from the line before
            more = 1
            while ((first, place + more), (second, there + more)) in pairs:
                more += 1
            lengths.append(SHARED_LINES + more - 1)
    many = sum(length >= MANY_LINES for length in lengths)
    return {f"pairs that share {SHARED_LINES} or more lines": len(lengths), f"of {MANY_LINES} or more": many}


def _code_lines(text: str) -> list[str]:
    skipped: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if is_text or isinstance(node, ast.Import | ast.ImportFrom):
            skipped |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    stripped = [line.strip() for number, line in enumerate(text.splitlines(), 1) if number not in skipped]
    return [line for line in stripped if line and not line.startswith("#")]


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def serving(checkout: Path, command: Sequence[str], port: int, **streams: Any) -> Iterator[tuple[Any, float]]:
    """A server as a process, and the seconds until its first answer."""
    environment = os.environ | {"PYTHONPATH": str(checkout), "GRADIO_ANALYTICS_ENABLED": "False"}
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, *command], cwd=checkout, env=environment, stderr=subprocess.DEVNULL, text=True, **streams
    )
    try:
        while True:
            with contextlib.suppress(URLError, OSError), urlopen(f"http://127.0.0.1:{port}/", timeout=60):
                break
            if process.poll() is not None or time.monotonic() - began > 600:
                raise SystemExit(f"{command} does not answer")
            time.sleep(0.02)
        yield process, time.monotonic() - began
    finally:
        process.terminate()
        process.wait(60)


@contextlib.contextmanager
def studio(checkout: Path, *before: str, drawn: bool = False, **streams: Any) -> Iterator[tuple[str, Any, float]]:
    """app.py of ``checkout`` on a home of its own; its address, its process and the seconds until it answered.

    With ``drawn`` its worker has drawn the demo data set by then, and nothing else wants the processor.
    """
    port = free_port()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        options = [*(before or ("app.py",)), "--port", str(port), "--home", home]
        with serving(checkout, options, port, **streams) as (process, seconds):
            while drawn and not any(Path(home).rglob("clips.csv")):
                time.sleep(1)
            yield f"http://127.0.0.1:{port}", process, seconds
            workers = [json.loads(file.read_text())["pid"] for file in Path(home).glob("worker*.json")]
        for pid in workers:
            with contextlib.suppress(ProcessLookupError):  # a worker outlives the app by design
                os.kill(pid, signal.SIGTERM)


def start(checkout: Path) -> dict[str, Any]:
    """Until ``python app.py`` answers, against a Gradio app of one button."""
    ours, theirs = [], []
    for _ in range(ROUNDS):
        with studio(checkout) as (_, _, seconds):
            ours.append(seconds)
        port = free_port()
        with serving(checkout, ["-c", ONE_BUTTON, str(port)], port) as (_, seconds):
            theirs.append(seconds)
    return {"python app.py to its first answer": _ratio(ours, theirs)}


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> str:
    one, other = statistics.median(ours), statistics.median(theirs)
    return f"{one / other:.2f} x ({one:.2f} s against {other:.2f} s)"


def pages(checkout: Path) -> dict[str, Any]:
    """What each page holds, and how long it takes to load with a cold cache, against an empty page of Gradio."""
    found: dict[str, Any] = {}
    port = free_port()
    with contextlib.ExitStack() as running:
        running.enter_context(serving(checkout, ["-c", EMPTY, str(port)], port))
        address, _, _ = running.enter_context(studio(checkout, drawn=True))
        browser = running.enter_context(chromium())
        empty, whole = f"http://127.0.0.1:{port}/", _config(address)
        names = [page[0] for page in whole["pages"]]
        train = "train" if "train" in names else "?screen=train"  # one page of tabs has one address
        for name in names:
            config = _config(address, f"?page={name}")
            found[f"/{name}: components"] = len(config["components"])
            found[f"/{name}: config"] = (
                f"{len(json.dumps(config, separators=(',', ':'), ensure_ascii=False).encode()) / 1000:.0f} KB"
            )
            found[f"/{name}: first load"] = _interleaved(browser, f"{address}/{name}", empty, reload=False)
        found["reload of /train"] = _interleaved(browser, f"{address}/{train}", empty, reload=True)
    outputs = max(len(event["outputs"]) for event in whole["dependencies"])
    return found | {"outputs of the largest event": outputs}


def _config(address: str, query: str = "") -> Any:
    with urlopen(f"{address}/config{query}") as answer:
        return json.load(answer)


def _interleaved(browser: Any, address: str, empty: str, *, reload: bool) -> str:
    seconds: dict[str, list[float]] = {address: [], empty: []}
    for number in range(ROUNDS + 1):
        for one in seconds if number % 2 else reversed(seconds):
            seconds[one].append(_load(browser, one, reload))
    return _ratio(seconds[address][1:], seconds[empty][1:])  # the first round warms the servers


def _load(browser: Any, address: str, reload: bool) -> float:
    """Seconds until a button can be seen and the last script has come, in a browser that knows nothing yet."""
    with contextlib.closing(browser.new_context()) as context:
        page = context.new_page()
        page.goto(address, wait_until="commit")
        seen, last = _settled(page)
        if reload:
            page.reload(wait_until="commit")
            seen, last = _settled(page)
    return max(seen, last) / 1000


def _settled(page: Any) -> tuple[float, float]:
    seen = page.wait_for_function(READY, polling="raf", timeout=120_000).json_value()
    last, before = page.evaluate(LAST_SCRIPT), -1.0
    while last != before:
        page.wait_for_timeout(1000)
        last, before = page.evaluate(LAST_SCRIPT), last
    return seen, last


def path(checkout: Path) -> dict[str, Any]:
    """Functions from Recognize's button to the vision tower, and files of ours that one warm recognition touches."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with studio(checkout, WATCHED, **pipes) as (address, process, _), chromium() as browser:
        page = browser.new_page()
        page.goto(address)
        page.locator("#examples button, button[aria-label^='Recognize the example']").first.click()
        page.locator("article.clip").wait_for(timeout=300_000)
        page.wait_for_timeout(3000)
        print("watch", file=process.stdin, flush=True)
        page.locator("#recognize").click()
        page.wait_for_timeout(8000)
        print("tell", file=process.stdin, flush=True)
        told = json.loads(next(line for line in process.stdout if line.startswith('{"files"')))
    longest = max(told["chains"], key=len)
    functions = f"{len(longest)} ({' > '.join(longest)})"
    return {"functions to the vision tower": functions, "files touched by a recognition": len(told["files"])}


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """The Chromium that the tests drive."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=chromium_path(), args=list(CHROMIUM_FLAGS))
        yield browser
        browser.close()


MEASURES: dict[str, Callable[[Path], dict[str, Any]]] = {
    one.__name__: one for one in (size, copies, start, pages, path)
}


def main() -> None:
    """Print the table, or with --json its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", type=Path, metavar="CHECKOUT", help="another checkout, measured beside this one")
    parser.add_argument("--only", nargs="+", choices=MEASURES, default=list(MEASURES), help="some of the measures")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often each side is loaded or started")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    globals()["ROUNDS"] = chosen.rounds
    sides = {"before": chosen.against.resolve(), "now": PROJECT} if chosen.against else {"now": PROJECT}
    found: dict[str, dict[str, Any]] = {side: {} for side in sides}
    for name in chosen.only:
        for side, checkout in sides.items():
            found[side] |= MEASURES[name](checkout)
    if chosen.json:
        print(json.dumps(found, indent=2))
        return
    print(f"load {' '.join(f'{one:.1f}' for one in os.getloadavg())}\n")
    print(f"| | {' | '.join(sides)} |\n|---{'|---' * len(sides)}|")
    for name in dict.fromkeys(name for side in found.values() for name in side):
        print(f"| {name} | {' | '.join(str(side.get(name, '')) for side in found.values())} |")


if __name__ == "__main__":
    main()
