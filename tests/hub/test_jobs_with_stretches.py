"""A job gets the video of a stretch whole, and reads the same stretch of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from ga2app.config import RunConfig
from ga2app.hub.job_files import JOB, pack, unpack
from ga2app.types import Dataset, LabelledClip, Subset
from ga2app.video import sample_frames
from tests.clips import write_color_clip


def test_a_job_is_sent_a_video_once_and_reads_the_stretches_of_it(tmp_path: Path) -> None:
    video = write_color_clip(tmp_path / "video.mp4", (200, 60, 60), seed=1, frames=20)
    clips = [LabelledClip(f"{video}#t=0,0.5", "run"), LabelledClip(f"{video}#t=0.5,1", "jump"),
             LabelledClip(f"{video}#t=1,2", "jump", Subset.TEST)]  # fmt: skip
    dataset = Dataset("mine", ("run", "jump"), (), tuple(clips))
    (tmp_path / "scratch").mkdir()
    config = RunConfig.from_dict({"dataset": "mine", "shots": 1})
    packed = pack(config, dataset, "job", tmp_path / "none.safetensors", tmp_path / "scratch").files
    assert len([name for name in packed if name.startswith("clips/")]) == 1

    def here(name: str) -> Path:
        content = packed[name]
        assert isinstance(content, Path)
        return content

    told = json.loads(packed[f"jobs/job/{JOB}"])  # type: ignore[arg-type]
    told["folders"] = {}
    _, there = unpack(told, here, tmp_path / "there")
    assert [(one.start_s, one.end_s, one.label, one.subset) for one in there.clips] == [
        (one.start_s, one.end_s, one.label, one.subset) for one in clips
    ]
    for one, other in zip(there.clips, clips, strict=True):
        assert one.path != other.path
        assert np.array_equal(sample_frames(one.path, 3), sample_frames(other.path, 3))
