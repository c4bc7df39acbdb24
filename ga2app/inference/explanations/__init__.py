"""What stands behind an answer: the nearest words of learned tokens, the frames and patches that moved a score, and
the anchors and negative prompts nearest to a clip.

A clip's feature is the mean over its frames and blind to their order: whatever an explanation shows, "opening" against
"closing" it cannot tell, because the model cannot. Bundles with order-aware pooling can (``ModelExplanation.ordered``).
"""

from ga2app.inference.explanations.clip_importance import (  # isort: skip
    ClipScore, Method, ScoreKind, best_rival, clip_score, contrast, default_cells, leave_one_out, saliency,
)  # fmt: skip
from ga2app.inference.explanations.explain_clip import DEFAULT_FRAMES, Ways, explain_clip, explain_pixels, overlay

from ga2app.inference.explanations.explanation_records import (  # isort: skip
    ClipExplanation, FrameShare, ModelExplanation, Reading, Relative, Relatives, SaliencyMap, TokenKind,
    TokenWords, Word, WordReport,
)  # fmt: skip
from ga2app.inference.explanations.word_importance import explain_words, word_table

__all__ = [
    "DEFAULT_FRAMES", "ClipExplanation", "ClipScore", "FrameShare", "Method", "ModelExplanation", "Reading",
    "Relative", "Relatives", "SaliencyMap", "ScoreKind", "TokenKind", "TokenWords", "Ways", "Word", "WordReport",
    "best_rival", "clip_score", "contrast", "default_cells", "explain_clip", "explain_pixels", "explain_words",
    "leave_one_out", "overlay", "saliency", "word_table",
]  # fmt: skip
