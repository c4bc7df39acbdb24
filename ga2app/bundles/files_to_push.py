"""The files of a bundle as they go to the Hub: checked, under its title, without paths of this machine."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ga2app.bundles.bundle_files import load_folder
from ga2app.bundles.bundle_zip import REQUIRED
from ga2app.bundles.manifest import CARD, MANIFEST, read_manifest, to_json, to_publish, without_path
from ga2app.bundles.model_card import card_to_publish
from ga2app.datasets import VIDEO_SUFFIXES
from ga2app.errors import BundleError, HubError
from ga2app.paths import whole_file
from ga2app.types import PushOptions, Report

EXAMPLES = "examples/"
_log = logging.getLogger(__name__)


def bundle_files(folder: Path, title: str) -> dict[str, Path | bytes]:
    """The bundle's own files but its card, checked as those of a zip are, without paths. Raises BundleError.

    It goes under its ``title`` in the library, which the files need not know.
    """
    own = load_folder(folder).manifest
    files: dict[str, Path | bytes] = {name: folder / name for name in REQUIRED}
    told = replace(to_publish(own), name=title or own.name)
    return files if told == own else files | {MANIFEST: to_json(told).encode()}


def card_text(folder: Path, given: str | None, repo_id: str, options: PushOptions, title: str) -> str:
    """The card that goes along: what is ``given``, else the bundle's own as it is to be at ``repo_id``."""
    if given is not None:
        if options.license:
            raise HubError("a card was given, and its first lines name the license; leave out the card or the license")
        return given
    own = (folder / CARD).read_text(encoding="utf-8", errors="replace") if (folder / CARD).is_file() else None
    manifest = read_manifest(folder)
    named = replace(manifest, name=title or manifest.name)
    return card_to_publish(named, own, repo_id, options.license, options.license_name)


def example_files(examples: Sequence[Path]) -> dict[str, Path | bytes]:
    """Example clips by the names that they get. Raises BundleError."""
    files: dict[str, Path | bytes] = {}
    for number, path in enumerate(examples, 1):
        if not path.is_file() or path.suffix.lower() not in VIDEO_SUFFIXES:
            raise BundleError(f"example '{path}' is not a video file; name clips such as mp4 files")
        stem = re.sub(r"[^A-Za-z0-9]+", "-", path.stem).strip("-")[:60] or "clip"
        files[f"{EXAMPLES}{number:02d}-{stem}{path.suffix.lower()}"] = path
    return files


def without_paths(report: Report) -> Report:
    """``report`` as others may see it: where the clips lie on this machine is nobody's business."""
    changed = tuple(replace(clip, path=Path(clip.path).name) for clip in report.changed)
    points = tuple(
        replace(point, name=Path(point.name).name) if point.what == "clip" else point for point in report.points
    )
    dataset, backbone = without_path(report.dataset), without_path(report.backbone)
    return replace(report, dataset=dataset, backbone=backbone, changed=changed, points=points)


def keep_card(folder: Path, text: str) -> None:
    """Let the bundle have the card that it was published with: the next push begins with its license."""
    try:
        with whole_file(folder / CARD) as fresh:
            fresh.write_text(text, encoding="utf-8")
    except OSError as exc:
        _log.warning("the card that was pushed could not be kept in %s: %s", folder, exc)
