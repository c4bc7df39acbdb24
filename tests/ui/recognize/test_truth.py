"""True labels, and what is made of them."""

from __future__ import annotations

from ga2app.contracts import RecognizedClip
from ga2app.ui.recognize.shown import Shown, draw, with_true_label, with_true_labels
from ga2app.ui.recognize.truth import Ratio, grade, grades_html, read_truth

from .told import card, clip, told


def test_lines_find_their_clips_by_name_whatever_folder_case_and_ending() -> None:
    found = told(clip("A.mp4"), clip("b c.avi"), clip("d.webm"))
    text = "file,label\nclips\\a.MP4,run\nB c,  jumping_high \nsub/d.webm\tjump\n\nz.mp4,run\nno label"
    truth, faults = read_truth(text, found)
    assert truth == {0: "run", 1: "jumping high", 2: "jump"}
    assert faults == [
        "line 6: no clip 'z.mp4' was recognized",
        "line 7: 'no label' is not of the form file,label",
    ]


def test_base_novel_and_their_mean_are_told_for_the_bundle_and_for_plain_clip() -> None:
    clips = (clip("a", "run", "run"), clip("b", "run", "run"), clip("c", "run", "jump"), clip("d", "run", "jump"))
    found = told(*clips, cards=(card(1),))
    truth = {0: "run", 1: "Run", 2: "jump", 3: "run"}
    plain, tuned = (grade(found, truth, place, ("run",)) for place in (0, 1))
    assert plain.everything == Ratio(3, 4) and plain.base == Ratio(3, 3) and plain.novel == Ratio(0, 1)
    assert plain.harmonic_mean == 0.0
    assert tuned.base == Ratio(2, 3) and tuned.novel == Ratio(1, 1)
    assert tuned.harmonic_mean == 2 * (200 / 3) * 100 / (200 / 3 + 100)  # 80
    html = grades_html(found, truth)
    assert "<b>80.0</b>" in html and "<b>66.7</b>" in html and "2 of 3" in html


def test_only_clips_that_could_be_right_count() -> None:
    found = told(clip("a"), clip("b"), RecognizedClip("c", "no video"), clip("d"))
    truth = {0: "run", 1: "swimming", 2: "run", 3: "  "}
    assert grade(found, truth, 0, ()).everything == Ratio(1, 1)
    assert "1 of 3 true labels count" in grades_html(found, truth)
    assert "none of the true labels is among the labels" in grades_html(found, {1: "swimming"})


def test_none_of_these_may_be_true_where_it_was_asked_for() -> None:
    asked = told(clip("a", none=True), clip("b", none=False), clip("c", none=True))
    truth = {0: "None of these", 1: "none of these", 2: "run"}
    found = grade(asked, truth, 0, ())
    assert found.none == Ratio(1, 2) and found.everything == Ratio(1, 3)
    assert grade(told(clip("a")), {0: "none of these"}, 0, ()).everything == Ratio(0, 0)


def test_bundles_with_other_base_labels_divide_the_clips_each_for_themselves() -> None:
    found = told(clip("a", "run", "run", "jump"), clip("b", "run", "run", "jump"), cards=(card(1), card(2, ("jump",))))
    html = grades_html(found, {0: "run", 1: "jump"})
    assert html.count(">Plain CLIP<") == 2
    same = told(clip("a", "run", "run", "jump"), clip("b", "run", "run", "jump"), cards=(card(1), card(2)))
    assert grades_html(same, {0: "run", 1: "jump"}).count(">Plain CLIP<") == 1


def test_true_labels_typed_into_the_table_are_graded_and_taken_back() -> None:
    shown = Shown(told(clip("a.mp4"), clip("b.mp4")))
    assert draw(shown).grades.count("grades") == 0
    typed = with_true_label(shown, 1, "  jump ")
    assert (
        dict(typed.truth) == {1: "jump"} and "0 of 1" in draw(typed).grades and 'value="jump"' in draw(typed).overview
    )
    assert dict(with_true_label(typed, 1, "").truth) == {}
    for nonsense in (7, -1, "0", None):
        assert with_true_label(shown, nonsense, "run") is shown


def test_pasted_lines_join_what_was_typed_and_say_what_is_wrong() -> None:
    shown = with_true_labels(with_true_label(Shown(told(clip("a.mp4"), clip("b.mp4"))), 0, "run"), "b.mp4,jump\nq,run")
    assert dict(shown.truth) == {0: "run", 1: "jump"}
    assert "no clip &#x27;q&#x27; was recognized" in draw(shown).grades
    assert "true_label" in draw(shown).grades.replace("%5F", "_")
