"""Several runs beside each other, and their curves as files."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from ga2app.config import preset
from ga2app.errors import StoreError
from ga2app.services.run_comparison import differing_settings, run_numbers
from ga2app.services.run_curves import COLUMNS
from ga2app.services.studio import Studio
from ga2app.types import Adjustment, BaselineReport, Conditions, Event, EventKind, RunState, SampleSize
from ga2app.web.pages.runs.compare_page import compare_html, missing_text
from ga2app.web.pages.runs.report_html import report_html
from ga2app.web.pages.runs.run_settings_view import nearest_preset, settings_html
from ga2app.web.pages.runs.runs_page import Look, make_file, parts_of

from .reports import make_report


def add(studio: Studio, seed: int, hm: float, *, shots: int = 16, name: str = "", data: str = "") -> int:
    """A finished run with two steps and one epoch; ``data`` identifies its clips, empty for a run of before."""
    runs = studio.store.runs
    run_id = runs.queue(replace(preset("quick"), seed=seed, shots=shots), name=name)
    runs.claim(1, 1.0)
    steps = [Event(EventKind.STEP, step, {"ce": 1 / step, "anchor": 0.0, "total": 1 / step}) for step in (1, 2)]
    figures = {"epoch": 1, "base": hm, "novel": hm, "hm": hm}
    zero_shot = Event(EventKind.ZERO_SHOT, 0, {"base": 50.0, "novel": 50.0, "hm": 50.0})
    tested = {"base": SampleSize(80, 8), "novel": SampleSize(40, 4)}
    plan = {"total_steps": 2, "conditions": Conditions(data=data, tested=tested).to_dict()}
    told = [Event(EventKind.PLAN, 0, plan)] if data else []
    runs.append_many(run_id, [*told, zero_shot, *steps, Event(EventKind.EPOCH, 2, figures)])
    runs.finish(run_id, RunState.DONE, exit_code=0)
    return run_id


def compared(studio: Studio, *run_ids: int) -> str:
    return str(compare_html(studio.runs.comparison(run_ids)))


def test_curves_settings_figures_and_seeds_stand_beside_each_other(studio: Studio) -> None:
    ids = [add(studio, 1, 60.0), add(studio, 2, 64.0), add(studio, 1, 70.0, shots=4, name="few <shots>")]
    html = compared(studio, *ids)
    assert "3 runs compared" in html
    assert "2 seeds of the same settings" in html and "62.0 ± 2.8" in html
    assert html.count('<figure class="chart">') == 4
    assert "few &lt;shots&gt; now 70.0%" in html and "<shots>" not in html
    assert "+10.0" in html
    rows = html[html.index("Settings that differ") :]
    assert "Shots" in rows and "Seed" in rows and "Epochs" not in rows


def test_baselines_of_the_runs_stand_beside_each_other(studio: Studio) -> None:
    ids = [add(studio, seed, 60.0) for seed in (1, 2)]
    report = make_report()
    for run_id, base in zip(ids, (81.25, 87.5), strict=True):
        probe = BaselineReport("linear-probe", {"base": base}, note="no novel label has training clips")
        file = studio.home.run_folder(run_id) / "report.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(replace(report, baselines=(probe,)).to_json(), encoding="utf-8")
    html = compared(studio, *ids)
    assert '<th scope="row">Linear probe</th><td>81.2 / – / –</td><td>87.5 / – / –</td>' in html
    status = studio.runs.status(ids[0])["baselines"]["linear-probe"]
    assert status["metrics"] == {"base": 81.25, "novel": None, "hm": None} and "logistic" in status["rule"]
    (studio.home.run_folder(ids[1]) / "report.json").write_text("{", encoding="utf-8")
    assert "<td>81.2 / – / –</td><td>–</td>" in compared(studio, *ids)


def test_runs_whose_clips_differ_are_told_apart_and_have_no_mean(studio: Studio) -> None:
    html = compared(studio, add(studio, 1, 60.0, data="one"), add(studio, 2, 64.0, data="other"))
    assert "2 runs of the same settings, with different clips" in html and "no mean" in html
    assert "±" not in html and "62.0" not in html
    assert "Clips, or their split" in html and "A, 120 test clips" in html and "B, 120 test clips" in html
    same = compared(studio, add(studio, 1, 60.0, data="one"), add(studio, 2, 64.0, data="one"))
    assert "62.0 ± 2.8" in same and "Clips, or their split" not in same and "60.0 (49–70)" in same


def test_one_seed_counts_once_and_tells_nothing_about_the_spread(studio: Studio) -> None:
    ids = [add(studio, 1, hm, data="one") for hm in (60.0, 62.0, 62.0)]
    html = compared(studio, *ids)
    assert "3 runs of one seed" in html and "±" not in html
    more = compared(studio, *ids, add(studio, 2, 64.0, data="one"))
    assert "2 seeds of the same settings" in more and "63.0 ± 1.4" in more
    assert f"the newest of each seed: {ids[2]}, {ids[2] + 1}" in more


def test_the_report_averages_over_runs_on_the_same_clips_alone(studio: Studio) -> None:
    ids = [add(studio, seed, 60.0, data=data) for seed, data in ((1, "one"), (2, "one"), (3, "other"))]
    for run_id in ids:
        folder = studio.home.run_folder(run_id)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "report.json").write_text(make_report().to_json(), encoding="utf-8")
    runs = [studio.runs.get(run_id) for run_id in ids]
    bodies = [report_html(run, make_report(), studio.runs.seeds(run)) for run in runs]
    assert ["<h3>2 seeds</h3>" in body for body in bodies] == [True, True, False]


def test_the_settings_say_what_was_really_used(studio: Studio) -> None:
    run_id = studio.store.runs.queue(preset("quick"))
    off = Adjustment("whitening.enabled", True, False, "it takes two training clips of a label")
    anchors = "12 anchor clips borrowed from data set 'demo'"
    used = Conditions(clips=12, least=6, most=6, anchors=anchors, adjustments=(off,))
    run = studio.store.runs.get(run_id)
    html = settings_html(run, None, "sketch", used)
    assert "on was asked for and off was used" in html and "(used: off)" in html
    assert "12 anchor clips borrowed from data set" in html and "16 shots (6 clips a label)" in html
    assert "data set's own" not in settings_html(run, None, "sketch")


def test_fewer_than_two_runs_teach_how_to_compare_and_runs_that_are_gone_are_left_out(studio: Studio) -> None:
    run_id = add(studio, 1, 60.0)
    assert "tick the boxes" in compared(studio, run_id, 99)
    found = studio.runs.comparison([99, run_id, 98])
    assert "There is no run 98, 99." in missing_text(found, (98, 99, run_id))


def test_at_most_twelve_runs_are_compared_in_ascending_order_and_the_rest_is_told(studio: Studio) -> None:
    ids = [studio.store.runs.queue(preset("quick")) for _ in range(14)]
    found = studio.runs.comparison(ids[::-1])
    assert [run.id for run in found.runs] == ids[:12]
    assert "At most 12." in missing_text(found, tuple(ids)) and "2 more would not fit" in missing_text(
        found, tuple(ids)
    )
    assert f'data-ids="{",".join(map(str, ids[:12]))}"' in compare_html(found)


@pytest.mark.parametrize(
    ("text", "found"),
    [("1,2,3", (1, 2, 3)), ("3,3,x,1,0", (1, 3)), ("", ()), (None, ()), ("9" * 30 + ",4", (4,))],
)
def test_the_runs_of_an_address_are_read_with_suspicion(text: object, found: tuple[int, ...]) -> None:
    assert run_numbers(text) == found


def test_the_csv_has_a_row_for_everything_told(studio: Studio) -> None:
    run_id = add(studio, 7, 60.0, name="=1+1")
    rows = list(csv.DictReader(io.StringIO(studio.runs.curves_text([run_id], "csv")[1])))
    assert tuple(rows[0]) == COLUMNS
    assert [(row["kind"], row["step"]) for row in rows] == [
        ("zero_shot", "0"),
        ("step", "1"),
        ("step", "2"),
        ("epoch", "2"),
    ]
    assert (rows[2]["total"], rows[3]["hm"], rows[0]["seed"]) == ("0.5", "60.0", "7")
    assert rows[0]["name"] == "'=1+1"


def test_the_json_has_settings_and_curves_of_each_run(studio: Studio, tmp_path: Path) -> None:
    runs = [add(studio, seed, 60.0) for seed in (1, 2)]
    document = json.loads(studio.runs.curves_text(runs, "json")[1])
    assert [one["config"]["seed"] for one in document["runs"]] == [1, 2]
    assert document["runs"][0]["steps"][1] == {"ce": 0.5, "anchor": 0.0, "total": 0.5, "step": 2}
    file = make_file(studio, "json", runs)
    assert file.name == "runs-1-2.json" and json.loads(file.read_text()) == document


def test_the_log_is_given_whole_and_its_absence_told(studio: Studio, tmp_path: Path) -> None:
    run = studio.store.runs.get(add(studio, 1, 60.0))
    with pytest.raises(StoreError, match=f"run {run.id} has no log yet"):
        make_file(studio, "log", [run.id])
    folder = studio.home.run_folder(run.id)
    folder.mkdir(parents=True)
    (folder / "log.txt").write_text("".join(f"line {number}\n" for number in range(50_000)))
    assert make_file(studio, "log", [run.id]).read_text().count("\n") == 50_000


def test_a_run_page_tells_what_differs_from_the_nearest_preset_first(studio: Studio) -> None:
    config = replace(preset("full"), shots=4).to_dict()
    name, differing = nearest_preset(config)
    assert name == "full" and {path: pair[0] for path, pair in differing.items()} == {"shots": 4}
    run_id = studio.store.runs.queue(replace(preset("full"), shots=4))
    html = settings_html(studio.store.runs.get(run_id), None, "sketch")
    assert html.index("Changed from the preset") < html.index("<details>")
    assert "Full, with 1 changed" in html and "prompts.visual_depth" in html


def test_what_json_cannot_tell_apart_is_no_difference() -> None:
    assert differing_settings([{"a": 1, "b": (1,)}, {"a": 1.0, "b": [1]}]) == {}
    assert differing_settings([{"a": {"b": 1}}, {"a": {"b": 2}}, {}]) == {"a.b": [1, 2, None]}


def test_two_hundred_runs_are_paged(studio: Studio) -> None:
    ids = studio.store.runs.queue_several([(replace(preset("quick"), seed=seed), "") for seed in range(200)])
    first, last = parts_of(studio, Look())[1]["list"], parts_of(studio, Look(page=99))
    assert len(first["rows"]) == 25 and first["older"] and first["pages"] == "1–25 of 200 runs"
    assert last[0].page == 7 and not last[1]["list"]["older"] and last[1]["list"]["pages"] == "176–200 of 200 runs"
    assert first["rows"][0][0] == ids[0] and "#200 in queue" in last[1]["list"]["rows"][-1][1]
