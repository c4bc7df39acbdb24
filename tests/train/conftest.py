"""What most tests of training work with: the tiny CLIP in float32, and clips of colors."""

from __future__ import annotations

from pathlib import Path

import pytest

from ga2app.clip import Backbone, load_backbone
from ga2app.types import Dataset
from tests.clips import color_dataset


@pytest.fixture(scope="module")
def backbone(tiny_clip_folder: Path) -> Backbone:
    return load_backbone(tiny_clip_folder, precision="float32")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return color_dataset(tmp_path_factory.mktemp("colors"))
