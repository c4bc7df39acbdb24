"""A recognition as HTML and as a table for other programs."""

import csv
import io

import numpy as np
import pytest

from ga2app.contracts import FrameScore, LabelKind, Recognition, RecognizedClip, Score
from ga2app.ui.recognize.answers import Speakers, answer_csv, answer_html, clip_html, frame_strip

EVIL = "<script>alert(1)</script>"
FRAME = np.zeros((24, 32, 3), np.uint8)


def clip(file: str = "/home/me/a.mp4", *, tuned: bool = True) -> RecognizedClip:
    scores = (Score("run", 0.75, LabelKind.BASE), Score("jump", 0.25))
    timeline = (FrameScore(0, "run", 0.9), FrameScore(5, "run", 0.7), FrameScore(9, "jump", 0.6))
    return RecognizedClip(file, None, scores, tuple(reversed(scores)) if tuned else None, (FRAME,) * 3, timeline)


def test_both_answers_stand_side_by_side_with_their_marks() -> None:
    html = clip_html(clip(), Speakers("sketch", "my prompts"))
    assert html.count('class="side') == 2
    assert "Plain CLIP" in html and "my prompts" in html
    assert 'class="kind base"' in html and 'class="kind novel"' in html
    assert "75%" in html
    assert "/home/me" not in html


def test_plain_clip_alone_needs_no_marks() -> None:
    html = answer_html(Recognition("sketch", (clip(tuned=False),)), Speakers("sketch"))
    assert "kind" not in html
    assert html.count('class="side') == 1


def test_the_backbone_that_speaks_is_named() -> None:
    assert '<span class="speaker">sketch (embedded)</span>' in clip_html(clip(), Speakers("sketch (embedded)"))


def test_equal_neighbors_of_the_frame_strip_are_joined() -> None:
    html = frame_strip(clip(), Speakers("sketch", "my prompts"))
    assert html.count("<img") == 3
    assert html.count("<li") == 2
    assert 'style="flex:2" title="run, 80%, frames 0 to 5"' in html
    assert "by my prompts" in html


def test_a_faulty_clip_shows_its_error_and_spares_the_others() -> None:
    broken = RecognizedClip("b.avi", error=f"clip 'b.avi': {EVIL}")
    html = answer_html(Recognition("sketch", (clip(), broken)), Speakers("sketch", "p"))
    assert html.count('<article class="clip">') == 2
    assert "&lt;script&gt;" in html and EVIL not in html
    assert 'class="faulty"' in html


def test_everything_from_outside_is_escaped() -> None:
    scores = (Score(EVIL, 0.6), Score("b", 0.4, LabelKind.BASE))
    evil = RecognizedClip(f"{EVIL}.mp4", None, scores, scores, (FRAME,), (FrameScore(0, EVIL, 0.6),))
    html = answer_html(Recognition("x", (evil, evil), (EVIL,)), Speakers(EVIL, EVIL))
    assert "<script" not in html


def test_notes_come_first_as_a_warning() -> None:
    html = answer_html(Recognition("sketch", (clip(),), ("it does not know: yoga",)), Speakers("sketch"))
    assert html.index("notice warning") < html.index("<article")
    assert "yoga" in html


def test_the_table_has_a_row_a_clip_and_survives_commas_and_quotes() -> None:
    odd = RecognizedClip('a,"b".mp4', None, (Score('say "hi", twice', 1.0),))
    rows = list(csv.reader(io.StringIO(answer_csv(Recognition("sketch", (clip(), odd))))))
    assert rows[1] == ["a.mp4", "sketch", "run", "0.750000", "jump", "0.250000", "novel", ""]
    assert rows[2][:3] == ['a,"b".mp4', "sketch", 'say "hi", twice']


@pytest.mark.parametrize("count", [1, 2])
def test_only_several_clips_make_a_table(count: int) -> None:
    html = answer_html(Recognition("sketch", (clip(),) * count), Speakers("sketch"))
    assert ("Download CSV" in html) == (count > 1)
