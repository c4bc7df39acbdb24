"""What one person who is signed in may keep and queue on a Space, and that nothing is kept beyond it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ga2app.config import preset
from ga2app.errors import LimitError
from ga2app.paths import SKETCH_HARD_PROMPT, Home
from ga2app.services.import_sources import FileSource
from ga2app.services.quotas import check_clips
from ga2app.services.run_requests import Asked, Plan, PlannedRun
from ga2app.services.space import Access, Space
from ga2app.services.studio import Studio
from ga2app.store import Quotas
from ga2app.store.import_records import ImportState
from ga2app.store.row_guard import acting_as, owner_of
from ga2app.types import AnchorClip, Dataset, LabelledClip, RunState, Subset
from tests.ui.studios import LABELS, draw_clip, make_studio

BOB, EVE, OWNER = owner_of("bob"), owner_of("eve"), owner_of("")
CONFIG = replace(preset("quick"), dataset="shared", anchors="", negatives=())


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    space = Space("alice/studio", "alice", Access.SIGNED_IN, no_sign_in="this is a test")
    made = make_studio(Home(tmp_path / "home"), space=space)
    clips = tuple(LabelledClip(one.path, one.label, subset) for one in made.examples for subset in Subset)
    made.store.datasets.add(Dataset("shared", LABELS[:2], LABELS[2:], clips), origin="made", shared=True)
    yield made
    made.store.close()


def plan(count: int = 1, **changes: Any) -> Plan:
    config = replace(CONFIG, **changes)
    return Plan(tuple(PlannedRun("", config, None) for _ in range(count)))


def test_so_many_runs_of_one_person_wait_and_no_more(studio: Studio) -> None:
    studio.store.quotas = Quotas(waiting_runs=3)
    with acting_as(BOB):
        with pytest.raises(
            LimitError, match=r"^0 runs of yours wait, this is 4 more, and 3 are the most for one person"
        ):
            studio.training.queue(plan(4))
        first, *_ = studio.training.queue(plan(3))
        told = r"^3 runs of yours wait, this is 1 more, .*; wait until some are done, or delete some from the queue$"
        with pytest.raises(LimitError, match=told):
            studio.training.queue(plan())
        studio.runs.stop(first)
        assert studio.runs.get(first).state is RunState.STOPPED
        studio.training.queue(plan())
        with pytest.raises(LimitError, match="3 runs of yours wait"):
            studio.runs.resume(first)
    with acting_as(EVE):
        studio.training.queue(plan(3))
    with acting_as(OWNER):
        studio.training.queue(plan(40))  # whoever owns the Space is not counted
    assert studio.store.runs.count([RunState.QUEUED]) == 46


def test_a_run_has_so_many_steps_and_no_more(studio: Studio) -> None:
    asked = Asked(("shared",), "1", CONFIG.to_dict() | {"shots": 1})
    with acting_as(BOB):
        made = studio.training.plan(asked)
        steps = CONFIG.optimizer.epochs  # its two clips are one step of an epoch
        studio.store.quotas = Quotas(steps=steps - 1)
        told = rf"^this run would take {steps:,} steps, and {steps - 1:,} are the most here; train fewer epochs"
        with pytest.raises(LimitError, match=told):
            studio.training.queue(made)
        with pytest.raises(LimitError, match=told):
            studio.training.queue_config(made.runs[0].config)
        studio.store.quotas = Quotas(steps=steps)
        studio.training.queue(made)


def test_an_import_beyond_the_clips_or_bytes_of_a_person_keeps_nothing(studio: Studio, tmp_path: Path) -> None:
    for number in range(4):
        draw_clip(tmp_path / "clips" / ("walk" if number % 2 else "run") / f"{number}.mp4", 40 * number)
    source = FileSource(tmp_path / "clips")
    studio.store.quotas = Quotas(clips=3)
    with acting_as(BOB):
        row = studio.imports.run(source, "mine")
        assert row.state is ImportState.FAILED and row.error is not None
        assert "you keep 0 clips here, this is 4 more, and 3 are the most for one person; delete data sets" in row.error
        assert not [one for one in studio.store.datasets.list() if one.name == "mine"]
        studio.store.quotas = Quotas(clips=4)
        assert studio.imports.run(source, "mine").state is ImportState.DONE
        with pytest.raises(LimitError, match="you keep 4 clips here, this is 1 more, and 4 are the most"):
            studio.imports.start(source, "again")  # before anything is read
    with acting_as(EVE):
        assert studio.imports.run(source, "hers").state is ImportState.DONE


def test_anchor_clips_and_bundles_count_too(studio: Studio, tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "a.mp4")
    with acting_as(BOB):
        anchors = studio.store.anchors.create("mine")
        assert studio.anchors.take(anchors, [AnchorClip(str(clip), "a wall")]).count == 1
        had = studio.store.holdings("bob")
        assert (had.clips, had.size_bytes) == (1, clip.stat().st_size)
        studio.store.quotas = Quotas(clips=1)
        with pytest.raises(LimitError, match="you keep 1 clip here, this is 1 more"):
            studio.anchors.take(anchors, [AnchorClip(str(draw_clip(tmp_path / "b.mp4", 9)), "a wall")])
        studio.store.quotas = Quotas(megabytes=1)
        card, _ = studio.library.import_bundle(SKETCH_HARD_PROMPT)
        size = sum(file.stat().st_size for file in Path(card.folder).iterdir())
        assert studio.store.holdings("bob").size_bytes == clip.stat().st_size + size
        large = tmp_path / "large.mp4"
        large.write_bytes(bytes(1_000_000))
        with pytest.raises(
            LimitError, match=r"^your clips and bundles here take 0 MB, this is 1 MB more, and 1 MB are"
        ):
            check_clips(studio.store, [str(large)])
    with acting_as(OWNER):
        check_clips(studio.store, [str(large)])


def test_what_somebody_keeps_is_known_without_looking_at_every_file_again(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = studio.home.datasets / "import-1" / "walk"
    folder.mkdir(parents=True)
    for number in range(3):
        (folder / f"{number}.mp4").write_bytes(bytes(10))
    os.utime(folder, (1e9, 1e9))  # as if all of it lay there for a while
    clips = [LabelledClip(str(folder / f"{number}.mp4"), LABELS[0], Subset.TRAIN) for number in range(3)]
    with acting_as(BOB):
        studio.store.datasets.add(Dataset("mine", LABELS[:1], (), tuple(clips)), origin="made")
    assert studio.store.holdings("bob").size_bytes == 30
    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", lambda folder: pytest.fail(f"{folder} was read again"))
        assert studio.store.holdings("bob").size_bytes == 30
    (folder / "0.mp4").unlink()
    (folder / ".new").write_bytes(bytes(25))
    os.replace(folder / ".new", folder / "1.mp4")
    (folder / "stray.mp4").write_bytes(bytes(99))  # belongs to nobody
    assert studio.store.holdings("bob").size_bytes == 35
