"""How long the answer to a live camera's frame takes, by the time in which that frame passes the vision tower.

    python -m benchmarks.live [--backbone NAME] [--rounds 40]

A process serves a studio; frames of 320 x 240 pixels come to the live page's route over a connection, as the browser
sends them. The other side is one frame through the tower of the same backbone in the same process, which is asked for
between two answers. Printed are the answer's time less 50 ms, by the tower's (at most 1.5 is wanted); then the same
with a second camera that sends its frames at the same time, and how long that one waited for each answer.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.speed_inputs import Sizes, save_clip
from ga2app.environment import ServerAddress
from ga2app.paths import Home

WIDTH, HEIGHT, ALLOWED_MS = 320, 240, 50.0
LABELS = ["riding a bicycle", "walking", "flying a kite", "playing the guitar", "climbing a ladder"]


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="", help="its name or folder (default: a ViT-B/16, drawn)")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        serve(Home(Path(chosen.serve)), chosen.backbone)
        return
    with tempfile.TemporaryDirectory() as folder:
        backbone = chosen.backbone or str(save_clip(Path(folder) / "vit-b-16", Sizes()))
        command = [sys.executable, "-m", "benchmarks.live", "--serve", f"{folder}/home", "--backbone", backbone]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None and process.stdin is not None
                measure(process, int(process.stdout.readline()), chosen.rounds)
            finally:
                process.terminate()


class Camera:
    """A page's camera: sends one frame after another over a connection of its own."""

    def __init__(self, port: int, key: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port)
        self._address = f"/live/{key}?width={WIDTH}&height={HEIGHT}"

    def answer_ms(self) -> float:
        """How long the answer to a frame took."""
        frame, began = os.urandom(3 * WIDTH * HEIGHT), time.perf_counter()
        self._connection.request("POST", self._address, frame)
        answer = self._connection.getresponse()
        told = json.loads(answer.read())
        took_ms = (time.perf_counter() - began) * 1000
        assert answer.status == 200 and "fill" in told["html"], (answer.status, told)
        return took_ms


def measure(process: subprocess.Popen[str], port: int, rounds: int) -> None:
    """Answers and passes of the tower in turn, alone and beside another camera."""

    def told(what: str) -> str:
        assert process.stdout is not None and process.stdin is not None
        process.stdin.write(f"{what}\n")
        process.stdin.flush()
        return process.stdout.readline().strip()

    camera = Camera(port, told("camera"))
    camera.answer_ms(), told("tower")
    tell("one camera", [(camera.answer_ms(), float(told("tower"))) for _ in range(rounds)])
    other = Camera(port, told("camera"))
    other.answer_ms()
    over, waited = threading.Event(), list[float]()

    def go_on() -> None:
        while not over.is_set():
            waited.append(other.answer_ms())
            over.wait(0.1)

    thread = threading.Thread(target=go_on)
    thread.start()
    tell("beside a second one", [(camera.answer_ms(), float(told("tower"))) for _ in range(rounds)])
    over.set()
    thread.join()
    most = f"at most {max(waited):.1f} ms, {len(waited)} answers"
    print(f"the second one, meanwhile: {statistics.median(waited):.1f} ms, {most}")


def tell(what: str, pairs: list[tuple[float, float]]) -> None:
    """Print medians, and the answer's time without what is allowed besides, by the tower's."""
    answer, tower = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median((answer - ALLOWED_MS) / tower for answer, tower in pairs)
    share = statistics.median(answer / (1.5 * tower + ALLOWED_MS) for answer, tower in pairs)
    print(
        f"{what}: answer {answer:.1f} ms, tower {tower:.1f} ms; (answer - {ALLOWED_MS:.0f} ms) / tower {ratio:.2f}; "
        f"of what is allowed {share:.3f}; medians of {len(pairs)} pairs"
    )


def serve(home: Home, backbone: str) -> None:
    """Serve a studio and print its port; then, as each line asks, a new camera's name or a pass of the tower in ms."""
    import torch

    from ga2app.method.prompted_model import plain_clip
    from ga2app.services.studio import own_studio
    from ga2app.types import RecognitionRequest
    from ga2app.web import build_page
    from ga2app.web.server import launch

    with own_studio(home) as studio, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
        probe.close()
        launch(build_page(studio), studio, ServerAddress("127.0.0.1", port))
        loaded = studio.recognizer.models.backbone(studio.known_backbone(backbone))
        model, side = plain_clip(loaded, ["something"]), loaded.sizes.image_size
        print(port, flush=True)
        for line in sys.stdin:
            if line.strip() == "camera":
                print(studio.live.begin(RecognitionRequest((), LABELS, None, backbone)).key, flush=True)
                continue
            pixels = torch.rand(1, 1, 3, side, side)
            with studio.recognizer.models.turns.turn(), torch.no_grad():
                began = time.perf_counter()
                model.encode_frames(pixels)
                took_ms = (time.perf_counter() - began) * 1000
            print(took_ms, flush=True)


if __name__ == "__main__":
    main()
