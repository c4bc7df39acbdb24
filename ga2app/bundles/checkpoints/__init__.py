"""Checkpoints that the authors of GA2-CLIP published: ``.pt`` files in, our prompt bundles and backbone folders out.

A file holds ``model_state_dict``. Two layouts are known (METHOD, section 6): *published*, with prompts and the frozen
towers as ``prompt_learner.…``, ``image_encoder.…``, ``text_encoder.…``; and *OpenAI*, a tuned CLIP without prompts, as
``visual.…``, ``transformer.…``, ``token_embedding.weight``, …. Nothing but tensors is ever unpickled.
"""

from ga2app.bundles.checkpoints.checkpoint_import import Imported, import_checkpoint
from ga2app.bundles.checkpoints.checkpoint_reader import Checkpoint, read_checkpoint
from ga2app.bundles.checkpoints.checkpoint_writer import Origin

__all__ = ["Checkpoint", "Imported", "Origin", "import_checkpoint", "read_checkpoint"]
