"""Clips in full, their frames and the table, as HTML and for other programs."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest

from ga2app.services.recognition_service import Results
from ga2app.types import Answer, FrameScore, LabelKind, Recognition, RecognizedClip, Score
from ga2app.web.pages.recognize.recognize_view import (
    BLOCKS,
    answer_csv,
    blocks_html,
    frame_strip,
    grades_html,
    overview_html,
)

from .told import FRAME, card, clip, results

EVIL = "<script>alert(1)</script>"


def clip_html(one: RecognizedClip, backbone: str, bundles: tuple[str, ...] = ()) -> str:
    """The block of one clip alone."""
    html = blocks_html(Results(Recognition("sketch", (one,)), backbone, bundles))
    return html[html.index("<article") :]


def test_all_answers_stand_side_by_side_with_their_marks() -> None:
    html = clip_html(clip("a.mp4", "run", "jump"), "sketch", ("my prompts",))
    assert html.count('class="side') == 2 and "versus two" in html
    assert "Zero-shot CLIP" in html and "my prompts" in html
    assert 'class="kind base"' in html and 'class="kind novel"' in html
    assert "75%" in html and "/home/me" not in html


def test_three_bundles_stand_beside_zero_shot_clip_which_is_marked_by_none_of_them() -> None:
    html = clip_html(clip("a.mp4", "run", "jump", "run", "jump"), "sketch", ("one", "two", "three"))
    assert html.count('class="side') == 4 and "versus four" in html
    plain = html[html.index('class="side plain') : html.index('class="side tuned')]
    assert "kind" not in plain


def test_zero_shot_clip_alone_needs_no_marks() -> None:
    html = blocks_html(results(clip()))
    assert 'class="kind' not in html
    assert html.count('class="side') == 1


def test_the_backbone_that_recognizes_is_named() -> None:
    assert '<span class="speaker">sketch (embedded)</span>' in clip_html(clip(), "sketch (embedded)")


def test_none_of_these_is_the_answer_and_has_its_bar() -> None:
    html = clip_html(clip(none=True), "sketch")
    assert '<p class="verdict none"><strong>None of these</strong>: “an empty place” is nearer.</p>' in html
    assert '<li class="best negative">' in html and "rejected" in html
    kept = clip_html(clip(none=False), "sketch")
    assert "One of these: the best label is nearer than “an empty place”" in kept
    assert '<li class="best">' in kept and '<li class="negative">' in kept and "rejected" not in kept


def test_a_threshold_that_is_not_reached_says_what_was_asked_for() -> None:
    shown = clip(none=False)
    shown = replace(shown, answers=tuple(answer.with_threshold(0.8) for answer in shown.answers))
    assert shown.answers[0].said == "none of these"
    assert "the best label has 75% of the 80% asked for" in clip_html(shown, "sketch")
    assert shown.answers[0].with_threshold(0.7).said == "run"


def test_every_classifier_has_a_track_of_its_own_under_the_frames() -> None:
    html = frame_strip(clip("a.mp4", "run", "jump"), ("Zero-shot CLIP", "my prompts"), number=3)
    assert html.count("<img") == 3
    assert html.count('class="voice"') == 2 and html.count("<svg") == 2
    assert html.count('type="radio" name="voice-3"') == 2
    assert 'value="1" checked><span>my prompts' in html
    assert 'style="flex:2" title="run, 80%, frames 0 to 5"' in html
    assert "run 40% to 90%; jump 10% to 60%" in html


def test_the_curve_goes_through_the_middle_of_each_frame() -> None:
    html = frame_strip(clip(), ("Zero-shot CLIP",))
    assert 'd="M167,10.0 L500,30.0 L833,60.0"' in html
    assert 'type="radio"' not in html and "(3 frames), Zero-shot CLIP" in html


def test_a_clip_of_one_frame_has_a_line_that_can_be_seen() -> None:
    short = clip()
    first = replace(
        short.answers[0], curves=tuple(replace(c, probabilities=c.probabilities[:1]) for c in short.answers[0].curves)
    )
    assert 'd="M500,10.0 h100"' in frame_strip(replace(short, answers=(first,)), ("Zero-shot CLIP",))


def test_a_faulty_clip_shows_its_error_and_spares_the_others() -> None:
    broken = RecognizedClip("b.avi", error=f"clip 'b.avi': {EVIL}")
    found = results(clip(), broken)
    html = overview_html(found) + blocks_html(found)
    assert html.count('<article class="clip"') == 2
    assert "&lt;script&gt;" in html and EVIL not in html
    assert 'class="faulty"' in html


def test_everything_from_outside_is_escaped() -> None:
    scores = (Score(EVIL, 0.6), Score("b", 0.4, LabelKind.BASE))
    said = Answer(scores, None, (FrameScore(0, EVIL, 0.6),))
    evil = RecognizedClip(f"{EVIL}.mp4", None, (said, said), pictures=(FRAME,))
    named = replace(card(1), name=EVIL)
    found = results(evil, evil, cards=(named,), notes=(EVIL,))
    found = replace(found, labels=(EVIL, "b"), backbone=EVIL, bundles=(EVIL,))
    assert "<script" not in overview_html(found, {0: EVIL}) + blocks_html(found) + grades_html(found, {0: EVIL})


def test_notes_come_first_as_a_warning() -> None:
    html = overview_html(results(clip(), clip(), notes=("it does not know: yoga",)))
    assert html.index("notice warning") < html.index("<table")
    assert "yoga" in html


def test_many_clips_come_in_pages_and_the_table_has_them_all() -> None:
    found = results(*(clip(f"{number}.mp4") for number in range(2 * BLOCKS + 1)))
    assert overview_html(found).count("<tr>") == 2 * BLOCKS + 2
    first, last = blocks_html(found), blocks_html(found, page=9)
    assert first.count("<article") == BLOCKS and f"1–{BLOCKS} of {2 * BLOCKS + 1}" in first
    assert last.count("<article") == 1 and 'id="clip-16"' in last
    assert 'data-page="-1" disabled' in first and 'data-page="3" disabled' in last


def test_the_csv_has_a_row_a_clip_and_survives_commas_and_quotes() -> None:
    odd = RecognizedClip('a,"b".mp4', None, (Answer((Score('say "hi", twice', 1.0),)),))
    rows = list(csv.DictReader(io.StringIO(answer_csv(results(clip("a.mp4", "run", "jump"), odd, cards=(card(1),))))))
    assert rows[0]["file"] == "a.mp4" and rows[0]["plain_label"] == "run" and rows[0]["plain_score"] == "0.750000"
    assert (rows[0]["bundle_label"], rows[0]["bundle_label_kind"], rows[0]["bundle_name"]) == (
        "jump",
        "novel",
        "bundle 1",
    )
    assert rows[1]["file"] == 'a,"b".mp4' and rows[1]["plain_label"] == 'say "hi", twice'


def test_the_csv_names_every_bundle_none_of_these_true_labels_and_errors() -> None:
    found = results(
        clip("a.mp4", "run", "jump", "run", none=True), RecognizedClip("b.mp4", "no video"), cards=(card(1), card(2))
    )
    first, second = csv.DictReader(io.StringIO(answer_csv(found, {0: "jump"})))
    assert (first["plain_none_of_these"], first["bundle_2_none_of_these"], first["bundle_2_label"]) == (
        "yes",
        "yes",
        "run",
    )
    assert (first["true_label"], first["error"]) == ("jump", "")
    assert (second["plain_label"], second["error"]) == ("", "no video")


@pytest.mark.parametrize("count", [1, 2])
def test_only_several_clips_make_a_table(count: int) -> None:
    found = results(*(clip(),) * count)
    assert ("Download CSV" in grades_html(found, {})) == (count > 1)
    assert ("<table" in overview_html(found)) == (count > 1)


def test_a_label_that_the_backbone_cannot_read_gets_no_bar() -> None:
    seen = clip("a.mp4", "run")
    unread = Score("punching", 0.0, understood=False)
    answer = replace(seen.answers[0], scores=(*seen.answers[0].scores, unread))
    html = clip_html(replace(seen, answers=(answer,)), "sketch")
    row = html[html.index('<li class="unranked">') :]
    row = row[: row.index("</li>")]
    assert "not ranked" in row and "punching" in row and "track" not in row and "%" not in row
