"""How long a picture takes through the studio's own route, by what Gradio's route takes for the same file.

python -m benchmarks.served_pictures [--clips 60000] [--rounds 15]

A process serves a studio whose data set has that many clips, and 60 pictures of them, as many as a page of Datasets
shows. One connection asks for the 60 in turn, at their signed addresses and from Gradio's folder of uploads. The sides
take turns; a figure is the median of the ratios of neighbors.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ga2app.environment import GRADIO_TEMP, ServerAddress
from ga2app.paths import Home

SHOWN = 60
PICTURE_BYTES = 6000
LABELS = [f"label {number}" for number in range(100)]


def main() -> None:
    """Print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=60_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        serve(Home(Path(chosen.serve)), chosen.clips)
        return
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.served_pictures", "--serve", folder, "--clips", str(chosen.clips)]
        received = {GRADIO_TEMP: str(Path(folder) / "gradio")}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | received) as process:
            try:
                assert process.stdout is not None
                port, *addresses = process.stdout.readline().split()
                measure(int(port), addresses[:SHOWN], addresses[SHOWN:], chosen.rounds)
            finally:
                process.terminate()


def measure(port: int, ours: list[str], gradios: list[str], rounds: int) -> None:
    """Ask for all addresses of either side in turn, and print both times and their ratio."""
    connection = http.client.HTTPConnection("127.0.0.1", port)

    def ask(addresses: list[str]) -> float:
        began = time.perf_counter()
        for address in addresses:
            connection.request("GET", address)
            answer = connection.getresponse()
            content = answer.read()
            assert answer.status == 200 and len(content) == PICTURE_BYTES, (answer.status, address)
        return (time.perf_counter() - began) / len(addresses) * 1000

    for addresses in (ours, gradios):
        ask(addresses)
    pairs = [(ask(ours), ask(gradios)) for _ in range(rounds)]
    own, other = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(own / other for own, other in pairs)
    print(f"a picture: {own:.2f} ms, by Gradio's route {other:.2f} ms, ratio {ratio:.3f}, medians of {rounds} pairs")


def serve(home: Home, clips: int) -> None:
    """Serve a studio, and print its port, the signed addresses of pictures, and Gradio's of copies."""
    from ga2app.services.studio import own_studio
    from ga2app.types import ClipFacts, Dataset, LabelledClip, Subset
    from ga2app.web import build_page
    from ga2app.web.server import launch

    with own_studio(home) as studio:
        paths = [str(home.datasets / "import-1" / f"{number}.mp4") for number in range(clips)]
        rows = [LabelledClip(path, LABELS[number % 100], Subset.TRAIN) for number, path in enumerate(paths)]
        facts = {path: ClipFacts(2.0, 50, 320, 240, digest=hashlib.sha256(path.encode()).hexdigest()) for path in paths}
        number = studio.store.imports.begin("clips", "clips", os.getpid(), time.time())
        dataset = Dataset("clips", tuple(LABELS[:50]), tuple(LABELS[50:]), tuple(rows))
        studio.store.imports.complete(number, dataset, {}, facts=facts, folder=None)
        home.thumbs.mkdir(parents=True)
        pictures = [home.thumbs / f"{facts[path].digest}.jpg" for path in paths[:: max(1, clips // SHOWN)]][:SHOWN]
        copies = [home.root / "gradio" / picture.stem / picture.name for picture in pictures]
        for picture, copy in zip(pictures, copies, strict=True):
            picture.write_bytes(os.urandom(PICTURE_BYTES))
            copy.parent.mkdir(parents=True)
            shutil.copyfile(picture, copy)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        launch(build_page(studio), studio, ServerAddress("127.0.0.1", port))
        ours = ["/" + studio.files.address(picture) for picture in pictures]
        print(port, *ours, *(f"/gradio_api/file={copy}" for copy in copies), flush=True)
        time.sleep(3600)


if __name__ == "__main__":
    main()
