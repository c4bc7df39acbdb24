"""Commands called in this process, and what they answer."""

from __future__ import annotations

import csv
import json
import signal
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from ga2app.cli.main import main


def document(capsys: pytest.CaptureFixture[str], *argv: str) -> dict[str, Any]:
    """The one JSON document of a command that must succeed."""
    capsys.readouterr()
    status = main([*argv, "--json"])
    answer = capsys.readouterr()
    assert status == 0, answer.err
    parsed: dict[str, Any] = json.loads(answer.out)
    return parsed


def refused(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    """The one line on stderr of a command that must fail with status 1 and print nothing else."""
    capsys.readouterr()
    assert main(argv) == 1
    answer = capsys.readouterr()
    assert answer.out == "" and answer.err.startswith("error: ") and answer.err.count("\n") == 1
    return answer.err


def interrupted(capsys: pytest.CaptureFixture[str], at: str, *argv: str) -> str:
    """What a command says on stderr that gets Ctrl-C when it has said a line that begins with ``at``."""
    capsys.readouterr()
    said, write = [], sys.stderr.write

    def watch(text: str) -> int:
        said.append(text)
        if text.startswith(at) and sum(one.startswith(at) for one in said) == 1:
            signal.raise_signal(signal.SIGINT)
        return write(text)

    with mock.patch.object(sys.stderr, "write", watch):
        assert main(argv) == 130
    answer = capsys.readouterr()
    assert answer.out == ""
    return answer.err


def lines_of(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
