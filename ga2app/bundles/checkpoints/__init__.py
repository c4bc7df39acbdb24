"""Checkpoints of published prompt-tuning code: ``.pt`` files in, our prompt bundles and backbone folders out.

Layouts are told by their keys (``prompt_layouts``): of GA²-CLIP (METHOD, section 6), of CoOp, IVLP, PromptSRC,
ViFi-CLIP's prompting and MaPLe; and *OpenAI*, a tuned CLIP without prompts, as ``visual.…``, ``transformer.…``,
``token_embedding.weight``, …. Of what a file holds beside tensors and plain values, nothing is ever made or called.
"""

from ga2app.bundles.checkpoints.checkpoint_import import Imported, import_checkpoint
from ga2app.bundles.checkpoints.checkpoint_reader import Checkpoint, read_checkpoint
from ga2app.bundles.checkpoints.checkpoint_writer import Origin

__all__ = ["Checkpoint", "Imported", "Origin", "import_checkpoint", "read_checkpoint"]
