"""Runs in Chromium: followed, ordered, ticked and compared, deleted and brought back; a report that goes as a file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from ga2app.types import Event, EventKind, RunState
from tests.browser import ticked

from ..studios import Served, add_bundle, add_run
from .reports import add_reported_run

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect

BOXES, LOG = "#runs [data-compare]", "#run-log pre"


def test_runs_are_followed_ordered_renamed_compared_deleted_and_brought_back(tab: Any, served: Served) -> None:
    failed = states_are_told_apart_and_a_failure_says_why(tab, served)
    nothing_is_asked_of_the_server_while_nothing_runs(tab, failed)
    running = a_run_is_followed_live(tab, served)
    the_log_follows_its_end_until_one_reads_further_up(tab, served, running)
    ids = runs_are_ticked_while_one_goes_on_and_compared(tab, served, running)
    it_is_stopped_and_resumed(tab, served, running)
    a_deleted_run_takes_its_tick_with_it(tab, ids)
    the_queue_is_ordered_and_a_run_renamed(tab, served, running)
    an_unknown_run_is_told_and_no_other_shown(tab, served, ids[0])


def states_are_told_apart_and_a_failure_says_why(tab: Any, served: Served) -> int:
    failed = add_run(served.studio, RunState.RUNNING)
    error = {"error": "there was not enough memory", "error_code": "out of memory"}
    served.studio.store.runs.finish(failed, RunState.FAILED, exit_code=1, **error)
    done = add_run(served.studio, RunState.DONE, steps=40, bundle=add_bundle(served.studio))
    add_run(served.studio, RunState.STOPPED)
    queued = add_run(served.studio, RunState.QUEUED)
    tab.goto(f"{served.address}/runs")
    expect(tab.locator("#runs .badge")).to_have_text(["queued", "stopped", "done", "failed"])
    colors = tab.locator("#runs .badge").evaluate_all("all => all.map(one => getComputedStyle(one).color)")
    assert len(set(colors)) == 4
    served.studio.store.runs.delete(queued)
    served.studio.store.trash.purge(keep_s=-1)
    tab.locator(f"[data-run='{done}']").click()
    expect(tab.locator("#run-result")).to_contain_text("+50.0")
    expect(tab.locator("#try-it")).to_have_attribute("href", "./?bundle=tuned")
    expect(tab.locator("#train-again")).to_have_attribute("href", f"./train?from=run-{done}")
    tab.locator(f"[data-run='{failed}']").click()
    expect(tab.locator("#run-head .notice.error")).to_contain_text("not enough memory")
    expect(tab.locator("#run-head .notice.info")).to_contain_text("batch size from 8 to 4")
    expect(tab.locator("#run-head .why pre")).to_contain_text("it went <b>wrong</b>")
    expect(tab).to_have_url(re.compile(rf"/runs\?id={failed}$"))
    expect(tab.locator("#resume")).to_have_text("Retry")
    tab.get_by_role("button", name="Find a run").click()
    tab.locator("#find-run input, #find-run textarea").press_sequentially("enough memory")
    expect(tab.locator("#runs .number")).to_have_text([str(failed)])
    return failed


def nothing_is_asked_of_the_server_while_nothing_runs(tab: Any, failed: int) -> None:
    tab.reload()
    expect(tab.locator("#run-head h2")).to_contain_text(f"Run {failed}")
    expect(tab.locator("#runs .badge")).to_have_text(["stopped", "done", "failed"])
    tab.wait_for_timeout(500)
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url) if "queue/join" in request.url else None)
    tab.wait_for_timeout(2000)  # the timer of a page that follows a run goes every second
    assert asked == []


def a_run_is_followed_live(tab: Any, served: Served) -> int:
    run_id = add_run(served.studio, RunState.RUNNING, steps=10)
    tab.goto(f"{served.address}/runs?id={run_id}")
    expect(tab.locator("#run-head .badge")).to_have_text("running")
    expect(tab.locator("#run-head .pace")).to_contain_text("step 10 of 40, about 15 s left")
    values = {"ce": 0.1, "anchor": 0.2, "total": 0.3, "seconds_per_step": 0.5}
    served.studio.store.runs.append(run_id, Event(EventKind.STEP, 30, values))
    expect(tab.locator("#run-head .pace")).to_contain_text("step 30 of 40, about 5 s left")
    expect(tab.locator("#run-loss .keys")).to_contain_text("Total 0.300")
    return run_id


def the_log_follows_its_end_until_one_reads_further_up(tab: Any, served: Served, run_id: int) -> None:
    log, box = served.studio.home.run_folder(run_id) / "log.txt", tab.locator(LOG)
    at_its_end = (
        f"() => {{ const one = document.querySelector('{LOG}'); "
        "return one.scrollHeight - one.scrollTop - one.clientHeight < 24; }"
    )
    log.write_text("".join(f"line {number}\n" for number in range(200)))
    tab.get_by_role("link", name="Log", exact=True).click()
    expect(box).to_contain_text("line 199")
    tab.wait_for_function(at_its_end)
    with log.open("a") as stream:
        stream.write("".join(f"line {number}\n" for number in range(200, 230)))
    expect(box).to_contain_text("line 229")
    tab.wait_for_function(at_its_end)
    box.evaluate("one => { one.scrollTop = 100; }")
    tab.wait_for_timeout(200)
    with log.open("a") as stream:
        stream.write("the last line\n")
    expect(box).to_contain_text("the last line")
    assert abs(box.evaluate("one => one.scrollTop") - 100) < 2


def runs_are_ticked_while_one_goes_on_and_compared(tab: Any, served: Served, running: int) -> list[int]:
    ids = [add_run(served.studio, RunState.STOPPED) for _ in range(2)]
    for run_id in reversed(ids):
        expect(tab.get_by_label(f"Compare run {run_id}")).to_be_visible()
        press_while_drawn_anew(tab, served, running, f"[data-compare='{run_id}']")
    expect(tab.locator("#compare")).to_have_text("Compare 2 runs")
    assert ticked(tab, BOXES) == [str(run_id) for run_id in reversed(ids)]
    press_while_drawn_anew(tab, served, running, f"[data-run='{ids[0]}']")
    expect(tab.locator("#run-head h2")).to_contain_text(f"Run {ids[0]}")
    tab.locator("#compare").click()
    expect(tab.locator("#run-comparison h2")).to_have_text("2 runs compared")
    expect(tab).to_have_url(re.compile(rf"/compare\?ids={ids[0]},{ids[1]}$"))
    with tab.expect_download() as download:
        tab.locator("#compare-csv").click()
    assert download.value.suggested_filename == f"runs-{ids[0]}-{ids[1]}.csv"
    assert Path(download.value.path()).read_text().startswith("run,name,seed,kind,step")
    tab.goto(f"{served.address}/compare?ids={ids[1]},{ids[0]},999")
    expect(tab.locator("#compare-answer")).to_contain_text("There is no run 999.")
    expect(tab.locator("#run-comparison h2")).to_have_text("2 runs compared")
    expect(tab).to_have_url(re.compile(rf"/compare\?ids={ids[0]},{ids[1]}$"))
    tab.locator("#compare-back").click()
    expect(tab.locator("#compare")).to_have_text("Compare 2 runs")
    return ids


def press_while_drawn_anew(tab: Any, served: Served, running: int, selector: str) -> None:
    """Press on something in the list, and release when every card of the list has changed."""
    spot = tab.locator(f"#runs {selector}").bounding_box()
    tab.mouse.move(spot["x"] + spot["width"] / 2, spot["y"] + spot["height"] / 2)
    tab.mouse.down()
    for run in served.studio.store.runs.list():
        served.studio.store.runs.rename(run.id, f"{run.name}x")
    tab.wait_for_timeout(1500)
    tab.mouse.up()
    expect(tab.locator(f"#runs [data-run='{running}'] .title")).to_have_text(served.studio.store.runs.get(running).name)


def it_is_stopped_and_resumed(tab: Any, served: Served, run_id: int) -> None:
    state = tab.locator("#run-head .badge")
    tab.locator(f"#runs [data-run='{run_id}']").click()
    expect(tab.locator("#run-head h2")).to_contain_text(f"Run {run_id}")
    tab.locator("#stop").click()
    expect(state).to_have_text("stopping")
    served.studio.store.runs.finish(run_id, RunState.STOPPED, exit_code=0)
    expect(state).to_have_text("stopped")
    tab.locator("#resume").click()
    expect(state).to_have_text("queued")


def a_deleted_run_takes_its_tick_with_it(tab: Any, ids: list[int]) -> None:
    number = tab.locator(BOXES).count()
    tab.locator(f"#runs [data-run='{ids[1]}']").click()
    expect(tab.locator("#run-head h2")).to_contain_text(f"Run {ids[1]}")
    tab.locator("#delete").click()
    expect(tab.locator(BOXES)).to_have_count(number - 1)
    assert ticked(tab, BOXES) == [str(ids[0])]
    expect(tab.locator("#compare")).to_have_text("Tick another to compare")
    tab.locator("#undo-run").click()
    expect(tab.locator(BOXES)).to_have_count(number)
    expect(tab.locator("#undo-run")).to_be_hidden()
    assert ticked(tab, BOXES) == [str(ids[0])]
    tab.locator("#compare-none").click()
    expect(tab.locator("#compare")).to_be_hidden()
    assert ticked(tab, BOXES) == []


def the_queue_is_ordered_and_a_run_renamed(tab: Any, served: Served, first: int) -> None:
    second = add_run(served.studio, RunState.QUEUED)
    waiting = tab.locator("#runs .number")
    tab.locator(f"#runs [data-run='{second}']").click()
    expect(tab.locator("#run-head h2")).to_contain_text(f"Run {second}")
    assert waiting.all_inner_texts()[:2] == [str(first), str(second)]
    tab.locator("#move-front").click()
    expect(waiting.first).to_have_text(str(second))
    tab.locator("#rename-run").click()
    tab.locator("#new-run-name").fill("the better one")
    tab.locator("#new-run-name").press("Enter")
    expect(tab.locator("#run-head h2")).to_have_text(f"Run {second}: the better one")


def an_unknown_run_is_told_and_no_other_shown(tab: Any, served: Served, known: int) -> None:
    tab.goto(f"{served.address}/runs?id=999")
    expect(tab.locator("#run-missing")).to_contain_text("There is no run 999. It was deleted, or the address is")
    tab.wait_for_timeout(1500)  # the timer, since runs wait
    expect(tab.locator("#run-missing")).to_be_visible()
    expect(tab.locator("#run-head h2")).to_have_count(0)
    expect(tab).to_have_url(re.compile(r"\?id=999$"))
    tab.locator(f"#runs [data-run='{known}']").click()
    expect(tab.locator("#run-head h2")).to_contain_text(f"Run {known}")
    expect(tab.locator("#run-missing")).to_have_count(0)


def test_a_report_is_opened_by_its_address_and_read_without_the_studio(tab: Any, served: Served, chromium: Any) -> None:
    run_id = add_reported_run(served.studio)
    tab.goto(f"{served.address}/runs?id={run_id}&view=report")
    report = tab.locator("#run-report")
    expect(report).to_contain_text("Training helped")
    expect(report.locator("table.matrix:visible")).to_have_count(1)
    report.locator(".panes > label", has_text="Novel labels").first.click()
    expect(report.locator("table.matrix:visible")).to_contain_text("waving")
    with tab.expect_download() as download:
        tab.locator("#save-report").click()
    kept = Path(download.value.path()).with_name("report.html")
    download.value.save_as(kept)
    context = chromium.new_context(offline=True, viewport={"width": 400, "height": 800})
    page, trouble, asked = context.new_page(), [], []
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("request", lambda request: asked.append(request.url.split(":")[0]))
    page.goto(kept.as_uri())
    expect(page.locator("h1")).to_contain_text(f"Run {run_id}")
    expect(page.locator("table.matrix:visible")).to_have_count(1)
    assert page.locator(".changed img").first.evaluate("one => one.complete && one.naturalWidth > 0")
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    assert set(asked) <= {"file", "data"} and trouble == []
    context.close()
