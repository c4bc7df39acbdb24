"""The report's section on whether percentages can be believed."""

from __future__ import annotations

from dataclasses import replace

import torch

from ga2app.evaluation.reliability import calibration
from ga2app.services.studio import Studio
from ga2app.types import Confidence, Rejection, Report, Temperature
from ga2app.web.api.run_endpoints import RunEndpoints

from ..studios import BASE
from .reports import add_reported_run, make_report
from .test_report import body

LOGITS, TARGETS = 6 * torch.eye(3)[[0, 1, 2, 0, 1]], torch.tensor([0, 1, 2, 1, 2])
BEFORE, AFTER = calibration(LOGITS, TARGETS), calibration(LOGITS, TARGETS, 3.0)
FOUND = Confidence(
    {"base": BEFORE, "novel": BEFORE},
    {"base": AFTER, "novel": AFTER},
    Temperature(3.0, "40 clips that nobody trained on", 0.62, "it keeps 95% of 40 test clips"),
    (Rejection("anchors", "against", 91.2, 33.3, 0.62, 40, 12),),
    ("joint: not measured",),
)


def believed(found: Confidence = FOUND) -> Report:
    plain = Confidence({"base": BEFORE, "novel": BEFORE})
    return replace(make_report(), confidence={"plain": plain.to_dict(), "bundle": found.to_dict()})


def test_a_report_says_how_far_percentages_can_be_believed(studio: Studio) -> None:
    html = body(studio, believed())
    assert "Can the percentage be believed?" in html
    assert f"the bundle says {BEFORE.confidence:.0f}% on average and is right in 60%: surer than it is right" in html
    assert "Temperature 3.00, fitted on 40 clips that nobody trained on." in html
    assert f"<td>{BEFORE.ece:.1f} → {AFTER.ece:.1f}</td>" in html and f"<td>{BEFORE.ece:.1f}</td>" in html
    assert "<td>12 anchor clips</td>" in html and "<td>91.2</td><td>33.3</td><td>62.0</td>" in html
    assert "Recognize offers 62.0 % for “Reject below a threshold”: it keeps 95% of 40 test clips." in html
    assert "Bundle: joint: not measured" in html


def test_every_figure_has_its_rule_beside_it(studio: Studio) -> None:
    html = body(studio, believed())
    assert "15 bins" in html and "so that 100% is in the last" in html
    assert "The share of clips of none of the labels that are let in where the threshold keeps 95%" in html


def test_each_group_has_a_reliability_diagram_of_both_models(studio: Studio) -> None:
    html = body(studio, believed())
    assert html.count('aria-label="reliability diagram, Base labels') == 3
    assert html.count('aria-label="reliability diagram, Novel labels') == 3
    assert f"5 clips with {BEFORE.confidence:.0f}% on average: 60% right" in html


def test_reports_of_before_and_runs_without_a_temperature_are_shown(studio: Studio) -> None:
    assert "Can the percentage be believed?" not in body(studio, make_report())
    why = Confidence({"base": BEFORE}, temperature=Temperature(fitted="all 12 clips are right"), notes=("<b>odd</b>",))
    html = body(studio, believed(why))
    assert "The bundle has no temperature: all 12 clips are right." in html
    assert "&lt;b&gt;odd&lt;/b&gt;" in html and "<b>odd</b>" not in html


def test_the_api_gives_the_figures_of_a_run(studio: Studio) -> None:
    run = add_reported_run(studio, believed())
    told = RunEndpoints(studio).run_status(run)["confidence"]
    assert told["bundle"]["temperature"]["value"] == 3.0 and told["plain"]["before"]["novel"]["ece"] == BEFORE.ece
    assert RunEndpoints(studio).run_status(add_reported_run(studio, make_report(base=BASE)))["confidence"] == {}
