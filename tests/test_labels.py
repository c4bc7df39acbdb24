from __future__ import annotations

import random

import pytest

from ga2app.errors import LabelError
from ga2app.labels import (
    Spelling,
    check_labels,
    format_labels,
    in_words,
    label_key,
    merge_labels,
    name_key,
    parse_labels,
    spoken,
    tidy,
    unreadable,
)


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
    with pytest.raises(LabelError, match="'walking' is the only label, and one alone always gets 100%; add"):
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


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ApplyEyeMakeup", "apply eye makeup"),
        ("BalanceBeam", "balance beam"),
        ("BodyWeightSquats", "body weight squats"),
        ("CleanAndJerk", "clean and jerk"),
        ("HandstandPushups", "handstand pushups"),
        ("HorseRace", "horse race"),
        ("PlayingDhol", "playing dhol"),
        ("PommelHorse", "pommel horse"),
        ("SumoWrestling", "sumo wrestling"),
        ("TaiChi", "tai chi"),
        ("WritingOnBoard", "writing on board"),
        ("YoYo", "yo yo"),
    ],
)
def test_both_spellings_of_the_names_of_ucf_101(name: str, words: str):
    assert Spelling.WORDS.label(name) == words and spoken(words) == words
    assert Spelling.AS_PUBLISHED.label(name) == name == spoken(name)


def test_names_as_published_have_spaces_for_underscores_and_are_otherwise_as_they_are():
    assert Spelling("as-published").label("brush_hair") == "brush hair"
    assert Spelling.AS_PUBLISHED.label("Holding [something]") == "Holding [something]"


def test_two_spellings_of_a_class_have_the_same_key():
    spellings = ["HandStandPushups", "handstand_pushups", "Handstand Push-ups"]
    assert {name_key(spelling) for spelling in spellings} == {"handstandpushups"}
    assert name_key("🏃") == "🏃" != name_key("🤸")


@pytest.mark.parametrize(
    "spellings",
    [
        ("child\u2019s pose", "child's pose", "Child&#39;s_pose", "child&amp;#39;s  pose"),
        ("caf\u00e9", "cafe\u0301", "CAFE\u0301", "\ufeffcaf\u00e9"),
        ("fly fishing", "\ufb02y_fishing", "Fly\u00a0Fishing", "\uff26ly fishing"),
        ("rock & roll", "rock &amp; roll", "rock &amp;amp; roll"),
        ("\u201cyes\u201d", '"yes"'),
    ],
)
def test_spellings_that_clip_reads_alike_are_one_label(spellings: tuple[str, ...]):
    assert len({label_key(spelling) for spelling in spellings}) == 1
    assert check_labels([*spellings, "walking"])[0] == [tidy(spellings[0]), "walking"]


@pytest.mark.parametrize(("one", "other"), [("C", "C++"), ("push up", "push-up"), ("4x4", "44"), ("caf\u00e9", "cafe")])
def test_labels_that_clip_reads_differently_are_two(one: str, other: str):
    assert label_key(one) != label_key(other)
    assert check_labels([one, other])[0] == [one, other]


def test_the_text_tower_reads_what_openais_tokenizer_would():
    assert spoken("child\u2019s_pose &amp;amp; \ufb01shing") == "child's pose & fishing"
    assert spoken("Caf\u0065\u0301") == "Caf\u00e9"


def test_a_label_is_displayed_as_typed():
    assert tidy(" Child\u2019s_pose ") == "Child\u2019s pose"
    assert check_labels(["child\u2019s pose", "walking"])[0] == ["child\u2019s pose", "walking"]


def test_merged_spellings_are_named_with_the_one_that_is_kept():
    merged = merge_labels(["walking a dog", "Walking_a dog", "running", "running", " "])
    assert list(merged.names.values()) == ["walking a dog", "running"]
    assert merged.spellings() == ["'Walking_a dog' and 'walking a dog' are one label to CLIP; merged into one"]


DROP = "Lifting up one end of [something], then letting it drop down"


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("walking, running", ["walking", "running"]),
        (" walking ,,\nrunning\r\n", ["walking", "running"]),
        (f'"{DROP}", walking', [DROP, "walking"]),
        (f'walking\n  "{DROP}"  \nrunning', ["walking", DROP, "running"]),
        ('"say ""hi"", twice",walking', ['say "hi", twice', "walking"]),
        ('5" board, walking', ['5" board', "walking"]),
        ('"walking" a dog, running', ['"walking" a dog', "running"]),
        ('"walking, running', ['"walking', "running"]),
        ("walking\uff0crunning\u3001jumping", ["walking", "running", "jumping"]),
        ('"",walking', ["walking"]),
        ([DROP, " walking ", ""], [DROP, "walking"]),
        ("", []),
        (None, []),
    ],
)
def test_lists_of_labels_are_read_with_quotes_round_commas(text: str | list[str] | None, labels: list[str]):
    assert parse_labels(text) == labels


def test_any_list_of_labels_is_written_so_that_it_is_read_back():
    chance = random.Random(7)
    signs = "ab \"',\uff0c\u3001[]_\u00e9&;\\{}\U0001f3c3"
    for _ in range(3000):
        written = ["".join(chance.choices(signs, k=chance.randint(1, 9))) for _ in range(chance.randint(0, 5))]
        labels = [text for text in (" ".join(text.split()) for text in written) if text]
        assert parse_labels(format_labels(labels)) == labels


@pytest.mark.parametrize("label", ["0", "12", "n01855672", "A001", "class 12", "label_3", "action-7"])
def test_numbers_and_codes_are_told_to_be_unreadable(label: str):
    note = unreadable([label, "walking"])
    assert note is not None and note.startswith(f"1 of 2 labels are numbers or codes ('{label}'). CLIP reads")


def test_a_list_of_codes_alone_is_told_as_one():
    assert (unreadable(["0", "1"]) or "").startswith("all labels are numbers or codes ('0', '1').")


@pytest.mark.parametrize(
    "label", ["walking", "C++", "3D printing", "jump 3 times", "\U0001f3c3", "action", "mp3 player"]
)
def test_words_are_readable(label: str):
    assert unreadable([label, "walking"]) is None


def test_commas_and_line_breaks_separate_labels() -> None:
    assert parse_labels("run, jump\nclimb a ladder,,\r\n  ") == ["run", "jump", "climb a ladder"]


def test_nothing_typed_is_no_label() -> None:
    assert parse_labels("") == parse_labels(None) == parse_labels(" ,\n, ") == []


def test_chinese_commas_separate_and_emoji_stay_whole() -> None:
    assert parse_labels("跑步，跳高、🤸‍♀️ cartwheel") == ["跑步", "跳高", "🤸‍♀️ cartwheel"]


def test_control_characters_and_double_spaces_are_tidied() -> None:
    assert parse_labels("a\x00  b\t c") == ["a b c"]


def test_repeated_labels_are_left_for_the_recognizer_to_judge() -> None:
    assert parse_labels("run, run") == ["run", "run"]


def test_five_hundred_labels_and_a_long_one_come_through() -> None:
    labels = [f"label {number}" for number in range(499)] + ["x" * 400]
    assert parse_labels(",".join(labels)) == labels
