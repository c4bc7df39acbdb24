from __future__ import annotations

import pytest

from ga2app.errors import LabelError
from ga2app.labels import check_labels, in_words, name_key, spoken


def test_names_are_tidied_and_blanks_dropped():
    assert check_labels([" riding_a  bicycle ", "", "walking"]) == (["riding a bicycle", "walking"], [])


def test_duplicates_are_dropped_with_a_note():
    names, notes = check_labels(["walking", "running", "Walking", "walking"])
    assert names == ["walking", "running"]
    assert notes == ["'Walking', 'walking' given more than once; counted once"]


@pytest.mark.parametrize("labels", [[], ["", "  "]])
def test_no_labels_says_how_to_type_some(labels: list[str]):
    with pytest.raises(LabelError, match="no labels were given; type at least two, separated by commas"):
        check_labels(labels)


@pytest.mark.parametrize("labels", [["walking"], ["walking", "WALKING", " "]])
def test_one_label_alone_is_refused_with_the_reason(labels: list[str]):
    with pytest.raises(LabelError, match="'walking' is the only label, and one alone always gets 100 %; add"):
        check_labels(labels)


def test_underscores_are_spaces_to_the_text_tower():
    assert spoken("riding_a_bicycle  fast ") == "riding a bicycle fast"


def test_what_was_typed_is_not_taken_apart():
    assert spoken("YouTube") == "YouTube"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("PlayingViolin", "playing violin"),
        ("TaiChi", "tai chi"),
        ("YoYo", "yo yo"),
        ("HandstandPushups", "handstand pushups"),
        ("CleanAndJerk", "clean and jerk"),
        ("Skijet", "skijet"),
        ("ThrowABall", "throw a ball"),
        ("jumpRope", "jump rope"),
        ("TVShow", "TV show"),
        ("PlayingUNO", "playing UNO"),
        ("MP3Player", "MP3 player"),
        ("Jump3Times", "jump 3 times"),
        ("3DPrinting", "3D printing"),
        ("Cross4x4Racing", "cross 4x4 racing"),
        ("ÉcrireAuTableau", "écrire au tableau"),
        ("brush_hair", "brush hair"),
        ("  brush__hair ", "brush hair"),
        ("watching YouTube", "watching YouTube"),
        ("Holding [something] next to [something]", "Holding something next to something"),
        ("[something]", "something"),
        ("", ""),
    ],
)
def test_names_of_data_sets_become_words(name: str, words: str):
    assert in_words(name) == words
    assert in_words(words) in (words, words.lower())


def test_two_spellings_of_a_class_have_the_same_key():
    spellings = ["HandStandPushups", "handstand_pushups", "Handstand Push-ups"]
    assert {name_key(spelling) for spelling in spellings} == {"handstandpushups"}
    assert name_key("🏃") == "🏃" != name_key("🤸")
