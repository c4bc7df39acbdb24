"""Everything that has to survive a restart, in one SQLite file: the queue and its events, data sets, prompts, bundles.

The screens and the worker meet only here. ``Store.open(home)`` gives a store that any thread of the process may use;
each process opens its own.
"""

from __future__ import annotations

from collections.abc import Callable

import ga2app.store.lean_sqlite_utils  # noqa: F401
from ga2app.paths import Home
from ga2app.store.anchor_rows import Ratings
from ga2app.store.anchor_sets import Anchors, gone
from ga2app.store.bundle_records import BundleOrder, BundleQuery, Bundles
from ga2app.store.clip_pages import Clips
from ga2app.store.clip_reviews import ClipReviews
from ga2app.store.database import BUSY_S, Database
from ga2app.store.dataset_edits import DatasetEdits
from ga2app.store.dataset_records import DatasetRow, Datasets
from ga2app.store.holdings import FileSizes, Holdings, Quotas, holdings
from ga2app.store.hub_notes import HubNotes
from ga2app.store.import_records import Imports
from ga2app.store.negative_prompts import Negatives
from ga2app.store.prompt_files import default_prompts, load_seeds
from ga2app.store.row_guard import FOREIGN, Actor
from ga2app.store.run_queue import Place, Runs
from ga2app.store.run_rows import RunFilter, StoredEvent
from ga2app.store.trash import Trash

__all__ = [
    "BundleOrder", "BundleQuery", "DatasetRow", "Place", "Quotas", "RunFilter", "Store", "StoredEvent",
    "default_prompts",
]  # fmt: skip


_NOUNS = {"datasets": "data set", "anchor_sets": "anchor set", "negative_groups": "group", "runs": "run"}
_NOUNS |= {"bundles": "bundle"}


class Store:
    """Runs, data sets, anchors, negatives and bundles of one home.

    ``quotas`` bound what is asked for. Any thread may use it; each process opens its own.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.runs = Runs(database)
        self.datasets = Datasets(database)
        self.dataset_edits = DatasetEdits(database)
        self.clips = Clips(database)
        self.reviews = ClipReviews(database)
        self.imports = Imports(database)
        self.anchors = Anchors(database)
        self.negatives = Negatives(database)
        self.ratings = Ratings(database)
        self.bundles = Bundles(database)
        self.hub_notes = HubNotes(database)
        self.trash = Trash(database)
        self.quotas = Quotas()
        self._sizes = FileSizes()

    @classmethod
    def open(cls, home: Home, *, busy_s: float = BUSY_S) -> Store:
        """Open the home's database; make it, bring its schema up to date and load the seeds where that is due.

        ``busy_s`` is how long a write waits for another process. Raises StoreError if the database is locked,
        damaged, read-only or of a newer version.
        """
        database = Database(home, busy_s=busy_s)
        try:
            load_seeds(database)
        except BaseException:
            database.close()
            raise
        return cls(database)

    def guard(self, visitor: Callable[[], Actor]) -> None:
        """Ask ``visitor`` from now on who acts, and show and change only what is that person's or shared."""
        self._database.visitor = visitor

    def actor(self) -> Actor:
        """Who acts just now."""
        return self._database.actor()

    def person(self) -> str | None:
        """The name of whoever acts: empty for the app itself and whoever owns it, None for nobody who is known."""
        return self.actor().name

    def may_change(self) -> None:
        """Ask now, where reading for a change would tell something before it is refused. Raises AccessError."""
        self._database.may_change()

    def holdings(self, person: str) -> Holdings:
        """What belongs to ``person``."""
        return holdings(self._database, person, self._sizes)

    def may_change_row(self, table: str, key: int | str) -> None:
        """Ask now about one row: raises AccessError for one that somebody else shares, StoreError for one unseen.

        ``key`` is its number, of a bundle its folder.
        """
        column = "folder" if table == "bundles" else "id"
        actor = self.actor()
        found = self._database.row(
            f"SELECT owner FROM {table} WHERE {column} = ?",
            [self._database.to_stored(key) if isinstance(key, str) else key],
        )
        if found is None:
            raise gone(_NOUNS[table])
        if not actor.everything and found[0] != actor.name:
            raise actor.error(FOREIGN)

    def taken_names(self, table: str) -> list[str]:
        """Names that no new anchor set or group can have, those of other people's among them."""
        return [name for (name,) in self._database.rows(f"SELECT name FROM main.{table} WHERE dataset_id IS NULL")]

    def share(self, table: str, key: int | str, on: bool) -> None:
        """Let others see a row, or not any more. ``key`` is its number or name, of a bundle its folder.

        Raises StoreError where it is not there, AccessError where it is somebody else's.
        """
        column = "id" if isinstance(key, int) else "folder" if table == "bundles" else "name"
        # The anchors and prompts of a data set go by the data set's name, and are shared with it.
        alone = " AND dataset_id IS NULL" if table in ("anchor_sets", "negative_groups") else ""
        value = self._database.to_stored(key) if column == "folder" and isinstance(key, str) else key
        with self._database.write() as db:
            sql = f"UPDATE {table} SET shared = ? WHERE {column} = ?{alone}"
            if not db.execute(sql, [int(on), value]).rowcount:
                raise gone(_NOUNS[table])

    def close(self) -> None:
        """Close all connections. The store cannot be used after that."""
        self._database.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
