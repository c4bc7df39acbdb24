from __future__ import annotations

import pytest

from ga2app.errors import LabelError
from ga2app.labels import check_labels, spoken


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
