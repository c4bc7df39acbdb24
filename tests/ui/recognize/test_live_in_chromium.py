"""The live page in Chromium, with a camera that shows a block which moves, and the models of the embedded backbone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser import opened

from ..studios import Served

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect

LABELS = "riding a bicycle, climbing a ladder, waving"
CAMERA = """() => {
    const canvas = Object.assign(document.createElement('canvas'), {width: 160, height: 120});
    const paper = canvas.getContext('2d');
    let place = 0;
    setInterval(() => {
        paper.fillStyle = '#eee';
        paper.fillRect(0, 0, 160, 120);
        paper.fillStyle = '#a33';
        paper.fillRect(place = (place + 5) % 160, 40, 30, 40);
    }, 50);
    navigator.mediaDevices.getUserMedia = async () => canvas.captureStream(20);
}"""
"""A camera for a browser that has none, as the small ones without windows: its picture is drawn."""


def test_a_camera_is_refused_then_answered_for_frame_by_frame_recorded_and_stopped(tab: Any, served: Served) -> None:
    tab.goto(f"{served.address}/")
    opened(tab)
    tab.get_by_text("Record with the webcam").click()
    tab.get_by_role("link", name="Recognize live").click()
    opened(tab)
    tab.locator("#live-labels textarea, #live-labels input").first.fill(LABELS)
    tab.locator("#live-start").click()
    expect(tab.locator("#live-fault .notice.error")).to_contain_text("press Start again")

    tab.evaluate(CAMERA)
    sent: list[Any] = []
    tab.on("request", lambda one: sent.append(one) if "/live/" in one.url else None)
    tab.locator("#live-start").click()
    bars = tab.locator("#live-camera .bars li")
    expect(bars).to_have_count(3)
    expect(bars.first.locator(".name")).to_have_text("riding a bicycle")
    expect(tab.locator("#live-fault .notice")).to_have_count(0)
    expect(tab.locator("#live-camera .answer > .legend")).to_contain_text("the last 8 frames")
    shares = tab.evaluate(
        "[...document.querySelectorAll('#live-camera .share')].map(one => parseFloat(one.textContent.replace('<', '')))"
    )
    assert sum(shares) == pytest.approx(100, abs=2)
    kept = tab.evaluate_handle("document.querySelector('#live-camera .fill')")
    before = len(sent)
    expect(tab.locator("[data-live-said]")).to_have_text("Live.")
    while len(sent) < before + 3:
        tab.wait_for_timeout(100)
    assert tab.evaluate("one => one.isConnected", kept), "bars are changed in their places"

    tab.locator("[data-live-record]").click()
    expect(tab.locator("[data-live-said]")).to_have_text("Live, and recording.")
    tab.locator("[data-live-record]").click()
    expect(tab.locator("#live-recorded")).to_contain_text("The recording is among the clips on Recognize (1)")

    tab.locator("[data-live-stop]").click()
    expect(tab.locator("[data-live-said]")).to_have_text("The camera is off.")
    assert sent[-1].method == "DELETE"
    tab.get_by_role("link", name="go there").click()
    opened(tab)
    expect(tab.locator("#clips")).to_contain_text("recorded-1")
    expect(tab.locator("#labels textarea, #labels input").first).to_have_value(LABELS)
