"""Pools of clip files rated by a backbone."""

from __future__ import annotations

from pathlib import Path

import pytest

from ga2app.clip import Backbone, load_backbone
from ga2app.errors import DatasetError, LabelError
from ga2app.inference.anchors import generic_features, irrelevance, rate_clips
from ga2app.synthetic.demo_dataset import subject_named, write_drawn_clip
from ga2app.types import AnchorClip
from tests.clips import write_color_clip

SHOWN = ("riding a bicycle", "walking", "snow falling", "a clock ticking")


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return load_backbone("sketch")


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> list[AnchorClip]:
    folder = tmp_path_factory.mktemp("pool")
    for name in SHOWN:
        write_drawn_clip(folder / f"{name}.mp4", subject_named(name), "plain", 3, 6, 64)
    return [AnchorClip(str(folder / f"{name}.mp4"), name if name != SHOWN[2] else "") for name in SHOWN]


def test_a_pool_is_ranked_with_the_labels_own_clips_last(backbone: Backbone, pool: list[AnchorClip]):
    rated = rate_clips(backbone, pool, ["riding a bicycle", "Walking", "walking"])
    ranked = sorted(rated.ratings.clips, key=lambda one: -one.irrelevance)
    assert {Path(one.path).stem for one in ranked[:2]} == set(SHOWN[2:])
    by_name = {Path(one.path).stem: one for one in rated.ratings.clips}
    assert by_name["riding a bicycle"].nearest == "riding a bicycle" and by_name["walking"].nearest == "Walking"
    generic = generic_features(backbone, ["riding a bicycle", "Walking"])
    expected = irrelevance(rated.features, backbone.class_features(["riding a bicycle", "Walking"]), generic)
    assert [one.irrelevance for one in rated.ratings.clips] == pytest.approx(expected.tolist(), abs=1e-5)
    assert rated.ratings.comparable and rated.features.shape == (4, backbone.sizes.embedding_width)
    chosen = rated.choose(2)
    assert {Path(one.path).stem for one in chosen.clips} == set(SHOWN[2:])


def test_a_clip_without_a_caption_gets_the_text_that_is_most_like_it(backbone: Backbone, pool: list[AnchorClip]):
    rated = rate_clips(backbone, pool, ["walking"])
    assert [one.guessed for one in rated.ratings.clips] == [False, False, True, False]
    assert "snow" in rated.ratings.clips[2].caption


def test_clips_that_cannot_be_read_are_told_and_the_others_rated(
    backbone: Backbone, pool: list[AnchorClip], tmp_path: Path
):
    (tmp_path / "bad.mp4").write_bytes(b"")
    broken = [AnchorClip(str(tmp_path / "bad.mp4")), AnchorClip(str(tmp_path / "absent.mp4"))]
    rated = rate_clips(backbone, [broken[0], *pool, broken[1], pool[0]], ["walking"])
    assert [one.path for one in rated.ratings.clips] == [clip.path for clip in pool]
    assert (
        len(rated.ratings.faults) == 2
        and "bad.mp4" in rated.ratings.faults[0]
        and "absent.mp4" in rated.ratings.faults[1]
    )
    with pytest.raises(DatasetError, match=r"none of the 2 clips of the pool can be read: .*bad\.mp4"):
        rate_clips(backbone, broken, ["walking"])
    with pytest.raises(DatasetError, match="none of the 0 clips"):
        rate_clips(backbone, [], ["walking"])


def test_labels_that_cannot_be_used_are_refused(backbone: Backbone, pool: list[AnchorClip]):
    with pytest.raises(LabelError, match="no labels were given"):
        rate_clips(backbone, pool, [" ", ""])
    with pytest.raises(LabelError, match="knows none of the words"):
        rate_clips(backbone, pool, ["zymurgy", "走る"])


def test_more_clips_than_the_pool_has_are_refused(backbone: Backbone, pool: list[AnchorClip]):
    with pytest.raises(DatasetError, match="5 cannot be chosen from a pool of 4; ask for 1 to 4"):
        rate_clips(backbone, pool, ["walking"]).choose(5)


def test_a_backbone_without_generic_words_still_ranks(tiny_clip_folder: Path, tmp_path: Path):
    clips = [
        AnchorClip(write_color_clip(tmp_path / f"{number}.mp4", (40 * number, 90, 90), seed=number))
        for number in range(3)
    ]
    rated = rate_clips(load_backbone(tiny_clip_folder), clips, ["walking", "running"])
    assert not rated.ratings.comparable
    assert all(0 <= one.irrelevance <= 1 and one.caption for one in rated.ratings.clips)
