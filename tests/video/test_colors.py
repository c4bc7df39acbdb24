"""Colors come as players show them, whichever of the readers reads a clip: the arithmetic is written out."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from ga2app.inference import Recognizer
from ga2app.services.clip_inspector import VideoInspector
from ga2app.video import Evaluation, Every, read_clip
from ga2app.video import display as hdr
from ga2app.video.display import ColorTags, recorded_display, write_srgb
from tests.video.made_clips import RGB, Recording, color_card, record, stripes_of

BT601, BT709, BT2020 = 5, 1, 9
LIMITED, FULL = 1, 2
PQ, HLG = 16, 18
SDR_709 = ColorTags(BT709, LIMITED, 1, 1)
LOSSLESS = {"qp": "0", "preset": "ultrafast"}
GROUPS = {"qp": "10", "preset": "ultrafast", "g": "30"}
QUIET = {"x265-params": "log-level=none:lossless=1"}
LONG = 310
"""Frames of a clip that is read by seeking."""


def pq(nits: float) -> float:
    """The signal, 0 to 1, of SMPTE ST 2084 for ``nits``."""
    power = (nits / 10_000) ** 0.1593017578125
    return float(((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375)


def hlg(scene: float) -> float:
    """The signal, 0 to 1, of ARIB STD-B67 for light of the scene, 0 to 1."""
    return float(np.sqrt(3 * scene) if scene <= 1 / 12 else 0.17883277 * np.log(12 * scene - 0.28466892) + 0.55991073)


def linear(level: float) -> float:
    """Light, 0 to 1, of an sRGB level of 255."""
    signal = level / 255
    return signal / 12.92 if signal <= 0.04045 else ((signal + 0.055) / 1.055) ** 2.4


def hdr_signal(level: float, kind: int) -> float:
    """The signal that shows an sRGB gray of ``level``, white being 203 nits."""
    light = linear(level)
    # HLG: a display of 1000 nits shows 1000 · scene^1.2.
    return pq(203 * light) if kind == PQ else hlg((0.203 * light) ** (1 / 1.2))


def hdr_card(kind: int, levels: tuple[int, ...] = (255, 128, 30), height: int = 64) -> NDArray[np.uint16]:
    """Three gray stripes that sRGB shows as ``levels``."""
    signals = [hdr_signal(level, kind) for level in levels]
    row = np.repeat((np.array(signals) * 65535).round().astype(np.uint16), 32)
    return np.broadcast_to(row[None, :, None], (height, row.size, 3)).copy()


def hdr_clip(path: Path, kind: int, codec: str = "libx265", options: dict[str, str] = QUIET, frames: int = 4) -> Path:
    tags = ColorTags(BT2020, LIMITED, kind, BT2020)
    # PyAV's VP9 encoder has eight bits alone; the decoder reads the transfer from the container either way.
    pixels = "yuv420p" if codec == "libvpx-vp9" else "yuv420p10le"
    how = Recording(codec, pixels, options=options, tags=tags, matrix=BT2020)
    return record(path, [hdr_card(kind)] * frames, how)


@pytest.mark.parametrize("kind", [PQ, HLG], ids=["PQ", "HLG"])
@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("hevc.mp4", "libx265", QUIET),
        ("av1.mp4", "libsvtav1", {"preset": "12", "crf": "5"}),
        ("vp9.webm", "libvpx-vp9", {"crf": "4", "cpu-used": "8"}),
        ("h264.mkv", "libx264", {"crf": "4"}),
    ],
    ids=["HEVC", "AV1", "VP9", "H.264"],
)
def test_hdr_is_shown_in_srgb_with_white_at_203_nits(
    tmp_path: Path, kind: int, name: str, codec: str, options: dict[str, str]
) -> None:
    clip = read_clip(hdr_clip(tmp_path / name, kind, codec, options), Evaluation(2))
    white, gray, dark = (np.mean(color) for color in stripes_of(clip.frames[0]))
    step = 2 if codec == "libvpx-vp9" else 1  # eight bits of PQ are coarse
    assert (white, gray) == (pytest.approx(254, abs=3 * step), pytest.approx(128, abs=3 * step))
    assert dark == pytest.approx(30, abs=4 * step)
    assert clip.notes == (f"converted from HDR ({'PQ' if kind == PQ else 'HLG'}) to sRGB",)


def test_a_long_hdr_clip_is_read_by_seeking_and_shrunk_to_the_same_colors(tmp_path: Path) -> None:
    path = hdr_clip(tmp_path / "long.mp4", PQ, "libx264", GROUPS, frames=LONG)
    clip = read_clip(path, Evaluation(4), short_side_px=32)
    assert (clip.frames.shape, clip.total_frames, clip.reader) == ((4, 32, 48, 3), LONG, "pyav")
    assert np.mean(stripes_of(clip.frames[3])[0]) == pytest.approx(254, abs=2)


def test_colors_of_bt_2020_become_those_of_bt_709() -> None:
    # Linear BT.709 to BT.2020 (ITU-R BT.2087): red (1, 0, 0) is (0.6274, 0.0691, 0.0164).
    matrix = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
    for color in ((200, 40, 40), (40, 180, 60), (60, 50, 210), (255, 255, 255), (0, 0, 0)):
        light = matrix @ [linear(level) for level in color]
        # HLG: the display shows 1000 · Y^0.2 · E nits of the scene's E, whose luminance is Y.
        luma = light @ (0.2627, 0.6780, 0.0593) * 0.203
        scene = 0.203 * light / luma ** (1 / 6) if luma else light
        for kind, signal in (("PQ", [pq(203 * part) for part in light]), ("HLG", [hlg(part) for part in scene])):
            planes = np.array(signal)[:, None, None] * 65535
            shown = to_srgb(planes.round().astype(np.uint16), kind)[0, 0]
            assert np.abs(shown.astype(int) - color).max() <= 1, kind
    bright = np.full((3, 1, 1), round(pq(4000) * 65535), np.uint16)
    assert to_srgb(bright, "PQ").tolist() == [[[255, 255, 255]]]


@pytest.mark.parametrize("kind", ["PQ", "HLG"])
@pytest.mark.parametrize("size", [(1100, 480), (1, 30_000), (37, 1)])
def test_every_signal_is_within_a_level_of_what_bt_2100_has(
    kind: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hdr, "usable_cores", lambda: 3)  # which share the large picture
    planes = np.random.default_rng(0).integers(0, 65536, (3, *size), np.uint16)
    signal = planes.reshape(3, -1) / 65535
    if kind == "PQ":
        root = signal ** (1 / 78.84375)
        light = (
            10_000 / 203 * (np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (1 / 0.1593017578125)
        )
    else:
        light = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12)
        light *= 1000 / 203 * (np.array((0.2627, 0.6780, 0.0593)) @ light) ** 0.2
    to_709 = [[1.660491, -0.587641, -0.072850], [-0.124550, 1.132900, -0.008349], [-0.018151, -0.100579, 1.118730]]
    light = (np.array(to_709) @ light).clip(0, 1)
    levels = 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    shown = to_srgb(planes, kind).reshape(-1, 3).T
    assert np.abs(shown - levels).max() < 1


def to_srgb(planes: NDArray[np.uint16], kind: str) -> NDArray[np.uint8]:
    """sRGB (H, W, 3) of BT.2020 ``planes`` (3, H, W)."""
    shown = np.empty((*planes.shape[1:], 3), np.uint8)
    write_srgb(shown, list(planes), kind, BT2020)
    return shown


def card(path: Path, how: Recording, height: int, frames: int = 3) -> Path:
    return record(path, [color_card(192, height)] * frames, how)


def colors_shown(path: Path, frames: int = 2) -> tuple[list[list[float]], str]:
    clip = read_clip(path, Evaluation(frames))
    return stripes_of(clip.frames[0]), clip.reader


def assert_true_colors(shown: list[list[float]]) -> None:
    for seen, meant in zip(shown, RGB.values(), strict=True):
        assert np.abs(np.array(seen) - meant).max() < 5


@pytest.mark.parametrize(("height", "matrix"), [(718, BT601), (720, BT709), (1080, BT709)])
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_without_a_tag_pictures_of_720_lines_and_more_are_bt_709(
    tmp_path: Path, height: int, matrix: int, suffix: str
) -> None:
    how = Recording(options=LOSSLESS, matrix=matrix)
    assert_true_colors(colors_shown(card(tmp_path / f"card.{suffix}", how, height))[0])


@pytest.mark.parametrize(
    ("height", "matrix", "tags", "full", "reader"),
    [
        (64, BT601, ColorTags(), False, "decord"),
        (64, BT709, SDR_709, False, "decord"),
        (720, BT601, replace(SDR_709, matrix=BT601), False, "decord"),
        (64, BT709, replace(SDR_709, range=FULL), True, "decord"),
        (720, BT709, ColorTags(), False, "pyav"),
    ],
    ids=["untagged SD", "BT.709", "BT.601 in HD", "full range", "untagged HD, which decord takes for BT.601"],
)
def test_long_clips_found_by_seeking_have_the_colors_of_those_read_in_order(
    tmp_path: Path, height: int, matrix: int, tags: ColorTags, full: bool, reader: str
) -> None:
    pixels = "yuvj420p" if full else "yuv420p"
    how = Recording(pixels=pixels, options=GROUPS, tags=tags, matrix=matrix, full_range=full)
    path = card(tmp_path / "long.mp4", how, height, LONG)
    few, by = colors_shown(path)
    assert by == reader
    assert_true_colors(few)
    many = read_clip(path, Every(LONG), short_side_px=32)
    assert many.reader == "pyav"
    assert_true_colors(stripes_of(many.frames[-1]))


@pytest.mark.parametrize(
    ("matrix", "full"), [(BT709, True), (BT709, False), (BT601, True)], ids=["709 full", "709", "601 full"]
)
def test_vp8_has_the_colors_that_its_container_tells(tmp_path: Path, matrix: int, full: bool) -> None:
    tags = ColorTags(matrix, FULL if full else LIMITED, 1, 1)
    how = Recording("libvpx", options={"crf": "4", "b": "4M"}, tags=tags, matrix=matrix, full_range=full)
    assert_true_colors(colors_shown(card(tmp_path / "canvas.webm", how, 64))[0])


def test_what_the_stream_says_of_its_colors_wins_over_the_size(tmp_path: Path) -> None:
    how = Recording("libvpx-vp9", options={"crf": "4", "cpu-used": "8"}, tags=SDR_709, matrix=BT709)
    assert_true_colors(colors_shown(card(tmp_path / "small.webm", how, 64))[0])


@pytest.mark.parametrize("wide", [Fraction(1, 9), Fraction(1001, 1000), Fraction(64, 45)])
def test_pixels_are_stretched_where_a_shape_is_meant(wide: Fraction) -> None:
    context = SimpleNamespace(
        colorspace=2, color_range=0, color_trc=2, color_primaries=2, codec=SimpleNamespace(name="x"), pix_fmt="yuv420p"
    )
    stream = SimpleNamespace(codec_context=context, sample_aspect_ratio=wide, height=576)
    size = recorded_display(SimpleNamespace(metadata={}), stream).size(720, 576)
    assert size == ((1024, 576) if wide == Fraction(64, 45) else (720, 576))


def test_the_answer_and_the_import_say_that_hdr_was_converted(tmp_path: Path) -> None:
    path = hdr_clip(tmp_path / "phone.mp4", HLG)
    assert VideoInspector().inspect(str(path)).warnings[0] == "converted from HDR (HLG) to sRGB"
    answer = Recognizer("sketch", num_frames=2).recognize([path], ["walking", "running"])
    assert "phone.mp4: converted from HDR (HLG) to sRGB" in answer.notes
