"""Why a clip got its label, as HTML: frames, saliency, neighbors and the words of a bundle's tokens."""

from __future__ import annotations

from collections.abc import Sequence

from ga2app.types import Explanation, Neighbor, SpeakerReasons, TokenReading
from ga2app.web.components.markup import busy, escape, notices, percent
from ga2app.web.pages.recognize.frames import jpeg

_PICTURE_PX = 160
_MEANT = {
    "word": "this word",
    "blend": "no single word: a random blend of all words comes as near",
    "noise": "nothing: a random token comes as near",
}
_LIMITS = (
    "The answer is made of the mean over the frames, so it is blind to their order: opening and closing look the same, "
    "and no reason here can be about what came first.",
    "Saliency says which parts the score hangs on, not what the model takes them for. It is coarse: a part is one "
    "patch of the picture. Two like frames stand in for each other, so each alone counts for little.",
    "A nearest word, anchor or negative always exists. It means something only beside the figure next to it.",
)


def reasons_html(
    found: Explanation,
    titles: Sequence[str],
    backbone: str,
    where: tuple[int, int],
    labels: Sequence[str],
    tokens: str = "",
) -> str:
    """The explanation of a clip, and what ``tokens_html`` has made of the bundle's.

    ``where`` are the clip and the speaker that were asked, ``labels`` what may be asked about.
    """
    speakers = "".join(_speaker(one, found.label, title) for one, title in zip(found.speakers, titles, strict=True))
    limits = "".join(f"<li>{escape(text)}</li>" for text in _LIMITS)
    label = escape(found.label)
    return (
        f"{_open(where, found.label, backbone)}{notices('warning', found.notes)}{_other_label(found, where, labels)}"
        f'<p class="legend"><span class="speaks for">Orange</span> parts speak for “{label}” and against its strongest '
        'rival, <span class="speaks against">blue</span> parts the other way round. Below each frame: how much of the '
        f"margin over that rival is lost when the frame is removed.</p>{speakers}{tokens}"
        f"<details><summary>What this cannot tell</summary><ul>{limits}</ul></details></section>"
    )


def tokens_html(tokens: Sequence[TokenReading], title: str) -> str:
    """The words nearest to what a bundle has learned; says so where there is nothing to read."""
    if not tokens:
        return f'<p class="legend">{escape(title)} has learned no tokens before the labels.</p>'
    rows = "".join(
        f'<tr><th scope="row">{token.place}</th><td>{_words(token)}</td><td>{escape(_MEANT[token.meant])}</td></tr>'
        for token in tokens
    )
    return (
        f'<details class="tokens"><summary>Words nearest to what {escape(title)} has learned</summary>'
        '<p class="legend">A bundle puts learned tokens before every label. These are the words nearest to each, with '
        "their cosine; 1 would be the word itself.</p>"
        '<div class="scroll"><table><thead><tr><th scope="col">Token</th><th scope="col">Nearest words</th>'
        f'<th scope="col">Means</th></tr></thead><tbody>{rows}</tbody></table></div></details>'
    )


def waiting_html(where: tuple[int, int], label: str, backbone: str, text: str) -> str:
    """What stands in the place of reasons that are being found."""
    return f"{_open(where, label, backbone)}{busy(text)}</section>"


def failed_html(where: tuple[int, int], label: str, backbone: str, text: str) -> str:
    """What stands there if they cannot be found."""
    return f"{_open(where, label, backbone)}{notices('error', [text])}</section>"


def _open(where: tuple[int, int], label: str, backbone: str) -> str:
    clip, _ = where
    return (
        f'<section class="reasons" aria-label="Why {escape(label)}" tabindex="-1"><header><h4>Why “{escape(label)}”? '
        f"<small>{escape(backbone)}</small></h4>"
        f'<button type="button" data-close="{clip}" aria-label="Close the reasons">Close</button></header>'
    )


def _other_label(found: Explanation, where: tuple[int, int], labels: Sequence[str]) -> str:
    """A list to ask about another label; nothing where there is no other."""
    if len(labels) < 2:
        return ""
    clip, voice = where
    options = "".join(
        f"<option{' selected' if label == found.label else ''}>{escape(label)}</option>" for label in labels
    )
    return (
        f'<p class="ask"><label>Ask about <select data-ask="{clip}" data-voice="{voice}">{options}</select></label></p>'
    )


def _speaker(speaker: SpeakerReasons, label: str, title: str) -> str:
    tone = "tuned" if speaker.bundle is not None else "plain"
    most = max((abs(frame.lost) for frame in speaker.frames), default=0.0) or 1.0
    pictures = "".join(
        f'<li><img src="{jpeg(picture, _PICTURE_PX)}" alt="frame {number}" title="frame {frame.index} of the clip">'
        f"{_lost(frame.lost, most)}<small>frame {number}</small></li>"
        for number, (picture, frame) in enumerate(zip(speaker.overlays, speaker.frames, strict=True), start=1)
    )
    return (
        f'<div class="side {tone}"><h5>{escape(title)}</h5><p>{_in_words(speaker, label)}</p>'
        f'<ol class="overlays" style="--frames:{len(speaker.overlays)}" tabindex="0" '
        f'aria-label="frames with what speaks for the label">{pictures}</ol>{_neighbors(speaker)}</div>'
    )


def _in_words(speaker: SpeakerReasons, label: str) -> str:
    """Share, lead, and the frames that matter most, by the numbers under the pictures."""
    text = f"“{escape(label)}” has {percent(speaker.share)}"
    if speaker.rival:
        way = "ahead of" if speaker.lead >= 0 else "behind"
        text += f", {abs(speaker.lead):.1f} {way} “{escape(speaker.rival)}”"
    strongest = sorted(enumerate(speaker.frames, start=1), key=lambda one: -one[1].lost)[:2]
    named = [str(number) for number, frame in sorted(strongest, key=lambda one: one[0]) if frame.lost > 0]
    if not named:
        return f"{text}."
    many = len(named) > 1
    return f"{text}. Frame{'s' if many else ''} {' and '.join(named)} matter{'' if many else 's'} most."


def _lost(lost: float, most: float) -> str:
    """A bar to the right for a frame that speaks for the label, to the left for one against it."""
    side, width = ("for", lost) if lost > 0 else ("against", -lost)
    text = f"{lost:+.2f}".replace("-", "\u2212")
    return f'<span class="lost {side}"><span style="width:{50 * width / most:.0f}%"></span></span><b>{text}</b>'


def _neighbors(speaker: SpeakerReasons) -> str:
    """The nearest negatives beside the label, and the nearest anchors: cosines, higher is nearer."""
    parts = []
    if speaker.negatives:
        label = f"the label itself has {speaker.label_cosine:.2f}"
        parts.append(f"<p>Nearest negative prompts: {_listed(speaker.negatives)} <small>({label})</small></p>")
    if speaker.anchors:
        parts.append(
            f"<p>Nearest anchor clips: {_listed(speaker.anchors)} <small>(clips lie nearer to each other than to "
            "texts)</small></p>"
        )
    return f'<div class="neighbors">{"".join(parts)}</div>' if parts else ""


def _listed(neighbors: Sequence[Neighbor]) -> str:
    return ", ".join(f"{escape(one.name)} <b>{one.cosine:.2f}</b>" for one in neighbors)


def _words(token: TokenReading) -> str:
    return ", ".join(f"{escape(word)} <b>{cosine:.2f}</b>" for word, cosine in token.words)
