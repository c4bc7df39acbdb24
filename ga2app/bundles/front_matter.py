"""The front matter of a model card: the YAML that the Hub reads.

Every value is written as JSON, which YAML reads, and every text is one printable line: nothing can break out of it.
Whoever made a bundle wrote its texts, and none may become markup, YAML or code on its card.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ga2app.bundles.manifest import Manifest, without_path
from ga2app.config import SKETCH
from ga2app.errors import BundleError
from ga2app.types import LICENSES, intervals
from ga2app.untrusted import stored_json

UNKNOWN_LICENSE, OTHER_LICENSE = "unknown", "other"
TAGS = ("clip", "prompt-tuning", "video-classification", "action-recognition", "ga2-clip", "arxiv:2511.22125")
FIGURES = {
    "base": ("accuracy", "top-1 accuracy, base labels, percent"),
    "novel": ("accuracy", "top-1 accuracy, novel labels, percent"),
    "hm": ("harmonic_mean", "harmonic mean of base and novel, percent"),
}
"""Of each figure of a bundle: what kind of metric it is to the Hub, and its name there."""

MAX_CHARACTERS = 200
_LICENSE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}")
_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
_HARMLESS = " ,()'+-"


def front_matter(manifest: Manifest, license_id: str, license_name: str) -> str:
    """The lines between the dashes; raises BundleError for a license that the Hub would refuse."""
    values: dict[str, Any] = license_of(license_id, license_name)
    if is_repository(str(manifest.backbone["name"])):
        values |= {"base_model": manifest.backbone["name"], "base_model_relation": "adapter"}
    values |= {
        "library_name": "ga2app",
        "pipeline_tag": "video-classification",
        "tags": [*TAGS, *(["sketch"] if manifest.backbone["name"] == SKETCH else [])],
    }
    figures = shown_figures(manifest, manifest.metrics)
    if figures:
        values |= {"metrics": ["accuracy"], "model-index": [_index(manifest, figures)]}
    return "\n".join(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in values.items())


def front_values(card: str) -> dict[str, str]:
    """The texts in the front matter of a card that ``front_matter`` wrote, by key."""
    found = re.findall(r'^(\w+): (".*")$', card.split("\n---\n", 1)[0], re.MULTILINE)
    return {key: str(stored_json(text)) for key, text in found}


def license_of(license_id: str = "", license_name: str = "") -> dict[str, str]:
    """The license of the prompts, as front matter; raises BundleError for one that the Hub would refuse.

    Unless one is named it is "unknown": prompts are made from somebody's clips, and only they can say.
    """
    chosen = license_id.strip().lower() or UNKNOWN_LICENSE
    if not _LICENSE.fullmatch(chosen):
        raise BundleError(
            f"license '{one_line(license_id)}' is none that the Hub knows; choose one such as "
            f"{', '.join(LICENSES[:5])}, or 'other' with a name"
        )
    named = one_line(license_name)
    if chosen == OTHER_LICENSE and not named:
        raise BundleError("license 'other' needs a name; give the name of the license, too")
    return {"license": chosen} | ({"license_name": named} if chosen == OTHER_LICENSE else {})


def shown_figures(manifest: Manifest, metrics: Mapping[str, float]) -> dict[str, float]:
    """Base, novel and HM of ``metrics``, as far as they are there, are percent, and not so by construction."""
    there = manifest.figures(metrics)
    return {name: round(float(there[name]), 2) for name in FIGURES if name in there and 0 <= there[name] <= 100}


def _index(manifest: Manifest, figures: Mapping[str, float]) -> dict[str, Any]:
    """The model index: one result, over the test clips of the data set that it was trained on."""
    dataset = one_line(without_path(manifest.run.dataset)) or "unknown"
    slug = re.sub(r"[^a-z0-9_.-]+", "-", dataset.lower()).strip("-.") or "unknown"
    tested = manifest.used.tested
    clips = {side: f"{one.clips} test clips" for side, one in tested.items()}
    told = {
        name: f"{FIGURES[name][1]}, 95% interval {interval}" + (f", {clips[name]}" if name in clips else "")
        for name, interval in intervals(figures, tested).items()
    }
    metrics = [
        {"type": FIGURES[name][0], "name": told.get(name, FIGURES[name][1]), "value": value}
        for name, value in figures.items()
    ]
    result = {
        "task": {"type": "video-classification", "name": "Video Classification"},
        "dataset": {"type": slug, "name": dataset, "split": "test"},
        "metrics": metrics,
    }
    return {"name": one_line(manifest.name) or "bundle", "results": [result]}


def one_line(text: str) -> str:
    """``text`` on one line, without characters that cannot be seen, and of bounded length."""
    seen = "".join(letter if letter.isprintable() else " " for letter in text)
    line = " ".join(seen.split())
    return line if len(line) <= MAX_CHARACTERS else line[: MAX_CHARACTERS - 1] + "…"


def is_plain(text: str) -> bool:
    """Whether ``text`` is of letters, figures and signs that mean nothing to Markdown, HTML or Python."""
    return text == one_line(text) != "" and all(letter.isalnum() or letter in _HARMLESS for letter in text)


def inline(text: str) -> str:
    """``text`` for the middle of a line of Markdown: as it is where it is plain, else as code, which shows itself."""
    line = one_line(text)
    if is_plain(line) or not line:
        return line
    return f"`{line.replace('`', chr(39)).replace('<!--', '<! --')}`"


def is_repository(name: str) -> bool:
    """Whether ``name`` looks like a repository of the Hub, user/name."""
    return bool(_REPOSITORY.fullmatch(name)) and len(name) <= MAX_CHARACTERS
