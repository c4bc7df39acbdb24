"""Fetching a backbone in the background: told before, followed while, said after."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from ga2app.errors import BackboneError
from ga2app.hub import FAVORITE, Downloads, DownloadState, DownloadStatus, download_size


def ended(downloads: Downloads) -> DownloadStatus:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        status = downloads.status()
        if status and status.state is not DownloadState.RUNNING:
            return status
        time.sleep(0.01)
    pytest.fail("the download did not end")


def test_nothing_is_fetched_by_asking_how_large_it_is() -> None:
    fetched: list[str] = []
    downloads = Downloads(lambda name: 605_000_000, lambda name, progress: fetched.append(name))
    assert downloads.size(f" {FAVORITE} ") == 605_000_000
    assert downloads.status() is None and fetched == []


def test_a_download_is_followed_byte_by_byte_and_only_one_at_a_time() -> None:
    go_on = threading.Event()

    def fetch(name: str, progress: Callable[[int, int], None]) -> None:
        progress(3, 10)
        assert go_on.wait(10)
        progress(10, 10)

    downloads = Downloads(lambda name: 10, fetch)
    downloads.start(FAVORITE)
    deadline = time.monotonic() + 10
    while (status := downloads.status()) and not status.done_bytes and time.monotonic() < deadline:
        time.sleep(0.01)
    assert status == DownloadStatus(FAVORITE, DownloadState.RUNNING, 3, 10)
    with pytest.raises(BackboneError, match=f"'{FAVORITE}' is being fetched just now; wait for it"):
        downloads.start("another/clip")
    assert downloads.finished == 0
    go_on.set()
    assert ended(downloads) == DownloadStatus(FAVORITE, DownloadState.DONE, 10, 10)
    assert downloads.finished == 1


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (BackboneError("the Hub cannot be reached; check the network"), "the Hub cannot be reached; check the network"),
        (ZeroDivisionError("a bug"), f"'{FAVORITE}' could not be fetched (a bug); try again"),
    ],
)
def test_a_download_that_fails_says_why_and_another_may_begin(fault: Exception, told: str) -> None:
    def fetch(name: str, progress: Callable[[int, int], None]) -> None:
        raise fault

    downloads = Downloads(lambda name: 10, fetch)
    downloads.start(FAVORITE)
    assert (ended(downloads).state, ended(downloads).error) == (DownloadState.FAILED, told)
    downloads.start(FAVORITE)
    ended(downloads)


def test_without_a_way_to_the_hub_it_says_so_at_once() -> None:
    downloads = Downloads(lambda name: download_size(name, endpoint="http://127.0.0.1:9"))
    with pytest.raises(BackboneError, match=f"the Hub cannot be reached for '{FAVORITE}' .*; check the network"):
        downloads.size(FAVORITE)


@pytest.mark.network
def test_the_favorite_is_as_large_as_the_hub_says() -> None:
    try:
        size = Downloads().size(FAVORITE)
    except BackboneError as exc:
        if "cannot be reached" in str(exc) or "HF_HUB_OFFLINE" in str(exc):
            pytest.skip(str(exc))
        raise
    assert 300_000_000 < size < 1_500_000_000
