"""What stands behind an answer: the nearest words of learned tokens, the frames and patches that moved a score, and
the anchors and negative prompts nearest to a clip.

A clip's feature is the mean over its frames and blind to their order: whatever an explanation shows, "opening" against
"closing" it cannot tell, because the model cannot.
"""

from ga2app.inference.explanations.explain_clip import (
    DEFAULT_FRAMES,
    Ways,
    best_label,
    explain_clip,
    explain_pixels,
    pictures,
)
from ga2app.inference.explanations.explanation_records import (
    ClipExplanation,
    FrameShare,
    ModelExplanation,
    Reading,
    Relative,
    Relatives,
    SaliencyMap,
    StrongCell,
    TokenKind,
    TokenWords,
    Word,
    WordReport,
)
from ga2app.inference.explanations.nearest_anchors import nearest_relatives
from ga2app.inference.explanations.overlay import overlay
from ga2app.inference.explanations.patch_importance import Method, Saliency, contrast, default_cells, saliency
from ga2app.inference.explanations.score_parts import ClipScore, ScoreKind, best_rival, clip_score, leave_one_out
from ga2app.inference.explanations.token_readings import WordTable, word_table
from ga2app.inference.explanations.word_importance import explain_words

__all__ = [
    "DEFAULT_FRAMES",
    "ClipExplanation",
    "ClipScore",
    "FrameShare",
    "Method",
    "ModelExplanation",
    "Reading",
    "Relative",
    "Relatives",
    "Saliency",
    "SaliencyMap",
    "ScoreKind",
    "StrongCell",
    "TokenKind",
    "TokenWords",
    "Ways",
    "Word",
    "WordReport",
    "WordTable",
    "best_label",
    "best_rival",
    "clip_score",
    "contrast",
    "default_cells",
    "explain_clip",
    "explain_pixels",
    "explain_words",
    "leave_one_out",
    "nearest_relatives",
    "overlay",
    "pictures",
    "saliency",
    "word_table",
]
