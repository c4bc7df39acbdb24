"""Order-aware pooling learned on stored frame features, beside the mean, on the same clips over several seeds.

    python -m benchmarks.ordered_pooling --first-seed 7000 --seeds 5

Two worlds: ``pairs``, half of the drawn actions with their exact reverses as base labels and the other half as novel
ones, and ``narrow``, the usual one of ``bench base2novel``, where the order of frames says nothing. Towers and labels
are frozen and the space is whitened, so that nothing but the pooling is learned; with ``--prompts`` it is learned
together with text prompts, as the Quick preset has them. Clips are drawn straight to frames, with no file between.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from tabulate import tabulate

from benchmarks.base2novel import drawn_data as world
from benchmarks.base2novel.paired_differences import paired_difference
from benchmarks.base2novel.pairs import PAIR_FIGURES, pair_accuracy
from ga2app import evaluation as evaluate
from ga2app.bundles import load_bundle
from ga2app.clip import load_backbone
from ga2app.config import ClipConfig, LossConfig, Pooling, PromptConfig, RunConfig, preset
from ga2app.evaluation import spread
from ga2app.method.pooling import moments
from ga2app.method.prompted_model import plain_clip
from ga2app.method.whitening import estimate
from ga2app.synthetic.actions import ACTIONS
from ga2app.synthetic.reversible_actions import REVERSIBLE
from ga2app.synthetic.scenes import SCENES
from ga2app.synthetic.world import clip_frames
from ga2app.training import train
from ga2app.training.training_batches import draw_shots
from ga2app.types import AnchorClip, Dataset, LabelledClip, Subset
from ga2app.video.pixels import frames_to_pixels

FRAMES, SIDE_PX, SHOTS, SCENE_CLIPS = 4, 96, 16, 4
BASE_TESTS, NOVEL_TESTS = {"pairs": 10, "narrow": 20}, 10
MEAN, KEPT = "mean", 0.3
FIGURES = ("base", "novel", "hm", *PAIR_FIGURES)
_STREAM, _SUBJECTS = 9501, {**ACTIONS, **SCENES, **REVERSIBLE}

Figures = Mapping[str, Mapping[str, float]]


def methods(prompts: bool) -> dict[str, RunConfig]:
    """The settings of each method: those of Quick on fewer frames and larger batches, with or without text prompts."""
    config = preset("quick")
    optimizer = replace(config.optimizer, learning_rate=1e-2, batch_size=32, evaluate_every=config.optimizer.epochs)
    config = replace(config, shots=SHOTS, device="cpu", clips=ClipConfig(num_frames=FRAMES), optimizer=optimizer)
    if not prompts:
        alone = PromptConfig(1, visual_depth=0, text_depth=0, coupled=False, pooling=Pooling.ORDERED)
        config = replace(config, prompts=alone, losses=LossConfig())
    ordered = replace(config, prompts=replace(config.prompts, pooling=Pooling.ORDERED))
    kept = replace(ordered, losses=replace(ordered.losses, anchor_distillation=KEPT))
    return {MEAN: config, "ordered": ordered, f"ordered, keep {KEPT}": kept}


def drawn(setting: str, seed: int, known: evaluate.PlainFeatures) -> Dataset:
    """The data set of ``seed``, whose clips have names and no files; ``known`` then has their features."""
    base, novel = world.classes(setting, seed)
    wanted = [(key, Subset.TRAIN, SHOTS) for key in base]
    wanted += [(key, Subset.TEST, BASE_TESTS[setting]) for key in base]
    wanted += [(key, Subset.TEST, NOVEL_TESTS) for key in novel]
    wanted += [(key, Subset.TRAIN, SCENE_CLIPS) for key in SCENES]
    clips, anchors, model = list[LabelledClip](), list[AnchorClip](), plain_clip(known.backbone, ["something"])
    for key, subset, count in wanted:
        subject, place = _SUBJECTS[key], list(_SUBJECTS).index(key)
        paths = [f"{key}-{subset}-{index}.mp4" for index in range(count)]
        seeds = [(seed, _STREAM + (subset is Subset.TEST), place, index) for index in range(count)]
        shown = [clip_frames(subject, world.STYLE, one, FRAMES, SIDE_PX).copy() for one in seeds]
        pixels = torch.stack([frames_to_pixels(frames, known.backbone.preprocessing) for frames in shown])
        with torch.no_grad():
            known.add(paths, moments(model.encode_frames(pixels)))
        clips += [LabelledClip(path, subject.name, subset) for path in paths if key not in SCENES]
        anchors += [AnchorClip(path, f"a video of {subject.name}") for path in paths if key in SCENES]
    names = [tuple(_SUBJECTS[key].name for key in keys) for keys in (base, novel)]
    return Dataset(f"{setting}-{seed}", *names, tuple(clips), tuple(anchors), world.NEGATIVES[:6])


def measured(setting: str, seed: int, prompts: bool) -> dict[str, dict[str, float]]:
    """Figures of each method on the data of ``seed``, in percent."""
    known = evaluate.PlainFeatures(load_backbone("sketch", device="cpu", precision="float32"), FRAMES)
    dataset, found = drawn(setting, seed, known), {}
    clips = evaluate.test_clips(dataset)
    paths = [clip.path for clip in clips]
    with tempfile.TemporaryDirectory() as folder:
        for method, config in methods(prompts).items():
            own = replace(config, seed=seed)
            if prompts or method != MEAN:
                out = Path(folder) / str(len(found))
                how = {"backbone": known.backbone, "known": known}
                train(own, dataset, out=out, checkpoint=out.with_suffix(".checkpoint"), **how)  # type: ignore[arg-type]
                model = load_bundle(out).attach(known.backbone, dataset.base)
            else:  # zero-shot CLIP in the whitened space: there is nothing to learn
                shots = draw_shots(dataset, SHOTS, seed)
                targets = torch.tensor([dataset.base.index(clip.label) for clip in shots])
                looks = (known.of([clip.path for clip in shots]), targets, known.of([a.path for a in dataset.anchors]))
                model = plain_clip(known.backbone, dataset.base, estimate(own.whitening, *looks))
            features = model.of_moments(known.moments(paths))
            figures = evaluate.evaluate_features(model, dataset, clips, features).metrics()
            found[method] = figures | pair_accuracy(model, dataset, clips, features)
    return found


def table(setting: str, by_seed: Sequence[Figures]) -> str:
    """Mean ± std of each method, and the paired difference of each to the mean over frames with its 95% interval."""
    named = [name for name in FIGURES if name in by_seed[0][MEAN]]
    rows = [[setting, *(name.replace("_", " ") for name in named)]]
    columns = {method: {name: [one[method][name] for one in by_seed] for name in named} for method in by_seed[0]}
    for method, figures in columns.items():
        rows.append([method, *(str(spread(figures[name])) for name in named)])
    for method in list(columns)[1:]:
        less = [str(paired_difference(columns[method][name], columns[MEAN][name])) for name in named]
        rows.append([f"{method}, less the mean", *less])
    return str(tabulate(rows, headers="firstrow", tablefmt="github", disable_numparse=True))


def main() -> None:
    """Print a table for each world; figures of seeds that ``--out`` holds already are not measured again."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first-seed", type=int, default=7000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--worlds", default="pairs,narrow", help="of pairs, narrow and wide, between commas")
    parser.add_argument("--prompts", action="store_true", help="learn text prompts, too, as the Quick preset does")
    parser.add_argument("--out", type=Path, default=Path("ordered-pooling.json"), help="the figures of each seed")
    args = parser.parse_args()
    torch.set_num_threads(1)
    kept = json.loads(args.out.read_text()) if args.out.exists() else {}
    for setting in args.worlds.split(","):
        by_seed = []
        for seed in range(args.first_seed, args.first_seed + args.seeds):
            key = f"{setting}{'-prompts' if args.prompts else ''}-{seed}"
            if key not in kept:
                kept[key] = measured(setting, seed, args.prompts)
                args.out.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")
            by_seed.append(kept[key])
        print(table(setting, by_seed), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
