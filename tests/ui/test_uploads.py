"""Uploads are kept by content and dropped when nobody uses them."""

from pathlib import Path

import pytest

from ga2app.errors import ClipError
from ga2app.paths import Home, safe_name
from ga2app.services.uploads import keep_upload, prune_uploads, uploads_folder


def test_the_same_file_is_kept_once(tmp_path: Path) -> None:
    home, clip = Home(tmp_path / "home"), tmp_path / "a clip.mp4"
    clip.write_bytes(b"frames")
    kept = keep_upload(home, clip)
    assert kept == keep_upload(home, clip)
    assert kept.name == "a clip.mp4" and kept.read_bytes() == b"frames"
    assert len(list(uploads_folder(home).rglob("*.mp4"))) == 1


def test_files_of_the_same_name_do_not_touch_each_other(tmp_path: Path) -> None:
    home, clip = Home(tmp_path / "home"), tmp_path / "a.mp4"
    clip.write_bytes(b"one")
    first = keep_upload(home, clip)
    clip.write_bytes(b"two")
    assert keep_upload(home, clip) != first
    assert first.read_bytes() == b"one"


def test_an_upload_that_is_gone_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ClipError, match=r"clip 'gone.mp4': the upload could not be kept .*; upload it again"):
        keep_upload(Home(tmp_path), tmp_path / "gone.mp4")


@pytest.mark.parametrize(
    ("name", "safe"),
    [("../../etc/passwd", "_.._etc_passwd"), (".hidden", "hidden"), ("", "clip"), ("a\nb.mp4", "a_b.mp4")],
)
def test_names_cannot_leave_the_folder(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_long_names_keep_their_suffix() -> None:
    name = safe_name("片" * 200 + ".mp4")
    assert name.endswith(".mp4") and len(name.encode()) <= 120


def test_old_uploads_are_dropped_and_fresh_ones_stay(tmp_path: Path) -> None:
    home, clip = Home(tmp_path / "home"), tmp_path / "a.mp4"
    clip.write_bytes(b"frames")
    kept = keep_upload(home, clip)
    now = kept.parent.stat().st_mtime
    assert prune_uploads(home, keep_s=100, now_s=now + 50) == 0
    assert prune_uploads(home, keep_s=100, now_s=now + 150) == 1
    assert not kept.exists()
    assert prune_uploads(Home(tmp_path / "nowhere")) == 0
