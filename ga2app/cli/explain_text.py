"""Explanations as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ga2app.cli import common

if TYPE_CHECKING:
    from ga2app.inference.explanations import ClipExplanation, ModelExplanation, TokenWords, Word, WordReport

BAR_CELLS = 20
READINGS = {"noise": "noise", "blend": "no single word", "word": "this word"}


def clip_lines(found: ClipExplanation) -> list[str]:
    """The explanation of a clip."""
    lines = [f"backbone {found.backbone}", *(f"note: {note}" for note in found.notes), "", found.file]
    for title, part in found.models().items():
        lines += ["", *_model_lines(title, found.label, part)]
    return lines


def word_lines(report: WordReport) -> list[str]:
    """The nearest words of all tokens under the figures that they are to be held against."""
    if not report.tokens:
        return ["this bundle has no text prompts; visual prompts stand among patches, where no word lies"]
    noise = [token.noise_cosine for token in report.tokens]
    lines = [
        f"nearest words among {report.words}, by cosine, and the distance of the first; for comparison:",
        f"  a word and its nearest other word: cosine {report.word_cosine:.2f}, distance {report.word_distance:.2f}; "
        f"length of a word {report.word_norm:.2f}",
        f"  99 % of random tokens of the same length stay below {min(noise):.2f} to {max(noise):.2f} (noise)",
        f"  99 % of random blends of all words stay below {report.blend_cosine:.2f} (no single word)",
    ]
    rows = {f"  {token.kind.value} {token.place}": _word_cells(token) for token in report.tokens}
    lines += common.table("  token", ("length", "nearest", "distance", "reading"), rows).splitlines()
    if {token.kind.value for token in report.tokens} == {"soft", "context"}:
        lines.append("  coupled: the text tower reads the context tokens, never the soft ones")
    return lines


def _model_lines(title: str, label: str, part: ModelExplanation) -> list[str]:
    over = f"margin {part.score:+.2f} over {part.rival}" if part.rival else f"logit {part.score:.2f}"
    lines = [f"{title}: {label}, {part.share:.1%}, {over}"]
    lines.append("  without this frame the score loses (the mean is blind to the order of the frames)")
    most = max(abs(frame.contribution) for frame in part.frames) or 1.0
    lines += [_bar(frame.index, frame.contribution, most) for frame in part.frames]
    saliency = part.saliency
    lines.append(f"  where it speaks for the label, % of the picture's ninths ({saliency.method})")
    lines += ["    " + "  ".join(f"{100 * share:4.0f}" for share in row) for row in saliency.thirds()]
    strongest = ", ".join(
        f"frame {part.frames[cell.frame].index} row {cell.row + 1} column {cell.column + 1}: {cell.value:+.2f}"
        for cell in saliency.strongest(3)
    )
    lines.append(f"  strongest of {len(saliency.places)}x{len(saliency.places)} cells: {strongest}")
    if part.relatives is not None:
        relatives = part.relatives
        for name, found in (("anchors", relatives.anchors), ("negatives", relatives.negatives)):
            listed = ", ".join(f"{one.name} {one.cosine:.2f}" for one in found)
            lines.append(f"  nearest {name}: {listed or 'none'}")
        lines.append(f"  its label, for comparison with the negatives: {relatives.label_cosine:.2f}")
    return lines


def _bar(index: int, value: float, most: float) -> str:
    sign = "█" if value > 0 else "░"
    return f"    frame {index:4d}  {value:+6.2f} {sign * round(abs(value) / most * BAR_CELLS)}".rstrip()


def _word_cells(token: TokenWords) -> list[str]:
    words = ", ".join(f"{_shown(word)} {word.cosine:.2f}" for word in token.words)
    return [f"{token.norm:.2f}", words, f"{token.words[0].distance:.2f}", READINGS[token.reading.value]]


def _shown(word: Word) -> str:
    """A part of a word ends with an ellipsis, and a sign such as a comma stands in quotes."""
    text = word.text if any(letter.isalnum() for letter in word.text) else f"'{word.text}'"
    return text if word.whole else f"{text}…"
