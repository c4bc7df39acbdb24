"""Methods of the benchmark with descriptions of the labels: the same model, measured with other text features.

``descriptions`` are sentences on what an action looks like; ``captions`` are wordings of its name as the sketch
backbone was trained on, with places and media. Both are in words that its tokenizer knows. Nothing is trained anew.
"""

from __future__ import annotations

from pathlib import Path

from ga2app import evaluation as evaluate
from ga2app.bundles import load_bundle
from ga2app.clip import Backbone
from ga2app.clip.described_texts import usable_descriptions
from ga2app.errors import TrainingError
from ga2app.types import Dataset

from .action_descriptions import ACTION_DESCRIPTIONS, captions_of


def described_figures(method: str, dataset: Dataset, known: evaluate.PlainFeatures, bundle: Path) -> dict[str, float]:
    """Base, novel and HM of ``method``, of which ``bundle`` holds what was trained. Raises StudioError."""
    told = sentences_for(method, dataset, known.backbone)
    clips = evaluate.test_clips(dataset)
    paths = [clip.path for clip in clips]
    model = load_bundle(bundle).attach(known.backbone, dataset.base, told)
    frozen = known.moments(paths) if model.prompts.config.zero_shot_ratio else None
    features = evaluate.encode_clips(model, paths, known.num_frames, frozen=frozen)
    return evaluate.evaluate_features(model, dataset, clips, features).metrics()


def sentences_for(method: str, dataset: Dataset, backbone: Backbone) -> dict[str, tuple[str, ...]]:
    """The sentences of every label of ``dataset`` that ``method`` names behind its plus sign. Raises TrainingError."""
    labels = (*dataset.base, *dataset.novel)
    captions = {label: captions_of(label) for label in labels}
    sentences = captions if method.endswith("+captions") else ACTION_DESCRIPTIONS
    told, faults = usable_descriptions(backbone, labels, sentences)
    if faults or len(told) < len(labels):
        raise TrainingError(f"not every label of '{dataset.name}' is described: {'; '.join(faults)}")
    return told
