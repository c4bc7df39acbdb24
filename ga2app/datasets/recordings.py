"""Which recording a clip was cut from, where its name tells.

Clips of one recording show the same people in the same place. Some in training and others in the test would measure
how well a model knows the place.
"""

from __future__ import annotations

import re

from ga2app.datasets.entries import file_name, split_suffix
from ga2app.labels import name_key

_UCF = re.compile(r"v_(\w+?)_g(\d+)_c\d+")
_HMDB = re.compile(r"(.+)_[fhlu]_[cn]m_np\d+_(?:ba|fr|le|ri)_(?:bad|med|goo)_\d+")
_SEGMENT = re.compile(r"(.{11})_\d{6}_\d{6}")


def recording_of(path: str, label: str) -> str | None:
    """The recording of the clip at ``path``; None where its name does not tell.

    * UCF-101, ``v_PlayingViolin_g01_c02.avi``: group 01 of that class.
    * HMDB-51, ``Faith_Rewarded_swing_baseball_f_nm_np1_fr_med_15.avi``: what stands before the class's name.
    * Kinetics, ``pmLYzJmKxf8_000010_000020.mp4``: the id of the video at YouTube.
    """
    stem = split_suffix(file_name(path.replace("\\", "/")))[0]
    if match := _UCF.fullmatch(stem):
        return f"{match[1]} group {int(match[2])}"
    if match := _HMDB.fullmatch(stem):
        return f"film {_before(match[1], label)}"
    if match := _SEGMENT.fullmatch(stem):
        return f"video {match[1]}"
    return None


def _before(name: str, label: str) -> str:
    """``name`` without the words of ``label`` at its end."""
    words = name.split("_")
    for count in range(len(words) - 1, 0, -1):
        if name_key("".join(words[count:])) == name_key(label):
            return "_".join(words[:count])
    return name
