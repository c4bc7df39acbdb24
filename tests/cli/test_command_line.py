from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from ga2app.cli.main import COMMANDS, main
from ga2app.config import ClipConfig, preset
from ga2app.datasets import read_clipset
from ga2app.paths import PROJECT, Home, default_home
from ga2app.training.training_batches import loader_of
from ga2app.video import Evaluation
from tests.clips import write_color_clip
from tests.commands import document, interrupted, refused
from tests.demo import link_demo


@pytest.fixture(autouse=True)
def _demo_is_there(drawn_demo: Path, tmp_path: Path) -> None:
    """Data sets without anchors borrow those of the demo."""
    link_demo(drawn_demo, Home(tmp_path / "home"))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Class folders with four drawn clips of three actions."""
    folder = tmp_path_factory.mktemp("drawn")
    actions = "walking,riding a bicycle,flying a kite"
    assert main(["sketch", "generate", "--out", str(folder), "--actions", actions, "--clips", "4"]) == 0
    return folder


def test_recognize_prints_one_json_document(capsys: pytest.CaptureFixture[str], drawn: Path):
    clip = str(next(drawn.rglob("*.mp4")))
    answer = document(capsys, "recognize", clip, "--labels", "walking, flying a kite,riding a bicycle")
    assert answer["backbone"] == "sketch"
    (entry,) = answer["clips"]
    assert entry["file"] == clip and entry["error"] is None and entry["bundle"] is None
    assert {score["label"] for score in entry["plain"]} == {"walking", "flying a kite", "riding a bicycle"}
    shares = [score["score"] for score in entry["plain"]]
    assert shares == sorted(shares, reverse=True) and sum(shares) == pytest.approx(1, abs=1e-4)


def test_recognize_looks_at_a_stretch_named_by_address_or_by_options(capsys: pytest.CaptureFixture[str], drawn: Path):
    clip = str(next(drawn.rglob("*.mp4")))
    asked = ["--labels", "walking, flying a kite"]
    named = document(capsys, "recognize", f"{clip}#t=0.2,0.6", *asked)
    assert document(capsys, "recognize", clip, "--start", "0.2", "--end", "0:00.6", *asked) == named
    assert named["clips"][0]["file"] == f"{clip}#t=0.2,0.6"
    assert named["clips"][0]["plain"] != document(capsys, "recognize", clip, *asked)["clips"][0]["plain"]
    told = refused(capsys, "recognize", clip, "--start", "2", "--end", "1", *asked)
    assert "the stretch from 2 s to 1 s does not end after its start" in told


def test_a_label_that_holds_a_comma_is_one_in_double_quotes(capsys: pytest.CaptureFixture[str], drawn: Path):
    clip = str(next(drawn.rglob("*.mp4")))
    answer = document(capsys, "recognize", clip, "--labels", '"riding a bicycle, then walking", walking')
    assert {score["label"] for score in answer["clips"][0]["plain"]} == {"riding a bicycle, then walking", "walking"}


def test_one_bad_clip_among_good_ones_has_a_status_of_its_own(
    capsys: pytest.CaptureFixture[str], drawn: Path, tmp_path: Path
):
    (tmp_path / "bad.mp4").write_bytes(b"")
    clip = str(next(drawn.rglob("*.mp4")))
    assert main(["recognize", str(tmp_path / "bad.mp4"), clip, "--labels", "walking,running", "--json"]) == 3
    told = capsys.readouterr()
    assert told.err.startswith("error: 1 of 2 clips could not be read: ") and told.err.count("\n") == 1
    answer = json.loads(told.out)
    assert "bad.mp4" in answer["clips"][0]["error"] and answer["clips"][1]["error"] is None
    assert main(["recognize", str(tmp_path / "bad.mp4"), "--labels", "walking,running"]) == 1


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("", "no labels were given"),
        ("walking", "is the only label"),
        ("walking,Walking", "is the only label"),
        ("走る,🏃", "knows none of the words"),
        ("walking," + "walking " * 50, "use fewer words"),
        ("walking," + "a" * (1 << 16), "has 65,536 characters, 1,000 are the most; use fewer words"),
    ],
)
def test_labels_that_cannot_be_used_are_explained(
    capsys: pytest.CaptureFixture[str], drawn: Path, labels: str, message: str
):
    assert message in refused(capsys, "recognize", str(next(drawn.rglob("*.mp4"))), "--labels", labels)


def test_five_hundred_labels_and_emoji_among_words_work(capsys: pytest.CaptureFixture[str], drawn: Path):
    labels = ",".join([*(f"walking {number}" for number in range(500)), "running 🏃"])
    answer = document(capsys, "recognize", str(next(drawn.rglob("*.mp4"))), "--labels", labels)
    assert len(answer["clips"][0]["plain"]) == 501 and answer["notes"]


def test_a_bundle_and_a_backbone_that_are_not_there_are_named(capsys: pytest.CaptureFixture[str], drawn: Path):
    clip = str(next(drawn.rglob("*.mp4")))
    assert "is not a prompt bundle" in refused(
        capsys, "recognize", clip, "--labels", "walking,running", "--bundle", str(drawn)
    )
    assert "neither a folder nor in the local Hugging Face cache" in refused(
        capsys, "recognize", clip, "--labels", "walking,running", "--backbone", "nobody/nothing"
    )


def test_training_evaluating_and_recognizing_go_hand_in_hand(
    capsys: pytest.CaptureFixture[str], drawn: Path, tmp_path: Path
):
    document(capsys, "import-dataset", str(drawn), "--name", "mine", "--novel", "walking")
    bundle = str(tmp_path / "bundle")
    trained = document(
        capsys, "train", "--preset", "quick", "--dataset", "mine", "--shots", "2", "--epochs", "3", "--out", bundle
    )
    assert trained["state"] == "done" and trained["bundle"] == bundle
    assert trained["metrics"].keys() == trained["zero_shot"].keys() == {"base", "novel", "hm"}
    assert [path.name for path in tmp_path.iterdir() if "checkpoint" in path.name] == []
    measured = document(capsys, "evaluate", bundle)
    assert measured["metrics"] == trained["metrics"] and measured["zero_shot"] == trained["zero_shot"]
    clip = str(next(drawn.rglob("*.mp4")))
    answer = document(capsys, "recognize", clip, "--labels", "walking,flying a kite", "--bundle", bundle)
    kinds = {score["label"]: score["kind"] for score in answer["clips"][0]["bundle"]}
    assert kinds == {"walking": "novel", "flying a kite": "base"}


def test_every_fault_of_a_config_file_is_told_in_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"optimizer": {"learning_rate": 1e6, "epochs": 0}, "colour": 1}))
    line = refused(capsys, "train", str(file))
    assert all(name in line for name in ("optimizer.learning_rate", "optimizer.epochs", "colour"))
    file.write_text("{")
    assert "is no JSON (line 1, column 2" in refused(capsys, "train", str(file))
    for rate in ("0", "1000000"):
        assert "must be above 0 and at most 1" in refused(capsys, "train", "--preset", "quick", "--learning-rate", rate)


def test_print_config_gives_settings_that_train_reads(capsys: pytest.CaptureFixture[str]):
    capsys.readouterr()
    assert main(["train", "--preset", "full", "--print-config", "--seed", "5"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == {**preset("full").to_dict(), "seed": 5}


def test_a_data_set_of_one_class_or_of_nothing_is_explained(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    write_color_clip(_made(tmp_path / "one" / "walking") / "a.mp4", (200, 0, 0), 0)
    assert "needs at least 2" in refused(capsys, "train", "--preset", "quick", "--dataset", str(tmp_path / "one"))
    assert "there is no data set 'nowhere'" in refused(capsys, "train", "--preset", "quick", "--dataset", "nowhere")


def test_one_clip_a_class_trains(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    for label, color in (("walking", (200, 0, 0)), ("running", (0, 200, 0))):
        write_color_clip(_made(tmp_path / "set" / label) / "a.mp4", color, 0)
    trained = document(
        capsys,
        "train",
        "--preset",
        "quick",
        "--dataset",
        str(tmp_path / "set"),
        "--epochs",
        "1",
        "--out",
        str(tmp_path / "b"),
    )
    assert trained["state"] == "done" and set(trained["metrics"].values()) == {None}


def test_a_name_that_is_taken_is_refused(capsys: pytest.CaptureFixture[str], drawn: Path):
    document(capsys, "import-dataset", str(drawn), "--name", "mine")
    assert "there is a data set 'mine' already" in refused(capsys, "import-dataset", str(drawn), "--name", "mine")


def test_drawn_clips_are_class_folders_that_can_be_read_back(drawn: Path):
    assert {clip.label for clip in read_clipset(drawn).clips} == {"walking", "riding_a_bicycle", "flying_a_kite"}


def test_the_doctor_finds_this_machine_ready(capsys: pytest.CaptureFixture[str]):
    answer = document(capsys, "doctor")
    found = {one["name"]: one for one in answer["findings"]}
    assert answer["ok"] and {"python", "torch", "device", "workers", "home", "decoding", "sketch-clip"} <= found.keys()
    assert found["workers"]["detail"].startswith("one") and "at work now: none" in found["workers"]["detail"]


def test_wrong_usage_has_status_2_and_help_0(capsys: pytest.CaptureFixture[str]):
    assert main([]) == 2 and "usage" in capsys.readouterr().err
    none = ["recognize", "a.mp4", "--labels", "a,b", "--top"]
    for argv, status in (
        (["recognize"], 2),
        (["nonsense"], 2),
        (["train", "--help"], 0),
        ([*none, "0"], 2),
        ([*none, "-5"], 2),
    ):
        with pytest.raises(SystemExit) as left:
            main(argv)
        assert left.value.code == status
        told = capsys.readouterr()
        assert "usage" in (told.err if status else told.out)


def test_errors_leave_the_process_with_one_line_and_status_1(tmp_path: Path):
    answer = subprocess.run(
        [sys.executable, "-m", "ga2app", "import-bundle", str(tmp_path / "none.zip"), "--json"],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        check=False,
    )
    assert answer.returncode == 1 and answer.stdout == ""
    assert answer.stderr.startswith("error: ") and answer.stderr.count("\n") == 1


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def test_a_data_set_without_anchors_is_trained_with_the_drawn_ones(
    capsys: pytest.CaptureFixture[str], drawn: Path, tmp_path: Path
):
    out = tmp_path / "bundle"
    document(
        capsys,
        "train",
        "--preset",
        "quick",
        "--dataset",
        str(drawn),
        "--shots",
        "2",
        "--epochs",
        "1",
        "--out",
        str(out),
    )
    manifest = json.loads((out / "bundle.json").read_text())
    assert manifest["config"]["objective"]["vocabulary"] > 0
    assert manifest["anchor_captions"] and manifest["negatives"]


def test_ctrl_c_saves_and_the_same_command_goes_on(capsys: pytest.CaptureFixture[str], drawn: Path, tmp_path: Path):
    command = ["train", "--preset", "quick", "--dataset", str(drawn), "--shots", "2", "--epochs", "6"]
    command += ["--out", str(tmp_path / "bundle"), "--json"]
    err = interrupted(capsys, "epoch 3,", *command)
    assert "goes on from there" in err
    step = int(err.split("stopped at step ")[1].split(";")[0])
    assert step < 6 and not (tmp_path / "bundle").exists()
    assert main(command) == 0
    again = capsys.readouterr()
    assert f"resumed at step {step}" in again.err and json.loads(again.out)["steps"] == 6


def test_frames_tells_what_decoded_frames_take_and_clears_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = write_color_clip(tmp_path / "clip.mp4", (200, 90, 40), 1)
    loader_of(ClipConfig(), keep=True).read(clip, Evaluation(2))
    assert main(["frames", "--json"]) == 0
    there = json.loads(capsys.readouterr().out)
    assert there["folder"] == str(default_home().frames) and there["bytes"] > 2 * 40 * 40 * 3
    assert main(["frames", "--clear", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {**there, "bytes": 0, "freed_bytes": there["bytes"]}
    assert main(["frames"]) == 0 and "0.00 GB of decoded frames in" in capsys.readouterr().out


@pytest.mark.parametrize("module", COMMANDS)
def test_a_module_adds_the_commands_that_the_table_names_in_its_words(module: str) -> None:
    commands = argparse.ArgumentParser().add_subparsers()
    importlib.import_module(f"ga2app.cli.{module}").add(commands)
    assert {one.dest: one.help for one in commands._choices_actions} == COMMANDS[module]


def test_a_command_loads_its_own_module_alone_and_help_loads_no_service() -> None:
    code = "import sys; from ga2app.cli.main import _parser; _parser(sys.argv[1:]); print(*sys.modules)"

    def loaded(*arguments: str) -> set[str]:
        return set(subprocess.check_output([sys.executable, "-c", code, *arguments], text=True).split())

    assert not loaded("recognize") & {f"ga2app.cli.{module}" for module in COMMANDS if module != "recognize"}
    listed = loaded("--help")
    assert not {"numpy", "pandas", "torch", "ga2app.store", "ga2app.services", "ga2app.types"} & listed
    assert not listed & {f"ga2app.cli.{module}" for module in COMMANDS}


def test_the_store_loads_without_pandas_and_leaves_it_to_others() -> None:
    code = "import ga2app.store, sys; assert 'pandas' not in sys.modules; import pandas; print(pandas.__name__)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "pandas"
