"""What stands behind an answer: the nearest words of learned tokens, the frames and patches that moved a score, and
the anchors and negative prompts nearest to a clip.

A clip's feature is the mean over its frames and blind to their order: whatever an explanation shows, "opening" against
"closing" it cannot tell, because the model cannot.
"""

from ga2app.inference.explanations.clip_importance import (
    ClipScore,
    Method,
    Saliency,
    ScoreKind,
    best_rival,
    clip_score,
    contrast,
    default_cells,
    leave_one_out,
    saliency,
)
from ga2app.inference.explanations.explain_clip import (
    DEFAULT_FRAMES,
    Ways,
    best_label,
    explain_clip,
    explain_pixels,
    nearest_relatives,
    overlay,
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
from ga2app.inference.explanations.word_importance import WordTable, explain_words, word_table

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
