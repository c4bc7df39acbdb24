"""Whole imports, from a source to a data set or to nothing."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from clips import write_color_clip
from ui.fakes import FakeInspector
from zips import import_service, pack

from ga2app.datasets import Division, SplitLists
from ga2app.datasets.import_report import FlawKind, flaws_of, report_csv
from ga2app.paths import Home
from ga2app.services.clip_inspector import VideoInspector
from ga2app.services.import_sources import Duplicates, FileSource, ListsSource, Source
from ga2app.services.imports import sweep
from ga2app.store import Store
from ga2app.store.clip_pages import ClipFilter
from ga2app.store.import_records import ImportRow, ImportState
from ga2app.types import ClipFacts, Dataset, LabelledClip, Subset
from tests.video.made_clips import MADE, Recording, numbered, sound_only

GOOD = {
    f"{label}/{label}-{number}.mp4": f"{label}{number}".encode() for label in ("wave", "jump") for number in range(4)
}


def run(
    home: Home,
    store: Store,
    source: Source,
    *,
    inspector: FakeInspector | VideoInspector | None = None,
    duplicates: Duplicates = Duplicates.FIRST,
    novel: tuple[str, ...] = (),
) -> ImportRow:
    importer = import_service(home, store, inspector or FakeInspector())
    import_id = importer.start(source, "mine", duplicates=duplicates, division=Division(novel=novel))
    return importer.wait(import_id, 60)


def files_of(home: Home) -> set[str]:
    """Everything in the media folder."""
    return {str(path.relative_to(home.media)) for path in home.media.rglob("*") if path.is_file()}


def zipped(tmp_path: Path, files: dict[str, bytes]) -> FileSource:
    return FileSource(pack(tmp_path / "mine.zip", files), uploaded=True)


def test_the_good_clips_go_in_and_each_bad_one_is_told(home: Home, store: Store, tmp_path: Path) -> None:
    bad = {"wave/broken.mp4": b"x", "wave/zero.mp4": b"", "wave/notes.doc": b"x", "wave/tiny.mp4": b"tiny"}
    row = run(home, store, zipped(tmp_path, GOOD | bad))
    assert (row.state, row.error) == (ImportState.DONE, None)
    dataset = store.datasets.get("mine")
    assert len(dataset.clips) == 9 and set(dataset.base) == {"wave", "jump"}
    assert {Path(clip.path).name for clip in dataset.clips} == {Path(name).name for name in GOOD} | {"tiny.mp4"}
    told = {flaw.file: (flaw.kind, flaw.reason, flaw.fix) for flaw in flaws_of(row.report or {})}
    assert told == {
        "wave/broken.mp4": (FlawKind.LEFT_OUT, "it has no video", "choose another file"),
        "wave/zero.mp4": (FlawKind.LEFT_OUT, "it has no video", "choose another file"),
        "wave/notes.doc": (FlawKind.LEFT_OUT, "'.doc' is no kind of video file", told["wave/notes.doc"][2]),
        "wave/tiny.mp4": (FlawKind.TAKEN, "its picture is tiny", "use a larger one"),
    }
    lines = report_csv(row.report or {}).splitlines()
    assert lines[0] == "file,label,what,reason,fix" and len(lines) == 5
    assert "wave/broken.mp4,wave,left out,it has no video,choose another file" in lines


def test_only_what_was_taken_stays_on_the_disk(home: Home, store: Store, tmp_path: Path) -> None:
    run(
        home,
        store,
        zipped(tmp_path, {f"top/{name}": content for name, content in GOOD.items()} | {"top/a/broken.mp4": b"x"}),
    )
    thumbs = {name for name in files_of(home) if name.startswith("thumbs/")}
    assert files_of(home) - thumbs == {f"datasets/import-1/top/{name}" for name in GOOD}
    (summary,) = store.datasets.list()
    clips = store.clips.page(summary.id, ClipFilter(), limit=99)
    assert thumbs == {f"thumbs/{clip.facts.digest}.jpg" for clip in clips if clip.facts}
    assert {clip.facts for clip in clips} == {
        ClipFacts(2.0, 16, 64, 48, digest=clip.facts.digest) for clip in clips if clip.facts
    }
    assert not (home.datasets / "import-1" / "top" / "a").exists()


def test_folders_train_and_test_are_the_two_parts(home: Home, store: Store, tmp_path: Path) -> None:
    files = {"train/wave/a.mp4": b"1", "train/jump/b.mp4": b"2", "test/wave/c.mp4": b"3", "stray.mp4": b"4"}
    row = run(home, store, zipped(tmp_path, files))
    assert {(Path(c.path).name, c.label, c.subset) for c in store.datasets.get("mine").clips} == {
        ("a.mp4", "wave", Subset.TRAIN),
        ("b.mp4", "jump", Subset.TRAIN),
        ("c.mp4", "wave", Subset.TEST),
    }
    assert [flaw.file for flaw in flaws_of(row.report or {})] == ["stray.mp4"]


def test_a_list_in_the_zip_is_followed_but_not_out_of_it(home: Home, store: Store, tmp_path: Path) -> None:
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(b"private")
    lines = (
        "path,label,subset,group",
        "a.mp4,wave,test,novel",
        "b.mp4,jump,train,base",
        f"{secret},jump,train,base",
        "../../../../secret.mp4,jump,,",
        "gone.mp4,jump,,",
        ",jump,,",
    )
    table = "\n".join(lines)
    row = run(home, store, zipped(tmp_path, {"clips.csv": table.encode(), "a.mp4": b"1", "b.mp4": b"2"}))
    dataset = store.datasets.get("mine")
    assert (dataset.base, dataset.novel) == (("jump",), ("wave",))
    assert {Path(clip.path).name for clip in dataset.clips} == {"a.mp4", "b.mp4"}
    told = [flaw.reason for flaw in flaws_of(row.report or {})]
    assert told.count("the list names a file outside the zip") == 2
    assert "there is no path" in told and any("No such file" in reason for reason in told)


@pytest.mark.parametrize(("choice", "kept"), [(Duplicates.FIRST, 2), (Duplicates.ALL, 5)])
def test_copies_are_found_by_content_and_told_either_way(
    home: Home, store: Store, tmp_path: Path, choice: Duplicates, kept: int
) -> None:
    files = {
        "train/jump/a.mp4": b"same",
        "train/jump/other.mp4": b"other",
        "train/jump/b.mp4": b"same",
        "train/wave/c.mp4": b"same",
        "test/jump/d.mp4": b"same",
    }
    row = run(home, store, zipped(tmp_path, files), duplicates=choice)
    assert len(store.datasets.get("mine").clips) == kept
    told = {flaw.file: f"{flaw.reason}. {flaw.fix}" for flaw in flaws_of(row.report or {})}
    same = "it has the same content as 'train/jump/a.mp4'"
    assert told["train/jump/b.mp4"].startswith(f"{same}. one of the two is enough")
    assert told["train/wave/c.mp4"].startswith(f"{same}, which is labeled 'jump'. decide which")
    assert told["test/jump/d.mp4"].startswith(f"{same}; this one is for test, that one for train. a figure measured")
    kinds = {flaw.kind for flaw in flaws_of(row.report or {})}
    assert kinds == {FlawKind.LEFT_OUT if choice is Duplicates.FIRST else FlawKind.TAKEN}


def test_a_content_is_opened_once(home: Home, store: Store, tmp_path: Path) -> None:
    inspector = FakeInspector()
    run(home, store, zipped(tmp_path, {"a/1.mp4": b"same", "a/2.mp4": b"same", "b/3.mp4": b"x"}), inspector=inspector)
    assert len(set(inspector.opened)) == 2


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"wave/broken.mp4": b"x"}, "none of the clips can be used, so nothing was imported"),
        ({"a.mp4": b"x"}, "holds no clips in class folders"),
        ({"wave/readme.txt": b"x"}, "holds no clips in class folders"),
        ({"a.csv": b"path,label\n", "b.csv": b"path,label\n"}, "several lists of clips"),
    ],
)
def test_without_a_usable_clip_nothing_is_stored(
    home: Home, store: Store, tmp_path: Path, files: dict[str, bytes], message: str
) -> None:
    row = run(home, store, zipped(tmp_path, files))
    assert row.state is ImportState.FAILED and message in (row.error or "")
    assert store.datasets.list() == [] and files_of(home) == set()


def test_an_unknown_novel_label_stops_the_import_with_the_known_ones(home: Home, store: Store, tmp_path: Path) -> None:
    row = run(home, store, zipped(tmp_path, GOOD), novel=("Wave",))
    assert row.state is ImportState.DONE and store.datasets.get("mine").novel == ("wave",)
    store.datasets.delete("mine")
    row = run(home, store, zipped(tmp_path, GOOD), novel=("swim",))
    assert row.state is ImportState.FAILED and "'swim' is no class of this data set" in (row.error or "")


class Slow(FakeInspector):
    """Waits at the third clip until it is told to go on, and breaks there if it is to."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self.reached, self.go_on, self.error = threading.Event(), threading.Event(), error

    def inspect(self, path: str, picture: Path | None = None) -> ClipFacts:
        if len(set(self.opened)) == 2:
            self.reached.set()
            self.go_on.wait(30)
            if self.error:
                raise self.error
        return super().inspect(path, picture)


def test_a_cancelled_import_leaves_nothing(home: Home, store: Store, tmp_path: Path) -> None:
    inspector = Slow()
    importer = import_service(home, store, inspector)
    import_id = importer.start(zipped(tmp_path, GOOD), "mine")
    assert inspector.reached.wait(30)
    row = store.imports.running()
    assert row and (row.stage, row.total) == ("Looking at clips", 8)
    assert files_of(home) != set()
    store.imports.cancel(import_id)
    inspector.go_on.set()
    importer.wait(import_id, 30)
    row = store.imports.get(import_id)
    assert (row.state, row.error) == (ImportState.CANCELLED, "cancelled; nothing was kept")
    assert store.datasets.list() == [] and files_of(home) == set()


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ZeroDivisionError("a bug"), "went wrong inside the studio"),
        (OSError(28, "No space left"), "(No space left); free some space"),
    ],
)
def test_a_failure_in_the_middle_leaves_nothing(
    home: Home, store: Store, tmp_path: Path, error: Exception, message: str
) -> None:
    inspector = Slow(error)
    inspector.go_on.set()
    row = run(home, store, zipped(tmp_path, GOOD), inspector=inspector)
    assert row.state is ImportState.FAILED and message in (row.error or "")
    assert store.datasets.list() == [] and files_of(home) == set()


def test_a_name_taken_while_importing_leaves_nothing(home: Home, store: Store, tmp_path: Path) -> None:
    inspector = Slow()
    importer = import_service(home, store, inspector)
    import_id = importer.start(zipped(tmp_path, GOOD), "mine")
    assert inspector.reached.wait(30)
    dataset = Dataset("mine", ("walk",), (), (LabelledClip("/a.mp4", "walk"),))
    store.datasets.add(dataset, origin="test")
    inspector.go_on.set()
    importer.wait(import_id, 30)
    assert "there is a data set 'mine' already" in (store.imports.get(import_id).error or "")
    assert store.datasets.get("mine") == dataset and files_of(home) == set()


def test_after_a_killed_app_the_next_start_tidies_up(home: Home, store: Store, tmp_path: Path) -> None:
    kept = run(home, store, zipped(tmp_path, GOOD))
    dead = store.imports.begin("other", "other.zip", pid=2**22 + 1, process_started_s=1.0)
    for folder in (f".import-{dead}", f"import-{dead}"):
        (home.datasets / folder / "clips").mkdir(parents=True)
    assert sweep(home, store, thorough=False) == [dead]  # whoever merely looks every few seconds finds it, too
    assert store.imports.get(dead).state is ImportState.FAILED
    assert {path.name for path in home.datasets.iterdir()} == {f"import-{kept.id}"}
    assert all(Path(clip.path).is_file() for clip in store.datasets.get("mine").clips)


def test_a_look_every_few_seconds_reads_no_folders_where_nothing_has_died(
    home: Home, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "iterdir", lambda folder: pytest.fail(f"{folder} was read"))
    assert sweep(home, store, thorough=False) == []


def test_an_import_of_a_living_process_is_left_alone_at_a_start(home: Home, store: Store, tmp_path: Path) -> None:
    inspector = Slow()
    importer = import_service(home, store, inspector)
    import_id = importer.start(zipped(tmp_path, GOOD), "mine")
    assert inspector.reached.wait(30)
    assert sweep(home, store) == []
    inspector.go_on.set()
    importer.wait(import_id, 30)
    assert store.imports.get(import_id).state is ImportState.DONE


def test_clips_of_a_folder_stay_where_they_are(home: Home, store: Store, tmp_path: Path) -> None:
    for name, content in GOOD.items():
        (tmp_path / "mine" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "mine" / name).write_bytes(content)
    run(home, store, FileSource(tmp_path / "mine"))
    assert {clip.path for clip in store.datasets.get("mine").clips} == {str(tmp_path / "mine" / name) for name in GOOD}
    assert store.imports.folders() == set()
    store.dataset_edits.delete(store.datasets.list()[0].id)
    store.trash.purge(keep_s=-1)
    assert all((tmp_path / "mine" / name).is_file() for name in GOOD)


def test_split_lists_go_in_and_what_they_lack_is_told_by_field(home: Home, store: Store, tmp_path: Path) -> None:
    for name in ("v_Punch_g01_c01.avi", "v_Punch_g02_c01.avi", "v_YoYo_g01_c01.avi"):
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "train.txt").write_text("Punch/v_Punch_g01_c01.avi 1\nYoYo/v_YoYo_g01_c01.avi 2\n")
    (tmp_path / "test.txt").write_text("Punch/v_Punch_g02_c01.avi\nYoYo/v_YoYo_g09_c01.avi\n")
    (tmp_path / "classes.txt").write_text("1 Punch\n2 YoYo\n")
    lists = SplitLists(
        "mine", (tmp_path / "train.txt",), (tmp_path / "test.txt",), tmp_path / "classes.txt", root=tmp_path
    )
    row = run(home, store, ListsSource(lists))
    assert row.state is ImportState.DONE
    assert store.datasets.get("mine").base == ("punch", "yo yo")
    (flaw,) = flaws_of(row.report or {})
    assert flaw.file == "YoYo/v_YoYo_g09_c01.avi" and flaw.reason.startswith("test.txt line 2: is not below")
    store.datasets.delete("mine")
    (tmp_path / "empty").mkdir()
    row = run(home, store, ListsSource(SplitLists("mine", (tmp_path / "train.txt",), root=tmp_path / "empty")))
    assert row.state is ImportState.FAILED and "the lists cannot be used as they are" in (row.error or "")
    told = " ".join(f"{flaw.file} {flaw.reason} {flaw.fix}" for flaw in flaws_of(row.report or {}))
    assert "--" not in told and "'Folder of the clips'" in told


def test_real_clips_and_odd_files_through_the_real_decoder(
    home: Home, store: Store, real_clips: Path, tmp_path: Path
) -> None:
    odd = real_clips.parent / "odd"
    files = {f"good/{name}": (real_clips / name).read_bytes() for name in ("v_Punch_g03_c01.avi", "asl_walk.mkv")}
    names = (
        "text.mp4",
        "zero_byte.mp4",
        "truncated_no_moov.mp4",
        "audio_only.mp4",
        "rotated90_phone.mp4",
        "one_frame.mp4",
    )
    files |= {f"odd/{name}": (odd / name).read_bytes() for name in names}
    files["odd/naïve 名前 #1.avi"] = (odd / "naïve 名前 #1.avi").read_bytes()
    row = run(home, store, zipped(tmp_path, files), inspector=VideoInspector())
    told = {Path(flaw.file).name: (flaw.kind, flaw.reason) for flaw in flaws_of(row.report or {})}
    assert told["text.mp4"][1] == "this is text, not a video"
    assert told["audio_only.mp4"][1] == "it has sound but no picture"
    assert (
        told["naïve 名前 #1.avi"][1] == "it has the same content as 'good/v_Punch_g03_c01.avi', which is labeled 'good'"
    )
    assert told["one_frame.mp4"][0] is FlawKind.TAKEN
    kept = {Path(clip.path).name for clip in store.datasets.get("mine").clips}
    assert kept == {"v_Punch_g03_c01.avi", "asl_walk.mkv", "rotated90_phone.mp4", "one_frame.mp4"}


def test_odd_files_made_here_through_the_real_decoder(home: Home, store: Store, tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.mkdir()
    for name in ("plain.mp4", "video.wmv", "camcorder.MTS", "one_frame.mp4"):
        MADE[name](made / name)
    sound_only(made / "sound.mp4")
    numbered(made / "phone.mp4", Recording(rotation=90))
    (made / "text.mp4").write_text("not a clip\n" * 40)
    (made / "empty.mp4").write_bytes(b"")
    files = {f"odd/{path.name}": path.read_bytes() for path in sorted(made.iterdir())}
    files["odd/naïve 名前 #1.mp4"] = files["odd/plain.mp4"]
    row = run(home, store, zipped(tmp_path, files), inspector=VideoInspector())
    told = {Path(flaw.file).name: (flaw.kind, flaw.reason) for flaw in flaws_of(row.report or {})}
    assert told["text.mp4"][1] == "this is text, not a video"
    assert told["sound.mp4"][1] == "it has sound but no picture"
    assert told["empty.mp4"][1] == "the file is empty (0 bytes)"
    assert told["one_frame.mp4"][0] is FlawKind.TAKEN
    kept = {Path(clip.path).name for clip in store.datasets.get("mine").clips}
    assert {"video.wmv", "camcorder.MTS", "phone.mp4", "one_frame.mp4"} < kept
    assert len(kept & {"plain.mp4", "naïve 名前 #1.mp4"}) == 1  # one content is one clip


def test_clips_made_here_through_the_real_decoder(home: Home, store: Store, tmp_path: Path) -> None:
    path = Path(write_color_clip(tmp_path / "red.mp4", (220, 40, 40), seed=1, frames=20))
    files = {"red/1.mp4": path.read_bytes(), "red/cut.mp4": path.read_bytes()[:400]}
    run(home, store, zipped(tmp_path, files), inspector=VideoInspector())
    (clip,) = store.clips.page(store.datasets.list()[0].id, ClipFilter(), limit=9)
    assert clip.facts and (clip.facts.seconds, clip.facts.frames, clip.facts.width) == (2.0, 20, 40)
    assert (home.thumbs / f"{clip.facts.digest}.jpg").is_file()
