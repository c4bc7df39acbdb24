"""The model card of a bundle: README.md, with the front matter that the Hub reads."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ga2app.bundles.front_matter import front_matter, front_values, inline, is_plain, is_repository, shown_figures
from ga2app.bundles.manifest import CARD, Manifest, without_path
from ga2app.config import HARD_PROMPT_EMBEDDED, HARD_PROMPT_RANDOM, SKETCH, RunConfig
from ga2app.config.presets import METHOD_TITLES, method_of, method_parts
from ga2app.errors import BundleError
from ga2app.paths import SKETCH_HARD_PROMPT
from ga2app.types import Conditions, cautions, figure_text, rests_on

_SHOWN, _PACKAGES = 60, 12
_FOLDER = "path/to/this/folder"
_VARYING = re.compile(
    r"^(license|license_name|metrics|model-index): .*\n|^# .*\n|^\| (zero-shot CLIP|with these prompts) \|.*\n"
    r"|^- Method: .*\n"
    r"|from_pretrained\(.*\)",
    re.MULTILINE,
)
"""What of a card depends on where it is published, by whom and under which name, or on who made it when."""

_OLD_WORDS = {
    "| plain CLIP |": "| zero-shot CLIP |",
    "After training: residual ": "After training: zero-shot ratio ",
    "- A share says how": "- A probability says how",
}
"""Words of the cards of earlier versions, which are this program's all the same."""

_PLACE = re.compile(r'from_pretrained\("([^"]*)"')
_CLAIMED = "apache-2.0"
"""What cards of before said of prompts that were trained here, without having asked."""


def model_card(manifest: Manifest, *, repo_id: str = "", license_id: str = "", license_name: str = "") -> str:
    """The text of the card: front matter, figures beside zero-shot CLIP, six lines of use, how it was trained, limits.

    ``repo_id`` is where the bundle is to be published; without it the lines of use load a folder. ``license_id`` is
    that of the prompts, see ``license_of``. Raises BundleError for a license that the Hub would refuse.
    """
    return f"""---
{front_matter(manifest, license_id, license_name)}
---
# {inline(manifest.name) or "bundle"}

Prompts that teach a frozen CLIP actions in video without making it forget the rest. They were made with GA² Studio, an
independent implementation of [GA2-CLIP](https://arxiv.org/abs/2511.22125), and hold no weights of the CLIP itself.

{_figures(manifest)}

## Use

Install the library (`pip install .` in the folder of GA² Studio), then:

```python
{_use(manifest, repo_id)}
```

Labels that it was never trained on work, too. Without labels the bundle's own are taken. `negatives=["nothing", …]`
lets a clip show none of them.

## How it was trained

{_training(manifest)}

## Limits

{_limits(manifest)}
"""


def card_to_publish(
    manifest: Manifest, own: str | None, repo_id: str, license_id: str = "", license_name: str = ""
) -> str:
    """The card that goes to ``repo_id``; ``own`` is the text that lies in the bundle's folder, None without one.

    A card that this program made is made anew for that place, with the license that it had unless one is named. One
    that somebody has rewritten goes as it is; raises BundleError where a license is named for that all the same.
    """
    if own is None or _is_ours(own, manifest):
        had = _license_had(own or "", manifest)
        license_id, license_name = license_id or had.get("license", ""), license_name or had.get("license_name", "")
        return model_card(manifest, repo_id=repo_id, license_id=license_id, license_name=license_name)
    if license_id:
        raise BundleError(
            f"the card of bundle '{manifest.name}' was rewritten by hand, so its license stands there; change it in "
            f"{CARD}, or delete that file to have a new one made"
        )
    return own


def card_to_pack(manifest: Manifest, own: str) -> str:
    """The card that goes into a zip file: ``own`` under the name in ``manifest``, if this program made it."""
    if not _is_ours(own, manifest):
        return own
    place = _PLACE.search(own)
    return card_to_publish(manifest, own, place[1] if place else "")


def _is_ours(own: str, manifest: Manifest) -> bool:
    """Whether this program made the card ``own``, whatever the bundle is called and wherever it was published."""
    for old, new in _OLD_WORDS.items():
        own = own.replace(old, new)
    return _VARYING.sub("", own) == _VARYING.sub("", model_card(manifest))


def _license_had(own: str, manifest: Manifest) -> dict[str, str]:
    """The license that the card ``own`` names, unless nobody chose it: cards once claimed one by themselves."""
    had = front_values(own)
    place = _PLACE.search(own)
    published = place is not None and is_repository(place[1])
    embedded = manifest.run.dataset == SKETCH_HARD_PROMPT.name  # drawn by this project, whose license it is
    return had if published or embedded or had.get("license") != _CLAIMED else {}


def _figures(manifest: Manifest) -> str:
    """The table of accuracies; a sentence where nothing was measured."""
    if not shown_figures(manifest, manifest.metrics):
        return "Nothing was measured with these prompts."
    dataset, tested = inline(without_path(manifest.run.dataset)), manifest.used.tested
    notes = "".join(f"\n{text}" for text in [rests_on(tested), *cautions(tested)] if text)
    return f"""| top-1, percent | base | novel | harmonic mean |
|---|---|---|---|
| zero-shot CLIP | {_row(manifest, manifest.zero_shot)} |
| with these prompts | {_row(manifest, manifest.metrics)} |

Measured on the test clips of data set {dataset}. *Base* are the labels that it was trained on, *novel* labels that it
never saw in training.{notes}"""


def _row(manifest: Manifest, metrics: Mapping[str, float]) -> str:
    figures = shown_figures(manifest, metrics)
    return " | ".join(figure_text(name, figures, manifest.used.tested) for name in ("base", "novel", "hm"))


def _use(manifest: Manifest, repo_id: str) -> str:
    """Six lines of Python that recognize a clip."""
    place = json.dumps(repo_id if is_repository(repo_id) else _FOLDER)
    if _needs_folder(manifest):
        place += ', backbone="path/to/its/backbone"'
    known = [label for label in (*manifest.base, *manifest.novel) if is_plain(label)][:2]
    labels = json.dumps(known if len(known) == 2 else ["your label", "another label"], ensure_ascii=False)
    return f"""from ga2app import Recognizer

recognizer = Recognizer.from_pretrained({place})
answer = recognizer.recognize(["clip.mp4"], {labels})
for score in answer.clips[0].bundle or ():
    print(f"{{score.score:.0%}} {{score.label}} ({{score.kind}})")"""


def _training(manifest: Manifest) -> str:
    """A list of what the prompts are and how they came to be."""
    config, backbone = manifest.run, manifest.backbone
    prompts = config.prompts
    name = inline(without_path(str(backbone["name"])))
    revision = f", revision {inline(str(backbone['revision']))}" if backbone.get("revision") else ""
    lines = [
        f"Backbone: {name}{revision}, weights {inline(str(backbone['fingerprint']))}, frozen",
        f"Method: {METHOD_TITLES[method_of(config)]}: {', '.join(method_parts(config))}",
        f"Prompts: {prompts.length} tokens, {prompts.visual_depth} visual and {prompts.text_depth} text layers, "
        f"{_coupling(config)}",
        f"Frames: {config.clips.num_frames} a clip, {inline(str(backbone['sizes'].get('image_size', '?')))} pixels "
        "square",
    ]
    if manifest.steps:
        lines += _run_lines(manifest)
    else:
        dataset = inline(without_path(config.dataset))
        lines.append(
            f"Imported from a published checkpoint, which does not tell how it was trained; data set: {dataset}"
        )
    lines.append(_labels("Base labels", manifest.base))
    if manifest.novel:
        lines.append(_labels("Novel labels", manifest.novel))
    if manifest.anchor_captions:
        lines.append(_labels("Captions of irrelevant clips (anchors)", manifest.anchor_captions))
    if manifest.negatives:
        lines.append(_labels("Negative prompts", manifest.negatives))
    if manifest.descriptions:
        sentences = sum(map(len, manifest.descriptions.values()))
        told = f"{len(manifest.descriptions)} of its texts, {sentences} sentences in `bundle.json`"
        lines.append(f"Descriptions: {told}, averaged with the names where they are asked for")
    return "\n".join(f"- {line}" for line in lines)


def _run_lines(manifest: Manifest) -> list[str]:
    """What is known only of prompts that were trained here."""
    config = manifest.run
    optimizer = config.optimizer
    terms = [f"{name} {weight:g}" for name, weight in config.losses.weights().items() if weight]
    anchors = f", anchor set {inline(config.anchors)}" if config.anchors else ""
    whitening = config.whitening
    packages = sorted(manifest.packages.items())[:_PACKAGES]
    used = manifest.used
    shots = used.shots_text(config.shots) if used.most else f"{config.shots} clips a base label"
    return [
        f"Data set: {inline(without_path(config.dataset))} (hash {inline(manifest.dataset_hash)}), {shots}, "
        f"seed {config.seed}{anchors}",
        *_temperature(manifest),
        *_sources(used),
        f"Anchor terms: {', '.join(terms) or 'none'}",
        f"After training: zero-shot ratio {config.prompts.zero_shot_ratio:g}, "
        + (
            f"whitening (anchors {whitening.anchors:g}, shrinkage {whitening.shrinkage:g}, center {whitening.center:g})"
            if whitening.enabled
            else "no whitening"
        )
        + (", order-aware pooling of frames" if config.prompts.ordered else ""),
        f"{manifest.steps} steps of AdamW: {optimizer.epochs} epochs, learning rate {optimizer.learning_rate:g}, "
        f"weight decay {optimizer.weight_decay:g}, {optimizer.batch_size} clips a batch, {config.precision.value}",
        f"Made with {', '.join(f'{inline(name)} {inline(version)}' for name, version in packages)}",
        *(f"Not as asked for: {text}" for text in _adjusted(used)),
    ]


def _temperature(manifest: Manifest) -> list[str]:
    """What the percentages are made with; nothing where there is no temperature."""
    heat = manifest.calibrated
    return [] if heat.value is None else [f"Temperature: {heat.value:.2f}, fitted on {inline(heat.fitted)}"]


def _sources(used: Conditions) -> list[str]:
    """Where anchors and negative prompts came from."""
    named = {"Anchors": used.anchors, "Negatives": used.negatives}
    return [f"{name}: {inline(text)}" for name, text in named.items() if text]


def _adjusted(used: Conditions) -> list[str]:
    """Each setting that the run could not use as it was asked for, and why."""
    return [
        f"{inline(one.setting)} was to be {inline(str(one.asked))} and was {inline(str(one.used))}, "
        f"because {inline(one.reason)}"
        for one in used.adjustments[:_SHOWN]
    ]


def _coupling(config: RunConfig) -> str:
    if not config.prompts.coupled:
        return "not coupled"
    named = config.prompts.hard_prompt
    told = {HARD_PROMPT_EMBEDDED: "the embedded one", HARD_PROMPT_RANDOM: "a random one"}
    return f"coupled to a frozen hard prompt ({told.get(named, inline(without_path(named)))})"


def _labels(title: str, texts: Sequence[str]) -> str:
    shown = ", ".join(map(inline, texts[:_SHOWN])) or "not known"
    return f"{title} ({len(texts)}): {shown}{f' and {len(texts) - _SHOWN} more' if len(texts) > _SHOWN else ''}"


def _limits(manifest: Manifest) -> str:
    lines = [
        "The clip feature is the mean over frames and a learned term for their order: novel labels that differ in the "
        "order alone may still be confused."
        if manifest.run.prompts.ordered
        else "The clip feature is the mean over frames: two actions that differ only in the order of their frames look "
        "the same.",
        "A probability says how a clip compares with the labels given, and one of them always wins unless negatives "
        "are given.",
        "The prompts belong to these very weights of the CLIP, and are refused with any others.",
    ]
    if manifest.backbone["name"] == SKETCH:
        lines.append(
            "The sketch backbone knows drawings and a few words only: of real footage its answer says nothing. It "
            "comes with GA² Studio and is not on the Hub."
        )
    elif _needs_folder(manifest):
        lines.append("Their CLIP was a folder of whoever made them, and has to be had from there.")
    if shown_figures(manifest, manifest.metrics):
        lines.append("The figures are of one run with one seed; a few points of difference may be chance.")
    return "\n".join(f"- {line}" for line in lines)


def _needs_folder(manifest: Manifest) -> bool:
    """Whether the backbone was a folder on somebody's machine."""
    name = str(manifest.backbone["name"])
    return name != SKETCH and (Path(name).is_absolute() or not is_repository(name))
