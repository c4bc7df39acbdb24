"""Imports sqlite-utils without pandas, which it loads where there is one, for types that no row of ours has.

That would be half of the time that the store takes to load, in each command, worker and rank.
"""

from ga2app.fast_start import without

with without("pandas"):
    import sqlite_utils  # noqa: F401
