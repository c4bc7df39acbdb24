"""The endpoint of long videos: labels over time."""

from __future__ import annotations

from typing import Any, Literal

from ga2app.datasets.annotation_writers import AnnotationFormat
from ga2app.errors import ConfigError, Fault
from ga2app.services.recognition_service import none_of_these as decided
from ga2app.services.studio import Studio
from ga2app.types import RecognitionRequest, Sliding, StretchRules
from ga2app.web.api.endpoints import OneFile as OneFile
from ga2app.web.api.endpoints import sentences


class TimelineEndpoints:
    """What programs may ask of ``studio`` about long videos."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def label_video(
        self,
        video: OneFile,
        labels: str | list[str],
        bundle: str = "",
        backbone: str = "",
        window: float = 2.0,
        step: float = 0.5,
        least: float = 0.0,
        margin: float = 0.1,
        gap: float = 0.5,
        shortest: float = 1.0,
        template: str = "",
        none_of_these: Literal["off", "compete", "threshold"] = "off",
        threshold: float | None = None,
        negatives: str = "",
        descriptions: str = "off",
        stretch: str = "",
        write_as: str = "",
        frame_rate: float | None = None,
    ) -> dict[str, Any]:
        """Label a long video over time: a window slides over it, and its answers become stretches.

        Each frame is decoded and encoded at most once.

        Args:
            video: the video file.
            labels: what the video may show, as for recognize.
            bundle: the bundle's key; empty for zero-shot CLIP.
            backbone: the backbone's name; empty for that of the bundle, or without one the studio's default.
            window: length of a window in seconds.
            step: seconds from the start of one window to that of the next.
            least: from 0 to 1; a window whose best label has a lower probability is none of these.
            margin: from 0 to 1; a label stays until another is ahead of it by more.
            gap: shorter gaps between two stretches of one label are filled, in seconds.
            shortest: shorter stretches go to the longer neighbor, in seconds.
            template: the sentence around a label for zero-shot CLIP; empty for the default.
            none_of_these: off, compete or threshold, as for recognize; such windows are in no stretch.
            threshold: as for recognize.
            negatives: the group of negative prompts; empty for all groups.
            descriptions: off, own, or sentences, as for recognize.
            stretch: the part of the video that is looked at, "60,120" from 60 s to before 120 s; empty for all.
            write_as: csv, webvtt, elan, boris, label-studio or activitynet, to get a file of the stretches, too.
            frame_rate: of Label Studio's timeline, which that format needs.

        Returns:
            file: the video's name.
            backbone: the CLIP that recognized.
            bundle: the bundle's key, null for zero-shot CLIP.
            start: where the video begins, in seconds on its own clock.
            end: where it ends.
            window: length of a window in seconds.
            step: seconds from window to window.
            labels: the labels.
            stretches: a list of start, end, label and probability, the mean over its windows.
            windows: a list of start, end, label (the best, or none of these) and probability.
            notes: what to know about the answer.
            files: with write_as the texts of the files, by their names.

        Raises:
            ClipError: the video cannot be read, or does not tell when its frames are shown.
            LabelError: there are fewer than two different labels, or there is no such group of negatives.
            BundleError: there is no such bundle, or it belongs to another backbone.
            ConfigError: a value out of its range.
            LimitError: the video has more frames to look at than one request may have.
            DatasetError: there are no stretches to write, or a frame rate is missing.
        """
        if write_as and write_as not in [*map(str, AnnotationFormat)]:
            known = ", ".join(AnnotationFormat)
            raise ConfigError([Fault("write_as", f"must be one of {known}, not '{write_as[:40]}'")])
        sliding = Sliding(window, step, StretchRules(least, margin, gap, shortest))
        request = RecognitionRequest(
            [video] if video else [],
            labels,
            [bundle] if bundle else None,
            backbone,
            template,
            none_of_these=decided(none_of_these, threshold, negatives),
            descriptions=sentences(descriptions),
            stretch=stretch,
        )
        found = self._studio.long_videos.answer(request, sliding)
        if not write_as:
            return found.to_dict()
        how: Any = {"end_s": found.end, "frame_rate": frame_rate}
        files = self._studio.long_videos.written(found.file, found.stretches, AnnotationFormat(write_as), **how)
        return found.to_dict() | {"files": files}
