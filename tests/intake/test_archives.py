"""Zips from strangers: what is good is unpacked, what is not stays in and is told."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from zips import link, pack, quiet, reasons

from ga2app.datasets.import_report import ImportReport
from ga2app.errors import DatasetError
from ga2app.paths import LongListing, open_zip
from ga2app.services.zip_archive import Limits, unpack


def unpacked(archive: Path, into: Path, limits: Limits | None = None) -> tuple[set[str], ImportReport]:
    report = ImportReport("mine")
    unpack(archive, into, report, quiet, limits)
    return {str(file.relative_to(into)) for file in into.rglob("*") if file.is_file()}, report


def test_clips_and_lists_are_unpacked_and_the_litter_of_other_systems_is_not(tmp_path: Path) -> None:
    archive = pack(
        tmp_path / "a.zip",
        {
            "mine/wave/a.MP4": b"1",
            "mine/clips.csv": b"path,label\n",
            "mine/README.txt": b"hello",
            "__MACOSX/mine/wave/._a.mp4": b"x",
            "mine/.DS_Store": b"x",
            "mine/wave/Thumbs.db": b"x",
        },
    )
    files, report = unpacked(archive, tmp_path / "out")
    assert files == {"mine/wave/a.MP4", "mine/clips.csv"}
    assert report.flaws == []
    assert report.notes == ["left in the zip, not needed: 1 other file (mine/README.txt)"]


def test_nothing_is_written_outside_the_folder(tmp_path: Path) -> None:
    names = ["../up.mp4", "a/../../up2.mp4", "/etc/abs.mp4", "C:\\win.mp4", "..\\up3.mp4", "a/b/../../../up4.mp4"]
    (tmp_path / "deep").mkdir()
    archive = pack(tmp_path / "deep" / "a.zip", dict.fromkeys(names, b"1"))
    files, report = unpacked(archive, tmp_path / "deep" / "out")
    assert files == set()
    assert len(report.flaws) == len(names)
    assert set(reasons(report).values()) == {"its name leads outside the zip's own folder"}
    assert {path.name for path in tmp_path.rglob("*.mp4")} == set()


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        link(archive, "wave/passwd.mp4", "/etc/passwd")
    files, report = unpacked(tmp_path / "a.zip", tmp_path / "out")
    assert files == set() and reasons(report) == {"wave/passwd.mp4": "it is a link, not a file"}


def test_a_file_that_claims_to_unpack_a_hundredfold_stays_packed(tmp_path: Path) -> None:
    archive = pack(tmp_path / "a.zip", {"wave/bomb.mp4": bytes(30 << 20), "wave/a.mp4": b"1"}, packed=True)
    files, report = unpacked(archive, tmp_path / "out")
    assert files == {"wave/a.mp4"}
    assert reasons(report) == {"wave/bomb.mp4": "it claims to unpack to 31 MB, as no clip does"}


def test_an_archive_that_is_too_large_as_a_whole_is_refused(tmp_path: Path) -> None:
    archive = pack(tmp_path / "a.zip", {"wave/a.mp4": bytes(2000), "wave/b.mp4": bytes(2000)})
    with pytest.raises(DatasetError, match="the zip would take .* GB unpacked, and there is room for"):
        unpacked(archive, tmp_path / "out", Limits(total_bytes=3000))
    with pytest.raises(DatasetError, match="the zip holds 2 files, more than 1"):
        unpacked(archive, tmp_path / "out", Limits(entries=1))
    with pytest.raises(DatasetError, match="there is room for 0.0 GB; free some disk space"):
        unpacked(archive, tmp_path / "out", Limits(spare_bytes=1 << 60))


def test_each_fault_is_told_with_a_fix_and_the_others_go_in(tmp_path: Path) -> None:
    path = pack(
        tmp_path / "a.zip",
        {"wave/a.mp4": b"1" * 500, "wave/song.mp3": b"1", "wave/more.zip": b"1", f"wave/{'x' * 300}.mp4": b"1"},
    )
    data = bytearray(path.read_bytes())
    start = data.index(b"1" * 500)
    data[start : start + 4] = b"zzzz"
    path.write_bytes(bytes(data))
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("wave/b.mp4", b"2")
        archive.writestr("wave/b.mp4", b"3")
    files, report = unpacked(path, tmp_path / "out")
    assert files == {"wave/b.mp4"} and (tmp_path / "out/wave/b.mp4").read_bytes() == b"2"
    told = reasons(report)
    assert told["wave/a.mp4"].startswith("it is damaged inside the zip (Bad CRC-32")
    assert told["wave/song.mp3"] == "'.mp3' is no kind of video file"
    assert told["wave/more.zip"] == "it is an archive inside the archive"
    assert told["wave/b.mp4"] == "stands twice in the zip under this name"
    assert told[f"wave/{'x' * 300}.mp4"] == "its name is longer than a disk takes"
    assert all(flaw.fix and flaw.label == "wave" for flaw in report.flaws)


def test_an_encrypted_file_is_told(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", {"wave/a.mp4": b"1"})
    data = bytearray(path.read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + flags] |= 1
    path.write_bytes(bytes(data))
    files, report = unpacked(path, tmp_path / "out")
    assert files == set() and reasons(report) == {"wave/a.mp4": "it is encrypted"}


def test_names_in_utf8_that_do_not_say_so_are_read_right(tmp_path: Path) -> None:
    name = "wäve/né.mp4".encode()
    placeholder = "x" * len(name)
    path = pack(tmp_path / "a.zip", {placeholder: b"1"})
    path.write_bytes(path.read_bytes().replace(placeholder.encode(), name))
    files, _ = unpacked(path, tmp_path / "out")
    assert files == {"wäve/né.mp4"}


@pytest.mark.parametrize("content", [b"", b"no zip at all", b"PK\x03\x04 cut off"])
def test_what_is_no_zip_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(DatasetError, match="the zip cannot be read .*pack it again and upload it anew"):
        unpacked(tmp_path / "a.zip", tmp_path / "out")


def test_a_list_of_too_many_files_is_refused_before_an_object_is_made_of_each(tmp_path: Path) -> None:
    archive = pack(tmp_path / "a.zip", {f"wave/{number}.mp4": b"" for number in range(300)})
    made: list[str] = []

    class Counted(zipfile.ZipInfo):
        def __init__(self, *given: object, **named: object) -> None:
            made.append("")
            super().__init__(*given, **named)  # type: ignore[arg-type]

    plain, zipfile.ZipInfo = zipfile.ZipInfo, Counted  # type: ignore[misc]
    try:
        with pytest.raises(LongListing, match="it lists 300 files"):
            with open_zip(archive, most_files=299, most_bytes=1 << 20):
                pytest.fail("it was opened")
        with pytest.raises(LongListing, match="its list of files has .* bytes"):
            with open_zip(archive, most_files=300, most_bytes=1 << 10):
                pytest.fail("it was opened")
        assert not made
        with open_zip(archive, most_files=300, most_bytes=1 << 20) as opened:
            assert len(opened.infolist()) == len(made) == 300 and opened.read("wave/7.mp4") == b""
    finally:
        zipfile.ZipInfo = plain  # type: ignore[misc]
    with pytest.raises(DatasetError, match=r"the zip holds too much \(its list of files has .*; split it into several"):
        unpacked(archive, tmp_path / "out", Limits(listing_bytes=1 << 10))
