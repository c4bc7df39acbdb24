"""Makes and measures what the project ships of the sketch world: the backbone, its hard prompt, the contact sheet.

python -m tools.sketch_clip pretrain --out assets/sketch-clip --seed 0
"""

from __future__ import annotations

import argparse
import logging
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ga2app.cli import common
from ga2app.config import SKETCH, LossConfig, preset
from ga2app.paths import SKETCH_CLIP, SKETCH_HARD_PROMPT


def main(argv: Sequence[str] | None = None) -> int:
    """Run one kind."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.sketch_clip", description="the shipped files of the sketch world"
    )
    kinds = parser.add_subparsers(required=True, metavar="KIND")

    sheet = kinds.add_parser("contact-sheet", help="draw the picture of all actions and scenes")
    sheet.add_argument("--out", type=Path, required=True, help="the PNG file")
    sheet.set_defaults(run=run_contact_sheet)

    pretrain = kinds.add_parser("pretrain", help="train the embedded backbone from scratch (about an hour on 2 cores)")
    pretrain.add_argument("--out", type=Path, required=True, help="folder of the backbone")
    pretrain.add_argument("--seed", type=int, default=0, help="of weights and clips (default 0)")
    pretrain.add_argument("--steps", type=int, help="optimizer steps (default: those of the shipped weights)")
    pretrain.set_defaults(run=run_pretrain)

    hard_prompt = kinds.add_parser("hard-prompt", help="train the embedded hard prompt (about a minute)")
    hard_prompt.add_argument("--out", type=Path, required=True, help="folder of the bundle")
    hard_prompt.add_argument("--seed", type=int, default=1024, help="of the training (default 1024)")
    hard_prompt.add_argument("--epochs", type=int, help="passes over the clips (default: those of the shipped one)")
    hard_prompt.set_defaults(run=run_hard_prompt)

    zero_shot = kinds.add_parser("zero-shot", help="accuracy of the embedded backbone on clips that it never saw")
    zero_shot.add_argument("--style", default="plain", help="plain, camcorder or film (default plain)")
    zero_shot.add_argument("--clips", type=int, default=4, help="clips of each action (default 4)")
    zero_shot.add_argument("--seed", type=int, default=0, help="another one draws other clips (default 0)")
    common.add_json(zero_shot)
    zero_shot.set_defaults(run=run_zero_shot)
    args = parser.parse_args(argv)
    status: int = args.run(args)
    return status


def run_contact_sheet(args: argparse.Namespace) -> int:
    """Draw the contact sheet."""
    from tools.contact_sheet import contact_sheet

    contact_sheet(args.out)
    print(args.out)
    return 0


def run_pretrain(args: argparse.Namespace) -> int:
    """Train the backbone, measure it and write its card."""
    from tools.backbone_card import write_card
    from tools.pretrain import PretrainConfig, pretrain

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    config = PretrainConfig(seed=args.seed)
    pretrain(replace(config, steps=args.steps) if args.steps else config, args.out)
    for style, figures in write_card(args.out).items():
        print(f"zero-shot top-1, {style}: {figures.top1:.1f} %")
    return 0


def run_hard_prompt(args: argparse.Namespace) -> int:
    """Learn a plain soft text prompt on actions and a style that no demo uses."""
    from ga2app.synthetic.demo_dataset import hard_prompt_dataset
    from ga2app.training import train

    config = preset("quick", SKETCH)
    prompts = replace(config.prompts, coupled=False, hard_prompt="random")
    config = replace(config, dataset=SKETCH_HARD_PROMPT.name, seed=args.seed, prompts=prompts, losses=LossConfig())
    if args.epochs is not None:
        config = replace(config, optimizer=replace(config.optimizer, epochs=args.epochs))
    with tempfile.TemporaryDirectory() as folder:
        dataset = hard_prompt_dataset(Path(folder) / "clips")
        result = train(config, dataset, out=args.out, checkpoint=Path(folder) / "checkpoint")
    print(common.percent_table({"zero-shot CLIP": result.zero_shot, "with prompts": result.metrics}, result.tested))
    return 0


def run_zero_shot(args: argparse.Namespace) -> int:
    """Measure the embedded backbone."""
    from tools.backbone_accuracy import zero_shot_accuracy

    figures = zero_shot_accuracy(SKETCH_CLIP, args.style, args.clips, seed=args.seed)
    if args.json:
        common.print_json({"style": args.style, "top1": figures.top1, "by_action": figures.by_action})
    else:
        print(f"zero-shot top-1, {args.style}: {figures.top1:.1f} % over {len(figures.by_action)} actions")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
