"""What bundles, anchor sets and data sets are on the Hub."""

from __future__ import annotations

from collections.abc import Collection

from ga2app.errors import BundleError, StoreError
from ga2app.store.database import Database
from ga2app.types import HubRevision


class HubNotes:
    """Notes beside rows of bundles, anchor sets and data sets. A push goes on top of the commit that is noted here."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note_bundle(self, folder: str, revision: HubRevision) -> None:
        """Note what the bundle in ``folder`` is; its card tells it. Raises BundleError if it is not listed."""
        if not self._note("bundles", "folder", self._database.to_stored(folder), revision):
            raise BundleError(f"there is no bundle '{folder}' in the library any more; import it, then try again")

    def anchors(self, set_id: int) -> HubRevision | None:
        """What an anchor set is; None for one that has neither been pushed nor pulled."""
        return self._noted("anchor_sets", set_id)

    def dataset(self, dataset_id: int) -> HubRevision | None:
        """What a data set is; None for one that has neither been pushed nor downloaded."""
        return self._noted("datasets", dataset_id)

    def _noted(self, table: str, row_id: int) -> HubRevision | None:
        found = self._database.row(f"SELECT hub_repo, hub_commit FROM {table} WHERE id = ?", [row_id])
        return HubRevision(*found) if found and found[0] else None

    def anchors_at(self, revision: HubRevision) -> int | None:
        """The anchor set that is just that commit, the oldest of several; None where there is none."""
        sql = "SELECT id FROM anchor_sets WHERE hub_repo = ? AND hub_commit = ? AND dataset_id IS NULL ORDER BY id"
        found = self._database.row(sql, [revision.repo_id, revision.commit])
        return int(found[0]) if found else None

    def note_anchors(self, set_id: int, revision: HubRevision) -> None:
        """Note what an anchor set is. Raises StoreError if it is gone."""
        if not self._note("anchor_sets", "id", set_id, revision):
            raise StoreError("this anchor set is not there any more; it may have been deleted in another window")

    def note_dataset(self, dataset_id: int, revision: HubRevision) -> None:
        """Note what a data set is. Raises StoreError if it is gone."""
        if not self._note("datasets", "id", dataset_id, revision):
            raise StoreError("this data set is not there any more; it may have been deleted in another window")

    def copies(self, digests: Collection[str]) -> dict[str, str]:
        """Files of this home, of data sets and of anchor sets, that have one of these contents (SHA-256)."""
        marks = ", ".join("?" for _ in digests)
        sql = (
            f"SELECT digest, path FROM clips WHERE digest IN ({marks}) "
            f"UNION ALL SELECT digest, path FROM anchor_clips WHERE digest IN ({marks})"
        )
        found = self._database.rows(sql, [*digests, *digests])
        return {digest: self._database.from_stored(path) for digest, path in found}

    def _note(self, table: str, column: str, value: object, revision: HubRevision) -> bool:
        with self._database.write() as db:
            values = [revision.repo_id, revision.commit, value]
            sql = f"UPDATE {table} SET hub_repo = ?, hub_commit = ? WHERE {column} = ?"
            return bool(db.execute(sql, values).rowcount)
