"""The endpoints of data sets: list, import, what an import would bring, export.

A docstring here is what a caller reads, and an endpoint answers in plain JSON.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from gradio.processing_utils import save_file_to_cache
from gradio.utils import get_upload_folder

from ga2app.datasets import Division, Missing
from ga2app.datasets.label_descriptions import given_descriptions
from ga2app.errors import DatasetError
from ga2app.labels import Spelling, parse_labels
from ga2app.services.hub_datasets import hub_name
from ga2app.services.import_sources import Duplicates, source_given
from ga2app.services.imports import Choices
from ga2app.services.studio import Studio
from ga2app.store.import_records import ImportRow, ImportState
from ga2app.web.access import visitors_token
from ga2app.web.api.endpoints import OneFile, sentences, texts_in

MAX_FLAWS = 1000


class DatasetEndpoints:
    """What programs may do with data sets. Of files only those are read that the caller has uploaded, or may name."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def list_datasets(self) -> list[dict[str, Any]]:
        """List the data sets that runs can be trained on: name, base and novel labels, numbers of clips.

        Returns:
            name: the name that a run's settings give as dataset.
            base: the labels that are trained on.
            novel: the labels that are only tested.
            training_clips: how many clips there are to train on.
            test_clips: how many clips there are to test on.
            anchors: how many anchor clips it has of its own.
        """
        return [
            {
                "name": row.name,
                "base": list(row.base),
                "novel": list(row.novel),
                "training_clips": row.n_train,
                "test_clips": row.n_test,
                "anchors": row.anchors,
            }
            for row in self._studio.store.datasets.list()
        ]

    def import_dataset(
        self,
        archive: OneFile | None = None,
        source: str = "",
        name: str = "",
        novel: str = "",
        fold: int | None = None,
        duplicates: str = "first",
        missing: str = "skip",
        spelling: str = "words",
        descriptions: str = "",
        root: str = "",
        frame_rate: float | None = None,
        tiers: list[str] | None = None,
        download: bool = False,
    ) -> dict[str, Any]:
        """Make clips a data set: a zip that is uploaded, a data set of the Hub, or files on the studio's machine.

        Every clip is opened, and clips with the same content are found. The answer comes when all is done.

        Args:
            archive: a zip of class folders, of clips with a CSV that names the columns path and label, or of videos
                with the files of a labeling tool; or null.
            source: in its place the path of a folder, a CSV, a zip or a labeling tool's file on the machine that the
                studio runs on, where its files may be named: not on a Space. Clips outside a zip stay where they are.
                Or hf:user/name, also with @revision behind it: a data set of the Hub in the videofolder form.
            name: name of the data set; empty for the name of the zip, folder or CSV.
            novel: labels that are only tested, between commas; one that holds a comma in double quotes.
            fold: the fold whose clips are for testing, where a column numbers folds; or null.
            duplicates: first, to keep the first of clips with the same content, or all.
            missing: skip, to leave out clips that are missing or cannot be read, or fail, to import nothing then.
            spelling: words, to split class names of folders (ApplyEyeMakeup: apply eye makeup), or as-published.
            descriptions: sentences that describe labels: lines like "label: sentence", or a JSON object of labels and
                lists of sentences.
            root: the folder below which the clips of a labeling tool's file lie; empty for the file's own.
            frame_rate: frames a second of Label Studio's timeline, as its labeling configuration says; or null.
            tiers: a list of the tiers of ELAN, attributes of VIA or subjects of BORIS that are taken; empty for all.
            download: true, to download a data set of the Hub; false, to be told in an error how large it is.

        Returns:
            dataset: the name of the data set.
            clips: how many clips went in.
            train: how many of them are for training.
            test: how many of them are for testing.
            base: how many labels are trained on.
            novel: how many labels are only tested.
            flaws: clips that were left out or are worth a look: file, label, kind, reason and fix of each, the first
                1,000 of them.
            flaw_counts: how many such clips there are in all, by their kind: left out, or taken.
            notes: further remarks, in sentences.

        Raises:
            DatasetError: nothing was imported; the reason, and what to do.
        """
        studio = self._studio
        studio.may_change()
        chosen: Choices = {
            "missing": Missing(_one_of("missing", missing, [*Missing])),
            "duplicates": Duplicates(_one_of("duplicates", duplicates, [*Duplicates])),
            "spelling": Spelling(_one_of("spelling", spelling, [*Spelling])),
            "division": Division(novel=tuple(parse_labels(novel))),
            "descriptions": given_descriptions(sentences(descriptions) or ""),
        }
        asked = None if fold is None else int(fold), frame_rate, texts_in("tiers", tiers)
        if name_there := "" if archive else hub_name(source):
            of_hub = replace(studio.hub_datasets.find(name_there, token=visitors_token(studio)), fold=asked[0])
            if not download:
                raise DatasetError(f"nothing was downloaded ({of_hub.told}); say download=true to import it")
            return _imported(studio.imports.run(of_hub, name or "", **chosen))
        given = source_given(archive, source, root, *asked, server_paths=studio.server_paths)
        return _imported(studio.imports.run(given, name or "", **chosen))

    def preview_annotations(
        self,
        archive: OneFile | None = None,
        source: str = "",
        root: str = "",
        frame_rate: float | None = None,
        tiers: list[str] | None = None,
    ) -> dict[str, Any]:
        """Tell which stretches of videos import_dataset would take from a labeling tool's file; nothing is imported.

        Args:
            archive: a zip of videos with the files of a labeling tool; or null.
            source: in its place the path of a labeling tool's file, or a folder of them, on the studio's machine.
            root: the folder below which the videos lie; empty for the file's own.
            frame_rate: frames a second of Label Studio's timeline, as its labeling configuration says; or null.
            tiers: a list of the tiers of ELAN, attributes of VIA or subjects of BORIS that are taken; empty for all.

        Returns:
            format: what the file was read as.
            stretches: video (its path below the root), start and end in seconds, and label of each.
            cut: those of them that reached beyond their video, and why.
            left_out: what is not taken, in the file's own words and in seconds where these are known, and why.
            notes: further remarks, in sentences.
            clips: start and end of each video that was found, in seconds on its own clock, by its path.

        Raises:
            DatasetError: the file cannot be read, is of no known format, or needs a frame rate that fits.
        """
        asked = None, frame_rate, texts_in("tiers", tiers)
        given = source_given(archive, source, root, *asked, server_paths=self._studio.server_paths)
        told = self._studio.annotations.preview(given).to_dict()
        for key in ("stretches", "cut", "left_out"):
            # gradio_client takes an object with "path" for a file, and asks for it (findings/gradio_client_path.sh).
            told[key] = [{"video": one.pop("path"), **one} for one in told[key]]
        return told

    def export_dataset(
        self, dataset: str, form: str = "csv", frame_rate: float | None = None, video: str = ""
    ) -> OneFile:
        """Write a data set as a zip for the Hub, or as stretches of its videos for a labeling tool.

        Args:
            dataset: the name of the data set, as list_datasets tells it.
            form: csv, webvtt, elan, boris, label-studio or activitynet; or videofolder, a zip with all clips of the
                folder that the library datasets and the Hub read.
            frame_rate: of label-studio, frames a second of its timeline, as its labeling configuration says; or null.
            video: the file name of the one video whose stretches are written; empty for all.

        Returns:
            file: the file, or a zip where there are several, which gradio_client saves and gives the path of.

        Raises:
            DatasetError: there is no such data set, format or video, or a rate is missing.
        """
        row = self._studio.datasets.called(dataset)
        if form == "videofolder":
            file = self._studio.datasets.export(row.id, videofolder=True)
        else:
            file = self._studio.annotations.export(row.id, form, frame_rate=frame_rate, video=video)
        return str(save_file_to_cache(file, str(get_upload_folder())))


def _imported(row: ImportRow) -> dict[str, Any]:
    """What ``import_dataset`` answers; raises DatasetError where nothing was imported."""
    if row.state is not ImportState.DONE:
        raise DatasetError(row.error or "the import has failed")
    report, told = row.report or {}, ("clips", "train", "test", "base", "novel", "notes")
    flaws = [flaw["kind"] for flaw in report["flaws"]]
    counts = {"flaws": report["flaws"][:MAX_FLAWS], "flaw_counts": dict(Counter(flaws))}
    return {"dataset": row.name, **{kind: report[kind] for kind in told}, **counts}


def _one_of(what: str, given: str, known: list[str]) -> str:
    if given not in known:
        raise DatasetError(f"{what} '{given}' is not one of {', '.join(known)}; choose one of these")
    return given
