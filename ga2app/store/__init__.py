"""Everything that has to survive a restart, in one SQLite file: the queue and its events, data sets, prompts, bundles.

The screens and the worker meet only here. ``Store.open(home)`` gives a store that any thread of the process may use;
each process opens its own.
"""

from __future__ import annotations

from collections.abc import Callable

from ga2app.paths import Home
from ga2app.store.anchor_rows import Ratings
from ga2app.store.anchor_sets import Anchors
from ga2app.store.bundle_records import BundleOrder, BundleQuery, Bundles, HubNotes
from ga2app.store.clip_pages import Clips
from ga2app.store.database import BUSY_S, Database
from ga2app.store.dataset_edits import DatasetEdits
from ga2app.store.dataset_records import DatasetRow, Datasets
from ga2app.store.holdings import Holdings, Quotas, holdings
from ga2app.store.import_records import Imports
from ga2app.store.negative_prompts import Negatives
from ga2app.store.prompt_files import default_prompts, load_seeds
from ga2app.store.run_queue import Place, Runs
from ga2app.store.run_rows import RunFilter, StoredEvent
from ga2app.store.trash import Trash

__all__ = [
    "BundleOrder", "BundleQuery", "DatasetRow", "Place", "Quotas", "RunFilter", "Store", "StoredEvent",
    "default_prompts",
]  # fmt: skip


class Store:
    """Runs, data sets, anchors, negatives and bundles of one home.

    ``quotas`` bound what is asked for, and ``person`` tells who asks: a user name, empty for whoever owns the studio,
    None for somebody who is not signed in. Any thread may use it; each process opens its own.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.runs = Runs(database)
        self.datasets = Datasets(database)
        self.dataset_edits = DatasetEdits(database)
        self.clips = Clips(database)
        self.imports = Imports(database)
        self.anchors = Anchors(database)
        self.negatives = Negatives(database)
        self.ratings = Ratings(database)
        self.bundles = Bundles(database)
        self.hub_notes = HubNotes(database)
        self.trash = Trash(database)
        self.quotas = Quotas()
        self.person: Callable[[], str | None] = lambda: ""

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

    def guard(self, may_change: Callable[[], None]) -> None:
        """Ask ``may_change`` before every change; what it raises keeps the change from being made."""
        self._database.may_change = may_change

    def may_change(self) -> None:
        """Ask now, where reading for a change would tell something before it is refused."""
        self._database.may_change()

    def holdings(self, person: str) -> Holdings:
        """What belongs to ``person``."""
        return holdings(self._database, person)

    def close(self) -> None:
        """Close all connections. The store cannot be used after that."""
        self._database.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
