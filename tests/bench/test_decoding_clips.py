"""The benchmark of decoding tells of every clip which reader took it, or why none could."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.decode_clips import bench_decode, format_table
from ga2app.video.writer import write_clip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "clips" / "below").mkdir(parents=True)
    write_clip(tmp_path / "clips" / "b.mp4", np.zeros((7, 32, 48, 3), np.uint8), 10)
    write_clip(tmp_path / "clips" / "below" / "a.mp4", np.zeros((9, 48, 32, 3), np.uint8), 10)
    (tmp_path / "clips" / "c.mp4").write_text("not a clip")
    (tmp_path / "clips" / ".hidden").write_text("not looked at")
    return tmp_path / "clips"


def test_a_folder_stands_for_its_files_and_each_gets_a_row(folder: Path) -> None:
    rows = bench_decode([str(folder), str(folder / "absent.mp4")], 4)
    assert [row["file"] for row in rows] == [
        str(folder / name) for name in ("b.mp4", "c.mp4", "below/a.mp4", "absent.mp4")
    ]
    assert [row["reader"] for row in rows] == ["pyav", None, "pyav", None]
    assert [row["frames"] for row in rows] == [7, None, 9, None]
    assert [row["size"] for row in rows] == [[48, 32], None, [32, 48], None]
    assert [row["error"] is None for row in rows] == [True, False, True, False]
    assert "no such file" in str(rows[3]["error"])
    assert all(isinstance(row["ms"], float) and row["ms"] >= 0 for row in rows)


def test_the_table_is_aligned_and_counts_the_unreadable(folder: Path) -> None:
    lines = format_table(bench_decode([str(folder)], 4)).splitlines()
    assert lines[0].split() == ["file", "reader", "frames", "size", "ms", "error"]
    assert lines[1].index("pyav") == lines[0].index("reader")
    assert lines[-1] == "3 clips, 1 of them cannot be read"


def test_nothing_to_read_gives_an_empty_table(tmp_path: Path) -> None:
    assert format_table(bench_decode([str(tmp_path)])).splitlines()[-1] == "0 clips, 0 of them cannot be read"
