"""True labels, and what is made of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ga2app.services.recognition_service import Results
from ga2app.services.studio import Studio
from ga2app.services.true_labels import Ratio, grade, read_true_labels
from ga2app.services.uploads import Upload
from ga2app.types import RecognitionRequest, RecognizedClip
from ga2app.web.pages.recognize.recognize_state import Shown, draw, read_lines, with_true_label, with_true_labels
from ga2app.web.pages.recognize.recognize_view import answer_csv, grades_html

from ..studios import LABELS, add_bundle, draw_clip
from .told import answer_pages, card, clip, results


def test_lines_find_their_clips_by_name_whatever_folder_case_and_ending() -> None:
    found = results(clip("A.mp4"), clip("b c.avi"), clip("d.webm"))
    text = "file,label\nclips\\a.MP4,run\nB c,  jumping_high \nsub/d.webm\tjump\n\nz.mp4,run\nno label"
    read = read_true_labels(text, found)
    assert read.labels == {0: "run", 1: "jumping high", 2: "jump"}
    assert set(read.faults) == {
        "line 6: no clip 'z.mp4' was recognized",
        "line 7: 'no label' is not of the form file,label",
    }


def test_base_novel_and_their_mean_are_told_for_the_bundle_and_for_zero_shot_clip() -> None:
    clips = (clip("a", "run", "run"), clip("b", "run", "run"), clip("c", "run", "jump"), clip("d", "run", "jump"))
    found = results(*clips, cards=(card(1),))
    truth = {0: "run", 1: "Run", 2: "jump", 3: "run"}
    plain, tuned = (grade(found, truth, place, ("run",)) for place in (0, 1))
    assert plain.everything == Ratio(3, 4) and plain.base == Ratio(3, 3) and plain.novel == Ratio(0, 1)
    assert plain.harmonic_mean == 0.0
    assert tuned.base == Ratio(2, 3) and tuned.novel == Ratio(1, 1)
    assert tuned.harmonic_mean == 2 * (200 / 3) * 100 / (200 / 3 + 100)  # 80
    html = grades_html(found, truth)
    assert "<b>80.0</b>" in html and "<b>66.7</b>" in html and "2 of 3" in html


def test_only_clips_that_could_be_right_count() -> None:
    found = results(clip("a"), clip("b"), RecognizedClip("c", "no video"), clip("d"))
    truth = {0: "run", 1: "swimming", 2: "run", 3: "  "}
    assert grade(found, truth, 0, ()).everything == Ratio(1, 1)
    assert "1 of 3 true labels count" in grades_html(found, truth)
    assert "none of the true labels is among the labels" in grades_html(found, {1: "swimming"})


def test_none_of_these_may_be_true_where_it_was_asked_for() -> None:
    asked = results(clip("a", none=True), clip("b", none=False), clip("c", none=True))
    truth = {0: "None of these", 1: "none of these", 2: "run"}
    found = grade(asked, truth, 0, ())
    assert found.none == Ratio(1, 2) and found.everything == Ratio(1, 3)
    assert grade(results(clip("a")), {0: "none of these"}, 0, ()).everything == Ratio(0, 0)


def test_bundles_with_other_base_labels_divide_the_clips_each_for_themselves() -> None:
    found = results(
        clip("a", "run", "run", "jump"), clip("b", "run", "run", "jump"), cards=(card(1), card(2, ("jump",)))
    )
    html = grades_html(found, {0: "run", 1: "jump"})
    assert html.count(">Zero-shot CLIP<") == 2
    same = results(clip("a", "run", "run", "jump"), clip("b", "run", "run", "jump"), cards=(card(1), card(2)))
    assert grades_html(same, {0: "run", 1: "jump"}).count(">Zero-shot CLIP<") == 1


def test_true_labels_typed_into_the_table_are_graded_and_taken_back() -> None:
    shown = Shown(results(clip("a.mp4"), clip("b.mp4")))
    assert draw(shown).grades.count("grades") == 0
    typed = with_true_label(shown, 1, "  jump ")
    assert (
        dict(typed.truth) == {1: "jump"} and "0 of 1" in draw(typed).grades and 'value="jump"' in draw(typed).overview
    )
    assert dict(with_true_label(typed, 1, "").truth) == {}
    for nonsense in (7, -1, "0", None):
        assert with_true_label(shown, nonsense, "run") is shown


def test_pasted_lines_join_what_was_typed_and_say_what_is_wrong() -> None:
    shown = with_true_labels(
        with_true_label(Shown(results(clip("a.mp4"), clip("b.mp4"))), 0, "run"), "b.mp4,jump\nq,run"
    )
    assert dict(shown.truth) == {0: "run", 1: "jump"}
    assert "no clip &#39;q&#39; was recognized" in draw(shown).grades
    assert "true_label" in draw(shown).grades.replace("%5F", "_")


def given(*names: str) -> Results:
    """Clips that were uploaded from ``names``."""
    return replace(results(*(clip(name.rpartition("/")[2]) for name in names)), given=names)


def test_two_clips_of_one_name_are_told_apart_by_their_folders() -> None:
    read = read_true_labels("riding/001.mp4,run\nwalking\\001.MP4,jump", given("a/riding/001.mp4", "a/walking/001.mp4"))
    assert read.labels == {0: "run", 1: "jump"} and not read.faults


def test_lines_that_could_mean_either_of_two_clips_become_a_question_and_no_grade() -> None:
    shown = with_true_labels(Shown(given("001.mp4", "001.mp4")), "riding/001.mp4,run\nwalking/001.mp4,jump")
    assert not shown.truth
    assert shown.faults == (
        "lines 1, 2: clips #1, #2 have the name '001.mp4'; which of them is 'run' or 'jump'? type the label into the "
        "table, or write the clip's number: #1,run",
    )
    page = draw(shown)
    assert page.overview.count('placeholder="run or jump?"') == 2 and "001.mp4 (#2)" in page.overview + page.clips
    answered = with_true_labels(shown, "#1,run\n#2,jump")
    assert dict(answered.truth) == {0: "run", 1: "jump"} and "placeholder" not in draw(answered).overview
    assert with_true_labels(Shown(given("001.mp4", "001.mp4")), "001.mp4,run").faults  # one line, and two clips
    assert read_true_labels("a/001.mp4,run\nb/001.mp4,run", given("001.mp4", "001.mp4")).labels == {0: "run", 1: "run"}


def test_lines_that_disagree_about_a_clip_become_a_question() -> None:
    read = read_true_labels("riding/001.mp4,run\nwalking/001.mp4,jump", given("001.mp4"))
    assert not read.labels and read.asked == {0: ("run", "jump")}
    assert read.faults[0].startswith("lines 1, 2: which label has clip #1 ('001.mp4'), 'run' or 'jump'?")


def test_names_match_as_they_were_before_the_upload(studio: Studio) -> None:
    kept = draw_clip(studio.home.root / "walk1.mp4")
    request = RecognitionRequest([Upload(str(kept), "walk{1}!.mp4"), studio.examples[0].path], ", ".join(LABELS))
    shown = list(answer_pages(studio, request))[-1].shown
    assert dict(with_true_labels(shown, f"walk{{1}}!.mp4,{LABELS[0]}").truth) == {0: LABELS[0]}
    assert "walk{1}!.mp4" in draw(shown).overview and "walk1.mp4" not in draw(shown).overview


def test_labels_with_commas_and_lists_of_spreadsheets_are_read(tmp_path: Path) -> None:
    drop = "lift up, then drop"
    asked = replace(given("a.mp4", "b.mp4"), labels=(drop, "run"))
    for text in (f'a.mp4,"{drop}"\nb.mp4,run', f"a.mp4,{drop}\nb.mp4;run", f"file;label\na.mp4;{drop}\nb.mp4;run"):
        assert read_true_labels(text, asked).labels == {0: drop, 1: "run"}
    assert read_true_labels(answer_csv(asked, {0: drop, 1: "run"}), asked).labels == {0: drop, 1: "run"}
    (tmp_path / "excel.txt").write_text("File\tTrue label\nb.mp4\trun\n", encoding="utf-16")
    assert read_true_labels(read_lines(str(tmp_path / "excel.txt")), asked).labels == {1: "run"}


def test_the_downloaded_table_is_read_back_also_where_two_clips_have_one_name() -> None:
    same = given("001.mp4", "001.mp4")
    assert read_true_labels(answer_csv(same, {0: "run", 1: "jump"}), same).labels == {0: "run", 1: "jump"}


def test_the_true_label_counts_in_another_spelling_but_not_as_another_label() -> None:
    languages = replace(given("a.mp4", "b.mp4"), labels=("C", "C++"))
    assert grade(languages, {0: "c"}, 0, ()).everything.count == 1
    assert read_true_labels("a.mp4,C\nb.mp4,C++", languages).labels == {0: "C", 1: "C++"}
    assert grade(given("a.mp4"), {0: "\uff32un"}, 0, ()).everything == Ratio(1, 1)


def last(studio: Studio, files: list[str], before: Shown | None = None, **asked: object) -> Shown:
    request = RecognitionRequest(files, **{"labels": ", ".join(LABELS), **asked})  # type: ignore[arg-type]
    return list(answer_pages(studio, request, before))[-1].shown


def test_true_labels_outlive_another_bundle_other_labels_and_a_fault(studio: Studio) -> None:
    files = [example.path for example in studio.examples[:3]]
    shown = with_true_label(with_true_label(last(studio, files), 0, LABELS[0]), 2, LABELS[1])
    add_bundle(studio)
    wanted = {0: LABELS[0], 2: LABELS[1]}
    shown = last(studio, files, shown, bundles="tuned")
    assert dict(shown.truth) == wanted and "grades" in draw(shown).grades
    shown = last(studio, files, shown, labels="walking, running")
    assert dict(shown.truth) == wanted
    shown = last(studio, files, last(studio, files, shown, labels=""))
    assert dict(shown.truth) == wanted


def test_true_labels_stay_with_their_clips_when_the_list_changes(studio: Studio) -> None:
    first, second, third = (example.path for example in studio.examples[:3])
    shown = with_true_labels(last(studio, [first, second]), f"{Path(second).name},run\n{Path(third).name},jump")
    shown = last(studio, [third, second], with_true_label(shown, 0, "wave"))
    assert dict(shown.truth) == {0: "jump", 1: "run"}  # the line of a clip that came later counts, too
    shown = last(studio, [second, first], with_true_label(shown, 1, ""))
    assert dict(shown.truth) == {1: "wave"}  # what was taken away stays away, what was off the list comes back


def test_true_labels_are_not_typed_while_clips_are_still_to_come(studio: Studio) -> None:
    files = [example.path for example in studio.examples[:3]]
    pages = list(answer_pages(studio, RecognitionRequest(files, ", ".join(LABELS))))
    assert " disabled>" in pages[-2].overview and not pages[-2].several
    assert " disabled>" not in pages[-1].overview and pages[-1].several
