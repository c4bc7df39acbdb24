"""The report on the screen and as a file, drawn from stored numbers."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from ga2app.services.run_comparison import spreads
from ga2app.services.studio import Studio
from ga2app.types import Adjustment, BaselineReport, Conditions, Report, RunState, read_report
from ga2app.web.pages.runs.report_html import report_html
from ga2app.web.pages.runs.run_views import PROGRESS, REPORT_VIEW
from ga2app.web.pages.runs.runs_page import Look, make_file, parts_of

from ..studios import add_run
from .reports import add_reported_run, make_report


def body(studio: Studio, report: Report) -> str:
    run = studio.store.runs.get(add_run(studio, RunState.DONE, steps=40))
    return report_html(run, report)


def test_it_begins_with_whether_training_helped(studio: Studio) -> None:
    html = body(studio, make_report())
    assert "Training <b>helped</b>: HM went from 61.0 to <b>63.0</b> (95% interval 37–81)." in html
    assert "Of 16 test clips 1 became right and 1 became wrong." in html
    report = make_report()
    worse = replace(report, plain=report.bundle, bundle=report.plain)
    assert "Training <b>did harm</b>" in body(studio, worse)


def test_figures_have_intervals_and_few_labels_and_clips_are_said(studio: Studio) -> None:
    html = body(studio, make_report())
    assert "75.0 (41–93)" in html  # Wilson: 6 of 8
    assert "95% interval, over 8 base test clips and 8 novel test clips" in html
    assert "only 2 novel labels: guessing alone is right in 50%" in html and "only 8 base test clips" in html
    assert html.count("<td>–</td>") == 6  # top-5 of two and of four labels, for both models


def test_baselines_stand_between_zero_shot_clip_and_the_bundle_with_their_rules(studio: Studio, tmp_path: Path) -> None:
    probe = BaselineReport("linear-probe", {"base": 75.0}, {}, "C = 10", "no novel label has training clips", 0.2)
    tip = BaselineReport("tip-adapter", {"base": 62.5, "novel": 50.0, "hm": 55.6}, {"base": 50.0}, "α = 1.00, β = 5.50")
    (tmp_path / "report.json").write_text(replace(make_report(), baselines=(probe, tip)).to_json(), encoding="utf-8")
    report = read_report(tmp_path / "report.json")
    assert report is not None and report.baselines == (probe, tip)
    html = body(studio, report)
    rows = [html.index(f'<th scope="row">{name}</th>') for name in ("Zero-shot CLIP", "Linear probe", "Tip-Adapter")]
    assert rows == sorted(rows) and rows[-1] < html.index('<th scope="row">Bundle</th>')
    assert "<td>75.0 (41–93)</td><td>–</td><td>–</td>" in html
    assert "Here C = 10. No novel label has training clips." in html and "Zhang and others, 2022" in html


def test_a_report_of_before_has_no_baselines(studio: Studio, tmp_path: Path) -> None:
    data = json.loads(make_report().to_json())
    del data["baselines"]
    (tmp_path / "report.json").write_text(json.dumps(data), encoding="utf-8")
    report = read_report(tmp_path / "report.json")
    assert report is not None and report.baselines == () and "How the baselines" not in body(studio, report)


def test_one_novel_label_has_a_dash_and_the_reason(studio: Studio, tmp_path: Path) -> None:
    whole = make_report(novel=("rowing a boat",))
    # As a version of before wrote it: with 100% novel accuracy, and HM.
    plain, bundle = (replace(one, metrics=dict(one.metrics) | {"novel": 100.0}) for one in (whole.plain, whole.bundle))
    (tmp_path / "report.json").write_text(replace(whole, plain=plain, bundle=bundle).to_json(), encoding="utf-8")
    report = read_report(tmp_path / "report.json")
    assert report is not None and report.bundle.metrics.keys() == {"base"}
    html = body(studio, report)
    assert "base accuracy went from" in html and "100.0" not in html[: html.index("What is taken for what")]
    assert "only 1 novel label: with one there is nothing to tell apart" in html


def test_what_a_run_could_not_use_is_said_and_borrowed_anchors_are_called_so(studio: Studio) -> None:
    off = Adjustment("whitening.enabled", True, False, "it takes two training clips of a label")
    used = Conditions(anchors="12 anchor clips borrowed from data set 'demo'", adjustments=(off,))
    html = body(studio, replace(make_report(), conditions=used))
    assert "on was asked for and off was used, because it takes two training clips of a label." in html
    assert "Trained with 12 anchor clips borrowed from data set &#39;demo&#39;." in html


def test_matrices_of_both_models_and_all_groups_can_be_switched_without_a_script(studio: Studio) -> None:
    html = body(studio, make_report())
    assert html.count('<table class="matrix">') == 6
    for name in ("Base labels", "Novel labels", "All labels together", "Bundle", "Zero-shot CLIP"):
        assert f">{name}</label>" in html
    names = re.findall(r'type="radio" name="([^"]+)"', html)
    assert len(set(names)) == 4
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert "3 of 4 clips of climbing a ladder: right" in html
    assert "1 of 4 clips of climbing a ladder: taken for rowing a boat" in html
    assert "<script" not in html


def test_each_label_has_a_bar_against_plain_clip_and_changed_clips_their_pictures(studio: Studio) -> None:
    html = body(studio, make_report())
    assert "climbing a ladder: zero-shot CLIP 25.0 percent, bundle 75.0 percent" in html
    assert "2 better, 2 worse, 0 as before" in html
    assert html.count("data:image/jpeg;base64,") == 1 and 'class="no-picture"' in html
    assert "climbing a ladder-1.mp4" in html and "/secret/place" not in html


def test_the_map_names_what_one_points_at_and_keeps_far_texts_at_the_edge(studio: Studio) -> None:
    html = body(studio, make_report())
    for told in ("jumping rope.mp4: jumping rope (novel)", "anchor: a wall", "negative prompt: nothing"):
        assert html.count(f"<title>{told}</title>") == 2
    assert html.count('<svg viewBox="0 0 400 400"') == 2
    assert all(-1 <= float(x) <= 401 for x in re.findall(r'cx="([-\d.]+)"', html))


def test_hostile_names_do_no_harm(studio: Studio) -> None:
    evil = ('<img src=x onerror="alert(1)">', "'><b>")
    html = body(studio, make_report(base=evil))
    assert "<img src=x" not in html and "'><b>" not in html
    assert "&lt;img src=x" in html


def test_four_hundred_classes_stay_small_and_show_what_is_confused_most(studio: Studio) -> None:
    base, novel = (tuple(f"{kind} action {number}" for number in range(200)) for kind in ("base", "novel"))
    html = body(studio, make_report(base, novel))
    assert len(html) < 1_500_000
    assert '<table class="matrix">' not in html and html.count('class="dense"') == 6
    assert html.count("<h5>Most often confused</h5>") == 6
    assert "labels between these changed less" in html
    assert "<text" not in html


def test_seeds_have_mean_and_deviation(studio: Studio) -> None:
    finals = [{"base": 80.0, "hm": 70.0}, {"base": 84.0, "hm": 74.0}]
    assert {key: str(spread) for key, spread in spreads(finals, ["base", "novel", "hm"]).items()} == {
        "base": "82.0 ± 2.8",
        "hm": "72.0 ± 2.8",
    }
    run = studio.store.runs.get(add_run(studio, RunState.DONE, steps=40))
    assert "2 seeds" in report_html(run, make_report(), finals)
    assert "seeds" not in report_html(run, make_report(), finals[:1])


def test_the_page_shows_the_report_of_a_run_that_has_one_and_progress_else(studio: Studio) -> None:
    run_id, without = add_reported_run(studio), add_run(studio, RunState.DONE, steps=40)
    look, parts = parts_of(studio, Look(run_id, REPORT_VIEW))
    assert look.view == REPORT_VIEW and "Training <b>helped" in parts["body"]
    look, parts = parts_of(studio, Look(without, REPORT_VIEW))
    assert look.view == PROGRESS and "Training" not in parts["body"]


def test_a_damaged_report_is_told_and_read_again_once_it_is_mended(studio: Studio) -> None:
    run_id = add_reported_run(studio)
    file = studio.home.run_folder(run_id) / "report.json"
    whole = file.read_text()
    file.write_text(whole[: len(whole) // 2])
    assert "cannot be read" in parts_of(studio, Look(run_id, REPORT_VIEW))[1]["body"]
    file.write_text(whole)
    os.utime(file, ns=(1, 1))
    assert "Training <b>helped" in parts_of(studio, Look(run_id, REPORT_VIEW))[1]["body"]


@pytest.fixture
def page(studio: Studio, tmp_path: Path) -> str:
    run_id = add_reported_run(studio)
    path = make_file(studio, "report", [run_id])
    assert path.name == f"run-{run_id}-report.html"
    return path.read_text(encoding="utf-8")


def test_the_file_needs_no_network_and_no_script(page: str) -> None:
    assert page.startswith("<!doctype html>")
    assert not re.search(r"https?://|//[a-z]+\.[a-z]|@import|url\(", page)
    assert "<script" not in page and "<link" not in page
    assert {match[:5] for match in re.findall(r'src="([^"]*)"', page)} == {"data:"}
    assert "default-src 'none'" in page


def test_the_file_holds_curves_settings_and_versions_too(page: str) -> None:
    for told in ("Accuracy", "Loss", "settings</summary>", "torch 2.13.0", "@media print"):
        assert told in page
    assert page.count("prefers-color-scheme: dark") >= 2
