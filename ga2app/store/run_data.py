"""What each run is trained and measured on, as it was when the run began."""

from __future__ import annotations

import json
from typing import Any

from ga2app.store.run_order import RunOrder
from ga2app.types import TrainingData


class RunData(RunOrder):
    """Labels and clips of runs. ``Runs`` carries these methods."""

    def keep_data(self, run_id: int, state: dict[str, Any]) -> None:
        """Write down what the run is trained on; ``state`` is what ``TrainingData.to_dict`` gives."""
        hashed = TrainingData.from_dict(state).hash
        with self._database.write() as db:
            db.execute("INSERT OR IGNORE INTO run_data (hash, state) VALUES (?, ?)", [hashed, json.dumps(state)])
            db.execute("UPDATE runs SET data_hash = ? WHERE id = ?", [hashed, run_id])
            db.execute("DELETE FROM run_data WHERE hash NOT IN (SELECT data_hash FROM runs)")

    def data_of(self, run_id: int) -> TrainingData | None:
        """What the run is trained on; None before it has begun, and for runs of versions that did not keep it."""
        with self._database.read() as db:
            found = db.execute(
                "SELECT run_data.state FROM run_data JOIN runs ON data_hash = hash WHERE runs.id = ?", [run_id]
            ).fetchone()
        return TrainingData.from_dict(json.loads(found[0])) if found else None
