"""Writing what came out of a checkpoint: bundle and backbone folder, both or none."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from safetensors import SafetensorError
from torch import Tensor

from ga2app import bundles
from ga2app.bundles.checkpoints.checkpoint_folder import write_backbone
from ga2app.bundles.checkpoints.checkpoint_records import UNKNOWN, Origin
from ga2app.bundles.checkpoints.prompt_layout import PublishedPrompts
from ga2app.clip import Backbone, BackboneId
from ga2app.config import SKETCH, ObjectiveConfig, RunConfig
from ga2app.config.presets import PAPER_RUNS, PaperRun, paper_preset
from ga2app.errors import BundleError


def write_bundle(
    prompts: PublishedPrompts,
    backbone: Backbone,
    weights: Mapping[str, Tensor],
    out: Path,
    backbone_folder: Path | None,
    origin: Origin,
) -> BackboneId:
    """Write the bundle to ``out`` and, where a folder is named for it, ``backbone`` with ``weights``.

    Answers with the backbone that the bundle belongs to. Raises StudioError, and then neither is there.
    """
    name = backbone.name
    if backbone_folder or (name != SKETCH and Path(name).is_dir()):
        # A relative path would hold in this folder only.
        name = str((backbone_folder or Path(name)).resolve())
    config = _config(name, prompts, origin)
    identity = replace(backbone.identity, name=name)
    with _both_or_none(backbone_folder):
        if backbone_folder:
            identity = write_backbone(backbone, weights, backbone_folder)
        bundle = bundles.Bundle(_manifest(config, identity, origin), prompts.tensors)
        bundle.learner()
        try:
            bundles.save(bundle, out)
        except (OSError, SafetensorError) as exc:
            raise BundleError(f"bundle '{out}' could not be written ({exc}); choose another folder") from exc
    return identity


def _config(backbone: str, prompts: PublishedPrompts, origin: Origin) -> RunConfig:
    """The paper's settings for this data set, with what the file says of the prompts."""
    run = next((run for run in PAPER_RUNS.values() if run.dataset == origin.dataset), PaperRun(origin.dataset))
    config = paper_preset(run, backbone)
    return replace(
        config,
        backbone=backbone,
        prompts=prompts.config,
        # The runs that hard prompts come from had neither coupling nor anchors.
        objective=config.objective if prompts.config.coupled else ObjectiveConfig(),
        clips=replace(config.clips, num_frames=origin.num_frames),
    )


@contextmanager
def _both_or_none(backbone_folder: Path | None) -> Iterator[None]:
    """Takes the backbone folder away again if what comes after it fails."""
    try:
        yield
    except BaseException:
        if backbone_folder:
            shutil.rmtree(backbone_folder, ignore_errors=True)
        raise


def _manifest(config: RunConfig, identity: BackboneId, origin: Origin) -> bundles.Manifest:
    """What is known of a published run; its steps and figures are not in the file."""
    return bundles.Manifest(
        format_version=bundles.FORMAT_VERSION,
        name=origin.name,
        backbone=identity.to_dict(),
        config=config.to_dict(),
        base=origin.base,
        novel=(),
        dataset_hash=UNKNOWN,
        anchor_captions=(),
        negatives=(),
        preprocessing={"image_size": identity.sizes.image_size, "num_frames": origin.num_frames},
        steps=0,
        metrics={},
        zero_shot={},
        packages=bundles.package_versions(),
    )
