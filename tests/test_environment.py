"""What a process lacks on other people's machines is made good before any library asks for it."""

from __future__ import annotations

import io
import os
import platform
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from ga2app import environment
from ga2app.cli.main import main
from ga2app.environment import (
    bare_host,
    connect_directly,
    find_received_folder,
    find_temporary_folder,
    name_the_user,
    url_host,
)
from ga2app.errors import StoreError
from ga2app.paths import PROJECT, Home, version
from ga2app.store import Store
from ga2app.store.database_check import known_schema
from tests.clips import write_color_clip


def python(code: str, **more: str) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter in the project's folder; a variable that is empty in ``more`` is taken away."""
    given = {name: value for name, value in (os.environ | more).items() if value}
    return subprocess.run([sys.executable, "-c", code], cwd=PROJECT, env=given, capture_output=True, text=True)


def test_this_machine_needs_no_proxy_and_what_was_excepted_stays_so():
    around = {"http_proxy": "http://proxy:3128", "no_proxy": "intern.example", "OTHER": "x"}
    connect_directly(around, ["10.0.0.7", "0.0.0.0", "[::1]"])
    assert around["no_proxy"] == around["NO_PROXY"] == "intern.example,127.0.0.1,localhost,::1,10.0.0.7"
    untouched = {"no_proxy": "a"}, {"HTTPS_PROXY": "http://proxy", "NO_PROXY": "*"}
    for one in untouched:
        before = dict(one)
        connect_directly(one)
        assert one == before


def test_a_socks_proxy_as_desktops_write_it_can_be_used():
    around = {"all_proxy": "socks://127.0.0.1:1080/"}
    connect_directly(around)
    assert around["all_proxy"] == "socks5://127.0.0.1:1080/"
    # Both libraries read the environment when a client is made, and refuse what they do not know there.
    made = python("import httpx, httpx2; httpx.Client(); httpx2.Client(); print('made')", **around)
    assert made.stdout == "made\n", made.stderr


def test_an_account_without_name_and_home_gets_both(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    import pwd

    def nobody(number: int) -> None:
        raise KeyError(number)

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    for name in ("HOME", "USER", "LOGNAME", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    around: dict[str, str] = {}
    name_the_user(around, tmp_path)
    assert around == {"HOME": str(tmp_path), "USER": f"user-{os.getuid()}"}
    name_the_user(around := {}, None)
    assert around["HOME"].startswith(tempfile.gettempdir())


def test_doctor_tells_its_findings_to_an_account_without_name_and_home():
    code = """
import pwd
def nobody(number): raise KeyError(number)
pwd.getpwuid = nobody
from ga2app.cli.main import main
main(["doctor"])
"""
    answer = python(code, HOME="", USER="", LOGNAME="")
    assert "Traceback" not in answer.stderr and "ok  backbones" in answer.stdout, answer.stderr


def test_uploads_are_received_in_the_data_directory_unless_another_folder_is_named(tmp_path: Path):
    around: dict[str, str] = {}
    find_received_folder(around, tmp_path / "home")
    assert around == {"GRADIO_TEMP_DIR": str(tmp_path / "home" / "gradio")} and (tmp_path / "home" / "gradio").is_dir()
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700
    find_received_folder(around, tmp_path / "other")
    assert around == {"GRADIO_TEMP_DIR": str(tmp_path / "home" / "gradio")}
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StoreError, match="uploads cannot be kept in '.*file/gradio' .*set GRADIO_TEMP_DIR to a folder"):
        find_received_folder({}, tmp_path / "file")
    with pytest.raises(StoreError, match="uploads cannot be kept in '.*file' .*set GRADIO_TEMP_DIR to a folder"):
        find_received_folder({"GRADIO_TEMP_DIR": str(tmp_path / "file")}, tmp_path / "home")


def test_without_any_temporary_folder_there_is_one_in_the_data_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    def none() -> str:
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "gettempdir", none)
    around: dict[str, str] = {}
    find_temporary_folder(around, tmp_path)
    assert around["TMPDIR"] == tempfile.tempdir == str(tmp_path / "tmp")


def test_hosts_are_written_with_and_without_brackets():
    assert [bare_host(one) for one in ("::1", "[::1]", "127.0.0.1", "[::]")] == ["::1", "::1", "127.0.0.1", "::"]
    assert [url_host(one) for one in ("::1", "[::]", "0.0.0.0", "lab")] == ["[::1]", "[::]", "0.0.0.0", "lab"]


def test_an_older_python_is_told_so_in_one_line():
    """Compiled for 3.10 as far as this Python can, and run as one."""
    for file in (PROJECT / "app.py", PROJECT / "ga2app" / "__init__.py"):
        compile(file.read_text(encoding="utf-8"), str(file), "exec")
    pretended = "import sys; sys.version_info = (3, 10, 4, 'final', 0); sys.argv = {}; import {}"
    for argv, module in ((["app.py"], "app"), (["-m"], "ga2app")):
        answer = python(pretended.format(argv, module))
        assert (answer.returncode, answer.stderr) == (1, "Python 3.11 or newer is needed, this is 3.10\n")
    assert "ImportError: Python 3.11 or newer" in python(pretended.format(["mine.py"], "ga2app")).stderr


def test_a_system_without_posix_locks_is_named_in_one_sentence():
    without = "import sys; sys.modules['fcntl'] = None; "
    for code in ("import app", "from ga2app.cli.main import main; sys.exit(main(['doctor']))"):
        answer = python(without + code, PYTHONWARNINGS="ignore")  # filelock's, which asks for fcntl as well
        assert answer.returncode == 1 and answer.stderr.count("\n") == 1, answer.stderr
        assert "has no POSIX file locks, which the app needs; GA² Studio runs on Linux and macOS" in answer.stderr


def test_output_that_is_not_utf_8_gets_other_bars_and_escapes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    clip = str(write_color_clip(tmp_path / "clip.mp4", (200, 80, 40), seed=1))
    for more in ([], ["--json"]):
        written = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
        assert main(["recognize", clip, "--labels", "walking, running, café", *more]) == 0
        told = written.getvalue().decode("ascii")
        assert ("caf\\u00e9" if more else "caf\\xe9") in told and ("###" in told) is not bool(more)


def test_what_cannot_be_shown_is_known_before_it_is_written(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="latin-1"))
    assert environment.can_show("é") and not environment.can_show("█")


def test_a_call_without_a_command_shows_the_commands_and_version_is_told(capsys: pytest.CaptureFixture[str]):
    assert main([]) == 2
    assert "import-dataset" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0 and capsys.readouterr().out.startswith("GA² Studio 0.")


def test_the_version_is_told_with_the_schema_of_the_database_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = Home(tmp_path / "home")
    monkeypatch.setenv("GA2_HOME", str(home.root))

    def told() -> str:
        with pytest.raises(SystemExit):
            main(["--version"])
        return capsys.readouterr().out.strip()

    assert told() == f"GA² Studio {version()}" and not home.root.exists()
    Store.open(home).close()
    assert told() == f"GA² Studio {version()}, database schema {known_schema()}"
    with closing(sqlite3.connect(home.database)) as db:
        db.execute("DELETE FROM _sqlite_migrations WHERE id = (SELECT max(id) FROM _sqlite_migrations)")
        db.commit()
    assert told().endswith(f"schema {known_schema() - 1} of {known_schema()}, brought up to date at the next start")
    home.database.write_bytes(b"no database at all, and longer than its header" * 9)
    assert told().endswith("database not readable (doctor says why)")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries keep nothing")
def test_memory_that_was_freed_between_what_is_kept_goes_back_to_the_system():
    def held_kb() -> int:
        rows = Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines()
        return next(int(row.split()[1]) for row in rows if row.startswith("Anonymous:"))

    pieces = [bytes(3000) for _ in range(40_000)]
    kept = pieces[::50]
    del pieces
    before = held_kb()
    environment.give_back_memory()
    assert before - held_kb() > 60_000, "most of 120 MB, though every fiftieth piece is still there"
    assert len(kept) == 800
