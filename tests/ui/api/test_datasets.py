"""Data sets for programs: clips go in by the endpoint as they do by the page."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from ..studios import Served, draw_clip


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """Eight clips of two labels, one of them a copy, and a file that is none."""
    for number in range(8):
        draw_clip(tmp_path / "moves" / ("waving" if number % 2 else "jumping") / f"{number}.mp4", 20 * number)
    copy = (tmp_path / "moves" / "waving" / "1.mp4").read_bytes()
    (tmp_path / "moves" / "waving" / "copy.mp4").write_bytes(copy)
    (tmp_path / "moves" / "waving" / "broken.mp4").write_bytes(b"")
    return tmp_path / "moves"


def test_a_folder_and_its_zip_are_imported_alike(client: Client, served: Served, clips: Path, tmp_path: Path) -> None:
    archive = tmp_path / "packed.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for file in clips.rglob("*.mp4"):
            packed.write(file, file.relative_to(clips))
    by_zip = client.predict(archive=handle_file(archive), novel="Waving", api_name="/import_dataset")
    by_path = client.predict(source=str(clips), name=" of a  folder ", novel="Waving", api_name="/import_dataset")
    assert (by_zip.pop("dataset"), by_path.pop("dataset")) == ("packed", "of a folder")
    assert by_zip == by_path
    assert {kind: by_path[kind] for kind in ("clips", "base", "novel")} == {"clips": 8, "base": 1, "novel": 1}
    assert {flaw["file"]: flaw["kind"] for flaw in by_path["flaws"]} == {
        "waving/broken.mp4": "left out",
        "waving/copy.mp4": "left out",
    }
    listed = {row["name"]: row for row in client.predict(api_name="/list_datasets")}
    assert listed["of a folder"]["novel"] == ["waving"] and set(listed) == {"packed", "of a folder"}


def test_the_file_of_a_labeling_tool_is_imported_by_its_path(client: Client, clips: Path, tmp_path: Path) -> None:
    ranges = [{"start": 1, "end": 4}, {"start": 3, "end": 6}]
    task = {"video": "waving/1.mp4", "act": [{"ranges": ranges, "timelinelabels": ["Waving"]}]}
    (tmp_path / "tasks.json").write_text(json.dumps([task]))
    asked = {"source": str(tmp_path / "tasks.json"), "root": str(clips), "api_name": "/import_dataset"}
    with pytest.raises(AppError, match="no export tells its rate"):
        client.predict(**asked)
    found = client.predict(**{**asked, "api_name": "/preview_annotations"}, frame_rate=8)
    assert [(one["video"], one["start"], one["end"]) for one in found["stretches"]] == [
        ("waving/1.mp4", 0.0, 0.5),
        ("waving/1.mp4", 0.25, 0.75),
    ]
    assert found["clips"] == {"waving/1.mp4": {"start": 0.0, "end": 1.0}} and not found["left_out"]
    done = client.predict(**asked, frame_rate=8)
    assert (done["clips"], done["base"]) == (2, 1)
    written = {"dataset": done["dataset"], "form": "webvtt", "api_name": "/export_dataset"}
    assert Path(client.predict(**written)).read_text().startswith("WEBVTT\n\n00:00:00.000 --> 00:00:00.500\nWaving\n")
    with pytest.raises(AppError, match="form 'pdf' is not one of csv, webvtt, elan"):
        client.predict(**{**written, "form": "pdf"})
    with pytest.raises(AppError, match="holds no file of annotations over time"):
        client.predict(**{**asked, "source": str(clips)})


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "give either a zip (archive) or a path on the studio's machine (source)"),
        ({"source": "/nowhere"}, "there is no folder, CSV file or zip '/nowhere' on this machine; check the path"),
        ({"missing": "fail"}, "nothing was imported as 'moves': 1 clip missing or unreadable"),
        ({"missing": "perhaps"}, "missing 'perhaps' is not one of fail, skip"),
        ({"duplicates": "none"}, "duplicates 'none' is not one of first, all"),
        ({"spelling": "camel"}, "spelling 'camel' is not one of words, as-published"),
        ({"novel": "swimming"}, "'swimming' is no class of this data set"),
    ],
)
def test_what_cannot_be_imported_is_refused_whole(
    client: Client, served: Served, clips: Path, given: dict[str, str], told: str
) -> None:
    asked = {"source": str(clips)} | given if given else {}
    with pytest.raises(AppError) as refused:
        client.predict(**asked, api_name="/import_dataset")
    assert told in str(refused.value)
    assert served.studio.store.datasets.list() == []
