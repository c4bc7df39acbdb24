"""A bundle measured on a data set, beside zero-shot CLIP and whatever else is asked for."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ga2app.config import Precision
from ga2app.config.effective_config import whitening_anchors
from ga2app.errors import ConfigError, DatasetError, Fault, LabelError, StudioError
from ga2app.services.named_datasets import anchored, find_dataset, with_named_anchors
from ga2app.types import LEAST_LABELS, Confidence, Dataset

if TYPE_CHECKING:
    from torch import Tensor

    from ga2app.bundles import Manifest
    from ga2app.clip import Backbone
    from ga2app.evaluation import Evaluation, MeasuredBaseline, Remeasured, Trained
    from ga2app.method.prompted_model import PromptedClip
    from ga2app.video.sampling import MultiView

OTHER = "other"
"""Stands for the identity of clips that are not those of today."""

PLAIN, PROMPTED = "zero-shot CLIP", "with prompts"
DESCRIBED = {PLAIN: "… and descriptions", PROMPTED: "with prompts and descriptions"}
FITTED_ON_THEM = (
    "the bundle's temperature was fitted on test clips of its base labels: their calibration error with it is too good "
    "here, and in the run's report it is not"
)


@dataclass(frozen=True)
class Measuring:
    """What to measure a bundle on, and how.

    ``dataset`` is a name as ``find_dataset`` takes it, None for the one that the bundle was trained on. ``cross`` pools
    its labels, ``joint`` lets base and novel labels compete together besides. ``baselines`` and ``confidence`` are
    measured on request. ``descriptions`` are sentences by label beside those of the data set and the bundle, None for
    names alone.
    """

    views: MultiView
    dataset: str | None = None
    cross: bool = False
    joint: bool = False
    baselines: bool = False
    confidence: bool = False
    descriptions: Mapping[str, Sequence[str]] | None = None


@dataclass(frozen=True)
class MeasuredBundle:
    """What was measured of the models by title, zero-shot CLIP first, on the clips that ``found`` has left.

    ``shared`` are labels that the bundle was trained on, ``described`` the sentences of labels that were used, and
    ``learned_from`` says what the ``baselines`` were fitted on. What was not asked for is empty.
    """

    found: Remeasured
    both: dict[str, Evaluation]
    shared: tuple[str, ...]
    baselines: list[MeasuredBaseline]
    learned_from: str
    described: dict[str, tuple[str, ...]]
    believed: dict[str, Confidence]
    notes: list[str]


def evaluate_bundle(
    folder: str, how: Measuring, load: Callable[[str, Precision], Backbone], notes: list[str]
) -> MeasuredBundle:
    """Measure the bundle in ``folder`` on the backbone that ``load`` gives for its name and precision.

    What reading the data set says goes to ``notes``. Raises StudioError.
    """
    from ga2app import evaluation as evaluate
    from ga2app.inference import load_bundle
    from ga2app.method.prompted_model import plain_clip

    bundle = load_bundle(folder)
    manifest, config = bundle.manifest, bundle.manifest.run
    whole, trained, found = _clips_to_measure(manifest, how, notes)
    dataset, frames = found.dataset, config.clips.num_frames
    # float16 is for training on a CUDA device; to be measured, such a bundle needs none.
    precision = Precision.AUTO if config.precision is Precision.FLOAT16 else config.precision
    backbone = load(str(manifest.backbone["name"]), precision)
    model, plain = bundle.attach(backbone, dataset.base), plain_clip(backbone, dataset.base)
    seen = evaluate.encode_test_clips(plain, dataset, frames, how.views)
    if config.prompts.moves_clips:
        known = evaluate.encode_test_clips(model, dataset, frames, how.views)
    else:
        known = model.whiten_clips(seen)  # without visual prompts the features of zero-shot CLIP serve
    models = {PLAIN: (plain, seen), PROMPTED: (model, known)}

    def evaluated(one: PromptedClip, clips: Tensor) -> Evaluation:
        return evaluate.evaluate(one, dataset, frames, how.views, joint=how.joint, features=clips)

    both = {title: evaluated(*one) for title, one in models.items()}
    rows, learned_from = list[evaluate.MeasuredBaseline](), ""
    if how.baselines:
        rows, learned_from = _baselines(manifest, whole, plain, dataset, seen, joint=how.joint)
    described, left_out = _described(how, backbone, dataset, manifest)
    if described:
        with_them = {title: (one.with_descriptions(described), clips) for title, (one, clips) in models.items()}
        both |= {DESCRIBED[title]: evaluated(*one) for title, one in with_them.items()}
    believed = _believed(manifest, dataset, models) if how.confidence else {}
    fitted_on_them = believed and manifest.calibrated.on_test_clips and trained.name
    notes = [*found.notes, *left_out, *([FITTED_ON_THEM] if fitted_on_them else [])]
    shared = evaluate.shared_labels(manifest.base, dataset)
    return MeasuredBundle(found, both, shared, rows, learned_from, described, believed, notes)


def _clips_to_measure(manifest: Manifest, how: Measuring, notes: list[str]) -> tuple[Dataset, Trained, Remeasured]:
    """The whole data set, what the bundle was trained on, and which test clips are left. Raises StudioError."""
    from ga2app.evaluation import pooled, to_measure_again

    if how.cross and how.dataset is None:
        raise ConfigError([Fault("dataset", "--cross tests on another data set; name it with --dataset")])
    dataset = find_dataset(how.dataset or manifest.run.dataset, notes)
    trained = trained_of(manifest, dataset, own=how.dataset is None)
    if how.cross:
        dataset = pooled(dataset)
        if len(dataset.base) < LEAST_LABELS:
            raise DatasetError(
                f"data set '{dataset.name}' has only 1 label: with one there is nothing to tell apart, every answer is "
                "right; name a data set with more labels"
            )
        trained = replace(trained, name="")  # its labels are in one group now, which is no change
    found = to_measure_again(dataset, trained)
    if found.tested and found.seen == found.tested:
        raise DatasetError(
            f"the bundle was trained on each of the {found.tested} test clips of '{dataset.name}', so that they "
            "say nothing about it; test it on other clips (--dataset), or train anew on the data set as it is now"
        )
    return dataset, trained, found


def trained_of(manifest: Manifest, dataset: Dataset, *, own: bool) -> Trained:
    """What the bundle says of its training; ``own`` if ``dataset`` is the one that it names.

    A bundle of before has a hash of the data set with its anchors: where that is as it was, the clips are, too.
    """
    from ga2app.bundles import dataset_hash
    from ga2app.datasets.clip_files import clips_identity
    from ga2app.evaluation import Trained

    name = dataset.name if own or manifest.run.dataset == dataset.name else ""
    data = manifest.used.data
    if name and not data:
        with contextlib.suppress(StudioError):  # its anchor set may be gone; then nobody knows
            same = dataset_hash(anchored(manifest.run, dataset)) == manifest.dataset_hash
            data = clips_identity(dataset) if same else OTHER
    return Trained(name, manifest.base, manifest.novel, data, manifest.trained)


def _described(
    how: Measuring, backbone: Backbone, dataset: Dataset, manifest: Manifest
) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """The sentences of the labels that are asked for, and notes on what was left out; raises LabelError for none."""
    if how.descriptions is None:
        return {}, []
    from ga2app.inference.answer_notes import told_descriptions

    own = (dataset.descriptions, manifest.descriptions)
    told, notes = told_descriptions(backbone, (*dataset.base, *dataset.novel), how.descriptions, own)
    if not told:
        why = "; ".join(notes) or "neither the data set nor the bundle has any; name a file with --descriptions"
        raise LabelError(f"no label of data set '{dataset.name}' has a description: {why}")
    return told, notes


def _baselines(
    manifest: Manifest, whole: Dataset, plain: PromptedClip, dataset: Dataset, seen: Tensor, *, joint: bool
) -> tuple[list[MeasuredBaseline], str]:
    """The baselines on the test clips of ``dataset``, whose features are ``seen``, and what they were fitted on.

    ``whole`` is the data set with all of its clips. Clips that cannot be read cost the baselines alone.
    """
    from ga2app import evaluation as evaluate

    config, anchors = manifest.run, list[str]()
    clips, learned_from = evaluate.clips_to_learn_from(whole, manifest.trained, config.shots, config.seed)
    with contextlib.suppress(StudioError):  # the anchor set may be gone: then training clips alone are whitened by
        anchors = whitening_anchors(config, with_named_anchors(config, whole))
    known, labels = evaluate.PlainFeatures(plain.backbone, config.clips.num_frames), [clip.label for clip in clips]
    paths = [clip.path for clip in clips]
    training = evaluate.TrainingClips.of(known, paths, labels, anchors, config.whitening)
    tested = evaluate.test_clips(dataset)
    seen = seen[:, 0] if seen.shape[1] == 1 else seen
    return evaluate.measure_baselines(plain, training, dataset, tested, seen, joint=joint), learned_from


def _believed(
    manifest: Manifest, dataset: Dataset, models: Mapping[str, tuple[PromptedClip, Tensor]]
) -> dict[str, Confidence]:
    """How far percentages of each of ``models`` can be believed, with what it makes (N, W, D) of the test clips.

    Unknown clips are those of the anchor set that the run named, if it is here; negatives are the data set's, else the
    run's. The bundle has its own temperature.
    """
    from ga2app.evaluation import measured_confidence

    with contextlib.suppress(StudioError):  # an anchor set that is gone: a note says that there are no anchors
        dataset = with_named_anchors(manifest.run, dataset)
    dataset = dataset if dataset.negatives else replace(dataset, negatives=manifest.negatives)
    return {
        title: measured_confidence(
            model, dataset, manifest.run.clips.num_frames, clips, manifest.calibrated if title == PROMPTED else None
        )
        for title, (model, clips) in models.items()
    }
