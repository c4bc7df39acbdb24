"""The generic vocabulary: what it holds, and what it never holds."""

from __future__ import annotations

from ga2app.method.prompts import ATTRIBUTES, GenericText, generic_texts


def test_captions_and_negatives_come_first_and_class_names_in_the_standard_template() -> None:
    found = generic_texts(["a car passing", "nothing"], ["riding_a_horse"], (), attributes=False)
    assert found == [
        GenericText("a car passing.", "a car passing"),
        GenericText("nothing.", "nothing"),
        GenericText("a video of a person riding a horse.", "riding_a_horse"),
    ]


def test_it_never_holds_a_label_however_it_is_written() -> None:
    found = generic_texts(
        ["Riding a  horse", "nothing"], ["riding_a_horse", "boxing"], ("riding a horse",), attributes=False
    )
    assert [entry.name for entry in found] == ["nothing", "boxing"]


def test_each_text_stands_in_it_once_and_empty_ones_do_not() -> None:
    found = generic_texts(["nothing", " ", "nothing", ""], ["nothing", ""], (), attributes=False)
    assert found == [GenericText("nothing.", "nothing")]


def test_attributes_and_class_names_are_left_out_where_a_word_is_not_known_but_what_the_user_said_stays() -> None:
    found = generic_texts(
        ["a zebra"], ["yodeling", "boxing"], (), attributes=True, known=lambda text: "red" in text or text == "boxing"
    )
    assert [entry.name for entry in found] == ["a zebra", "a red figure", "boxing"]


def test_without_attributes_only_what_was_given_is_in_it() -> None:
    assert generic_texts([], [], (), attributes=False) == []
    assert [entry.name for entry in generic_texts([], [], (), attributes=True)] == list(ATTRIBUTES)
