"""What many visitors cost: memory of each new session, and how long they wait while a run is trained.

    python benchmarks/crowd.py sessions [--count 2000] [--json]    memory of new sessions, of programs and of pages
    python benchmarks/crowd.py waiting [--clients 20] [--json]     recognition by many at once, during a training

The real app serves in a process of its own, on a home of its own. The slope is that of a line through the resident
memory after each fiftieth session from the hundredth on, in KB a session: what a machine shows differs, a flat line
does not. Waiting is given as p95 / p50, and as the slowest answer of lists and of Stop meanwhile.
"""

from __future__ import annotations

import argparse
import json
import secrets
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))
import httpx  # noqa: E402
import psutil  # noqa: E402

from benchmarks.newcomer import PORT, _until_drawn, running_app  # noqa: E402
from ga2app.paths import Home  # noqa: E402
from ga2app.synthetic.demo_dataset import build_examples  # noqa: E402

API = f"http://127.0.0.1:{PORT}/gradio_api"
FIRST, EVERY = 100, 50
LABELS = ["riding a bicycle", "walking", "flying a kite", "playing the guitar", "climbing a ladder"]
LISTS: dict[str, tuple[Any, ...]] = {
    "list_runs": ("", 50, 0),
    "list_datasets": (),
    "list_bundles": ("", "", 50, 0),
}
WARM = "the recognizer is warm"


def call(client: httpx.Client, name: str, *given: Any, api: str = API) -> Any:
    """What the endpoint answers in a session of its own; raises RuntimeError with its error."""
    asked = client.post(f"{api}/call/{name}", json={"data": given})
    if asked.status_code != 200:
        raise RuntimeError(asked.text)
    answer = client.get(f"{api}/call/{name}/{asked.json()['event_id']}").text
    event, data = answer.strip().rsplit("event: ", 1)[1].split("\ndata: ", 1)
    if event != "complete":
        raise RuntimeError(f"{event}: {data}")
    return json.loads(data)[0]


def open_page(client: httpx.Client, config: dict[str, Any], api: str = API) -> None:
    """What a browser does that opens the page of ``config`` and closes it: its load events, one after the other."""
    key, values = secrets.token_hex(6), {one["id"]: one["props"].get("value") for one in config["components"]}
    for event in config["dependencies"]:
        target = next((one for one, kind in event["targets"] if kind == "load"), None)
        if target is None or not event["backend_fn"]:
            continue
        data = [values.get(one) for one in event["inputs"]]
        body = {"data": data, "fn_index": event["id"], "trigger_id": target, "session_hash": key, "event_data": None}
        client.post(f"{api}/queue/join", json=body).raise_for_status()
        told = ""
        with client.stream("GET", f"{api}/queue/data", params={"session_hash": key}) as answer:
            for line in answer.iter_lines():
                if '"close_stream"' in line:
                    break  # a page leaves then
                told += line
        if '"success":true' not in told.replace(" ", ""):
            raise RuntimeError(told[-400:])


def grown(process: psutil.Process, once: Callable[[], object], count: int) -> list[float]:
    """Resident memory in KB after each fiftieth of ``count`` sessions."""
    told = []
    for number in range(1, count + 1):
        once()
        if number % EVERY == 0:
            told.append(process.memory_info().rss / 1024)
    return told


def slope(told: list[float]) -> float:
    """KB a session, from the hundredth on."""
    kept = told[FIRST // EVERY - 1 :]
    return statistics.linear_regression([EVERY * place for place in range(len(kept))], kept).slope


def sessions(count: int, home: Home) -> dict[str, float]:
    """The slopes of ``count`` new sessions each: of programs that list runs, and of pages that are opened."""
    with running_app(home), httpx.Client(timeout=60) as client:
        _until_warm(home)
        process = next(one for one in psutil.process_iter() if one.ppid() == psutil.Process().pid and _serves(one))
        found = {}
        config = client.get(f"http://127.0.0.1:{PORT}/config").json()
        kinds = {"program": lambda: call(client, "list_datasets"), "page": lambda: open_page(client, config)}
        for name, once in kinds.items():
            told = grown(process, once, count)
            found |= {f"{name}_kb_a_session": slope(told), f"{name}_mb_at_{FIRST}": told[FIRST // EVERY - 1] / 1024}
            found |= {f"{name}_mb_at_the_end": told[-1] / 1024}
    return found


def _serves(process: psutil.Process) -> bool:
    return any(part.endswith("app.py") for part in process.cmdline())


def waiting(clients: int, each: int, home: Home) -> dict[str, Any]:
    """``clients`` programs that recognize ``each`` times during a training, and one that lists and stops."""
    examples = build_examples(home.examples)
    with running_app(home) as started, httpx.Client(timeout=300) as client:
        _until_drawn(home, started)
        _until_warm(home)
        # In turn, as each would be answered alone.
        right = [_recognize(client, str(path)) for path, _ in examples]
        run = call(client, "queue_run", {"dataset": "demo", "optimizer": {"epochs": 1000}}, "quick", "crowd")["run"]
        while call(client, "run_status", run)["step"] == 0:
            time.sleep(0.2)
        taken, wrong, lists, over = [], [], [], threading.Event()

        def visit(number: int) -> None:
            with httpx.Client(timeout=600) as own:
                for turn in range(each):
                    place = (number + turn) % len(examples)
                    began_s = time.monotonic()
                    answer = _recognize(own, str(examples[place][0]))
                    taken.append(time.monotonic() - began_s)
                    if answer != right[place]:
                        wrong.append((answer, right[place]))

        def look() -> None:
            with httpx.Client(timeout=60) as own:
                while not over.is_set():
                    for name, given in LISTS.items():
                        began_s = time.monotonic()
                        call(own, name, *given)
                        lists.append(time.monotonic() - began_s)
                    time.sleep(0.2)

        threads = [threading.Thread(target=visit, args=(number,)) for number in range(clients)]
        looking = threading.Thread(target=look)
        for thread in (*threads, looking):
            thread.start()
        while len(taken) < clients * each // 2:
            time.sleep(0.05)
        trained = call(client, "run_status", run)
        began_s = time.monotonic()
        call(client, "stop_run", run)
        stop_s = time.monotonic() - began_s
        for thread in threads:
            thread.join()
        over.set()
        looking.join()
    cut = statistics.quantiles(taken, n=20)
    return {
        "answers": len(taken),
        "wrong": len(wrong),
        "state_meanwhile": trained["state"],
        "p50_s": statistics.median(taken),
        "p95_s": cut[-1],
        "p95_over_p50": cut[-1] / statistics.median(taken),
        "slowest_list_s": max(lists),
        "stop_s": stop_s,
    }


def _recognize(client: httpx.Client, clip: str) -> list[tuple[str, float]]:
    """The labels of a clip with rounded probabilities, best first."""
    with open(clip, "rb") as file:
        path = client.post(f"{API}/upload", files={"files": file}).json()[0]
    given = {"path": path, "meta": {"_type": "gradio.FileData"}}
    answer = call(client, "recognize", [given], LABELS, "", "", "", 5, [], [], "off", None, "", "off", "")
    return [(one["label"], round(one["score"], 3)) for one in answer["clips"][0]["plain"]]


def _until_warm(home: Home) -> None:
    while WARM not in (home.root / "app.log").read_text(encoding="utf-8", errors="replace"):
        time.sleep(0.2)


def main() -> None:
    """Read the options and print what they ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["sessions", "waiting"])
    parser.add_argument("--count", type=int, default=2000, help="sessions of each kind")
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--each", type=int, default=10, help="recognitions of each client")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        asked = chosen.what == "sessions"
        found = sessions(chosen.count, home) if asked else waiting(chosen.clients, chosen.each, home)
    lines = [
        f"{name:28} {value:9.3f}" if isinstance(value, float) else f"{name:28} {value}" for name, value in found.items()
    ]
    print(json.dumps(found, indent=2) if chosen.json else "\n".join(lines))


if __name__ == "__main__":
    main()
