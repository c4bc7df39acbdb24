"""The door to reasons: what moved a clip's score, and what a bundle's tokens are near to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ga2app.errors import DatasetError
from ga2app.services.lazy_recognizer import LazyRecognizer
from ga2app.types import (
    AnchorClip,
    Explanation,
    FrameReason,
    Neighbor,
    SpeakerReasons,
    TokenReading,
)

if TYPE_CHECKING:
    from ga2app.inference import PromptBundle
    from ga2app.inference.explanations import ClipExplanation, ModelExplanation, Relative

NEAREST_WORDS = 4


class LazyExplainer:
    """Explains with what the recognizer has loaded; torch is imported at the first use."""

    def __init__(self, recognizer: LazyRecognizer) -> None:
        self._recognizer = recognizer
        self._tokens: dict[str, tuple[PromptBundle, tuple[TokenReading, ...]]] = {}

    def explain(
        self,
        path: str,
        labels: Sequence[str],
        label: str,
        *,
        backbone: str,
        bundle: str | None = None,
        anchors: Sequence[AnchorClip] = (),
        negatives: Sequence[str] = (),
        template: str | Sequence[str] | None = None,
    ) -> Explanation:
        """See ``contracts.ExplainerService``."""
        from ga2app.inference.explanations import DEFAULT_FRAMES, Ways, explain_clip
        from ga2app.inference.refusals import check_templates

        loaded = self._recognizer.real.backbone(backbone)
        prompts = self._recognizer.real.bundle(bundle) if bundle else None
        frames = prompts.manifest.run.clips.num_frames if prompts else DEFAULT_FRAMES
        known = tuple(text for text in dict.fromkeys(negatives) if not loaded.unknown_words(text))

        def ask(relatives: Sequence[AnchorClip]) -> ClipExplanation:
            ways = Ways(anchors=tuple(relatives), negatives=known, templates=check_templates(template))
            tuned = prompts.bundle if prompts else None
            return explain_clip(loaded, path, labels, bundle=tuned, label=label, num_frames=frames, ways=ways)

        left_out: tuple[str, ...] = ()
        try:
            found = ask(anchors)
        except DatasetError as exc:
            found, left_out = ask(()), (f"the anchors were left out: {exc}",)
        return Explanation(
            label=found.label,
            pictures=tuple(found.pictures),
            speakers=tuple(
                _speaker(part, found, bundle if number else None) for number, part in enumerate(found.models().values())
            ),
            notes=(*found.notes, *left_out),
        )

    def read_tokens(self, *, backbone: str, bundle: str) -> Sequence[TokenReading]:
        """See ``contracts.ExplainerService``. A bundle's tokens stay the same, so they are read once."""
        from ga2app.inference.explanations import TokenKind, explain_words

        prompts = self._recognizer.real.bundle(bundle)
        kept = self._tokens.get(bundle)
        if kept is not None and kept[0] is prompts:
            return kept[1]
        report = explain_words(self._recognizer.real.backbone(backbone), prompts.bundle.learner(), NEAREST_WORDS)
        coupled = any(token.kind is TokenKind.CONTEXT for token in report.tokens)
        # Of a coupled bundle the text tower reads the context tokens, never the soft ones.
        read = [token for token in report.tokens if (token.kind is TokenKind.CONTEXT) == coupled]
        found = tuple(
            TokenReading(
                place=token.place,
                words=tuple((word.text if word.whole else f"{word.text}…", word.cosine) for word in token.words),
                meant=token.reading.value,
            )
            for token in read
        )
        self._tokens[bundle] = prompts, found
        return found


def _speaker(part: ModelExplanation, found: ClipExplanation, bundle: str | None) -> SpeakerReasons:
    """One model's reasons, its saliency drawn over the frames."""
    from ga2app.inference.explanations import overlay

    relatives = part.relatives
    return SpeakerReasons(
        bundle=bundle,
        share=part.share,
        lead=part.score,
        rival=part.rival or "",
        frames=tuple(FrameReason(frame.index, frame.contribution) for frame in part.frames),
        overlays=tuple(overlay(found.pictures, part.saliency.cells)),
        anchors=_neighbors(relatives.anchors) if relatives else (),
        negatives=_neighbors(relatives.negatives) if relatives else (),
        label_cosine=relatives.label_cosine if relatives else 0.0,
    )


def _neighbors(relatives: Sequence[Relative]) -> tuple[Neighbor, ...]:
    return tuple(Neighbor(relative.name, relative.cosine) for relative in relatives)
