"""Files of the data directory as a browser gets them: at signed addresses, and only while the store shows their rows.

An address is ``files/<until>.<signature>/<path in the data directory>``. The signature is an HMAC over the path, the
time until which it holds, and the name of the visitor for whom the page was drawn; its key is made anew in each
process. Whoever asks for the file is asked for again: the store has to show *this* visitor a row that the file belongs
to, so that what was deleted, or is not shared any more, is gone at once. The drawn examples are everybody's.
"""

from __future__ import annotations

import hmac
import os
import secrets
import shutil
import stat
import time
import weakref
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import quote

from ga2app.errors import StudioError
from ga2app.services.uploads import KEEP_S, pictures_folder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ga2app.services.studio import Studio

HOLDS_S = 12 * 3600
"""An address holds at least so long, and at most twice: those of a session stay the same, and the browser's cache
with them."""
FRAME_PX = 128
_EVERYBODY = "all"
_KEY = secrets.token_bytes(32)
_RUN_FILES = ("log.txt",)


class NoFile(Exception):
    """What a file is not given for: all reasons look alike, so that nobody learns what there is."""


class ServedFiles:
    """The addresses of a studio's files, for the visitor who acts just now, and the files behind them."""

    def __init__(self, studio: Studio) -> None:
        self._studio, self._root = studio, os.path.abspath(studio.home.root)

    def address(self, file: str | Path, holds_s: int = HOLDS_S) -> str:
        """The address of a file of the data directory, relative to a page; empty for a file elsewhere."""
        path = Path(os.path.abspath(file))
        if not path.is_relative_to(self._root):
            return ""
        inside = path.relative_to(self._root).as_posix()
        until = (int(time.time()) // holds_s + 2) * holds_s
        signature = self._signature(until, inside, self._studio.asked_by())
        sealed = _EVERYBODY if _is_example(inside) else f"{until}.{signature}"
        return f"files/{sealed}/{quote(inside)}"

    def find(self, sealed: str, inside: str) -> tuple[Path, os.stat_result]:
        """The file behind an address; raises NoFile where it may not be had, or not any more."""
        if not (self._is_sealed(sealed, inside) and self._is_shown(inside)):
            raise NoFile
        path = Path(self._root, inside)
        try:
            found = os.lstat(path)
            whole = path.resolve() == Path(self._root).resolve() / inside
        except (OSError, ValueError) as exc:
            raise NoFile from exc
        if not (whole and stat.S_ISREG(found.st_mode)):
            raise NoFile  # through a link, up and out, or something that is read without an end
        return path, found

    def _signature(self, until: int, inside: str, visitor: str) -> str:
        said = f"{until}\0{visitor}\0{self._root}\0{inside}"
        return urlsafe_b64encode(hmac.digest(_KEY, said.encode(errors="surrogateescape"), "sha256")[:18]).decode()

    def _is_sealed(self, sealed: str, inside: str) -> bool:
        if sealed == _EVERYBODY:
            return _is_example(inside)
        until, _, signature = sealed.partition(".")
        if not (until.isascii() and until.isdigit() and len(until) < 12):
            return False
        # What was drawn for nobody in particular serves whoever has signed in since.
        good = [self._signature(int(until), inside, visitor).encode() for visitor in (self._studio.asked_by(), "")]
        return any(hmac.compare_digest(one, signature.encode()) for one in good) and time.time() < int(until)

    def _is_shown(self, inside: str) -> bool:
        """Whether the store shows the visitor something that the file belongs to."""
        store = self._studio.store
        match PurePosixPath(inside).parts:
            case ("media", "examples", _) | ("media", "frames", _, _) | ("media", "anchors", "made", *_):
                # Of an answer or a proposal, under a name that nobody can guess: they go when it does.
                return True
            case ("media", "thumbs" | "previews", name):
                return store.clips.has_content(name.partition(".")[0])
            case ("media", "exports", folder, _):
                return self._is_there(folder.rpartition("-")[0])
            case ("runs", number, name) if name in _RUN_FILES and number.isdigit():
                return self._is_there(f"runs-{number}")
            case ("media", "anchors" | "datasets" | "demo", *_):
                return store.clips.has_file(Path(self._root, inside))
        return False

    def _is_there(self, of: str) -> bool:
        """Whether the visitor may see all that an export was made ``of``."""
        kind, _, key = of.partition("-")
        try:
            match kind:
                case "data":
                    self._studio.datasets.summary(int(key))
                case "runs":
                    for number in key.split("."):
                        self._studio.runs.get(int(number))
                case "bundle":
                    self._studio.library.bundle(key)
                case "timeline":
                    pass  # of an answer, under a name that nobody can guess
                case "import":
                    self._studio.store.imports.get(int(key))
                case _:
                    return False
        except (StudioError, ValueError):
            return False
        return True


def _is_example(inside: str) -> bool:
    parts = PurePosixPath(inside).parts
    return len(parts) == 3 and parts[:2] == ("media", "examples")


class PictureFiles:
    """Small pictures of an answer, as files. They go when nothing refers to the answer any more, and at exit."""

    def __init__(self, studio: Studio) -> None:
        self.folder, self._files = pictures_folder(studio.home) / secrets.token_hex(16), studio.files
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)

    def address(self, file: str) -> str:
        """The address of one of the files; it holds as long as the file may be kept."""
        return self._files.address(file, KEEP_S)

    def write(self, name: str, pictures: Iterable[NDArray[np.uint8]], side_px: int = FRAME_PX) -> tuple[str, ...]:
        """The files of ``pictures``, uint8 (H, W, 3); raises StudioError where the disk takes none."""
        from PIL import Image

        written = []
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for number, pixels in enumerate(pictures):
                picture = Image.fromarray(pixels).convert("RGB")
                picture.thumbnail((side_px, side_px))
                file = self.folder / f"{name}-{number}.jpg"
                picture.save(file, "JPEG", quality=82)
                written.append(str(file))
        except OSError as exc:
            raise StudioError(
                f"the pictures of the frames cannot be written ({exc.strerror or exc}); make room on the disk"
            ) from exc
        return tuple(written)
