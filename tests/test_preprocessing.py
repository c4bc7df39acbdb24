"""What preprocessor_config.json means, in the forms that transformers has written it in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ga2app.errors import BackboneError
from ga2app.paths import SKETCH_CLIP
from ga2app.video.preprocessing import (
    CLIP_MEAN,
    CLIP_STD,
    PREPROCESSOR,
    PROCESSOR,
    Resample,
    clip_preprocessing,
    parse_preprocessing,
    read_preprocessing,
)

OPENAI = {
    "crop_size": 224,
    "do_center_crop": True,
    "do_normalize": True,
    "do_resize": True,
    "feature_extractor_type": "CLIPFeatureExtractor",
    "image_mean": list(CLIP_MEAN),
    "image_std": list(CLIP_STD),
    "resample": 3,
    "size": 224,
}
SQUARE = {"height": 224, "width": 224}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        OPENAI,
        OPENAI | {"size": {"shortest_edge": 224}, "crop_size": SQUARE, "do_rescale": True, "rescale_factor": 1 / 255},
        OPENAI | {"size": {"shortest_edge": 256}, "do_convert_rgb": True, "do_pad": False},
        OPENAI | {"resample": "bicubic", "do_resize": None},
    ],
)
def test_every_form_of_openais_settings_is_the_papers_short_side_of_256_and_a_crop_of_224(settings: dict[str, Any]):
    found = parse_preprocessing(settings, 224)
    assert found == clip_preprocessing(224) and (found.short_side_px, found.size_px) == (256, 224)


@pytest.mark.parametrize(
    "settings",
    [
        {"do_center_crop": False, "size": 224},
        {"do_center_crop": False, "size": SQUARE, "crop_size": {"height": 99, "width": 99}},
        {"do_center_crop": True, "size": SQUARE, "crop_size": SQUARE},
        {"use_square_size": True, "size": 224},
        {"size": [224, 224]},
    ],
)
def test_a_size_of_height_and_width_makes_a_square_of_the_whole_picture(settings: dict[str, Any]):
    assert parse_preprocessing(settings, 224).short_side_px is None


def test_a_short_side_that_is_longer_than_the_crop_counts_as_it_is_written():
    assert parse_preprocessing({"size": {"shortest_edge": 240}}, 224).short_side_px == 240
    assert read_preprocessing(SKETCH_CLIP, 64, "sketch") == clip_preprocessing(64)


def test_mean_and_deviation_are_those_of_pixels_between_0_and_1_whatever_range_is_meant():
    bytes_as_they_are = {"do_rescale": False, "image_mean": [127.5] * 3, "image_std": [51, 102, 255]}
    found = parse_preprocessing(bytes_as_they_are, 64)
    assert found.mean == pytest.approx((0.5, 0.5, 0.5), rel=1e-4) and found.std == pytest.approx(
        (0.2, 0.4, 1.0), rel=1e-4
    )
    nothing = parse_preprocessing({"do_normalize": False}, 64)
    assert (nothing.mean, nothing.std) == ((0, 0, 0), (1, 1, 1))
    assert parse_preprocessing({"image_mean": 0.5, "image_std": 0.25}, 64).std == (0.25, 0.25, 0.25)


def test_the_filter_is_read_by_number_and_by_name():
    bilinear = parse_preprocessing({"resample": 2}, 64)
    assert bilinear.resample is Resample.BILINEAR
    assert (bilinear.read_px, clip_preprocessing(64).read_px) == (146, 73)  # the decoder's way is bicubic
    assert parse_preprocessing({"resample": "NEAREST"}, 64).resample is Resample.NEAREST


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"do_resize": False}, "do_resize is false"),
        ({"do_center_crop": False}, "do_center_crop is false with a size of shortest_edge"),
        ({"crop_size": 288}, "crop_size is 288 × 288, and the vision tower takes 224 × 224"),
        ({"size": {"height": 384, "width": 384}}, "size is 384 × 384, and the vision tower takes 224 × 224"),
        ({"size": {"shortest_edge": 200}}, "the shortest_edge of size is 200, less than the crop of 224"),
        ({"size": {"longest_edge": 224}}, "size is {'longest_edge': 224}"),
        ({"resample": 1}, "resample is 'lanczos'; it can be nearest, bilinear, bicubic"),
        ({"do_pad": True}, "do_pad is not supported"),
        ({"do_normalize": "yes"}, "do_normalize is 'yes'; it must be true or false"),
        ({"image_mean": [0.5, 0.5]}, r"image_mean is \[0.5, 0.5\]; it must be three numbers"),
        ({"image_std": [0.5, 0, 0.5]}, "image_std is .* greater than 0"),
        ({"rescale_factor": "1/255"}, "rescale_factor is '1/255'; it must be a number"),
    ],
)
def test_a_setting_that_cannot_be_followed_is_refused_by_name(settings: dict[str, Any], reason: str, tmp_path: Path):
    (tmp_path / PREPROCESSOR).write_text(json.dumps(settings))
    with pytest.raises(BackboneError, match=rf"backbone 'mine': {PREPROCESSOR} cannot be followed: {reason}"):
        read_preprocessing(tmp_path, 224, "mine")


def test_what_transformers_5_saves_of_a_whole_processor_comes_before_the_older_file(tmp_path: Path):
    (tmp_path / PREPROCESSOR).write_text(json.dumps(OPENAI))
    (tmp_path / PROCESSOR).write_text(json.dumps({"processor_class": "CLIPProcessor"}))
    assert read_preprocessing(tmp_path, 224, "mine") == clip_preprocessing(224)
    (tmp_path / PROCESSOR).write_text(json.dumps({"image_processor": OPENAI | {"image_mean": [0.5] * 3}}))
    assert read_preprocessing(tmp_path, 224, "mine").mean == (0.5, 0.5, 0.5)


@pytest.mark.parametrize("text", ["{", "[]", '"bicubic"'])
def test_a_file_that_is_no_settings_is_told(text: str, tmp_path: Path):
    (tmp_path / PREPROCESSOR).write_text(text)
    with pytest.raises(BackboneError, match=rf"backbone 'mine': {PREPROCESSOR} .*; get a fresh copy"):
        read_preprocessing(tmp_path, 224, "mine")


def test_what_is_written_is_read_again():
    for settings in ({}, {"size": {"shortest_edge": 80}, "resample": 2}, {"size": [64, 64], "image_std": 0.5}):
        found = parse_preprocessing(settings, 64)
        assert parse_preprocessing(json.loads(json.dumps(found.to_config())), 64) == found
