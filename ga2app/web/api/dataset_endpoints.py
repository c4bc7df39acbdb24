"""The endpoints of data sets: list, import."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
from gradio.events import api

from ga2app.datasets import Division, Missing
from ga2app.errors import DatasetError
from ga2app.labels import parse_labels
from ga2app.services.import_sources import Duplicates, FileSource, Source, path_at
from ga2app.services.studio import Studio
from ga2app.store.import_records import ImportState
from ga2app.web.api.answering import told


def build_datasets_api(studio: Studio) -> None:
    """Connect ``/list_datasets`` and ``/import_dataset``. Of uploads only the zip is read that the caller gave."""

    def list_datasets() -> list[dict[str, Any]]:
        """List the data sets that runs can be trained on: name, base and novel labels, numbers of clips.

        Returns:
            name: the name that a run's settings give as dataset.
            base: the labels that are trained on.
            novel: the labels that are only tested.
            training_clips: how many clips there are to train on.
            test_clips: how many clips there are to test on.
            anchors: how many anchor clips it has of its own.
        """
        with told():
            rows = studio.store.datasets.list()
        return [
            {
                "name": row.name,
                "base": list(row.base),
                "novel": list(row.novel),
                "training_clips": row.n_train,
                "test_clips": row.n_test,
                "anchors": row.anchors,
            }
            for row in rows
        ]

    def import_dataset(
        archive: str | None = None,
        source: str = "",
        name: str = "",
        novel: str = "",
        fold: int | None = None,
        duplicates: str = "first",
        missing: str = "skip",
    ) -> dict[str, Any]:
        """Make clips a data set: a zip that is uploaded, or a folder, a CSV or a zip on the studio's machine.

        Every clip is opened, and clips with the same content are found. The answer comes when all is done.

        Args:
            archive: a zip of class folders, or of clips with a CSV that names the columns path and label; or null.
            source: in its place the path of a folder, a CSV or a zip on the machine that the studio runs on, where its
                files may be named: not on a Space. Clips outside a zip stay where they are.
            name: what the data set shall be called; empty for the name of the zip, folder or CSV.
            novel: labels that are only tested, between commas; one that holds a comma in double quotes.
            fold: the fold whose clips are for testing, where a column numbers folds; or null.
            duplicates: first, to keep the first of clips with the same content, or all.
            missing: skip, to leave out clips that are missing or cannot be read, or fail, to import nothing then.

        Returns:
            dataset: the name of the data set.
            clips: how many clips went in.
            train: how many of them are for training.
            test: how many of them are for testing.
            base: how many labels are trained on.
            novel: how many labels are only tested.
            flaws: clips that were left out or are worth a look: file, label, kind, reason and fix of each.
            notes: what else a person should know, in sentences.

        Raises:
            DatasetError: nothing was imported; the reason, and what to do.
        """
        with told():
            studio.may_change()
            rule = Missing(_one_of("missing", missing, [*Missing]))
            kept = Duplicates(_one_of("duplicates", duplicates, [*Duplicates]))
            division = Division(novel=tuple(parse_labels(novel)))
            given = _source(studio, archive, source, None if fold is None else int(fold))
            row = studio.imports.run(given, name or "", duplicates=kept, division=division, missing=rule)
            if row.state is not ImportState.DONE:
                raise DatasetError(row.error or "the import has failed")
        report = row.report or {}
        counts = {kind: report[kind] for kind in ("clips", "train", "test", "base", "novel")}
        return {"dataset": row.name, **counts, "flaws": report["flaws"], "notes": report["notes"]}

    unseen: dict[str, Any] = {"visible": False}
    given = gr.File(label="archive", **unseen)
    texts = [gr.Textbox(value, label=label, **unseen) for label, value in (("source", ""), ("name", ""), ("novel", ""))]
    rules = [
        gr.Number(None, label="fold", precision=0, **unseen),
        gr.Textbox("first", label="duplicates", **unseen),
        gr.Textbox("skip", label="missing", **unseen),
    ]
    answer = gr.JSON(label="answer", **unseen)
    gr.Button(**unseen).click(import_dataset, [given, *texts, *rules], answer, api_name="import_dataset")
    api(list_datasets, api_name="list_datasets")


def _source(studio: Studio, archive: str | None, place: str, fold: int | None) -> Source:
    """What is to be imported: of an uploaded zip and a path on the machine exactly one is given."""
    if bool(archive) == bool(place.strip()):
        raise DatasetError("give either a zip (archive) or a path on the studio's machine (source)")
    if archive:
        return FileSource(Path(archive), fold, uploaded=True)
    return FileSource(path_at(place, "folder, CSV file or zip") if studio.server_paths else Path(place), fold)


def _one_of(what: str, given: str, known: list[str]) -> str:
    if given not in known:
        raise DatasetError(f"{what} '{given}' is not one of {', '.join(known)}; choose one of these")
    return given
