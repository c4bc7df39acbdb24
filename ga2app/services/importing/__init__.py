"""Clips on their way into the studio: unpacked, read, opened one by one, and kept whole or not at all.

``Importer.start`` runs an import in a thread; the page follows it in the store. ``sweep`` tidies up at the start of
the app after one that was killed.
"""

from ga2app.services.importing.import_job import Importer, sweep
from ga2app.services.importing.job_report import Flaw, FlawKind, Report, report_csv
from ga2app.services.importing.sources import Duplicates, FolderSource, ListsSource, Source, TableSource, ZipSource

__all__ = [
    "Duplicates",
    "Flaw",
    "FlawKind",
    "FolderSource",
    "Importer",
    "ListsSource",
    "Report",
    "Source",
    "TableSource",
    "ZipSource",
    "report_csv",
    "sweep",
]
