"""What is looked at before a run takes its first step: settings against backbone and data set, its folder, its
checkpoint, the hard prompt that it names.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock, Timeout
from torch import Tensor

from ga2app import bundles
from ga2app.clip import Backbone
from ga2app.config import ANCHOR_TERMS, HARD_PROMPT_EMBEDDED, HARD_PROMPT_RANDOM, SKETCH, RunConfig
from ga2app.config.effective_config import changed_settings, effective, warmup_faults, without_needless
from ga2app.config.effective_config import whitening_anchors as whitening_anchors
from ga2app.disk import drop_unfinished
from ga2app.errors import BundleError, ConfigError, DatasetError, ErrorCode, Fault, TrainingError
from ga2app.method.prompts import GenericText
from ga2app.paths import SKETCH_HARD_PROMPT
from ga2app.training import checkpoint as checkpoints
from ga2app.training.checkpoint_file import is_whole
from ga2app.training.training_batches import data_of
from ga2app.types import Dataset, TrainingData

logger = logging.getLogger(__name__)


def check_depths(config: RunConfig, backbone: Backbone) -> None:
    """Raises ConfigError for depths and lengths that the towers do not have."""
    sizes, prompts = backbone.sizes, config.prompts
    faults = [
        Fault(f"prompts.{name}", f"must be at most {layers}, the layers of that tower (it is {depth})")
        for name, depth, layers in (
            ("visual_depth", prompts.visual_depth, sizes.visual_layers),
            ("text_depth", prompts.text_depth, sizes.text_layers),
        )
        if depth > layers
    ]
    if prompts.text_depth and prompts.length > sizes.text_positions // 2:
        rule = f"must be at most {sizes.text_positions // 2}, half of the text positions (it is {prompts.length})"
        faults.append(Fault("prompts.length", rule))
    if faults:
        raise ConfigError(faults)


def check_anchors(config: RunConfig, dataset: Dataset, generic: Sequence[GenericText]) -> None:
    """Raises DatasetError for a term that is on and lacks its clips or texts, or the released one's odd numbers."""
    objective = config.losses
    on = [name for name, weight in objective.weights().items() if weight]
    texts = [name for name in on if name in ("released", "reject", "extra_class") and not dataset.negatives]
    clips = [name for name in on if name in ANCHOR_TERMS and not dataset.anchors]
    silent = [name for name in on if name in ("keep", "relate", "vocabulary") and not generic]
    for terms, what in ((clips, "anchor clips"), (texts, "negative prompts"), (silent, "captions or negatives")):
        if terms:
            of = f"the anchor term {terms[0]} needs" if len(terms) == 1 else f"the anchor terms {', '.join(terms)} need"
            weights = "this weight" if len(terms) == 1 else "these weights"
            raise DatasetError(
                f"data set '{dataset.name}' has no {what}, which {of}",
                hint=f"add some, or set {weights} to 0",
                code=ErrorCode.ANCHORS_MISSING,
            )
    if objective.released and len(dataset.negatives) not in (1, len(dataset.base)):
        raise DatasetError(
            f"the released anchor term takes 1 negative prompt or one a class ({len(dataset.base)}); "
            f"data set '{dataset.name}' has {len(dataset.negatives)}: import it with --negatives else, the only one "
            "of the published runs, or set objective.released to 0",
            code=ErrorCode.ANCHORS_MISSING,
        )


def check_steps(config: RunConfig, clips: int) -> None:
    """Raises ConfigError for a warm-up as long as the run over ``clips`` training clips."""
    if faults := warmup_faults(config.optimizer, clips):
        raise ConfigError(faults)


def without_needless_whitening(config: RunConfig, dataset: Dataset) -> RunConfig:
    """``config``, its whitening off where there is nothing to whiten by: one shot a class, no anchors of its own."""
    used, adjustments = effective(config, dataset)
    if off := changed_settings(adjustments).get("whitening.enabled"):
        # No warning: whoever starts a run is told before (run_warnings), and the run records it in its conditions.
        logger.info("whitening is off: %s", off.reason)
    return without_needless(config, used)


class HardPrompt(NamedTuple):
    """Frozen ``tokens`` (P, Dt) and the names of the classes that they were learned on."""

    tokens: Tensor | None
    class_names: tuple[str, ...]


def hard_prompt(config: RunConfig, backbone: Backbone) -> HardPrompt:
    """The frozen hard prompt that the run names, without tokens for a random or no one. Raises StudioError."""
    named = config.prompts.hard_prompt
    if not config.prompts.coupled or named == HARD_PROMPT_RANDOM:
        return HardPrompt(None, ())
    if named == HARD_PROMPT_EMBEDDED and config.backbone != SKETCH:
        raise ConfigError(
            [
                Fault(
                    "prompts.hard_prompt",
                    f"the embedded hard prompt belongs to backbone '{SKETCH}', not to '{config.backbone}'; "
                    "choose 'random' or the folder of a bundle trained on this backbone",
                )
            ],
            code=ErrorCode.OTHER_BACKBONE,
        )
    bundle = bundles.load_folder(SKETCH_HARD_PROMPT if named == HARD_PROMPT_EMBEDDED else Path(named))
    bundle.check_backbone(backbone.identity.to_dict())
    if "soft" not in bundle.tensors:
        raise BundleError(
            f"bundle '{named}' has no text prompts and cannot be a hard prompt",
            hint="choose another one",
            code=ErrorCode.BUNDLE_UNUSABLE,
        )
    return HardPrompt(bundle.tensors["soft"], bundle.manifest.base)


@contextmanager
def writing_to(out: Path) -> Iterator[None]:
    """Hold the folder ``out``, and the checkpoint beside it, for the block alone. Raises TrainingError.

    The lock is a file beside the folder, gone after the block; one that a killed process has left behind holds nobody.
    """
    file = out.with_name(f".{out.name}.lock")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(file, timeout=0)
        lock.acquire()
        if not file.exists():  # its last holder took it away between our opening and our locking it
            lock.release()
            lock.acquire()
        drop_unfinished(out)
    except Timeout as exc:
        raise TrainingError(
            f"another run is writing to '{out}' just now",
            hint="wait until it has ended, or name another folder (train --out)",
            code=ErrorCode.FOLDER_IN_USE,
        ) from exc
    except OSError as exc:
        raise TrainingError(
            f"the folder '{out.parent}' cannot be written to ({exc.strerror or exc}); name another one (train --out)"
        ) from exc
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # Windows does not remove a file that is open
            file.unlink()
        lock.release()


def check_start(config: RunConfig, dataset: Dataset, checkpoint: Path) -> TrainingData:
    """What a run of ``config`` is trained on. Raises StudioError where it can neither begin nor go on.

    A damaged checkpoint is no hindrance: ``checkpoint_file.settle`` sets it aside when the training begins.
    """
    data = data_of(config, dataset)
    if checkpoint.exists() and is_whole(checkpoint):
        used, _ = effective(config, dataset)
        checkpoints.check(checkpoint, without_needless(config, used), dataset, data)
    return data
