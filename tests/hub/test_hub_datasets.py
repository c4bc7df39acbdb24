"""Data sets pushed to a Hub on this computer in the ``videofolder`` form, and imported from it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from clips import color_dataset

from ga2app.cli.main import main
from ga2app.errors import HubConflict, HubError
from ga2app.services import hub_datasets
from ga2app.services.hub_datasets import hub_name
from ga2app.services.studio import Studio, own_studio
from ga2app.store.clip_pages import ClipFilter
from ga2app.types import Dataset, PushOptions
from tests.commands import document, refused
from tests.hub_server import LoopbackHub

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # the client's own
MINE = PushOptions("colors", rights=True)


@pytest.fixture
def studio(loopback_hub: LoopbackHub) -> Iterator[Studio]:
    with own_studio() as studio:
        yield studio


@pytest.fixture
def dataset_id(studio: Studio, tmp_path: Path) -> int:
    (tmp_path / "clips").mkdir()
    return studio.store.datasets.add(color_dataset(tmp_path / "clips", train=1, test=1), origin="test")


def facts(dataset: Dataset) -> object:
    clips = {(Path(clip.path).read_bytes(), clip.label, clip.subset) for clip in dataset.clips}
    anchors = [(Path(one.path).read_bytes(), one.caption) for one in dataset.anchors]
    return dataset.base, dataset.novel, clips, anchors, dataset.negatives


def tables_of(hub: LoopbackHub, repo: str = "alice/colors") -> set[str]:
    return set(hub.repos["dataset", repo].files) - {".gitattributes"}


def test_a_data_set_goes_to_the_hub_and_comes_back_as_it_was(
    studio: Studio, dataset_id: int, loopback_hub: LoopbackHub
) -> None:
    told: list[tuple[int, int]] = []
    pushed = studio.hub_datasets.push(dataset_id, MINE, progress=lambda done, total: told.append((done, total)))
    assert pushed.private and pushed.link == f"{loopback_hub.url}/datasets/alice/colors"
    assert {"README.md", "texts.csv", "train/metadata.jsonl", "train/walking/walking-0.mp4"} <= set(pushed.changed)
    assert told == sorted(told) and told[-1][0] == told[-1][1] > 1000
    assert studio.hub_datasets.push(dataset_id, MINE).changed == ()
    source = studio.hub_datasets.find("alice/colors")
    row = studio.imports.run(source, "back")
    assert row.state == "done", row.error
    back = studio.store.datasets.get("back")
    assert facts(back) == facts(studio.store.datasets.get("colors"))
    assert studio.store.hub_notes.dataset(studio.datasets.called("back").id) == pushed.revision
    assert studio.datasets.called("back").origin == f"imported from hub:alice/colors@{pushed.revision.commit}"
    assert [path.name for path in studio.home.datasets.iterdir()] == [f"import-{row.id}"]
    # What came from there goes back on top of it, and what is gone here goes there.
    back_id = studio.datasets.called("back").id
    studio.datasets.delete_clips([clip.id for clip in studio.store.clips.page(back_id, ClipFilter(), limit=1)])
    again = studio.hub_datasets.push(back_id, MINE)
    assert len(again.removed) == 1 and "train/metadata.jsonl" in again.changed
    with pytest.raises(HubConflict, match="was changed by somebody else meanwhile"):
        studio.hub_datasets.push(dataset_id, MINE)


def test_many_clips_go_in_several_commits_and_a_push_that_broke_off_is_finished_by_the_next(
    studio: Studio, dataset_id: int, loopback_hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_datasets, "_AT_ONCE", 4)
    loopback_hub.refuse("commit", 500, do=lambda: None)
    commits = loopback_hub.repos
    with pytest.raises(HubError, match="not available now"):
        studio.hub_datasets.push(dataset_id, MINE)
    loopback_hub.refusals.clear()
    studio.hub_datasets.push(dataset_id, MINE)
    repo = commits["dataset", "alice/colors"]
    sizes = [len(files) for _, files in repo.commits]
    assert sizes == sorted(sizes) and len(sizes) == 5 and "README.md" not in repo.commits[-2][1]


def test_the_clips_go_along_only_with_the_right_to_publish_them(
    studio: Studio, dataset_id: int, loopback_hub: LoopbackHub
) -> None:
    with pytest.raises(HubError, match="confirm first that you have the right to publish them"):
        studio.hub_datasets.push(dataset_id, PushOptions("colors"))
    assert loopback_hub.repos == {}


def test_clips_without_rows_and_rows_without_clips_are_told_and_the_rest_comes_in(
    studio: Studio, dataset_id: int, loopback_hub: LoopbackHub
) -> None:
    studio.hub_datasets.push(dataset_id, MINE)
    repo = loopback_hub.repos["dataset", "alice/colors"]
    files = dict(repo.files)
    files["test/odd.mp4"] = files["train/walking/walking-0.mp4"]
    del files["train/walking/walking-0.mp4"]
    repo.commit(files, "on the website")
    row = studio.imports.run(studio.hub_datasets.find("alice/colors"), "strict")
    assert row.state == "failed" and "1 clip missing or unreadable" in row.error and "walking-0.mp4" in row.error
    done = studio.imports.wait(studio.imports.start(studio.hub_datasets.find("alice/colors"), "rest"))
    assert done.state == "done" and done.report is not None
    assert [note for note in done.report["notes"] if "in no row" in note] == [
        "1 clip is in no class folder and in no row, 1 row names a clip that is not there"
    ]
    assert {Path(one["file"]).name for one in done.report["flaws"] if one["kind"] == "left out"} == {
        "odd.mp4",
        "walking-0.mp4",
    }
    assert len(studio.store.datasets.get("rest").clips) == 7


def test_a_download_that_stops_goes_on_where_it_was(studio: Studio, dataset_id: int, loopback_hub: LoopbackHub) -> None:
    studio.hub_datasets.push(dataset_id, MINE)
    source = studio.hub_datasets.find("alice/colors")
    files = [file.name for file in source.offer.files]

    def stop(stage: str, done: int, total: int) -> None:
        if len(loopback_hub.asked("resolve.*mp4")) == 3:
            raise HubError("stopped")

    assert studio.imports.run(source, "one", tick=stop).state == "failed"
    assert list(studio.home.datasets.glob(".pull-*")) and not list(studio.home.datasets.glob(".import-*"))
    loopback_hub.seen.clear()
    assert studio.imports.run(source, "one").state == "done"
    assert 0 < len(loopback_hub.asked("resolve")) < len(files)


def test_what_is_no_videofolder_or_no_place_is_refused_before_a_byte_comes(
    studio: Studio, loopback_hub: LoopbackHub
) -> None:
    loopback_hub.add("bob/rows", "dataset", files={"data/train-00000-of-00001.parquet": b"PAR1", "README.md": b"hi"})
    with pytest.raises(HubError, match="'bob/rows' has no clips as files.*: 1 Parquet file may hold them"):
        studio.hub_datasets.find("bob/rows")
    loopback_hub.add("bob/out", "dataset", files={"../a.mp4": b"x"})
    with pytest.raises(HubError, match="file names that lead out of a folder are in it"):
        studio.hub_datasets.find("bob/out")
    loopback_hub.add("bob/bundle", files={"a.mp4": b"x"})
    with pytest.raises(HubError, match="'bob/bundle' is a model, not a data set"):
        studio.hub_datasets.find("bob/bundle")
    assert loopback_hub.asked("resolve") == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("hf:bob/walks", "bob/walks"),
        ("hf://datasets/bob/walks", "datasets/bob/walks"),
        (" https://huggingface.co/datasets/bob/walks/tree/v1", "https://huggingface.co/datasets/bob/walks/tree/v1"),
        ("bob/walks", ""),
        ("C:/hf/clips", ""),
    ],
)
def test_an_address_of_the_hub_is_told_from_a_path(text: str, name: str) -> None:
    assert hub_name(text) == name


def test_the_commands_say_how_much_and_move_nothing_before_a_yes(
    studio: Studio, dataset_id: int, loopback_hub: LoopbackHub, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    looked = document(capsys, "push", "colors", "--dataset", "--dry-run")
    assert looked["repo"] == "alice/colors" and looked["bytes"] > 1000 and loopback_hub.repos == {}
    assert main(["push", "colors", "--dataset"]) == 1
    assert "the right to publish" in capsys.readouterr().err
    pushed = document(capsys, "push", "colors", "--dataset", "--rights", "--license", "cc-by-4.0")
    assert pushed["private"] and pushed["link"].endswith("/datasets/alice/colors")
    assert b'license: "cc-by-4.0"' in loopback_hub.repos["dataset", "alice/colors"].files["README.md"].content
    loopback_hub.seen.clear()
    assert "add --yes to download it" in refused(capsys, "import-dataset", "hf:alice/colors", "--name", "back")
    offered = document(capsys, "import-dataset", "hf:alice/colors", "--dry-run")
    assert set(offered["files"]) == tables_of(loopback_hub) and loopback_hub.asked("resolve") == []
    at = f"hf:alice/colors@{pushed['commit']}"
    done = document(capsys, "import-dataset", at, "--name", "back", "--yes")
    assert (done["dataset"], done["clips"], done["anchors"], done["missing"]) == ("back", 8, 2, [])
    written = document(capsys, "export-dataset", "back", str(tmp_path / "out"), "--as", "videofolder")
    (folder,) = written["files"]
    assert Path(folder).name == "back" and written["files"][folder] > 1000
    assert document(capsys, "import-dataset", folder, "--name", "third")["clips"] == 8
    assert "is there already" in refused(capsys, "export-dataset", "back", str(tmp_path / "out"), "--as", "videofolder")
