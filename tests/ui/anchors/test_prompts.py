"""Negative prompts on the screen: pasting, files, proposals, closeness."""

from __future__ import annotations

from pathlib import Path

import pytest

from ga2app.errors import StoreError
from ga2app.services.negatives import Asked
from ga2app.services.studio import Studio
from ga2app.store import Store
from ga2app.store.negative_prompts import NegativeEntry
from ga2app.store.prompt_files import pasted, read_prompts, write_prompts
from ga2app.web.pages.anchors.anchor_html import Page, added_html, prompts_html, rated_prompts_html

from ..studios import BASE, NOVEL

ASKED = Asked("demo", BASE, NOVEL, "sketch")


@pytest.fixture
def group_id(studio: Studio) -> int:
    return studio.store.negatives.create_group("mine")


def test_a_paste_is_one_prompt_a_line_without_list_marks() -> None:
    assert pasted(" rain \n\n- a wall\n* a door\r\n• the sea\n") == ["rain", "a wall", "a door", "the sea"]


def test_a_paste_goes_in_and_doubles_are_named(studio: Studio, group_id: int) -> None:
    message = added_html(studio.anchors.add_prompts(group_id, "rain\n<b>\nrain\nRain"))
    assert "2 prompts added" in message and "2 prompts left out" in message and "“Rain”" in message
    assert [row.text for row in studio.store.negatives.rows(group_id)] == ["rain", "<b>"]
    html = prompts_html(studio.store.negatives.rows(group_id), Page(0, 50, 2), searched="", show_group=False, locked=())
    assert "&lt;b&gt;" in html and "<b>" not in html.replace("<b>0", "")
    with pytest.raises(StoreError, match="no prompt was typed"):
        studio.anchors.add_prompts(group_id, " \n ")


def test_what_is_exported_is_imported_as_it_was(studio: Studio, group_id: int, tmp_path: Path) -> None:
    negatives = studio.store.negatives
    negatives.add(group_id, ['a "quoted", thing', "été; à la mer", "=1+1", "日本"])
    negatives.enable(negatives.rows(group_id)[1].id, False)
    file = tmp_path / "prompts.csv"
    file.write_text(write_prompts(negatives.rows()), encoding="utf-8")
    from ga2app.paths import Home

    with Store.open(Home(tmp_path / "other")) as other:
        for row in other.negatives.group_rows():
            other.negatives.delete_group(row.id)
        read = read_prompts(file.read_bytes())
        assert read.faults == ()
        other.negatives.put(read.entries)
        assert other.negatives.texts() == negatives.texts()
        mine = [(row.group, row.text, row.enabled) for row in negatives.rows()]
        assert [(row.group, row.text, row.enabled) for row in other.negatives.rows()] == mine
    done, faults = studio.anchors.import_prompts(str(file))
    assert done.added == done.switched == 0 and done.same == negatives.count() and faults == ()


def test_faults_of_a_file_are_told_by_line_and_the_good_lines_go_in() -> None:
    text = (
        "\ufeffText,GROUP,enabled\nrain,weather,1\n,weather,1\na wall,,1\n\na door,things,perhaps\nthe sea,weather,no\n"
    )
    read = read_prompts(text.encode())
    assert read.entries == (NegativeEntry("weather", "rain"), NegativeEntry("weather", "the sea", False))
    assert [fault.split(":")[0] for fault in read.faults] == ["line 3", "line 4", "line 6"]
    assert "enabled is 'perhaps'; write 1 or 0" in read.faults[2]


def test_a_semicolon_file_is_read_and_a_missing_column_means_on() -> None:
    assert read_prompts(b"group;text\nplaces;a room\n").entries == (NegativeEntry("places", "a room"),)


@pytest.mark.parametrize(
    ("content", "why"), [(b"\xff\xfe\x00", "not UTF-8"), (b"a,b\n1,2\n", "must name the columns"), (b"", "must name")]
)
def test_what_is_no_such_file_is_refused(content: bytes, why: str) -> None:
    with pytest.raises(StoreError, match=why):
        read_prompts(content)


def test_prompts_close_to_a_base_or_a_novel_label_are_warned_of(studio: Studio, group_id: int) -> None:
    studio.anchors.add_prompts(group_id, "a ladder\njumping\nthe wide blue sea")
    message = rated_prompts_html(studio.anchors.measure_prompts(group_id, ASKED), 4)
    assert "3 prompts measured against 4 labels" in message and "2 come too close" in message
    question = studio.store.ratings.find(ASKED.every, "sketch")
    assert question is not None
    rated = [row.rating and row.rating.warned for row in studio.store.negatives.rows(group_id, question=question.id)]
    assert rated == [True, True, False]
    rows = studio.store.negatives.rows(group_id, question=question.id)
    html = prompts_html(rows, Page(0, 50, 3), searched="", show_group=False, locked=())
    assert "Too close to “jumping rope”" in html


def test_proposals_are_added_only_when_ticked_and_known_ones_are_left_out(studio: Studio, group_id: int) -> None:
    studio.anchors.add_prompts(group_id, "negative 0 of seeds")
    found, left = studio.anchors.suggest_prompts(group_id, ASKED, 3)
    assert [one.text for one in found] == ["negative 1 of seeds", "negative 2 of seeds"]
    assert left == 1
    assert studio.store.negatives.count(group_id) == 1
    studio.anchors.accept_prompts(group_id, found, [1])
    assert [row.text for row in studio.store.negatives.rows(group_id)][1:] == ["negative 2 of seeds"]
    with pytest.raises(StoreError, match="none of the proposed prompts is ticked"):
        studio.anchors.accept_prompts(group_id, found, [])
    asked_model, _ = studio.anchors.suggest_prompts(group_id, ASKED, 1, "some/model")
    assert asked_model[0].text == "negative 0 of some/model"
