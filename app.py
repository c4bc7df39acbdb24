"""Starts the studio: ``python app.py``, then open the address that it says."""

from __future__ import annotations

import sys

if sys.version_info < (3, 11):  # before anything is imported that an older Python cannot read
    sys.exit("Python 3.11 or newer is needed, this is %d.%d" % sys.version_info[:2])

import argparse
import logging
import os
import re
import signal
import socket
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
# Threads that wait by spinning starve each other where cores are shared. Read when torch is loaded, hence set here.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from ga2app import environment

if fault := environment.system_fault():
    sys.exit(fault)

from ga2app.environment import ServerAddress
from ga2app.errors import StudioError
from ga2app.fast_start import let_go, load_quickly, loaded
from ga2app.paths import Home, default_home

log = logging.getLogger("ga2app.app")

DEFAULT_PORT = 7860
ON_SPACE = bool(os.environ.get("SPACE_ID"))


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line; ports and hosts that Gradio's own variables name are respected."""
    parser = argparse.ArgumentParser(prog="python app.py", description="GA² Studio in the browser.")
    host = os.environ.get("GRADIO_SERVER_NAME") or ("0.0.0.0" if ON_SPACE else "127.0.0.1")
    port = os.environ.get("GRADIO_SERVER_PORT", "")
    parser.add_argument("--host", default=host, help=f"address to listen on, IPv6 too (default {host})")
    parser.add_argument("--port", type=int, default=int(port) if port.isdigit() else DEFAULT_PORT)
    parser.add_argument("--home", type=Path, help="folder of your runs, bundles and clips (default: GA2_HOME)")
    mcp = os.environ.get("GRADIO_MCP_SERVER", "").lower() == "true"
    parser.add_argument(
        "--mcp", action="store_true", default=mcp, help="answer agents, too, over MCP (see docs/api.md)"
    )
    parser.add_argument(
        "--allowed-host",
        action="append",
        default=[name for name in re.split(r"[\s,]+", os.environ.get("GA2_ALLOWED_HOSTS", "")) if name],
        metavar="NAME",
        help="name under which the studio is reached, behind a proxy for example; may be given several times",
    )
    parser.add_argument(
        "--root-path",
        default=os.environ.get("GRADIO_ROOT_PATH", ""),
        metavar="PATH",
        help="path, or whole address, under which a reverse proxy serves the studio, for example /studio",
    )
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="runs trained at once (default: one on each CUDA device, else one; on a processor they share its cores)",
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the studio until it is told to stop; gives the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for chatty in ("httpx", "urllib3", "PIL", "ga2app.hub"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    chosen = parse(arguments)
    environment.write_any_text()
    host = environment.bare_host(chosen.host)
    try:
        home = Home(chosen.home.expanduser().resolve()) if chosen.home else default_home()
        environment.prepare(home.root, hosts=[host])
    except (StudioError, RuntimeError) as exc:
        log.error("%s", exc)
        return 1
    if taken := port_fault(host, chosen.port):
        where = ServerAddress(environment.url_host(host), chosen.port)
        log.error("%s cannot be used (%s); choose another port with --port", where, taken)
        return 1
    log.info("GA² Studio is starting")
    try:
        open_studio = opener()
    except KeyboardInterrupt:
        return 130
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: _end(over, number, frame))
    address = ServerAddress(
        environment.url_host(host), chosen.port, chosen.root_path.rstrip("/"), tuple(chosen.allowed_host)
    )
    status = open_studio(home, address, over, mcp=chosen.mcp, workers=chosen.workers)
    let_go()
    return status


def port_fault(host: str, port: int) -> OSError | None:
    """Why nobody can listen on ``port`` of ``host``; None where it is free."""
    if not 0 <= port < 1 << 16:
        return OSError("a port is a number from 0 to 65535")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as exc:
        return exc
    return None


def opener() -> Callable[..., int]:
    """``ga2app.web.server.open_studio``: importing it takes seconds, which a port that is taken need not wait for."""
    load_quickly()
    try:
        from ga2app.web.server import open_studio
    finally:
        loaded()
    return open_studio


def _end(over: threading.Event, number: int, frame: FrameType | None) -> None:
    del frame
    log.info("asked to stop (%s)", signal.Signals(number).name)
    over.set()


if __name__ == "__main__":
    sys.exit(main())
