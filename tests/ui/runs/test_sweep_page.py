"""The page of a sweep: its axes, its lines, its table, and one journey through it in Chromium."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ga2app.config import preset
from ga2app.services.studio import Studio
from ga2app.services.sweep_points import SweepAsked
from ga2app.services.sweeps import asked_around
from ga2app.types import Event, EventKind, RunState
from ga2app.web.pages.runs.sweep_page import axes_of, axis, list_html, plot_html, sweep_html

from ..studios import Served
from ..test_accessibility import lasting_findings

RATE = "optimizer.learning_rate"


def queue(studio: Studio, *lines: str) -> list[int]:
    return studio.training.queue(studio.training.plan(asked_around(preset("quick"), SweepAsked(lines))))


def end(studio: Studio, hm: float, accuracy: float | None = None) -> int:
    """The next run is done, with these figures."""
    run = studio.store.runs.claim(1, 1.0)
    assert run
    told = [Event(EventKind.EPOCH, 5, {"epoch": 1, "base": hm, "novel": hm, "hm": hm})]
    if accuracy is not None:
        told.append(Event(EventKind.VALIDATION, 5, {"accuracy": accuracy, "ce": 1.0, "clips": 24}))
    studio.store.runs.append_many(run.id, told)
    studio.store.runs.finish(run.id, RunState.DONE, exit_code=0)
    return run.id


def test_numbers_lie_by_their_size_by_its_logarithm_or_side_by_side() -> None:
    assert axis("x", [1, 3, 5]).places == (0.0, 0.5, 1.0)
    assert axis("x", [0.001, 0.01, 0.1], log=True).places == pytest.approx((0.0, 0.5, 1.0), rel=1e-4)
    assert axis("x", ["b", "a", "c"]).places == (0.0, 0.5, 1.0)
    assert axis("x", [True, False, None]).places == (0.0, 1.0, None)
    assert axis("x", [4, 4]).places == (0.5, 0.5) and axis("x", [0, 1], log=True).places == (0.0, 1.0)


def test_the_ticks_of_an_axis_never_lie_on_each_other() -> None:
    ticks = axis("x", list(range(100))).ticks
    places = sorted(at for at, _ in ticks)
    assert {"0", "99"} <= {text for _, text in ticks}
    assert all(later - one >= 0.09 for one, later in zip(places, places[1:], strict=False))


def test_a_run_without_figures_ends_at_its_last_setting_and_the_best_is_drawn_last(studio: Studio) -> None:
    ids = queue(studio, f"{RATE}=0.001..0.1:3:log", "prompts.dropout=0.2,0.5")
    assert [one.title for one in axes_of(studio.sweeps.get(ids[0]))] == ["Learning rate", "Dropout"]
    end(studio, 60.0, 90.0)
    end(studio, 70.0, 80.0)
    sweep = studio.sweeps.get(ids[0])
    assert [one.title for one in axes_of(sweep)] == ["Learning rate", "Dropout", "Held out", "Base", "Novel", "HM"]
    groups = re.findall(r'<g data-run="(\d+)" class="(.*?)">.*? d="(M.*?)"', str(plot_html(sweep)))
    assert groups[-1][:2] == (str(ids[0]), "best") and groups[-1][2].count(",") == 6
    assert groups[0][1].strip() == "undone" and groups[0][2].count(",") == 2


def test_the_table_has_every_value_and_says_what_the_best_is_chosen_by(studio: Studio) -> None:
    ids = queue(studio, f"{RATE}=0.001,0.1")
    end(studio, 60.0, 90.0)
    html = str(sweep_html(studio.sweeps.get(ids[0])))
    assert 'id="sweep-best" href="./train?from=run-' + str(ids[0]) in html and "1 of 2 runs done" in html
    assert "Base, novel and HM are of the test clips and choose nothing" in html
    assert 'class="best"' in html and html.count("<tr data-run") == 2 and "cross-entropy 1.000, 24 clips" in html
    assert 'id="sweep-stop"' in html
    locked = str(sweep_html(studio.sweeps.get(ids[0]), locked="Somebody else made this."))
    assert "Somebody else made this." in locked and 'id="sweep-stop"' not in locked and "sweep-delete" not in locked
    assert f'href="./sweep?id={ids[0]}"' in list_html(studio)


def test_the_page_of_no_sweep_says_how_to_make_one(studio: Studio) -> None:
    assert "No sweeps yet" in list_html(studio)


@pytest.mark.browser
def test_a_sweep_is_queued_on_train_followed_sorted_and_deleted(tab: Any, served: Served) -> None:
    expect = pytest.importorskip("playwright.sync_api").expect
    tab.goto(f"{served.address}/train")
    tab.locator("#sweep-box button").first.click()
    tab.locator("#vary textarea").fill("shots = 2, 4\noptimizer.learning_rate = 0.001, 5")
    expect(tab.locator("#train-preview")).to_contain_text("must be above 0 and at most 1")
    tab.locator("#vary textarea").fill("shots = 2, 4\noptimizer.learning_rate = 0.001, 0.004")
    expect(tab.locator("#queue")).to_have_text("Queue 4 runs")
    tab.locator("#queue").click()
    tab.locator("#watch").click()
    expect(tab.locator("#sweep tbody tr")).to_have_count(4)
    first = served.studio.sweeps.all()[0].id
    for hm in (60.0, 80.0, 70.0):
        end(served.studio, hm, hm)
    expect(tab.locator("#sweep tbody tr.best")).to_have_attribute("data-run", str(first + 1))
    assert not lasting_findings(tab)
    heads = tab.locator("#sweep thead button")
    heads.filter(has_text="HM").click()
    order = "all => all.map(one => Number(one.dataset.run))"
    assert tab.locator("#sweep tbody tr").evaluate_all(order) == [first, first + 2, first + 1, first + 3]
    heads.filter(has_text="HM").press("Enter")
    assert tab.locator("#sweep tbody tr").evaluate_all(order) == [first + 1, first + 2, first, first + 3]
    tab.locator(f"#sweep tr[data-run='{first}'] a").focus()
    expect(tab.locator(f"#sweep svg [data-run='{first}']")).to_have_class(re.compile("lit"))
    with tab.expect_download() as saved:
        tab.locator("#sweep-csv").click()
    assert saved.value.suggested_filename == f"sweep-{first}.csv"
    tab.locator("#sweep-stop").click()
    expect(tab.locator("#sweep-answer")).to_contain_text("1 run of sweep")
    tab.locator("#sweep-delete").click()
    expect(tab.locator("#sweep-answer")).to_contain_text("Undo on Runs")
    assert not [one for one in served.studio.sweeps.all() if one.sweep_id == first]
