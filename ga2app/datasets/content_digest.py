"""What a file holds, whatever it is called."""

from __future__ import annotations

import hashlib
import os

from ga2app.errors import ClipError


def content_digest(path: str | os.PathLike[str]) -> str:
    """SHA-256 of the file's content, in hexadecimal. Raises ClipError if it cannot be read."""
    try:
        with open(path, "rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as exc:
        name = os.path.basename(os.fspath(path))
        raise ClipError(name, f"the file cannot be read ({exc.strerror or exc})", "check that it is there") from exc
