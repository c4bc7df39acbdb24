"""The model card of a bundle: README.md with the front matter that the Hub reads."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ga2app.bundle.manifest import Manifest
from ga2app.config import SKETCH

CARD = "README.md"


def model_card(manifest: Manifest) -> str:
    """The text of the card: front matter, figures beside plain CLIP, how it was trained, six lines of use."""
    config = manifest.run
    return f"""---
{_front_matter(manifest)}
---
# {manifest.name}

Prompts for video action recognition with a frozen CLIP, trained with GA²-CLIP prompt tuning.

| top-1, percent | base | novel | harmonic mean |
|---|---|---|---|
| plain CLIP | {_row(manifest.zero_shot)} |
| with these prompts | {_row(manifest.metrics)} |

- Backbone: `{manifest.backbone["name"]}` (fingerprint `{manifest.backbone["fingerprint"]}`), frozen
- Data set: `{config.dataset}`, {config.shots} clips a base class, {config.clips.num_frames} frames a clip
- Base classes: {", ".join(manifest.base)}
- Prompts: {config.prompts.length} tokens, {config.prompts.visual_depth} visual and {config.prompts.text_depth} text
  layers, {"coupled to a frozen hard prompt" if config.prompts.coupled else "not coupled"}
- {manifest.steps} steps of AdamW at learning rate {config.optimizer.learning_rate:g}, seed {config.seed}

## Use

```python
from ga2app import Recognizer

recognizer = Recognizer("{manifest.backbone["name"]}", bundle="path/to/this/folder")
answer = recognizer.recognize(["clip.mp4"], ["your label", "another label"])
for score in answer.clips[0].bundle or ():
    print(f"{{score.score:.0%}} {{score.label}} ({{score.kind}})")
```

The clip feature is the mean over frames: two actions that differ only in the order of their frames look the same.
"""


def _front_matter(manifest: Manifest) -> str:
    """YAML, every value written as JSON, which YAML reads: names cannot break out of it."""
    lines = []
    if manifest.backbone["name"] != SKETCH:
        lines.append(f"base_model: {json.dumps(manifest.backbone['name'])}")
    lines += [
        "library_name: ga2app",
        "pipeline_tag: video-classification",
        "tags: [clip, prompt-tuning, video-classification, action-recognition, ga2-clip]",
        "metrics: [accuracy]",
    ]
    return "\n".join(lines)


def _row(metrics: Mapping[str, float]) -> str:
    return " | ".join(f"{metrics[name]:.1f}" if name in metrics else "–" for name in ("base", "novel", "hm"))
