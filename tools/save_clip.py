"""The sketch backbone as a folder that ``transformers`` loads, each file replaced atomically."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from transformers import CLIPModel, PreTrainedTokenizerFast

PREPROCESSOR = {
    "image_processor_type": "CLIPImageProcessor",
    "do_convert_rgb": True,
    "do_resize": True,
    "size": {"shortest_edge": 73},
    "resample": 3,
    "do_center_crop": True,
    "crop_size": {"height": 64, "width": 64},
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
}


def save_folder(model: CLIPModel, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Write weights (float32 safetensors), configuration, tokenizer and preprocessing into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".sketch-clip-") as name:
        fresh = Path(name)
        model.save_pretrained(fresh)
        tokenizer.save_pretrained(fresh)
        (fresh / "preprocessor_config.json").write_text(json.dumps(PREPROCESSOR, indent=2, sort_keys=True) + "\n")
        for path in sorted(fresh.iterdir()):
            path.chmod(0o644)
            os.replace(path, folder / path.name)


def append_log(path: Path, row: Mapping[str, object], fresh: bool = False) -> None:
    """Append ``row`` as one JSON line; ``fresh`` starts the file anew."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w" if fresh else "a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
