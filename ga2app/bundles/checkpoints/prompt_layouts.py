"""Whose prompts a checkpoint holds, told by its keys alone; and those that no bundle can hold, with the reason.

Layouts, after the public code that writes them: *GA²-CLIP* (METHOD, section 6); *CoOp* (Zhou and others, 2022), the
bare prompt learner, with one context for all classes; *IVLP*, prompts of their own in both towers, as PromptSRC
(Khattak and others, 2023) and the prompting of ViFi-CLIP (Rasheed and others, 2023) save them; *MaPLe* (Khattak and
others, 2023), where the visual prompts are linear maps of the text prompts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from ga2app.bundles.checkpoints.checkpoint_reader import Checkpoint
from ga2app.errors import CheckpointError


class Layout(StrEnum):
    """Whose code wrote the prompts."""

    GA2 = "GA2-CLIP"
    COOP = "CoOp"
    IVLP = "IVLP, PromptSRC or ViFi-CLIP prompting"
    MAPLE = "MaPLe"


LEARNER = "prompt_learner."
CONTEXT = "ctx"

_TRAIN = "train the prompts here instead (train --method coop or ivlp)"


@dataclass(frozen=True)
class _Refused:
    """A method whose keys match ``keys``, and why its prompts fit into no bundle."""

    method: str
    keys: re.Pattern[str]
    reason: str


_REFUSED = (
    _Refused(
        "CoCoOp",
        re.compile(r"(prompt_learner\.)?meta_net\."),
        "its context depends on each picture (meta_net), where a bundle's prompts are the same for all clips",
    ),
    _Refused(
        "Vita-CLIP",
        re.compile(r"visual\.(global_prompts|blocks\.\d+\.(local_prompts|cls_proj|summary_))"),
        "its visual prompts are computed from each clip, and its context is another one for each class, where a "
        "bundle's prompts are the same for all clips and all labels",
    ),
    _Refused(
        "TC-CLIP",
        re.compile(r"text_encoder\.prompt_generation_layer\.|image_encoder\..*local_global_bias_table"),
        "its prompts depend on each video, where a bundle's prompts are the same for all clips",
    ),
    _Refused(
        "T2L or EZ-CLIP",
        re.compile(r"visual\..*(T_prompt_embeddings|Adapter)"),
        "it has adapters in the layers of its towers, where a bundle holds prompts beside frozen towers",
    ),
)

_PLACE = re.compile(r"ctp[_-]?(middle|front)", re.IGNORECASE)
"""In the name of the folder that CoOp's scripts write to: where the class name stands."""


def layout_of(checkpoint: Checkpoint) -> Layout | None:
    """Whose prompts they are; None of a file without any. Raises CheckpointError for those that no bundle can hold."""
    keys, name = checkpoint.tensors, checkpoint.name
    for method in _REFUSED:
        found = next((key for key in keys if method.keys.match(key)), None)
        if found is not None:
            raise CheckpointError(
                f"'{name}' is a checkpoint of {method.method} (it holds {found}) and cannot become a bundle: "
                f"{method.reason}; {_TRAIN}"
            )
    if any(key.startswith((f"{LEARNER}ctx_VPT", f"{LEARNER}proj_b2n_VPT.")) for key in keys):
        return Layout.GA2
    if any(key.startswith((f"{LEARNER}compound_prompt", f"{LEARNER}proj.")) for key in keys):
        return Layout.MAPLE
    if CONTEXT not in keys and f"{LEARNER}{CONTEXT}" not in keys:
        if any("VPT" in key for key in keys):
            raise CheckpointError(
                f"'{name}' holds prompts of the vision tower and no {LEARNER}{CONTEXT} for the text tower; the texts "
                "of its run are not in the file, so that its answers cannot be had again; " + _TRAIN
            )
        return None
    layout = Layout.COOP if CONTEXT in keys else Layout.IVLP
    _check_generic(checkpoint, CONTEXT if layout is Layout.COOP else f"{LEARNER}{CONTEXT}")
    return layout


def _check_generic(checkpoint: Checkpoint, key: str) -> None:
    """Raises CheckpointError for a context that is another one for each class, or stands elsewhere than before it."""
    shape = checkpoint.tensors[key].shape
    if len(shape) == 3:
        raise CheckpointError(
            f"'{checkpoint.name}' holds a context for each of its {shape[0]} classes ({key} has shape {shape}), where "
            "a bundle's context is one for all labels, also for those that it was not trained on; import a run with a "
            f"generic context (CSC False), or {_TRAIN}"
        )
    place = next((found for part in checkpoint.path.absolute().parts if (found := _PLACE.search(part))), None)
    if place:
        raise CheckpointError(
            f"'{checkpoint.name}' lies in a folder of a run whose context has the class name in the {place[1].lower()} "
            f"('{place[0]}'), where a bundle has the name after the context; import a run with the name at the end "
            f"(ctpend), or {_TRAIN}"
        )
