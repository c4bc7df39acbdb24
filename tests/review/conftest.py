"""A studio with a data set of small clips and a tiny CLIP, which really looks at them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ga2app.paths import Home
from ga2app.services.recognizers import OwnRecognizer
from ga2app.types import BackboneChoice, Dataset
from ga2app.web import Studio
from tests.clips import color_dataset
from tests.ui.studios import make_studio


@pytest.fixture(scope="session")
def colors(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return color_dataset(tmp_path_factory.mktemp("colors"), train=3, test=1)


@pytest.fixture(scope="session")
def recognizer() -> OwnRecognizer:
    return OwnRecognizer()


@pytest.fixture
def studio(
    tmp_path: Path, empty_database: bytes, tiny_clip_folder: Path, colors: Dataset, recognizer: OwnRecognizer
) -> Iterator[Studio]:
    home = Home(tmp_path / "studio")
    home.root.mkdir(mode=0o700)
    home.database.write_bytes(empty_database)
    backbones = [BackboneChoice(str(tiny_clip_folder), "tiny")]
    studio = make_studio(home, recognizer=recognizer, backbones=lambda: backbones)
    studio.store.datasets.add(colors, origin="test")
    yield studio
    studio.store.close()


@pytest.fixture
def dataset_id(studio: Studio) -> int:
    return studio.datasets.called("colors").id


@pytest.fixture
def looked(studio: Studio, dataset_id: int) -> int:
    """The data set, after its clips were looked at."""
    assert studio.looks.look(dataset_id) == {}
    return dataset_id
