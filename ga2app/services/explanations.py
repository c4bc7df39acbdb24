"""Why a clip got its label: what moved its score, and what a bundle's tokens are near to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ga2app.config import DEMO, SKETCH
from ga2app.errors import DatasetError
from ga2app.labels import check_labels
from ga2app.paths import default_home
from ga2app.services.named_datasets import find_dataset
from ga2app.services.quotas import cost_of_why
from ga2app.services.recognition_service import Results
from ga2app.services.recognizers import OwnRecognizer
from ga2app.stretches import file_of
from ga2app.types import AnchorClip, Dataset

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ga2app.clip import Backbone
    from ga2app.inference import PromptBundle
    from ga2app.inference.explanations import ClipExplanation, Method, ScoreKind, TokenWords, WordReport
    from ga2app.services.studio import Studio

NEAREST_WORDS = 4
MOST_ANCHORS = 16
"""Anchor clips that a clip is compared with: each has to be looked at."""
MOST_NEGATIVES = 200


@dataclass(frozen=True)
class Question:
    """Which clip, by number, which classifier's answer, by its place beside the others, and which label."""

    clip: int
    place: int
    label: str


def question(results: Results, asked: Mapping[str, Any]) -> Question | None:
    """What was clicked, checked; None for what is not on the page. Without a label it is the classifier's best."""
    clip, place, label = asked.get("why"), asked.get("voice"), asked.get("label")
    if not isinstance(clip, int) or not isinstance(place, int) or not 0 <= clip < len(results.clips):
        return None
    answers = results.clips[clip].answers
    if not 0 <= place < len(answers):
        return None
    best = answers[place].best
    names = check_labels(results.labels)[0]
    chosen = label if label in names else best.label if best else ""
    return Question(clip, place, str(chosen)) if chosen else None


class ExplanationService:
    """Explains answers that were given, with the anchors and negatives that are switched on."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def explain(self, results: Results, asked: Question) -> ClipExplanation:
        """What moved the score; zero-shot CLIP is explained alone where its own answer was asked about.

        It counts as a recognition. Raises StudioError for what cannot be explained: BusyError where too many are under
        way, LimitError where it would cost too much.
        """
        studio, card = self._studio, results.cards[asked.place - 1] if asked.place else None
        labels, bundle = check_labels(results.labels)[0], card.folder if card else None
        anchors, negatives = self.anchors_at_hand(), studio.store.negatives.texts()[:MOST_NEGATIVES]
        told = sum(map(len, (results.recognition.descriptions or {}).values()))
        wanted = cost_of_why(labels, results.templates, told, bundle, len(anchors), len(negatives))
        wanted.check(studio.store.quotas)
        with studio.recognition.admission.admitted():
            return studio.explainer.explain(
                results.paths[asked.clip],
                labels,
                asked.label,
                backbone=results.recognition.backbone,
                bundle=bundle,
                anchors=anchors,
                negatives=negatives,
                template=results.templates,
                descriptions=results.recognition.descriptions,
            )

    def overlays(self, found: ClipExplanation) -> Sequence[NDArray[np.uint8]]:
        """The sampled frames (T, S, S, 3) for each model: orange where they speak for the label, blue where against."""
        from ga2app.inference.explanations import overlay

        return [overlay(found.pictures, part.saliency.cells) for part in found.models().values()]

    def read_tokens(self, results: Results, asked: Question) -> Sequence[TokenWords]:
        """The words of the tokens of the bundle that was asked about; raises StudioError."""
        bundle = results.cards[asked.place - 1].folder
        return self._studio.explainer.read_tokens(backbone=results.recognition.backbone, bundle=bundle)

    def anchors_at_hand(self) -> list[AnchorClip]:
        """Anchor clips that are switched on and still there, a few of each set in turn."""
        store = self._studio.store.anchors
        sets = [clips for clips in ([*store.clips(name)] for name in store.names()) if clips]
        turns = (clips[turn] for turn in range(max(map(len, sets), default=0)) for clips in sets if turn < len(clips))
        there = (clip for clip in turns if Path(file_of(clip.path)).is_file())
        return [clip for _, clip in zip(range(MOST_ANCHORS), there, strict=False)]


class Explainer:
    """Explains with what the recognizer has loaded, in turn with its requests; torch is imported at the first use."""

    def __init__(self, recognizer: OwnRecognizer) -> None:
        self._recognizer = recognizer
        self._tokens: dict[str, tuple[PromptBundle, tuple[TokenWords, ...]]] = {}

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
        descriptions: Mapping[str, Sequence[str]] | None = None,
    ) -> ClipExplanation:
        """What moved the score of ``label`` among ``labels``, by zero-shot CLIP and by the bundle in that folder.

        ``template`` and ``descriptions`` word the labels as they did when they were recognized. Anchors that cannot be
        read are left out, with a note. Raises StudioError for what cannot be explained.
        """
        from ga2app.inference.answer_notes import check_templates
        from ga2app.inference.explanations import DEFAULT_FRAMES, Ways, explain_clip

        loaded = self._recognizer.models.backbone(backbone)
        prompts = self._recognizer.models.bundle(bundle) if bundle else None
        frames = prompts.manifest.run.clips.num_frames if prompts else DEFAULT_FRAMES
        known = tuple(text for text in dict.fromkeys(negatives) if not loaded.unknown_words(text))

        def ask(relatives: Sequence[AnchorClip]) -> ClipExplanation:
            how: Any = {"templates": check_templates(template), "descriptions": descriptions or {}}
            ways = Ways(anchors=tuple(relatives), negatives=known, **how)
            tuned = prompts.bundle if prompts else None
            return explain_clip(loaded, path, labels, bundle=tuned, label=label, num_frames=frames, ways=ways)

        with self._recognizer.models.turns.turn():
            try:
                return ask(anchors)
            except DatasetError as exc:
                note, found = f"the anchors were left out: {exc}", ask(())
        return replace(found, notes=(*found.notes, note))

    def read_tokens(self, *, backbone: str, bundle: str) -> Sequence[TokenWords]:
        """The words nearest to the tokens that the text tower reads; none for a bundle without text prompts.

        A bundle's tokens stay the same, so they are read once.
        """
        from ga2app.inference.explanations import TokenKind, explain_words
        from ga2app.inference.model_cache import MOST_BUNDLES

        models = self._recognizer.models
        prompts, loaded = models.bundle(bundle), models.backbone(backbone)
        with models.turns.turn():
            kept = self._tokens.get(bundle)
            if kept is not None and kept[0] is prompts:
                return kept[1]
            report = explain_words(loaded, prompts.bundle.learner(), NEAREST_WORDS)
        coupled = any(token.kind is TokenKind.CONTEXT for token in report.tokens)
        # Of a coupled bundle the text tower reads the context tokens, never the soft ones.
        found = tuple(token for token in report.tokens if (token.kind is TokenKind.CONTEXT) == coupled)
        self._tokens[bundle] = prompts, found
        for gone in [*self._tokens][:-MOST_BUNDLES]:
            self._tokens.pop(gone, None)
        return found


@dataclass(frozen=True)
class AskedByName:
    """What a command or a program wants explained: tokens of the ``bundle`` in a folder, and with it a ``clip``.

    ``labels`` are the bundle's own where there are none, and of them the best ``label`` is explained. Anchors and
    negatives are those of ``dataset``, by any name that ``find_dataset`` takes.
    """

    score: ScoreKind
    method: Method
    bundle: str | None = None
    clip: str | None = None
    labels: Sequence[str] | None = None
    label: str | None = None
    dataset: str | None = None
    frames: int | None = None


def explain_by_name(
    asked: AskedByName, load: Callable[[str | None], Backbone], notes: list[str]
) -> tuple[ClipExplanation | None, WordReport | None]:
    """The explanation of the clip and the words that tokens are near to, each where it was asked for.

    ``load`` gives the backbone for the name that the bundle has for it, if there is a bundle. What reading the data set
    says goes to ``notes``. Raises StudioError.
    """
    from ga2app.bundles import load_folder
    from ga2app.inference.explanations import DEFAULT_FRAMES, Ways, explain_clip, explain_words

    bundle = load_folder(asked.bundle) if asked.bundle else None
    backbone = load(str(bundle.manifest.backbone["name"]) if bundle else None)
    if bundle is not None:
        bundle.check_backbone(backbone.identity.to_dict())
    words = explain_words(backbone, bundle.learner()) if bundle else None
    if asked.clip is None:
        return None, words
    own = [*bundle.manifest.base, *bundle.manifest.novel] if bundle else []
    labels = own if asked.labels is None else asked.labels
    frames = asked.frames or (bundle.manifest.run.clips.num_frames if bundle else DEFAULT_FRAMES)
    ways, dataset = Ways(asked.score, asked.method), _compared_with(asked.dataset, backbone, notes)
    if dataset is not None:
        ways = replace(ways, anchors=dataset.anchors, negatives=dataset.negatives)
    clip = explain_clip(backbone, asked.clip, labels, bundle=bundle, label=asked.label, num_frames=frames, ways=ways)
    return clip, words


def _compared_with(name: str | None, backbone: Backbone, notes: list[str]) -> Dataset | None:
    """The data set whose anchors and negatives a clip is held against.

    The named one; for drawings else the demo, where it has been drawn already. Raises DatasetError.
    """
    if not name:
        there = backbone.name == SKETCH and (default_home().media / DEMO).is_dir()
        return find_dataset(DEMO, notes) if there else None
    dataset = find_dataset(name, notes)
    if not dataset.anchors and not dataset.negatives:
        raise DatasetError(
            f"data set '{dataset.name}' has neither anchor clips nor negative prompts to compare with; "
            "name one that has, such as demo, or leave --dataset out"
        )
    return dataset
