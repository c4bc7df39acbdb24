"""What the surroundings of a process lack, made good before Gradio, torch or the Hub's client are loaded.

A company's proxy must not stand between the app and its own page; a container's user may have neither a name nor a
home; on a shared server the temporary folder may belong to somebody else. The environment is changed for this process
and for those that it starts. Nothing here imports more than the standard library.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ga2app.errors import ConfigError, Fault, StoreError

GRADIO_TEMP = "GRADIO_TEMP_DIR"
UPLOADS = "GA2_UPLOADS_GB"
BACKBONES = "GA2_BACKBONES_IN_MEMORY"
DECODERS = "GA2_DECODERS"
HOST = "GA2_HOST"
MOST_DECODERS = 8
"""Decoder processes that are used unasked: each takes about 100 MB of memory."""
_LOCAL = ("127.0.0.1", "localhost", "::1")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_EVERYWHERE = ("", "0.0.0.0", "::")
_SUPPORTED = "GA² Studio runs on Linux and macOS, and on Windows inside WSL 2 (wsl --install)"


@dataclass(frozen=True)
class ServerAddress:
    """Where the app listens, and how a reverse proxy makes it known.

    ``host`` is an address as a URL has it (IPv6 in brackets), ``root_path`` the path or whole address under which the
    proxy serves the app, ``allowed_hosts`` further names under which it may be asked.
    """

    host: str
    port: int
    root_path: str = ""
    allowed_hosts: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class OwnThread(threading.Thread):
    """A thread in which the app acts by itself. In any other a change is somebody's, who has to be known."""

    @classmethod
    def is_current(cls) -> bool:
        """Whether what runs now was begun by the app itself."""
        now = threading.current_thread()
        return isinstance(now, cls) or now is threading.main_thread()


def host_identity() -> str:
    """This machine since it was started, or this container: its name first. ``GA2_HOST`` says it where that is set.

    Processes with the same identity see each other's numbers; of others, these mean nothing here.
    """
    return os.environ.get(HOST, "").strip() or _host(socket.gethostname())


@lru_cache
def _host(name: str) -> str:
    if sys.platform != "linux":
        with contextlib.suppress(OSError):
            asked = ["sysctl", "-n", "kern.bootsessionuuid"]
            name += f" {subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()[:8]}"
        return name.strip()
    parts = [name]
    with contextlib.suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text()[:8])
    with contextlib.suppress(OSError):
        parts.append(str(os.stat("/proc/self/ns/pid").st_ino))
    return " ".join(parts)


@contextmanager
def repeating(act: Callable[[], bool], every_s: float, name: str) -> Iterator[None]:
    """In the block ``act`` is called every so many seconds, in a thread called ``name``, until it gives False."""
    ended = threading.Event()

    def repeat() -> None:
        while not ended.wait(every_s) and act():
            pass

    thread = OwnThread(target=repeat, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def system_fault() -> str | None:
    """Why the app cannot run on this operating system, in one sentence; None where it can."""
    try:
        import fcntl  # noqa: F401
    except ImportError:
        return f"this system ({sys.platform}) has no POSIX file locks, which the app needs; {_SUPPORTED}"
    return None


def backbones_in_memory() -> int:
    """How many backbones the app keeps loaded; ``GA2_BACKBONES_IN_MEMORY``, else 2. Raises ConfigError."""
    return _number_named(BACKBONES) or 2


def decoder_count(asked: int = 0) -> int:
    """How many processes of this one decode clips at once; raises ConfigError.

    Machine-wide as many as are ``asked`` for, else ``GA2_DECODERS``, which the processes that torchrun has started on
    this machine divide among them; else one for each core that this process may use, shared alike, at most 8.
    """
    told = os.environ.get("LOCAL_WORLD_SIZE", "1")
    here = max(1, int(told)) if told.isdecimal() else 1
    named = asked or _number_named(DECODERS)
    return max(1, named // here if named else min(MOST_DECODERS, usable_cores() // here))


def upload_quota() -> int:
    """How many bytes uploads and exports may take together: ``GA2_UPLOADS_GB``, else 20 GB, on a Space 5."""
    return (_number_named(UPLOADS) or (5 if os.environ.get("SPACE_ID") else 20)) * 2**30


def received_folder() -> Path:
    """Where Gradio receives uploads, and keeps what it hands out."""
    return Path(os.environ.get(GRADIO_TEMP) or Path(tempfile.gettempdir()) / "gradio")


def _number_named(name: str) -> int | None:
    """The number that the environment names so; None where it names none. Raises ConfigError."""
    given = os.environ.get(name, "").strip()
    if not given:
        return None
    if not given.isascii() or not given.isdigit() or not int(given):
        raise ConfigError([Fault(name, f"must be a whole number from 1 on, not '{given[:40]}'")])
    return int(given)


def launched_processes() -> int:
    """How many processes torchrun, accelerate or the like have started, this one among them; 1 where none did."""
    count = os.environ.get("WORLD_SIZE", "1")
    return int(count) if "RANK" in os.environ and count.isdecimal() else 1


def usable_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def prepare(folder: Path | None = None, *, hosts: Iterable[str] | None = None) -> None:
    """Make good what is lacking. ``folder`` is the data directory, ``hosts`` the addresses that the app listens on.

    Without ``hosts`` nothing is served, and no uploads come in. Raises StoreError where no temporary folder can be had.
    """
    connect_directly(os.environ, hosts or ())
    name_the_user(os.environ, folder)
    if folder is not None:
        find_temporary_folder(os.environ, folder)
        if hosts is not None:
            find_received_folder(os.environ, folder)


def connect_directly(environment: MutableMapping[str, str], hosts: Iterable[str] = ()) -> None:
    """Except this machine's addresses from the proxies that ``environment`` names, if it names any.

    Desktops write ``socks://`` for SOCKS 5, which the Hub's client and Gradio's do not know by that name.
    """
    proxies = {name: value for name, value in environment.items() if name.lower() in _PROXIES and value}
    for name, value in proxies.items():
        if value.lower().startswith("socks://"):
            environment[name] = "socks5" + value[len("socks") :]
    if not proxies:
        return
    listed = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    known = [entry.strip() for entry in listed.split(",") if entry.strip()]
    if "*" in known:
        return
    ours = [host.strip("[]") for host in hosts if host.strip("[]") not in _EVERYWHERE]
    known += [host for host in dict.fromkeys([*_LOCAL, *ours]) if host not in known]
    environment["no_proxy"] = environment["NO_PROXY"] = ",".join(known)


def name_the_user(environment: MutableMapping[str, str], folder: Path | None = None) -> None:
    """Give a process without a home or a user name both: libraries ask for them when they are imported.

    The home is ``folder``, or a folder in the temporary one.
    """
    try:
        Path.home()
    except RuntimeError:
        home = folder or Path(tempfile.gettempdir()) / f"ga2-studio-{_number()}"
        environment["HOME"] = str(home)
    try:
        getpass.getuser()
    except (KeyError, OSError, ImportError):
        environment["USER"] = f"user-{_number()}"


def find_temporary_folder(environment: MutableMapping[str, str], folder: Path) -> None:
    """Use a folder below ``folder`` where the system has no temporary one. Raises StoreError if that cannot be made."""
    try:
        tempfile.gettempdir()
    except FileNotFoundError:
        own = folder / "tmp"
        if fault := _cannot_write(own):
            raise StoreError(
                f"there is no temporary folder, and '{own}' cannot be made ({fault}); set TMPDIR to one"
            ) from None
        environment["TMPDIR"] = tempfile.tempdir = str(own)


def find_received_folder(environment: MutableMapping[str, str], folder: Path) -> None:
    """Let Gradio receive uploads in ``gradio`` below ``folder``, unless ``GRADIO_TEMP_DIR`` names another place.

    On the disk of the data directory an upload is kept by a second name for it; in the system's temporary folder other
    accounts could read it. Raises StoreError if the folder cannot be written.
    """
    received = environment.get(GRADIO_TEMP) or str(folder / "gradio")
    if fault := _cannot_write(Path(received)):
        raise StoreError(f"uploads cannot be kept in '{received}' ({fault}); set {GRADIO_TEMP} to a folder of yours")
    environment[GRADIO_TEMP] = received


def write_any_text() -> None:
    """Let output that the terminal or file cannot show be written with other signs instead of ending the program."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def can_show(text: str) -> bool:
    """Whether the standard output has a sign for each letter of ``text``."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def bare_host(host: str) -> str:
    """An address without the brackets that IPv6 has in a URL."""
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host


def url_host(host: str) -> str:
    """An address as a URL has it: IPv6 in brackets."""
    bare = bare_host(host)
    with contextlib.suppress(OSError):
        socket.inet_pton(socket.AF_INET6, bare)
        return f"[{bare}]"
    return bare


def _cannot_write(folder: Path) -> str | None:
    """Why nothing can be written into ``folder``, which is made if need be, for its owner alone; None where it can."""
    try:
        for part in reversed((folder, *folder.parents)):
            if not part.exists():
                part.mkdir(mode=0o700, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as exc:
        return exc.strerror or str(exc)


def _number() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0


def give_back_memory() -> None:
    """Hand what was freed back to the system: glibc, alone among C libraries, keeps it by threads until it is asked."""
    import ctypes

    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
