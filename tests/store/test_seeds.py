"""What a new database starts with, once."""

from __future__ import annotations

from pathlib import Path

from ga2app.paths import Home
from ga2app.store import Store
from ga2app.store.database import Database
from ga2app.store.negative_prompts import Negatives
from ga2app.store.prompt_files import load_seeds
from ga2app.types import AnchorClip


def test_a_new_home_has_the_shipped_negative_prompts_in_groups_and_the_anchor_set(store: Store) -> None:
    assert "else" in store.negatives.texts("something else")
    assert "nothing" not in store.negatives.texts("something else")
    assert set(store.negatives.texts()) > {"else", "nothing"}
    assert store.anchors.names() == ["drawn scenes"]


def test_seeds_are_loaded_once_and_what_was_deleted_stays_deleted(home: Home) -> None:
    with Store.open(home) as store:
        texts = store.negatives.texts()
    database = Database(home)
    with database.write() as db:
        db.execute("DELETE FROM negatives WHERE text = 'else'")
    database.close()
    with Store.open(home) as store:
        assert store.negatives.texts() == [text for text in texts if text != "else"]


def test_generic_attributes_are_on_offer_but_switched_off(store: Store, home: Home) -> None:
    assert "colors and light" in store.negatives.groups()
    assert store.negatives.texts("colors and light") == []
    database = Database(home)
    with database.read() as db:
        rows = db.execute("SELECT text, enabled FROM negatives JOIN negative_groups ON negative_groups.id = group_id "
                          "WHERE name = 'colors and light'").fetchall()  # fmt: skip
    database.close()
    assert ("red", 0) in rows and len(rows) > 5


def test_a_later_seed_joins_a_group_that_the_user_has_made(home: Home, tmp_path: Path) -> None:
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    (seeds / "negatives.csv").write_text("group,text\nplaces,a room\n")
    database = Database(home)
    load_seeds(database, seeds)
    (seeds / "attributes.csv").write_text("group,text\nplaces,a room\nplaces,a street\nthings,a cup\n")
    load_seeds(database, seeds)
    load_seeds(database, seeds)
    assert Negatives(database).groups() == ["places", "things"]
    with database.read() as db:
        rows = db.execute("SELECT text, enabled FROM negatives ORDER BY id").fetchall()
    database.close()
    assert rows == [("a room", 1), ("a street", 0), ("a cup", 0)]


def test_a_seed_that_cannot_be_read_leaves_nothing_behind_and_is_tried_again(home: Home, tmp_path: Path) -> None:
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    database = Database(home)
    (seeds / "negatives.csv").write_text("group,text\na,one\na,one\n")
    try:
        load_seeds(database, seeds)
    except Exception as exc:
        assert "UNIQUE" in str(exc)
    assert Negatives(database).groups() == []
    (seeds / "negatives.csv").write_text("group,text\na,one\na,two\n")
    load_seeds(database, seeds)
    assert Negatives(database).texts("a") == ["one", "two"]
    database.close()


def test_anchor_clips_are_added_to_the_set_that_is_there(store: Store, home: Home) -> None:
    clips = [AnchorClip(str(home.media / "rain.mp4"), "rain"), AnchorClip("/elsewhere/fire.mp4", "fire")]
    store.anchors.add_clips("drawn scenes", clips[:1])
    store.anchors.add_clips("drawn scenes", clips)
    assert store.anchors.names() == ["drawn scenes"]
    assert store.anchors.clips("drawn scenes") == clips
