"""Labels as typed."""

from ga2app.ui.labels import parse_labels


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
