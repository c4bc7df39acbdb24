"""How much memory an import of a checkpoint of 600 MB needs, as a multiple of the file's size.

    python benchmarks/import_memory.py [--megabytes 600]

It makes a CLIP with random weights and two checkpoints in the layout of ViFi-CLIP's prompting: with the towers of that
CLIP, and with tuned ones, which become a backbone folder. Each is imported in a process of its own. Two figures each:
the peak above what the process held with its backbone loaded, and above what it held before that, with torch imported.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
LAYERS, WIDTH, TEXT_WIDTH, PATCH, SIDE = 12, 768, 512, 16, 224


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--megabytes", type=int, default=600)
    parser.add_argument("--child", nargs=3, metavar=("FILE", "BACKBONE", "OUT"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        _import(*map(Path, given.child))
        return
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        _make(folder, given.megabytes)
        for kind in ("same", "tuned"):
            file = folder / f"{kind}.pth"
            told = _child(file, folder / "clip", folder / f"{kind}-out")
            size = file.stat().st_size
            above, whole = (told[name] / size for name in ("above_backbone", "above_torch"))
            sys.stdout.write(
                f"{kind} towers, {size / 1e6:.0f} MB: peak {above:.2f} x the file above the loaded backbone, "
                f"{whole:.2f} x above torch alone, {told['seconds']:.1f} s\n"
            )


def _make(folder: Path, megabytes: int) -> None:
    import torch
    from transformers import AutoTokenizer, CLIPConfig, CLIPModel

    from ga2app.paths import SKETCH_CLIP
    from tests.published import openai_layout as theirs

    tokenizer = AutoTokenizer.from_pretrained(SKETCH_CLIP)
    ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    layer = 4 * 12 * WIDTH**2 / 1e6
    depth = max(1, round((megabytes - 4 * 12 * LAYERS * TEXT_WIDTH**2 / 1e6) / layer))
    text = {"hidden_size": TEXT_WIDTH, "intermediate_size": 4 * TEXT_WIDTH, "num_hidden_layers": LAYERS, **ends}
    text |= {"num_attention_heads": 8, "vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id}
    vision = {"hidden_size": WIDTH, "intermediate_size": 4 * WIDTH, "num_hidden_layers": depth}
    vision |= {"num_attention_heads": 12, "image_size": SIDE, "patch_size": PATCH}
    quick = {"hidden_act": "quick_gelu"}
    clip = CLIPModel(CLIPConfig(text_config={**text, **quick}, vision_config={**vision, **quick}, projection_dim=512))
    clip.save_pretrained(folder / "clip")
    tokenizer.save_pretrained(folder / "clip")
    theirs.VISION["layers"], theirs.TEXT["layers"] = depth, LAYERS
    weights = theirs.published_weights(theirs.to_openai(clip.state_dict()))
    prompts = {"prompt_learner.ctx": torch.randn(16, TEXT_WIDTH), "image_encoder.VPT": torch.randn(16, WIDTH)}
    for kind, factor in (("same", 1.0), ("tuned", 1.01)):
        state = {f"module.{key}": weight * factor for key, weight in weights.items()}
        torch.save({"model": state | {f"module.{key}": set_ for key, set_ in prompts.items()}}, folder / f"{kind}.pth")


def _child(file: Path, backbone: Path, out: Path) -> dict[str, Any]:
    command = [sys.executable, __file__, "--child", str(file), str(backbone), str(out)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def _import(file: Path, backbone: Path, out: Path) -> None:
    import time

    from ga2app.bundles.checkpoints import import_checkpoint
    from ga2app.clip import load_backbone

    torch_alone = _memory("VmRSS")
    clip = load_backbone(backbone, device="cpu")
    before = _memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # The peak starts anew.
    start = time.monotonic()
    import_checkpoint(file, clip, out=out)
    seconds, peak = time.monotonic() - start, _memory("VmHWM")
    told = {"above_backbone": peak - before, "above_torch": peak - torch_alone, "seconds": seconds}
    sys.stdout.write(f"\n{json.dumps(told)}\n")


def _memory(kind: str) -> int:
    """Bytes of this process, as Linux counts them."""
    rows = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(rows[kind].split()[0]) * 1024


if __name__ == "__main__":
    main()
