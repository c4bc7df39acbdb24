"""The page of data sets of the Hub: what its panels push and pull."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from clips import color_dataset

from ga2app.errors import DatasetError
from ga2app.services.studio import Studio, own_studio
from ga2app.types import HubAccount, PushOptions
from ga2app.web.pages.datasets.hub_sets_page import goods_of_sets, supply_of_sets
from tests.hub_server import LoopbackHub

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # the client's own


@pytest.fixture
def studio(loopback_hub: LoopbackHub) -> Iterator[Studio]:
    with own_studio() as studio:
        yield studio


def test_a_data_set_is_pushed_with_its_size_told_first_and_pulled_with_a_link(studio: Studio, tmp_path: Path) -> None:
    number = studio.store.datasets.add(color_dataset(tmp_path, train=1, test=1), origin="test")
    goods = goods_of_sets(studio)
    assert goods.title(number).startswith("colors (15 files, ") and "KiB" in goods.title(number)
    assert goods.place(number, HubAccount("alice")) == "alice/colors"
    assert goods.push(number, PushOptions("colors", rights=True), ["mit"]).private
    supply, told = supply_of_sets(studio, "told"), list[tuple[int, int]]()
    offer = supply.find("alice/colors", revision="", token=None)
    row = supply.pull(offer, ["<b>back</b>"], progress=lambda done, total: told.append((done, total)))
    html = supply.welcome(row)["told"]
    assert "8 clips: 4 for training, 4 for testing." in html and "&lt;b&gt;back&lt;/b&gt;" in html
    assert f"./datasets?id={studio.datasets.called('<b>back</b>').id}" in html and told[-1][0] == told[-1][1] > 0


def test_what_cannot_be_pushed_or_pulled_is_told(studio: Studio, loopback_hub: LoopbackHub) -> None:
    with pytest.raises(DatasetError, match="there is no data set to push; import clips"):
        goods_of_sets(studio).title(None)
    loopback_hub.add("bob/none", "dataset", files={"train/run/a.mp4": b"no video"})
    supply = supply_of_sets(studio, "told")
    with pytest.raises(DatasetError, match="none of the clips can be used"):
        supply.pull(supply.find("bob/none", revision="", token=None), [""])
