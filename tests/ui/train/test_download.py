"""What is said of a download: how large before, how far while, and how it ended."""

from __future__ import annotations

from ga2app.hub import DownloadState, DownloadStatus
from ga2app.web.pages.train.backbone_download import megabytes, status_html


def test_before_anything_is_fetched_nothing_is_said() -> None:
    assert status_html(None) == ""


def test_a_download_shows_how_far_it_is() -> None:
    html = status_html(DownloadStatus("openai/clip", DownloadState.RUNNING, 151_000_000, 604_000_000))
    assert "Fetching openai/clip: 151 MB of 604 MB" in html
    assert "width:25.0%" in html


def test_while_the_hub_is_asked_no_share_is_invented() -> None:
    assert "asking the Hub" in status_html(DownloadStatus("openai/clip", DownloadState.RUNNING))


def test_a_failure_is_told_in_its_own_words_and_escaped() -> None:
    html = status_html(DownloadStatus("x", DownloadState.FAILED, error="the Hub cannot be reached for '<b>'"))
    assert "the Hub cannot be reached" in html and "<b>" not in html
    assert 'role="alert"' in html


def test_the_end_says_where_it_is_now() -> None:
    assert "in the list of backbones now" in status_html(DownloadStatus("openai/clip", DownloadState.DONE, 1, 1))


def test_sizes_in_megabytes() -> None:
    assert [megabytes(count) for count in (605_157_884, 1_500_000, 30_000)] == ["605 MB", "2 MB", "0.0 MB"]
