"""What goes to a job and comes back, through a private repository that holds each clip once for all runs.

``clips/``, ``program/`` and ``backbones/`` are named after their content and stay for the next run; ``jobs/ID/`` is one
run: its settings and data set (``job.json``), its hard prompt, its checkpoint, and in the end its bundle, its report
and how it ended (``ended.json``).
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import io
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any, BinaryIO

from huggingface_hub import CommitOperationAdd, CommitOperationDelete
from huggingface_hub.utils.tqdm import disable_progress_bars

from ga2app.config import RunConfig
from ga2app.errors import HubError
from ga2app.hub.hub_client import HubClient
from ga2app.hub.pushing import quietly
from ga2app.hub.repositories import read_listing
from ga2app.paths import INSTALLED, PROJECT, SEEDS, SKETCH_CLIP, SKETCH_HARD_PROMPT, file_digest
from ga2app.stretches import file_of, split_address
from ga2app.types import AnchorClip, Dataset, LabelledClip, RepoKind, Subset, clip_name

REPO = "ga2-jobs"
JOB, ENDED, CHECKPOINT, REPORT, BUNDLE = "job.json", "ended.json", "checkpoint.safetensors", "report.json", "bundle"
_BY_CONTENT = ("clips/", "program/", "backbones/")
_AT_ONCE = 100
"""Files of one commit."""


@dataclass(frozen=True)
class Packed:
    """A run as it is sent: its files by their names in the repository, and the name of the program's zip among them."""

    files: Mapping[str, Path | bytes]
    program: str


def pack(config: RunConfig, dataset: Dataset, job: str, checkpoint: Path, folder: Path) -> Packed:
    """Everything that a job needs to train ``config`` on ``dataset``; scratch files go to ``folder``.

    Of the clips those that the run looks at: its shots, those that its temperature is fitted on, the test clips and the
    anchors. A backbone that lies in a
    folder and a hard prompt that is a bundle go along; a backbone of the Hub is fetched by the job.
    """
    from ga2app.training.training_batches import files_read, spare_clips

    files: dict[str, Path | bytes] = {}
    read = files_read(config, dataset) | {clip.path for clip in spare_clips(config, dataset)}

    def sent(path: str) -> str:
        if path not in read:
            return ""
        file = file_of(path)
        name = digest_of(Path(file))
        place = f"clips/{name[:2]}/{name}{PurePath(file).suffix.lower()}"
        files[place] = Path(file)
        return place

    program = pack_program(folder)
    name = f"program/{digest_of(program)[:16]}.zip"
    files[name] = program
    folders: dict[str, list[str]] = {}
    for path, prefix in ((config.backbone, "backbones/"), (config.prompts.hard_prompt, f"jobs/{job}/hard_prompt/")):
        if not Path(path).is_dir():
            continue
        inside = {file.name: file for file in sorted(Path(path).iterdir()) if file.is_file()}
        if prefix == "backbones/":
            prefix += hashlib.sha256("".join(digest_of(one) for one in inside.values()).encode()).hexdigest()[:16] + "/"
        folders[path] = [prefix + one for one in inside]
        files |= {prefix + one: file for one, file in inside.items()}
    described = {
        # The machine there is another one: what a run says of a device is of this one, which reports to the trackers.
        "config": replace(config, device="auto", report_to=()).to_dict(),
        "dataset": {
            "name": dataset.name,
            "base": dataset.base,
            "novel": dataset.novel,
            # By the last two parts of their paths, which tell one from another, and by no path of this machine.
            "clips": [[clip_name(one.path), sent(one.path), one.label, one.subset.value] for one in dataset.clips],
            "anchors": [[clip_name(one.path), sent(one.path), one.caption] for one in dataset.anchors],
            "negatives": dataset.negatives,
            "borrowed": dataset.borrowed,
            "anchors_from": dataset.anchors_from,
            "negatives_from": dataset.negatives_from,
            "descriptions": {label: list(texts) for label, texts in dataset.descriptions.items()},
        },
        "folders": folders,
    }
    files[f"jobs/{job}/{JOB}"] = json.dumps(described, indent=1).encode()
    if checkpoint.exists():
        files[f"jobs/{job}/{CHECKPOINT}"] = checkpoint
    return Packed(files, name)


def unpack(told: Mapping[str, Any], here: Callable[[str], Path], folder: Path) -> tuple[RunConfig, Dataset]:
    """The run that ``job.json`` describes, its clips linked below ``folder``; ``here`` gives a repository's file."""
    data, links = told["dataset"], _Links(folder)

    def clip(sent: str, name: str) -> str:
        file, stretch = split_address(name)
        return links.to(here(sent) if sent else None, file) + (stretch.fragment if stretch else "")

    dataset = Dataset(
        data["name"],
        tuple(data["base"]),
        tuple(data["novel"]),
        tuple(LabelledClip(clip(sent, name), label, Subset(part)) for name, sent, label, part in data["clips"]),
        tuple(AnchorClip(clip(sent, name), caption) for name, sent, caption in data["anchors"]),
        tuple(data["negatives"]),
        data["borrowed"],
        data["anchors_from"],
        data["negatives_from"],
        {label: tuple(texts) for label, texts in data.get("descriptions", {}).items()},
    )
    for path, names in told["folders"].items():
        # Under the path that it has at home: settings, checkpoint and bundle name it.
        if not Path(path).exists():
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).symlink_to(here(names[0]).parent, target_is_directory=True)
    return RunConfig.from_dict(told["config"]), dataset


class _Links:
    """Files under the two last parts of the paths that they have at home, each in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._count = folder, 0

    def to(self, file: Path | None, name: str) -> str:
        """Where ``file`` is found as ``name``; nothing is there for None, a clip that is not looked at."""
        self._count += 1
        place = self._folder / str(self._count) / name
        if file:
            place.parent.mkdir(parents=True)
            place.symlink_to(file)
        return str(place)


def pack_program(folder: Path) -> Path:
    """The program itself as a zip that is the same for the same program: the package, what it ships, what it needs."""
    place = folder / "program.zip"
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in sorted(program_files()):
            packed.writestr(zipfile.ZipInfo(str(file.relative_to(PROJECT))), file.read_bytes(), zipfile.ZIP_DEFLATED)
        packed.writestr(zipfile.ZipInfo("requirements.txt"), "\n".join(requirements()) + "\n")
    return place


def program_files() -> Iterator[Path]:
    """The files of the package, and what it ships that training needs."""
    folders = [PROJECT / "ga2app"] if INSTALLED else [PROJECT / "ga2app", SKETCH_CLIP, SKETCH_HARD_PROMPT]
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc":
                yield path
    if not INSTALLED:
        yield from (path for path in SEEDS.iterdir() if path.is_file())
        yield PROJECT / "pyproject.toml"


def requirements() -> list[str]:
    """The packages that training needs, without those of the app."""
    if INSTALLED:
        return [one for one in importlib.metadata.requires("ga2app") or [] if "extra ==" not in one]
    library = (PROJECT / "requirements.txt").read_text(encoding="utf-8").partition("# [app]")[0]
    return [one for line in library.splitlines() if (one := line.partition("#")[0].strip())]


def open_repo(client: HubClient) -> str:
    """The private repository of the account, made if there is none. Raises HubError where everybody may see it."""
    repo = f"{client.account().name}/{REPO}"
    listing = read_listing(client, repo, RepoKind.DATASET)
    if listing is None:
        with client.asking(repo, writing=True):
            client.api.create_repo(repo, repo_type="dataset", private=True)
        listing = read_listing(client, repo, RepoKind.DATASET)
    if listing is None:
        raise HubError(f"'{repo}' was made, but the Hub does not show it yet; try again in a minute")
    if not listing.private:
        raise HubError(f"'{repo}' is open to everybody, and your clips would be; make it private on the Hub first")
    return repo


def send(
    client: HubClient, repo: str, files: Mapping[str, Path | bytes], say: Callable[[str], None] = lambda text: None
) -> None:
    """Put ``files`` into the repository; what is named after its content and there already is not sent again."""
    listing = read_listing(client, repo, RepoKind.DATASET)
    there = listing.files if listing else {}
    new = [name for name in files if name not in there or not name.startswith(_BY_CONTENT)]
    for start in range(0, len(new), _AT_ONCE):
        names = new[start : start + _AT_ONCE]
        with ExitStack() as opened, client.asking(repo, writing=True), quietly():
            # Streams, which the client sends by plain HTTP.
            operations = [CommitOperationAdd(name, opened.enter_context(_stream(files[name]))) for name in names]
            client.api.create_commit(repo, operations, commit_message="A run of GA² Studio", repo_type="dataset")
        say(f"sent {start + len(names):,} of {len(new):,} files to {repo}")


def names_below(client: HubClient, repo: str, prefix: str) -> list[str]:
    """The files of the repository whose names begin with ``prefix``."""
    listing = read_listing(client, repo, RepoKind.DATASET)
    return sorted(name for name in (listing.files if listing else {}) if name.startswith(prefix))


def fetch_one(client: HubClient, repo: str, name: str, folder: Path) -> Path:
    """A file of the repository, below ``folder`` under its name. Raises HubError."""
    with client.asking(repo), disable_progress_bars():
        return Path(client.api.hf_hub_download(repo, name, repo_type="dataset", local_dir=folder))


def read_one(client: HubClient, repo: str, name: str) -> bytes:
    """What a small file of the repository holds."""
    with tempfile.TemporaryDirectory(prefix="ga2-job-") as folder:
        return fetch_one(client, repo, name, Path(folder)).read_bytes()


def bring_back(client: HubClient, repo: str, names: list[str], out: Path) -> None:
    """Files of the repository into the new folder ``out``, whole or not at all."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as scratch:
        fresh = Path(scratch) / out.name
        fresh.mkdir()
        for name in names:
            shutil.move(fetch_one(client, repo, name, Path(scratch)), fresh / PurePath(name).name)
        if out.exists():
            shutil.rmtree(out)
        os.rename(fresh, out)


def take_out(client: HubClient, repo: str, names: list[str]) -> None:
    """Take files out of the repository."""
    with client.asking(repo, writing=True):
        operations = [CommitOperationDelete(name) for name in names]
        client.api.create_commit(repo, operations, commit_message="A run of GA² Studio is done", repo_type="dataset")


def digest_of(file: Path) -> str:
    """The SHA-256 of a file. Raises HubError where it cannot be read."""
    try:
        return file_digest(file)
    except OSError as exc:
        raise HubError(f"'{file.name}' cannot be read ({exc.strerror or exc}), and so cannot go to the job") from exc


def _stream(content: Path | bytes) -> BinaryIO:
    return io.BytesIO(content) if isinstance(content, bytes) else content.open("rb")
