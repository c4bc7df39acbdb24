"""``datasets``, ``runs`` and ``bundles``: what is kept, and its deletion by the rules of the screens."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from commands import document, refused
from sets import add_set

from ga2app.cli.main import main
from ga2app.config import RunConfig
from ga2app.errors import BundleError
from ga2app.paths import default_home
from ga2app.services.studio import own_studio
from ga2app.store import Store
from ga2app.store.bundle_records import ROOM as BUNDLES
from ga2app.types import BundleCard


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Two data sets; one of them is needed by a queued run."""
    opened = Store.open(default_home())
    for name in ("kitchen", "street"):
        add_set(opened, {"cut": 4, "stir": 4}, name)
    opened.runs.queue(replace(RunConfig(), dataset="kitchen"), name="first try")
    return opened


def printed(capsys: pytest.CaptureFixture[str], *argv: str) -> list[str]:
    capsys.readouterr()
    assert main(argv) == 0
    return capsys.readouterr().out.splitlines()


def test_an_empty_home_has_nothing_and_nothing_is_made(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, "datasets") == ["no data sets yet"]
    assert printed(capsys, "runs", "list") == ["no training runs yet"]
    assert document(capsys, "bundles") == {"bundles": []}
    assert not default_home().database.exists()


def test_data_sets_are_listed_and_deleted_and_the_name_is_free_again(
    capsys: pytest.CaptureFixture[str], store: Store
) -> None:
    lines = printed(capsys, "datasets")
    assert [line.split(":")[0] for line in lines] == ["kitchen", "street"]
    rows = document(capsys, "datasets", "list")["datasets"]
    assert [row["name"] for row in rows] == ["kitchen", "street"] and rows[0]["train"] > 0
    assert document(capsys, "datasets", "delete", "street") == {"deleted": ["data set 'street'"]}
    assert [row.name for row in store.datasets.list()] == ["kitchen"]
    assert "known data sets: 'kitchen'" in refused(capsys, "datasets", "delete", "street")
    last = store.trash.last("datasets")
    assert last is not None and store.trash.restore(last.id).what == "data set 'street'"


def test_a_data_set_that_a_queued_run_needs_is_kept_and_the_run_is_named(
    capsys: pytest.CaptureFixture[str], store: Store
) -> None:
    assert "run 1 'first try' still needs the data set 'kitchen'" in refused(capsys, "datasets", "delete", "kitchen")
    assert printed(capsys, "runs") == ["run 1 'first try': queued, on kitchen with sketch"]
    assert printed(capsys, "runs", "delete", "1") == [
        "deleted run 1: first try; this can be undone on its screen for a week"
    ]
    assert printed(capsys, "datasets", "delete", "kitchen")[0].startswith("deleted data set 'kitchen'")


def test_nothing_is_deleted_where_one_of_the_names_is_unknown(capsys: pytest.CaptureFixture[str], store: Store) -> None:
    refused(capsys, "datasets", "delete", "street", "nowhere")
    assert len(store.datasets.list()) == 2
    assert "'x' is no number of a run" in refused(capsys, "runs", "delete", "x")
    assert "7" in refused(capsys, "runs", "delete", "7")


def test_bundles_are_deleted_by_name_or_by_folder_and_the_embedded_one_stays(
    capsys: pytest.CaptureFixture[str], store: Store
) -> None:
    home = default_home().bundles
    for number, origin in enumerate(("trained", "imported", "embedded")):
        name = ("mine", "mine too", "ours")[number]
        store.bundles.add(BundleCard(str(home / f"b{number}"), name, "sketch", ("a",), (), {}, {}, origin))
    names = [row["name"] for row in document(capsys, "bundles")["bundles"]]
    assert len(names) == 3
    folder = str(home / "b1")
    assert len(document(capsys, "bundles", "delete", folder)["deleted"]) == 1
    assert store.trash.last(BUNDLES) is not None
    assert "is part of the program" in refused(capsys, "bundles", "delete", "ours")
    assert "there is no bundle 'theirs'" in refused(capsys, "bundles", "delete", "theirs")


def test_the_switch_for_json_may_stand_before_the_action(capsys: pytest.CaptureFixture[str], store: Store) -> None:
    capsys.readouterr()
    assert main(["datasets", "--json", "list"]) == 0
    assert len(json.loads(capsys.readouterr().out)["datasets"]) == 2


def test_a_bundle_is_called_by_its_key_its_name_or_its_folder_and_two_of_one_name_by_folder():
    home = default_home().bundles
    with own_studio() as studio:
        for folder, title in (("b1", "mine"), ("b2", "twice"), ("b3", "twice")):
            studio.store.bundles.add(BundleCard(str(home / folder), title, "sketch", ("a",), (), {}, {}, "imported"))
        (one,) = [card for card in studio.store.bundles.list() if card.title == "mine"]
        assert {studio.bundle_called(name).folder for name in (one.key, "mine", one.folder)} == {str(home / "b1")}
        assert studio.bundle_called(os.path.relpath(home / "b2")).folder == str(home / "b2")
        with pytest.raises(BundleError, match="2 bundles are called 'twice'; name one by its folder: .*b"):
            studio.bundle_called("twice")
