"""``import-dataset`` as a person types it: split lists, reports, and bad input."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from clips import write_color_clip

from ga2app.cli.import_dataset import SHOWN
from ga2app.cli.main import main
from ga2app.paths import default_home
from ga2app.store import Store
from ga2app.types import Dataset


def clip(path: Path, seed: int) -> Path:
    """A real clip, which is an mp4 whatever its name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = Path(write_color_clip(path.with_suffix(".mp4"), (200, 60, 60), seed=seed, frames=8, side=64))
    return made.replace(path)


@pytest.fixture
def lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with clips of two classes, lists and labels; it is the working folder."""
    for seed, name in enumerate(("TaiChi/v_TaiChi_g01_c01", "TaiChi/v_TaiChi_g02_c01", "YoYo/v_YoYo_g01_c01")):
        clip(tmp_path / "clips" / f"{name}.avi", seed)
    (tmp_path / "train.txt").write_text("TaiChi/v_TaiChi_g01_c01.avi 1\nYoYo/v_YoYo_g01_c01.avi 2\n")
    (tmp_path / "test.txt").write_text("TaiChi/v_TaiChi_g02_c01.avi\n")
    (tmp_path / "classInd.txt").write_text("1 TaiChi\n2 YoYo\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


SPLIT = ("import-dataset", "--split", "train.txt", "--test-split", "test.txt", "--labels", "classInd.txt")


def ran(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    capsys.readouterr()
    status = main(argv)
    answer = capsys.readouterr()
    return status, answer.out, answer.err


def stored(name: str) -> Dataset:
    with Store.open(default_home()) as store:
        return store.datasets.get(name)


def names() -> list[str]:
    with Store.open(default_home()) as store:
        return [row.name for row in store.datasets.list()]


def test_split_lists_become_a_data_set_of_the_studio(capsys: pytest.CaptureFixture[str], lists: Path):
    status, out, err = ran(
        capsys, *SPLIT, "--root", "clips", "--name", "ucf", "--novel", "yo yo", "--negatives", "else"
    )
    assert (status, err) == (0, "")
    assert out.splitlines()[0] == "data set 'ucf': 1 base, 1 novel, 3 clips (2 train, 1 test)"
    dataset = stored("ucf")
    assert (dataset.base, dataset.novel, dataset.negatives) == (("tai chi",), ("yo yo",), ("else",))
    assert {Path(clip.path).parent.parent for clip in dataset.clips} == {lists / "clips"}


def test_missing_clips_stop_the_import_and_are_all_listed(capsys: pytest.CaptureFixture[str], lists: Path):
    (lists / "clips/YoYo/v_YoYo_g01_c01.avi").unlink()
    status, out, err = ran(capsys, *SPLIT, "--root", "clips", "--name", "ucf")
    assert status == 1 and err.count("\n") == 1
    assert err.startswith("error: nothing was imported as 'ucf': 1 clip missing or unreadable (first: train.txt line 2")
    assert "missing or unreadable: 1\n  train.txt line 2: 'YoYo/v_YoYo_g01_c01.avi' is not below" in out
    assert names() == []

    status, out, err = ran(capsys, *SPLIT, "--root", "clips", "--name", "ucf", "--missing", "skip")
    assert (status, err) == (0, "")
    assert out.startswith("data set 'ucf': 1 base, 0 novel, 2 clips (1 train, 1 test)\nmissing or unreadable: 1\n")
    assert "note: classes without any clip, left out (1): yo yo" in out and "Training lists" not in out


def test_the_json_report_is_whole_where_the_printed_one_is_capped(capsys: pytest.CaptureFixture[str], lists: Path):
    count = SHOWN + 5
    (lists / "train.txt").write_text("".join(f"TaiChi/v_TaiChi_g09_c{n:02}.avi 1\n" for n in range(count)))
    status, out, _ = ran(capsys, *SPLIT, "--root", "clips")
    assert status == 1 and out.count("is not below") == SHOWN
    assert "  and 5 more; --json lists them all" in out
    status, out, err = ran(capsys, *SPLIT, "--root", "clips", "--json")
    document: dict[str, Any] = json.loads(out)
    assert status == 1 and err.startswith("error: ")
    assert document["imported"] is False and len(document["missing"]) == count


def test_a_csv_with_missing_clips_is_not_taken_half(capsys: pytest.CaptureFixture[str], lists: Path):
    (lists / "set.csv").write_text("path,label\nclips/YoYo/v_YoYo_g01_c01.avi,yo yo\ngone.avi,walk\n")
    status, out, err = ran(capsys, "import-dataset", "set.csv")
    assert status == 1 and "1 clip missing" in err and "gone.avi' cannot be opened" in out
    assert names() == []
    status, out, _ = ran(capsys, "import-dataset", "set.csv", "--missing", "skip", "--json")
    assert status == 0 and json.loads(out)["clips"] == 1 and len(json.loads(out)["missing"]) == 1


def test_class_folders_are_divided_like_lists(capsys: pytest.CaptureFixture[str], lists: Path):
    status, out, _ = ran(capsys, "import-dataset", "clips", "--novel-half")
    assert status == 0 and out.startswith("data set 'clips': 1 base, 1 novel, 3 clips")
    assert stored("clips").novel == ("yo yo",)


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        ((), "nothing to import was named; give a folder of class folders, a CSV, or --split LIST"),
        (("clips", "--split", "train.txt"), "both 'clips' and split lists were given"),
        (("clips", "--labels", "classInd.txt"), "only split lists take --labels"),
        (("nowhere",), "there is no folder, CSV file or zip 'nowhere'"),
        (("train.txt",), "a split list is given with --split"),
        (("--split", "none.txt"), "none.txt: cannot be read"),
        (("--split", "train.txt", "--root", "nowhere"), "is no folder; name the folder that holds the clips"),
        (("--split", "clips"), "holds no files called CLASS_test_split1.txt"),
        (("--split", "train.txt", "--novel", "flying", "--root", "clips"), "'flying' is no class of this data set"),
        (("clips", "--novel", "flying"), "'flying' is no class of this data set"),
        (("clips", "--novel", "yo yo", "--novel-half"), "--novel and --novel-half: cannot be used together"),
    ],
)
def test_bad_input_is_one_line_that_says_what_to_do(
    capsys: pytest.CaptureFixture[str], lists: Path, argv: tuple[str, ...], told: str
):
    status, _, err = ran(capsys, "import-dataset", *argv)
    assert status == 1 and err.count("\n") == 1 and told in err
    assert not default_home().database.exists() or names() == []


def test_a_word_that_is_no_choice_is_wrong_usage(lists: Path):
    for option in (("--missing", "ignore"), ("--layout", "coin"), ("--novel-half", "random"), ("--first-id", "x")):
        with pytest.raises(SystemExit) as left:
            main(["import-dataset", "--split", "train.txt", *option])
        assert left.value.code == 2


def test_numbering_split_and_layout_are_taken_from_the_command_line(capsys: pytest.CaptureFixture[str], lists: Path):
    for fold, flags in ((1, "12"), (2, "21")):
        lines = [f"v_TaiChi_g0{number}_c01.avi {flag}\n" for number, flag in enumerate(flags, 1)]
        (lists / "splits").mkdir(exist_ok=True)
        (lists / "splits" / f"TaiChi_test_split{fold}.txt").write_text("".join(lines))
    ran(capsys, "import-dataset", "--split", "splits", "--fold", "2", "--root", "clips", "--name", "second")
    assert {Path(clip.path).name[9:12]: clip.subset.value for clip in stored("second").clips} == {
        "g01": "test",
        "g02": "train",
    }
    plain = ("--labels", "labels.csv", "--root", "clips", "--layout", "list", "--name", "plain")
    (lists / "labels.csv").write_text("id,name\n0,swim\n1,walk\n2,run\n")
    ran(capsys, "import-dataset", "--split", "splits/TaiChi_test_split1.txt", *plain, "--first-id", "1")
    assert [clip.label for clip in stored("plain").clips] == ["swim", "walk"]


def test_every_clip_is_opened_and_a_broken_one_stops_the_import_by_name(
    capsys: pytest.CaptureFixture[str], lists: Path
):
    whole = (lists / "clips/YoYo/v_YoYo_g01_c01.avi").read_bytes()
    (lists / "clips/YoYo/broken.mp4").write_bytes(whole[:300])
    status, out, err = ran(capsys, "import-dataset", "clips", "--name", "mine")
    assert status == 1 and "1 clip missing or unreadable (first: clips: 'YoYo/broken.mp4' cannot be used: " in err
    assert "missing or unreadable: 1\n  clips: 'YoYo/broken.mp4'" in out and names() == []
    status, out, err = ran(capsys, "import-dataset", "clips", "--name", "mine", "--missing", "skip", "--json")
    document = json.loads(out)
    assert (status, err, document["clips"]) == (0, "", 3)
    assert [problem["entry"] for problem in document["missing"]] == ["YoYo/broken.mp4"]
    assert {Path(one.path).name for one in stored("mine").clips} == {
        "v_TaiChi_g01_c01.avi",
        "v_TaiChi_g02_c01.avi",
        "v_YoYo_g01_c01.avi",
    }


def test_copies_are_told_and_the_first_is_kept_or_all_are(capsys: pytest.CaptureFixture[str], lists: Path):
    (lists / "clips/YoYo/copy.avi").write_bytes((lists / "clips/TaiChi/v_TaiChi_g01_c01.avi").read_bytes())
    status, out, _ = ran(capsys, "import-dataset", "clips", "--name", "first")
    told = "YoYo/copy.avi: it has the same content as 'TaiChi/v_TaiChi_g01_c01.avi', which is labeled 'tai chi'"
    assert status == 0 and f"left out: 1\n  {told}" in out and len(stored("first").clips) == 3
    status, out, _ = ran(capsys, "import-dataset", "clips", "--name", "all", "--duplicates", "all")
    assert status == 0 and f"taken, but worth a look: 1\n  {told}" in out and len(stored("all").clips) == 4


def test_a_zip_is_imported_as_on_the_screen(capsys: pytest.CaptureFixture[str], lists: Path):
    with zipfile.ZipFile(lists / "mine.zip", "w") as packed:
        for path in sorted((lists / "clips").rglob("*.avi")):
            packed.write(path, path.relative_to(lists / "clips"))
    status, out, _ = ran(capsys, "import-dataset", "mine.zip")
    assert status == 0 and out.startswith("data set 'mine': 2 base, 0 novel, 3 clips")
    assert all(Path(one.path).is_relative_to(default_home().datasets) for one in stored("mine").clips)


def test_a_name_that_is_taken_is_refused_before_any_clip_is_opened(capsys: pytest.CaptureFixture[str], lists: Path):
    assert ran(capsys, "import-dataset", "clips")[0] == 0
    status, out, err = ran(capsys, "import-dataset", "clips")
    assert (status, out) == (1, "") and "there is a data set 'clips' already" in err


def test_class_names_as_published_are_kept_with_the_data_set_and_told(capsys: pytest.CaptureFixture[str], lists: Path):
    """Through split lists and through class folders; in words where nobody asks."""
    note = "note: 2 class names as published, which CLIP reads as one word: TaiChi, YoYo; import with names in words"
    folders = ("import-dataset", "clips", "--name", "folders")
    for command in ((*SPLIT, "--root", "clips", "--name", "lists"), folders):
        status, out, err = ran(capsys, *command, "--spelling", "as-published")
        assert (status, err) == (0, "") and note in out
        dataset = stored(command[-1])
        assert dataset.base == ("TaiChi", "YoYo") and {clip.label for clip in dataset.clips} == {"TaiChi", "YoYo"}
    status, out, _ = ran(capsys, "import-dataset", "clips", "--name", "words")
    assert stored("words").base == ("tai chi", "yo yo") and "as published" not in out
