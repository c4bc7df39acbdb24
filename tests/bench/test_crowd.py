"""Many visitors of the real app: new sessions leave next to nothing, and everybody is answered during a training."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.crowd import sessions, slope, waiting
from ga2app.paths import Home
from tests.demo import link_demo


def test_a_slope_is_that_of_a_line_from_the_hundredth_session_on() -> None:
    told = [0.0, 900.0, *(1000.0 + 50 * 3 * number for number in range(1, 9))]  # every fiftieth, 3 KB a session
    assert slope(told) == pytest.approx(3, rel=0.1)


@pytest.mark.faults
def test_new_sessions_cost_less_than_20_kb_each_after_the_first_hundred(tmp_path: Path) -> None:
    found = sessions(1000, Home(tmp_path))
    assert found["program_kb_a_session"] < 20 and found["page_kb_a_session"] < 20, found


@pytest.mark.faults
def test_twenty_clients_get_every_answer_right_while_a_run_is_trained(tmp_path: Path, drawn_demo: Path) -> None:
    home = Home(tmp_path)
    link_demo(drawn_demo, home)
    found = waiting(20, 2, home)
    assert (found["answers"], found["wrong"], found["state_meanwhile"]) == (40, 0, "running"), found
