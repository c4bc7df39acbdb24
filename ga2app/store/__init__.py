"""Everything that has to survive a restart, in one SQLite file: the queue and its events, data sets, prompts, bundles.

The screens and the worker meet only here. ``Store.open(home)`` gives a store that any thread of the process may
use; each process opens its own.
"""

from ga2app.store.bundle_rows import BundleOrder, BundleQuery
from ga2app.store.dataset_records import DatasetRow
from ga2app.store.prompt_files import default_prompts
from ga2app.store.run_queue import Place
from ga2app.store.run_rows import RunFacets, RunFilter, StoredEvent
from ga2app.store.store import Store

__all__ = [
    "BundleOrder",
    "BundleQuery",
    "DatasetRow",
    "Place",
    "RunFacets",
    "RunFilter",
    "Store",
    "StoredEvent",
    "default_prompts",
]
