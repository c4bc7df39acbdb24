"""The display matrix of a phone's clip, applied by hand to a picture of six pixels."""

from __future__ import annotations

import numpy as np
import pytest

from ga2app.video.images import fitted_size, upright

ONE = 1 << 16
PICTURE = np.repeat(np.array([[1, 2, 3], [4, 5, 6]], np.uint8)[:, :, None], 3, axis=2)

# x' = a·x + c·y and y' = b·x + d·y, with y downwards: where the pixel at the right end of the top row, a 3, goes to.
CASES = {
    "as it is": ((ONE, 0, 0, ONE), [[1, 2, 3], [4, 5, 6]]),
    "a quarter turn clockwise: right becomes down, down becomes left": ((0, ONE, -ONE, 0), [[4, 1], [5, 2], [6, 3]]),
    "a quarter turn the other way": ((0, -ONE, ONE, 0), [[3, 6], [2, 5], [1, 4]]),
    "half a turn": ((-ONE, 0, 0, -ONE), [[6, 5, 4], [3, 2, 1]]),
    "mirrored, as selfie cameras do": ((-ONE, 0, 0, ONE), [[3, 2, 1], [6, 5, 4]]),
    "mirrored and a quarter turn": ((0, ONE, ONE, 0), [[1, 4], [2, 5], [3, 6]]),
}


@pytest.mark.parametrize("case", CASES)
def test_a_picture_is_put_upright_as_its_matrix_says(case: str) -> None:
    matrix, expected = CASES[case]
    assert upright(PICTURE, matrix)[:, :, 0].tolist() == expected


def test_a_picture_without_a_matrix_is_left_alone() -> None:
    assert upright(PICTURE, None) is PICTURE


@pytest.mark.parametrize(
    ("size", "short_side_px", "expected"),
    [
        ((1920, 1080), 256, (455, 256)),  # 1920 · 256 / 1080 = 455.1
        ((240, 426), 120, (120, 213)),
        ((320, 240), None, (320, 240)),
        ((320, 240), 256, (320, 240)),  # never enlarged
    ],
)
def test_the_short_side_shrinks_to_what_is_needed(
    size: tuple[int, int], short_side_px: int | None, expected: tuple[int, int]
) -> None:
    assert fitted_size(*size, short_side_px) == expected
