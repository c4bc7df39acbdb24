"""Long videos labeled over time, as every door asks for it: answered, corrected, exported, and added to a data set."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ga2app.datasets.annotation_records import LabeledStretch
from ga2app.datasets.annotation_writers import AnnotationFormat, written
from ga2app.datasets.clip_files import content_digest
from ga2app.errors import ClipError, ConfigError, DatasetError, Fault, StoreError, StudioError, counted
from ga2app.labels import label_key, merge_labels, tidy
from ga2app.services.quotas import check_clips, read_descriptions, read_lists
from ga2app.services.recognition_service import with_negatives
from ga2app.services.uploads import (
    Kept,
    base_name,
    export_folder,
    given_name,
    in_use,
    is_received,
    keep_for_good,
    keep_upload,
    uploads_folder,
)
from ga2app.stretches import address_of, file_of, part_of_clip, split_address
from ga2app.types import (
    Dataset,
    LabelledClip,
    RecognitionRequest,
    Sliding,
    Subset,
    TimedLabels,
    TimedStretch,
)
from ga2app.untrusted import open_ordinary

if TYPE_CHECKING:
    from ga2app.clip import Backbone
    from ga2app.services.studio import Studio


@dataclass(frozen=True)
class LabeledVideo:
    """How far a video has been labeled: which ``share``, and at the end what was ``found``, under the video's own name
    and the bundle's key. ``path`` is the address of the store's copy."""

    share: float
    path: str
    found: TimedLabels | None = None


class LongVideoService:
    """Labels long videos over time, and takes on what was corrected by hand."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def answers(self, request: RecognitionRequest, sliding: Sliding) -> Iterator[LabeledVideo]:
        """How far the one video of ``request`` has been labeled, the answer at the end. Whoever leaves ends the work.

        Raises StudioError: BusyError where too many are being answered, LimitError where it would cost too much.
        """
        studio = self._studio
        if len(request.files) > 1:
            raise StudioError(f"{len(request.files)} videos were given; one is labeled over time at a time")
        with studio.recognition.admission.admitted():
            asked, cards = studio.recognition.resolved(request)
            if len(cards) > 1:
                raise ConfigError([Fault("bundle", "several were chosen, and one labels a video over time; take one")])
            name = base_name(given_name(asked.files[0]))
            path = self._kept(asked.files[0], asked.stretch)
            shares = studio.recognizer.over_time(replace(asked, files=[path]), sliding, studio.store.quotas.frames)
            found = None
            while found is None:
                try:
                    yield LabeledVideo(next(shares), path)
                except StopIteration as done:
                    found = done.value
                except GeneratorExit:
                    shares.close()
                    raise
            yield LabeledVideo(1.0, path, replace(found, file=name, bundle=cards[0].key if cards else None))

    def answer(self, request: RecognitionRequest, sliding: Sliding) -> TimedLabels:
        """The whole answer; raises StudioError."""
        *_, last = self.answers(request, sliding)
        assert last.found is not None
        return last.found

    def in_place(
        self,
        request: RecognitionRequest,
        sliding: Sliding,
        load: Callable[[str], Backbone],
        progress: Callable[[float], object] | None = None,
    ) -> TimedLabels:
        """What a video of this machine shows over time, read where it lies; see ``RecognitionService.in_place``."""
        from ga2app.inference import Recognizer, load_bundle

        read_lists(request)
        bundles = [load_bundle(folder) for folder in request.bundles or ()]
        named = next((str(bundle.manifest.backbone["name"]) for bundle in bundles), "")
        backbone = load(request.backbone or named or self._studio.known_backbone(None))
        return Recognizer(backbone, bundles).over_time(
            part_of_clip(request.files[0], request.stretch),
            list(request.labels),
            window_s=sliding.window_s,
            step_s=sliding.step_s,
            template=request.templates,
            none_of_these=with_negatives(self._studio, request.none_of_these),
            descriptions=read_descriptions(request),
            rules=sliding.rules,
            progress=progress,
        )

    def written(
        self,
        name: str,
        stretches: Sequence[TimedStretch],
        form: AnnotationFormat,
        *,
        end_s: float | None = None,
        frame_rate: float | None = None,
    ) -> dict[str, str]:
        """The texts of the files that hold the ``stretches`` of the video called ``name``, by their names.

        ``end_s`` is when the video ends, ``frame_rate`` that of Label Studio's timeline. Raises DatasetError.
        """
        marks = [LabeledStretch(name, one.start, one.end, one.label) for one in checked(stretches)]
        lasts = {} if end_s is None else {name: end_s}
        return written(marks, form, frame_rate=frame_rate, durations=lasts, name=Path(name).stem or "stretches")

    def export(
        self,
        name: str,
        stretches: Sequence[TimedStretch],
        form: AnnotationFormat,
        *,
        end_s: float | None = None,
        frame_rate: float | None = None,
    ) -> Path:
        """What ``written`` gives as a file to download, which is kept for a day."""
        files = self.written(name, stretches, form, end_s=end_s, frame_rate=frame_rate)
        ((file, text),) = files.items()
        folder = export_folder(self._studio.home, "timeline", len(text.encode()))
        try:
            (folder / Path(file).name).write_text(text, encoding="utf-8", newline="")
        except OSError as exc:
            raise StoreError(f"the file could not be written ({exc}); free some space and try again") from exc
        return folder / Path(file).name

    def add(self, path: str, stretches: Sequence[TimedStretch], dataset: int | None, name: str = "") -> tuple[int, str]:
        """Add the stretches of the video at ``path`` as clips to train on, to a data set by its id, or to a new one
        called ``name``; gives the data set's id, and in words what was done. Raises DatasetError, LimitError."""
        studio = self._studio
        studio.may_change()
        marks, file = checked(stretches), file_of(path)
        if not marks:
            raise DatasetError("there are no stretches to add; label at least one")
        check_clips(studio.store, [address_of(file, one.start, one.end) for one in marks])
        if Path(file).is_relative_to(uploads_folder(studio.home)):
            file = keep_for_good(studio.home, file)
        clips = [(address_of(file, one.start, one.end), one.label) for one in marks]
        if dataset is None:
            rows = tuple(LabelledClip(address, label, Subset.TRAIN) for address, label in clips)
            made = Dataset(tidy(name), tuple(dict.fromkeys(label for _, label in clips)), (), rows)
            dataset = studio.store.datasets.add(made, origin=f"labeled over time: {Path(file).name}")
            return dataset, f"{counted(len(clips), 'clip')} in the new data set '{made.name}'."
        digested = [(address, label, content_digest(address)) for address, label in clips]
        added = studio.store.dataset_edits.add_clips(dataset, digested)
        again = f" {len(clips) - added:,} were there already." if added < len(clips) else ""
        return dataset, f"{counted(added, 'clip')} added to '{studio.datasets.summary(dataset).name}'.{again}"

    def _kept(self, address: str, stretch: str) -> str:
        """The ``stretch`` of the video at ``address``: of an upload the store's own copy, else where it lies, which may
        be many gigabytes. Raises ClipError."""
        file, own = split_address(address)
        if self._studio.server_paths and not is_received(file):
            kept = os.path.abspath(os.path.expanduser(file))
            try:
                open_ordinary(Path(kept)).close()  # told before a backbone is loaded for it
            except OSError as exc:
                raise ClipError(
                    Path(kept).name, f"it cannot be read ({exc.strerror or exc})", "check its path"
                ) from exc
        else:
            kept = str(keep_upload(self._studio.home, file))
        return in_use(Kept(part_of_clip(f"{kept}{own.fragment if own else ''}", stretch)))


def checked(stretches: Sequence[TimedStretch]) -> list[TimedStretch]:
    """``stretches`` in order of time, labels tidy and in one spelling. Raises DatasetError for one that is none."""
    for number, one in enumerate(stretches, start=1):
        if not tidy(one.label):
            raise DatasetError(f"stretch {number}, from {one.start:g} s, has no label; give it one, or delete it")
        if not 0 <= one.start < one.end < float("inf"):
            times = f"from {one.start:g} s to {one.end:g} s"
            raise DatasetError(f"stretch {number}, {times}, does not end after its start; correct it, or delete it")
    names = merge_labels(tidy(one.label) for one in stretches).names
    one_spelling = [replace(one, label=names[label_key(tidy(one.label))]) for one in stretches]
    return sorted(one_spelling, key=lambda one: (one.start, one.end, one.label))
