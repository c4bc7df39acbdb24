"""Files of a live server, asked for by somebody who knows where they lie."""

from __future__ import annotations

import httpx
import pytest

from ga2app.store.clip_pages import ClipFilter
from ga2app.types import RunState

from ..studios import Served, add_dataset, add_run


@pytest.fixture
def known(served: Served) -> list[str]:
    """The paths of a clip's preview, an export, a log and the database, which a stranger may know."""
    studio = served.studio
    add_dataset(studio)
    dataset = studio.store.datasets.list()[0]
    clip = studio.store.clips.page(dataset.id, ClipFilter(), limit=1)[0]
    files = [studio.datasets.preview(clip.id)[1], studio.datasets.export(dataset.id, packed=False)]
    files += [studio.runs.log_file(add_run(studio, RunState.STOPPED)), studio.home.database]
    assert all(file.is_file() for file in files)
    return [str(file) for file in files]


def test_whoever_knows_where_a_file_lies_does_not_get_it(served: Served, known: list[str]) -> None:
    for path in known:
        for route in ("gradio_api/file=", "file=", "files/all/", "files/1.x/"):
            inside = path if "=" in route else path.removeprefix(f"{served.studio.home.root}/")
            answer = httpx.get(f"{served.address}/{route}{inside}", follow_redirects=True)
            assert answer.status_code in (403, 404), (route, path)


def test_an_example_is_everybodys(served: Served) -> None:
    address = served.studio.files.address(served.studio.examples[0].path)
    answer = httpx.get(f"{served.address}/{address}")
    assert answer.status_code == 200 and answer.headers["content-type"] == "video/mp4"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_an_address_of_another_start_of_the_studio_has_run_out(served: Served, known: list[str]) -> None:
    """This process has another key than that of the server."""
    assert httpx.get(f"{served.address}/{served.studio.files.address(known[0])}").status_code == 404
