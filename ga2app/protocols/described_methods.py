"""Methods of the benchmark with descriptions of the labels: the same model, measured with other text features.

``descriptions`` are sentences on what an action looks like; ``captions`` are wordings of its name as the sketch
backbone was trained on, with places and media. Both are in words that its tokenizer knows. Nothing is trained anew.
"""

from __future__ import annotations

from pathlib import Path

from ga2app import evaluation as evaluate
from ga2app.bundles import load_bundle
from ga2app.clip.described_texts import usable_descriptions
from ga2app.config.presets import ZERO_SHOT
from ga2app.errors import TrainingError
from ga2app.method.prompted_model import plain_clip
from ga2app.synthetic.action_descriptions import ACTION_DESCRIPTIONS, captions_of
from ga2app.types import Dataset


def described_figures(method: str, dataset: Dataset, known: evaluate.PlainFeatures, bundle: Path) -> dict[str, float]:
    """Base, novel and HM of ``method``, of which ``bundle`` holds what was trained. Raises StudioError."""
    bare, _, kind = method.partition("+")
    labels = (*dataset.base, *dataset.novel)
    sentences = ACTION_DESCRIPTIONS if kind == "descriptions" else {label: captions_of(label) for label in labels}
    told, faults = usable_descriptions(known.backbone, labels, sentences)
    if faults or len(told) < len(labels):
        raise TrainingError(f"not every label of '{dataset.name}' is described: {'; '.join(faults)}")
    clips = evaluate.test_clips(dataset)
    paths = [clip.path for clip in clips]
    if bare == ZERO_SHOT:
        model = plain_clip(known.backbone, dataset.base, descriptions=told)
        features = known.of(paths)
    else:
        model = load_bundle(bundle).attach(known.backbone, dataset.base, told)
        frozen = known.means(paths) if model.prompts.config.zero_shot_ratio else None
        features = evaluate.encode_clips(model, paths, known.num_frames, frozen=frozen)
    return evaluate.evaluate_features(model, dataset, clips, features).metrics()
