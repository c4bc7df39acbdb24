"""The folder that makes a Space: the app and what it ships, a README with front matter, and nothing else."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ga2app.errors import SpaceError
from ga2app.hub.job_files import program_files
from ga2app.paths import PROJECT
from ga2app.paths import version as app_version

PYTHON = "3.12.12"
"""ZeroGPU hardware carries this one, other hardware any."""

SUMMARY = "Teach a frozen CLIP actions in video, and keep the rest"
SIGN_IN_MINUTES = 480

_CLIP_FILES = "config.json preprocessor_config.json model.safetensors tokenizer.json tokenizer_config.json"

_BODY = """
# {title}

Upload clips, type labels, and see side by side what zero-shot CLIP and a trained prompt bundle answer. Everybody
may recognize clips. Data sets, anchors, training and bundles belong to the owner of this Space, or to whoever made them
if its settings let others in; others see what is shared.

## Settings

Variables and secrets of the Space (Settings, *Variables and secrets*); each may be left out.

| name | what it sets |
|---|---|
| `GA2_ACCESS` | `owner` (the default): only the owner may change anything. `signed-in`: whoever has signed in may \
make and change what is their own |
| `GA2_OWNERS` | further user names, between commas, that count as the owner |
| `GA2_HOME` | folder of the live data, on storage that you mounted, for example `/data/ga2`; without it a restart \
deletes everything |
| `GA2_JOURNAL` | `delete` or `wal`: how the database keeps its journal, if the automatic choice is wrong |
| `GA2_BACKBONE` | the CLIP that recognizes by default, for example `openai/clip-vit-base-patch16` |
| `HF_HOME` | where downloaded CLIPs are kept, for example `/data/huggingface` |
| `GA2_GPU_SECONDS` | on ZeroGPU: for how long the GPU is asked for at a time (60) |
| `GA2_KEEP_UPLOADS_DAYS`, `GA2_KEEP_PICTURES_DAYS`, `GA2_KEEP_CHECKPOINTS_DAYS`, `GA2_KEEP_TRASH_DAYS` | after how \
many days unused uploads (1), pictures of answers (1), checkpoints of runs that were stopped or failed (30) and \
deletions that can be undone (7) go; `forever` keeps them |
| `GA2_MOST_…` | bounds on what one request and one person may ask for: `TEXTS`, `FRAMES`, `RECOGNITIONS`, \
`STRANGERS`, `RECOGNITIONS_EACH`, `CLIPS`, `MEGABYTES`, `WAITING_RUNS`, `STEPS`; docs/guides/deploy.md says what they \
bound |
| `GA2_KEY` | a *secret* of 16 characters or more: a program that sends it as the header `X-GA2-Key` acts as the owner |

Everybody who can open the Space sees what is shared, the clips of a shared data set too, and nothing else. In a Space
of an organization, its members with write access count as the owner.

## Hardware

On CPU and GPU hardware a separate process trains, which goes on when the page is closed. ZeroGPU gives a GPU for one
call at a time: recognition asks for it clip by clip, and training runs in parts of `GA2_GPU_SECONDS`, each of which
resumes the checkpoint of the one before. Where no GPU is available, the CPU answers.
"""


def space_card(title: str, gradio: str, clip: str = "") -> str:
    """The README: ``gradio`` is the version that the Space shall run, ``clip`` a CLIP that its image shall hold."""
    front = {
        "title": title,
        "emoji": "🎬",
        "colorFrom": "green",
        "colorTo": "indigo",
        "sdk": "gradio",
        "sdk_version": gradio,
        "python_version": PYTHON,
        "app_file": "app.py",
        "fullWidth": True,
        "pinned": False,
        "license": "apache-2.0",
        "short_description": SUMMARY,
        "tags": ["video-classification", "action-recognition", "clip", "prompt-tuning"],
        "hf_oauth": True,
        "hf_oauth_expiration_minutes": SIGN_IN_MINUTES,
        # Enough to make repositories and to change those that were made here; other ones stay out of reach.
        "hf_oauth_scopes": ["contribute-repos"],
    }
    if clip:
        front |= {"models": [clip], "preload_from_hub": [f"{clip} {','.join(_CLIP_FILES.split())}"]}
    # JSON values are YAML values, and a title can break nothing.
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in front.items()]
    return "\n".join(["---", *lines, "---", _BODY.format(title=title)])


SHIPPED = ("app.py", "LICENSE", "packages.txt")
REQUIREMENTS = "requirements.txt"

_FOR_A_SPACE = """
# On a Space
gradio[oauth]              # signing in with Hugging Face
spaces>=0.43,<0.60         # the Hub's own: lends the GPU of ZeroGPU hardware, does nothing elsewhere
"""

_ATTRIBUTES = """\
*.safetensors filter=lfs diff=lfs merge=lfs -text
*.png filter=lfs diff=lfs merge=lfs -text
"""

_IGNORED = """\
__pycache__/
*.pyc
prompts_db/live/
"""

_REPO = re.compile(r"\w[\w.-]{0,95}/\w[\w.-]{0,95}", re.ASCII)
_MOST_TITLE = 60


@dataclass(frozen=True)
class SpaceFolder:
    """A folder that was made: where, how many files of how many bytes, and the Gradio version that it asks for."""

    folder: Path
    files: int
    size_bytes: int
    gradio: str


def make_space(folder: Path, *, title: str = "GA² Studio", clip: str = "") -> SpaceFolder:
    """Write everything that a Space needs into ``folder``, which must be new or empty; whole or not at all.

    ``clip`` is the repository of a CLIP that the Hub puts into the Space's image when it builds it; empty for none: the
    embedded backbone is always there. Raises SpaceError.
    """
    _check(folder, title, clip)
    try:
        version = importlib.metadata.version("gradio")
    except importlib.metadata.PackageNotFoundError as exc:
        raise SpaceError(
            "a Space asks for the gradio that is installed here, and none is; install requirements.txt"
        ) from exc
    folder = folder.absolute()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as scratch:
            fresh = Path(scratch) / "space"
            for source in _sources():
                target = fresh / source.relative_to(PROJECT)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)
            text = (PROJECT / REQUIREMENTS).read_text(encoding="utf-8")
            _write(fresh / REQUIREMENTS, text + _FOR_A_SPACE)
            _write(fresh / "README.md", space_card(title, version, clip))
            _write(fresh / "ga2app" / "VERSION", app_version() + "\n")
            _write(fresh / ".gitattributes", _ATTRIBUTES)
            _write(fresh / ".gitignore", _IGNORED)
            sizes = [path.stat().st_size for path in fresh.rglob("*") if path.is_file()]
            # A folder takes the place of an empty one in one step, and of no other.
            os.rename(fresh, folder)
    except OSError as exc:
        raise SpaceError(
            f"'{folder}' could not be written ({exc.strerror or exc}); free some space or name another folder"
        ) from exc
    return SpaceFolder(folder, len(sizes), sum(sizes), version)


def _check(folder: Path, title: str, clip: str) -> None:
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise SpaceError(f"'{folder}' is a file; name a folder that is new or empty")
    if folder.is_dir() and any(folder.iterdir()):
        raise SpaceError(f"'{folder}' is not empty; name a folder that is new or empty")
    if folder.absolute().resolve().is_relative_to(PROJECT / "ga2app"):
        raise SpaceError(f"'{folder}' lies inside the app's own package; name a folder elsewhere")
    if missing := [name for name in (*SHIPPED, REQUIREMENTS) if not (PROJECT / name).is_file()]:
        raise SpaceError(f"'{PROJECT}' lacks {', '.join(missing)}; run this in a checkout of the project")
    if not title.strip() or len(title) > _MOST_TITLE or not title.isprintable():
        raise SpaceError(f"the title {json.dumps(title)} must be one line of 1 to {_MOST_TITLE} characters")
    if clip and not _REPO.fullmatch(clip):
        raise SpaceError(f"'{clip}' is not a repository on the Hub; it looks like openai/clip-vit-base-patch16")


def _sources() -> Iterator[Path]:
    """The files of the project that a Space needs."""
    yield from (PROJECT / name for name in SHIPPED)
    yield from sorted(file for file in program_files() if file != PROJECT / "pyproject.toml")


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
