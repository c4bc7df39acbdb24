"""The Dockerfile, held against the tree, and its commands run as it says on the files that it takes along."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from ga2app.hub.job_files import program_files
from ga2app.paths import PROJECT, Home
from ga2app.worker import launcher
from tests.leftovers import MARK

DOCKERFILE = PROJECT / "Dockerfile"
STARTS_S = 120.0


def instructions() -> list[tuple[str, str]]:
    """Each instruction and what it says, on one line."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    return [(name, rest.strip()) for name, _, rest in (line.strip().partition(" ") for line in lines if line.strip())]


def said(name: str) -> list[str]:
    return [rest for one, rest in instructions() if one == name]


def environment() -> dict[str, str]:
    return dict(pair.split("=", 1) for line in said("ENV") for pair in line.split())


def is_ignored(path: str) -> bool:
    """Whether .dockerignore keeps ``path``, or a folder above it, from the build; the last rule that fits counts."""
    ignored = False
    rules = (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    above = ["/".join(path.split("/")[: count + 1]) for count in range(path.count("/") + 1)]
    for rule in (rule.strip() for rule in rules if rule.strip() and not rule.startswith("#")):
        pattern = rule.removeprefix("!").removeprefix("**/")
        names = [one.rpartition("/")[2] for one in above] if "**/" in rule else above
        if any(fnmatch.fnmatchcase(one, pattern) for one in names):
            ignored = not rule.startswith("!")
    return ignored


def copied() -> dict[str, Path]:
    """The files that the image takes along, by their place below its working directory."""
    found = {}
    for line in said("COPY"):
        *sources, target = line.split()
        for source in sources:
            path = PROJECT / source
            assert path.exists(), f"COPY {source}: there is no such file"
            for file in [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]:
                name = file.relative_to(PROJECT).as_posix()
                place = file.name if target == "./" else f"{target}/{file.relative_to(path).as_posix()}"
                if not is_ignored(name):
                    found[place] = file
    return found


def test_the_image_has_every_file_of_the_program_and_nothing_that_git_does_not_keep() -> None:
    kept = subprocess.run(["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    taken = copied()
    program = {file.relative_to(PROJECT).as_posix() for file in program_files() if "prompts_db/live" not in str(file)}
    assert program & set(kept) <= set(taken) and {"app.py", "requirements.txt", "requirements.lock"} <= set(taken)
    assert all(not is_ignored(source) for line in said("COPY") for source in line.split()[:-1])
    assert is_ignored(".git/config") and is_ignored("tests/conftest.py") and is_ignored("ga2app/__pycache__/x.pyc")
    assert is_ignored("prompts_db/live/ga2.db")


def test_packages_are_those_of_the_lock_file_and_torch_in_the_version_of_the_requirements() -> None:
    command = next(line for line in said("RUN") if "requirements.lock" in line)
    assert "--require-hashes --requirement requirements.lock" in command
    script = re.search(r"\$\((sed .* requirements\.txt)\)", command)
    assert script
    torch = subprocess.run(
        ["sh", "-c", script[1]], cwd=PROJECT, capture_output=True, text=True, check=True
    ).stdout.strip()
    wanted = [line.partition("#")[0].strip() for line in (PROJECT / "requirements.txt").read_text().splitlines()]
    assert torch in wanted and Requirement(torch).name == "torch"
    assert not re.search(r"^torch==", (PROJECT / "requirements.lock").read_text(), re.MULTILINE)


def test_the_image_runs_as_nobody_special_and_keeps_all_that_is_made_in_its_volume() -> None:
    (user,) = said("USER")
    assert user.isdecimal() and int(user) > 0 and said("VOLUME") == ["/data"]
    assert all(environment()[name].startswith("/data/") for name in ("GA2_HOME", "HF_HOME"))
    assert [line for line in said("ARG") if line.startswith("BASE=")] and "latest" not in said("ARG")[0]
    assert environment()["GRADIO_SERVER_PORT"] == said("EXPOSE")[0]


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_the_command_starts_the_studio_from_these_files_alone_and_the_health_check_sees_it(tmp_path: Path) -> None:
    for place, file in copied().items():
        target = tmp_path / "app" / place
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    set_here = {
        name: value.replace("/data/", f"{tmp_path}/") for name, value in environment().items() if name != "PATH"
    }
    set_here |= {"GRADIO_SERVER_PORT": port, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    set_here |= {"HOME": str(tmp_path), MARK: os.environ[MARK]}
    check = json.loads(said("HEALTHCHECK")[0].partition(" CMD ")[2])

    def is_well() -> bool:
        return subprocess.run(check, env=set_here, capture_output=True, check=False).returncode == 0

    assert not is_well()
    log = (tmp_path / "log.txt").open("w+")
    studio = subprocess.Popen(
        json.loads(said("CMD")[0]), cwd=tmp_path / "app", env=set_here, stdout=log, stderr=subprocess.STDOUT
    )
    try:
        until_s = time.monotonic() + STARTS_S
        while not (well := is_well()) and studio.poll() is None and time.monotonic() < until_s:
            time.sleep(0.5)
        log.seek(0)
        assert well, log.read()
        studio.send_signal(signal.SIGTERM)  # docker stop
        assert studio.wait(30) == 0
    finally:
        studio.kill()
        log.close()
        launcher.stop_worker(Home(tmp_path / "ga2"))  # in a container it ends with the studio
    assert any((tmp_path / "ga2").iterdir())
