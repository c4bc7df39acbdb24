"""The library: what a list of bundles shows. The folders hold the bundles themselves."""

from __future__ import annotations

import json
import time
from typing import Any

from ga2app.contracts import BundleCard
from ga2app.errors import BundleError
from ga2app.store.database import Database


class Bundles:
    """The bundles known to one home, one a folder."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, card: BundleCard) -> None:
        """List a bundle; one that is listed with the same folder gets the new card."""
        row = {
            "folder": self._database.to_stored(card.folder),
            "name": card.name,
            "backbone": card.backbone,
            "base": json.dumps(card.base),
            "novel": json.dumps(card.novel),
            "metrics": json.dumps(dict(card.metrics)),
            "zero_shot": json.dumps(dict(card.zero_shot)),
            "origin": card.origin,
            "created_s": time.time(),
        }
        columns = ", ".join(row)
        values = ", ".join(f":{column}" for column in row)
        changes = ", ".join(f"{column} = excluded.{column}" for column in row if column not in ("folder", "created_s"))
        with self._database.write() as db:
            db.execute(
                f"INSERT INTO bundles ({columns}) VALUES ({values}) ON CONFLICT (folder) DO UPDATE SET {changes}", row
            )

    def list(self) -> list[BundleCard]:
        """All bundles, newest first."""
        with self._database.read() as db:
            return [self._card(row) for row in db.query("SELECT * FROM bundles ORDER BY id DESC")]

    def get(self, folder: str) -> BundleCard:
        """The card of the bundle in ``folder``. Raises BundleError if it is not listed."""
        with self._database.read() as db:
            for row in db.query("SELECT * FROM bundles WHERE folder = ?", [self._database.to_stored(folder)]):
                return self._card(row)
        raise BundleError(f"there is no bundle '{folder}' in the library; choose one from the list, or import it again")

    def delete(self, folder: str) -> None:
        """Take a bundle off the list; its folder stays. Raises BundleError if it is not listed."""
        with self._database.write() as db:
            stored = self._database.to_stored(folder)
            if not db.execute("DELETE FROM bundles WHERE folder = ?", [stored]).rowcount:
                raise BundleError(f"there is no bundle '{folder}' in the library; it may have been deleted already")

    def _card(self, row: dict[str, Any]) -> BundleCard:
        return BundleCard(
            folder=self._database.from_stored(row["folder"]),
            name=row["name"],
            backbone=row["backbone"],
            base=tuple(json.loads(row["base"])),
            novel=tuple(json.loads(row["novel"])),
            metrics=json.loads(row["metrics"]),
            zero_shot=json.loads(row["zero_shot"]),
            origin=row["origin"],
        )
