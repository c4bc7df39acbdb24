"""What the first screen answers, without a browser."""

from __future__ import annotations

import gc
import pickle
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from ga2app.config import TEMPLATE, preset
from ga2app.errors import BackboneError, BundleError, ClipError
from ga2app.labels import parse_labels
from ga2app.services.explanations import Question
from ga2app.services.recognition_service import ENSEMBLE, Results, add_labels
from ga2app.services.studio import Studio
from ga2app.services.uploads import uploads_folder
from ga2app.types import BackboneChoice, NoneOfThese, NoneWay, Recognition, RecognitionRequest, RecognizedClip
from ga2app.web.components.markup import UNEXPECTED
from ga2app.web.pages.recognize.recognize_controls import (
    add_recording,
    build_recorder,
    bundle_choice,
    chosen_none,
    misfit_html,
    swap_sentences,
)
from ga2app.web.pages.recognize.recognize_page import Asked, opening
from ga2app.web.pages.recognize.recognize_state import VISITS, Newest, Shown, Visits, asking_why, draw

from ..fakes import FakeRecognizer
from ..studios import BASE, LABELS, NOVEL, add_bundle, add_dataset, draw_clip, keep_bundle, make_studio
from ..test_static_assets import built
from .told import answer_pages


def last_page(studio: Studio, **asked: Any) -> str:
    request = {"files": [studio.examples[1].path], "labels": ", ".join(LABELS)} | asked
    page = list(answer_pages(studio, RecognitionRequest(**request)))[-1]
    return page.overview + page.grades + page.clips


def test_an_upload_is_copied_before_it_is_looked_at(studio: Studio) -> None:
    last_page(studio)
    assert isinstance(studio.recognizer, FakeRecognizer)
    (path,), labels, backbone, bundles, template, top_k = studio.recognizer.asked[0]
    assert path.startswith(str(uploads_folder(studio.home)))
    assert (labels, backbone, bundles, template, top_k) == (LABELS, "sketch", (), [], 5)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"files": []}, "no clip was given; upload one"),
        ({"top_k": 0}, "must be 1 or more (it is 0)"),
        ({"labels": " , "}, "there are no labels to choose from; type at least two"),
        ({"labels": "walking"}, "&#39;walking&#39; is the only label"),
        ({"bundles": "nobody"}, "there is no bundle &#39;nobody&#39; in the library"),
        ({"backbone": "openai/clip"}, "backbone &#39;openai/clip&#39; is not on this machine"),
        ({"labels": "boom, run"}, UNEXPECTED),
        ({"none_of_these": NoneOfThese(group="nobody")}, "there is no group of negative prompts"),
    ],
)
def test_what_cannot_be_answered_is_said_on_the_page(studio: Studio, asked: dict[str, Any], told: str) -> None:
    html = last_page(studio, **asked)
    assert 'class="notice error"' in html
    assert told in html
    assert "Traceback" not in html


def test_a_bundle_of_another_backbone_is_refused_with_the_reason(studio: Studio) -> None:
    add_bundle(studio, "alien", "other")
    assert "belongs to backbone &#39;other&#39;" in last_page(studio, bundles="alien")


def test_up_to_three_bundles_answer_side_by_side_and_a_fourth_is_too_many(studio: Studio) -> None:
    keys = ["one", "two", "three", "four"]
    for key in keys:
        add_bundle(studio, key, name=f"prompts {key}")
    html = last_page(studio, bundles=keys[:3])
    assert html.count('class="side') == 4
    assert html.index("prompts one</h4>") < html.index("prompts two</h4>") < html.index("prompts three</h4>")
    assert "3 fit side by side" in last_page(studio, bundles=keys)


def test_many_labels_long_ones_and_other_scripts_work(studio: Studio) -> None:
    labels = ["跑步", "🤸 cartwheel", "x" * 400, *(f"label {number}" for number in range(497))]
    html = last_page(studio, labels="\n".join(labels))
    assert html.count('class="name"') == 5
    assert "跑步" in html and "does not know" in html


def test_several_clips_come_one_after_the_other_and_a_broken_one_costs_only_itself(studio: Studio) -> None:
    files = [studio.examples[0].path, str(draw_clip(studio.home.root / "broken.mp4")), "/nowhere/gone.mp4"]
    pages = list(answer_pages(studio, RecognitionRequest(files, ", ".join(LABELS))))
    assert [page.clips.count("<article") for page in pages] == [0, 1, 2, 3]
    assert "2 of 3 clips seen" in pages[2].clips
    assert "it has no video" in pages[-1].clips and "the upload could not be kept" in pages[-1].clips
    assert "Download CSV" in pages[-1].grades and pages[-1].several


def test_negatives_that_are_switched_on_tell_none_of_these(studio: Studio) -> None:
    scene = str(draw_clip(studio.home.root / "scene.mp4"))
    html = last_page(studio, files=[scene], none_of_these=NoneOfThese())
    assert "<strong>None of these</strong>" in html
    assert isinstance(studio.recognizer, FakeRecognizer)
    asked = studio.recognizer.none_of_these[-1]
    assert asked is not None and set(asked.negatives or ()) == set(studio.store.negatives.texts()) == asked.shipped
    group = studio.store.negatives.groups()[0]
    last_page(studio, files=[scene], none_of_these=NoneOfThese(None, NoneWay.THRESHOLD, 0.25, group=group))
    asked = studio.recognizer.none_of_these[-1]
    assert asked is not None and list(asked.negatives or ()) == studio.store.negatives.texts(group)
    assert (asked.way, asked.least_of(None)) == (NoneWay.THRESHOLD, 0.25)


def test_pictures_of_an_answer_are_files_that_go_with_it_and_a_clip_takes_little_memory(studio: Studio) -> None:
    for key in ("one", "two", "three"):
        add_bundle(studio, key)
    request = RecognitionRequest([studio.examples[0].path] * 3, ", ".join(LABELS), ["one", "two", "three"])
    shown = list(answer_pages(studio, request))[-1].shown
    results = shown.results
    assert results is not None and results.pictures is not None
    assert len(pickle.dumps(results.clips[0])) < 20_000
    folder, files = results.pictures.folder, [Path(file) for clip in results.clips for file in clip.pictures]
    assert len(files) == 24 and all(file.parent == folder and file.read_bytes()[:2] == b"\xff\xd8" for file in files)
    assert studio.recognition.answer(request).clips[0].pictures == ()
    shown = list(asking_why(studio, shown, results, Question(0, 1, LABELS[0])))[-1]
    assert len(list(folder.iterdir())) == 24 + 16 and "data:image" not in str(shown.reasons) + draw(shown).clips
    assert folder.name in shown.reasons[0] and len(shown.reasons[0]) < 20_000
    del shown, results
    gc.collect()
    assert not folder.exists()


def test_the_settings_say_off_or_how() -> None:
    assert chosen_none("off", "x", 50) is None
    assert chosen_none("threshold", "", 35) == NoneOfThese(None, NoneWay.THRESHOLD, 0.35)


def test_sentences_are_given_one_a_line_and_the_ensemble_comes_and_goes(studio: Studio) -> None:
    text, _ = swap_sentences(TEMPLATE)
    assert text.splitlines() == list(ENSEMBLE)
    assert swap_sentences(text)[0] == TEMPLATE
    last_page(studio, templates=f"{text}\n\n")
    assert isinstance(studio.recognizer, FakeRecognizer)
    assert studio.recognizer.asked[-1][4] == list(ENSEMBLE)


def test_a_bundle_brings_its_labels(studio: Studio) -> None:
    add_bundle(studio)
    assert studio.recognition.bundle_labels("tuned") == ", ".join(LABELS)
    assert studio.recognition.bundle_labels("") == ""
    html = last_page(studio, bundles="tuned")
    assert "tuned prompts" in html and 'class="kind base"' in html and 'class="kind novel"' in html


def test_a_data_set_brings_its_labels_and_suggestions_are_what_is_not_typed_yet(studio: Studio) -> None:
    add_dataset(studio)
    assert studio.recognition.dataset_labels("demo") == ", ".join([*BASE, *NOVEL])
    assert studio.recognition.dataset_labels("gone") == ""
    assert studio.recognition.suggestions("Climbing_a_ladder, x", None) == list(LABELS[1:])
    assert add_labels("a,  b", [" c ", "d", "a"]) == "a, b, c, d"
    assert add_labels("Waving", ["waving"]) == "Waving"


def test_labels_of_bundles_and_data_sets_survive_the_box_with_their_commas(studio: Studio) -> None:
    drop = "lifting up one end, then letting it drop"
    keep_bundle(studio, "tuned", base=(drop, "wading"))
    assert studio.recognition.bundle_labels("tuned").startswith(f'"{drop}", wading, {NOVEL[0]}')
    assert parse_labels(studio.recognition.bundle_labels("tuned")) == [drop, "wading", *NOVEL]
    assert studio.recognition.suggestions(f'"{drop}"', ["tuned"])[:1] == ["wading"]
    assert parse_labels(add_labels("wading", [drop])) == ["wading", drop]


def test_bundles_that_agree_switch_the_backbone_and_others_are_told_apart(studio: Studio) -> None:
    add_bundle(studio, "one", "real")
    add_bundle(studio, "two", "real")
    add_bundle(studio, "three", "gone", name="old prompts")
    assert bundle_choice(studio, ["one", "two"])[0]["value"] == "real"
    assert "value" not in bundle_choice(studio, ["one", "three"])[0]
    assert bundle_choice(studio, [])[1]["visible"] is False
    assert misfit_html(studio, ["one", "two"], "real") == ""
    told = misfit_html(studio, ["one", "three"], "real")
    assert "old prompts was trained on backbone gone, which is not on this machine" in told


def test_what_the_browser_remembers_comes_back_without_what_is_gone(studio: Studio) -> None:
    add_bundle(studio)
    found = opening(studio, Asked(), {"labels": "a, b", "bundles": ["tuned", "gone", 7]}, [], "")
    assert found["bundle"]["value"] == ["tuned"] and found["labels"] == "a, b" and found["take_labels"]["visible"]
    for rubbish in (None, "x", {"labels": 3, "bundles": {"a": 1}}, {"labels": "", "bundles": ["gone"]}):
        found = opening(studio, Asked(), rubbish, [], "")
        assert "value" not in found["bundle"] and "labels" not in found and "take_labels" not in found


def test_what_was_chosen_or_typed_before_a_late_answer_stays(studio: Studio) -> None:
    add_bundle(studio)
    add_bundle(studio, "other")
    found = opening(studio, Asked(), {"labels": "a, b", "bundles": ["tuned"]}, ["other"], "typed, already")
    assert "value" not in found["bundle"] and "labels" not in found


def test_an_address_names_bundles_and_labels_and_is_told_what_nobody_has(studio: Studio) -> None:
    add_bundle(studio, "tuned", "real")
    remembered = {"labels": "a, b", "bundles": []}
    found = opening(studio, Asked(("tuned",), "jumping, <b>"), remembered, [], "")
    assert found["bundle"]["value"] == ["tuned"] and found["labels"] == "jumping, <b>"
    assert found["backbone"]["value"] == "real" and found["fit"] == ""
    assert opening(studio, Asked(("tuned",)), remembered, [], "")["labels"] == "a, b"
    assert opening(studio, Asked(("tuned",)), None, [], "")["labels"].startswith(LABELS[0])
    found = opening(studio, Asked(("<script>",)), remembered, [], "")
    assert "value" not in found["bundle"]
    assert "There is no bundle &#39;&lt;script&gt;&#39; in the library." in found["fit"]


def test_what_was_left_in_a_browser_tab_is_kept_for_the_tabs_used_last_with_a_bounded_number_of_answers() -> None:
    visits, keys = Visits(most=3, most_clips=5), [f"{number:032x}" for number in range(4)]
    answer = Recognition("sketch", (RecognizedClip("a.mp4"),) * 2)
    shown = [Shown(Results(answer, "sketch")) for _ in keys]
    for key, one in zip(keys, shown, strict=True):
        visits.keep(key, values={"labels": key})
        visits.keep(key, shown=one)
    assert visits.recall(keys[0]).values == {}
    assert [visits.recall(key).values for key in keys[1:]] == [{"labels": key} for key in keys[1:]]
    assert [visits.recall(key).clips for key in keys[1:]] == [0, 2, 2]
    for nonsense in ("", "../../etc", "x" * 32):
        visits.keep(nonsense, values={"labels": "a"}, shown=shown[0])
        assert visits.recall(nonsense).values == {} and visits.recall(nonsense).clips == 0


def test_bundles_are_named_to_the_browser_without_a_path(studio: Studio) -> None:
    folder = add_bundle(studio)
    assert studio.bundle_choices() == [("tuned prompts (2 trained labels, HM 72.0)", "tuned")]
    card = studio.bundle("tuned")
    assert card is not None and card.folder == folder and card.key == "tuned"
    with pytest.raises(BundleError, match="there is no bundle '../../etc'"):
        studio.bundle("../../etc")


def test_a_bundle_that_was_trained_here_goes_by_its_run(studio: Studio) -> None:
    studio.store.runs.queue(preset("quick"), name="my actions")
    for folder in ("run-000001", "run-000002"):
        add_bundle(studio, folder, name=folder)
    titles = [title.partition(" (")[0] for title, _ in studio.bundle_choices()]
    assert titles == ["Run 2", "Run 1: my actions"]


def test_the_first_backbone_is_the_default(home: Any) -> None:
    studio = make_studio(home, backbones=lambda: [BackboneChoice("real", "A real CLIP"), BackboneChoice("sketch", "s")])
    assert studio.known_backbone(None) == studio.known_backbone("") == "real"
    with pytest.raises(BackboneError, match="choose one of: real, sketch"):
        studio.known_backbone("somebody/else")
    results = studio.recognition.answer(RecognitionRequest([studio.examples[0].path], "a, b"))
    assert (results.recognition.backbone, results.backbone) == ("real", "A real CLIP")
    studio.store.close()


def test_where_no_backbone_is_named_a_bundles_own_recognizes(studio: Studio) -> None:
    add_bundle(studio, "tuned", "real")
    assert studio.known_backbone(None) == "sketch"
    for backbone in ("", None):
        asked = RecognitionRequest([studio.examples[0].path], "a, b", ["tuned"], backbone)
        assert studio.recognition.answer(asked).recognition.backbone == "real"


def test_recordings_are_not_mirrored_and_join_the_clips_under_names_of_their_own(tmp_path: Path) -> None:
    recorder = build_recorder()
    assert recorder.webcam_options.mirror is False and recorder.sources == ["webcam"] and not recorder.include_audio
    taken = tmp_path / "sample.webm"
    taken.write_bytes(b"film")
    one = add_recording(str(taken), None)
    assert one is not None
    several = add_recording(str(taken), one)
    assert several is not None
    assert [Path(file).name for file in several] == ["recorded-1.webm", "recorded-2.webm"]
    assert Path(several[1]).read_bytes() == b"film"
    assert add_recording(None, several) is None
    taken.write_bytes(b"")
    with pytest.raises(ClipError, match="the recording is empty; record again"):
        add_recording(str(taken), several)


def test_of_two_answers_that_a_tab_has_asked_for_the_newest_is_drawn() -> None:
    newest = Newest()
    older, other = newest.alone("a" * 32, iter("abc")), newest.alone("b" * 32, iter("xyz"))
    assert (next(older), next(other)) == ("a", "x")
    newer = newest.alone("a" * 32, iter("def"))
    assert next(newer) == "d" and list(older) == [] and list(newer) == ["e", "f"]
    assert list(other) == ["y", "z"]
    without = [newest.alone("", iter("gh")) for _ in range(2)]
    assert ["".join(one) for one in without] == ["gh", "gh"]


def test_answers_that_were_left_in_a_tab_do_not_take_the_place_of_newer_ones(studio: Studio) -> None:
    tab, shown = "f" * 32, Shown(Results(Recognition("sketch", (RecognizedClip("a.mp4"),)), "sketch"))
    VISITS.keep(tab, shown=shown)

    (bringing,) = [one for one in built(studio).fns.values() if one.name == "bring_answers"]

    def brought(now: Shown) -> int:
        return len(bringing.fn({one: now if isinstance(one, gr.State) else tab for one in bringing.inputs}))

    assert brought(Shown()) == len(bringing.outputs), "an empty page gets what was left"
    assert brought(shown) == 1, "the page says that all is back, and its answers stay"
