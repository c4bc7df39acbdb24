"""Who on the machine may read the data directory."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from ga2app.paths import Home
from ga2app.store import Store


def rights(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(autouse=True)
def _careless() -> Iterator[None]:
    """An account that gives new files to everybody."""
    before = os.umask(0)
    yield
    os.umask(before)


def test_a_new_data_directory_is_its_owners_alone_whatever_the_account_gives_away(tmp_path: Path):
    home = Home(tmp_path / "home")
    with Store.open(home):
        journals = [home.root / f"studio.db{end}" for end in ("", "-wal", "-shm")]
        assert [rights(path) for path in journals] == [0o600] * 3
    assert rights(home.root) == 0o700


def test_one_that_everybody_could_read_is_closed_and_that_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    home = Home(tmp_path / "home")
    Store.open(home).close()
    home.root.chmod(0o755)
    home.database.chmod(0o644)
    with caplog.at_level(logging.INFO, "ga2app.paths"):
        Store.open(home).close()
        Store.open(home).close()
    assert (rights(home.root), rights(home.database)) == (0o700, 0o600)
    assert [record.message for record in caplog.records] == [
        f"others could read {home.root}, {home.database}; now only its owner can"
    ]


@pytest.mark.parametrize(("before", "after"), [(0o750, 0o750), (0o2775, 0o2770), (0o2770, 0o2770), (0o770, 0o770)])
def test_a_team_that_shares_one_on_purpose_keeps_it(tmp_path: Path, before: int, after: int):
    home = Home(tmp_path / "home")
    Store.open(home).close()
    home.root.chmod(before)
    home.database.chmod(0o664)
    Store.open(home).close()
    assert (rights(home.root), rights(home.database)) == (after, 0o660)
    home.database.unlink()
    Store.open(home).close()
    assert rights(home.database) == (0o660 if before & 0o020 else 0o600)


def test_a_folder_that_holds_other_things_too_stays_open_and_what_is_ours_in_it_is_closed(tmp_path: Path):
    home = Home(tmp_path)
    theirs = tmp_path / "somebody's thesis"
    theirs.mkdir()
    home.media.mkdir()
    for folder in (tmp_path, theirs, home.media):
        folder.chmod(0o755)
    Store.open(home).close()
    assert (rights(tmp_path), rights(theirs)) == (0o755, 0o755)
    assert (rights(home.media), rights(home.database)) == (0o700, 0o600)
