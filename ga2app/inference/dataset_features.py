"""The clips of a data set as a recognizer sees them: encoded once, kept on disk, and answered for from there.

The answers are those of ``Recognizer.recognize``, which starts from the same means over the frames.

Notation: N clips, T frames, C labels, D embedding width, P gray levels of a picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from ga2app.bundles.manifest import MANIFEST, TENSORS
from ga2app.errors import ClipError
from ga2app.evaluation.stored_features import PICTURES, StoredFeatures, unknown_to
from ga2app.inference.recognizer import Recognizer
from ga2app.method.prompted_model import plain_clip
from ga2app.paths import file_digest
from ga2app.types import Progress
from ga2app.video.clip_loader import SPARE_THREADS, ClipLoader
from ga2app.video.pixels import frames_to_pixels
from ga2app.video.sampling import Evaluation

WRITE_CLIPS = 256
"""Clips that are encoded before they are written: what a kill loses."""
PICTURE_PX = 16
MOST_PICTURES = 8
_LUMA = (0.299, 0.587, 0.114)
_BLACK, _LEVELS = -2.0, 60.0  # CLIP-normalized luminance lies between -1.8 and 2.1


class _Read(NamedTuple):
    """A clip that was read: ``pixels`` (T, 3, S, S)."""

    pixels: Tensor


class DatasetFeatures:
    """What a recognizer's towers make of clips, by the clips' content; ``root`` is where it is kept.

    Clips pass zero-shot CLIP, and each bundle with visual prompts, once. Of a bundle that moves no clip the frozen
    features serve. Threads may share one.
    """

    def __init__(self, recognizer: Recognizer, root: Path) -> None:
        self.recognizer = recognizer
        backbone = recognizer.backbone
        facts = {
            "backbone": str(sorted(backbone.identity.to_dict().items())),
            "frames": str(recognizer.num_frames),
            "precision": str(backbone.compute.precision),
        }
        looking = [one for one in recognizer.bundles if one.manifest.run.prompts.moves_clips]
        self._looking = [one.folder for one in looking]
        self._stores = [StoredFeatures(root, facts | more) for more in ({}, *map(_content, self._looking))]
        names = ["something", "nothing"]  # clips are encoded alike, whatever the labels
        self._towers = [plain_clip(backbone, names), *(one.attach(backbone, names) for one in looking)]

    def unknown(self, digests: Sequence[str]) -> list[str]:
        """Those of ``digests`` that have still to be encoded."""
        return unknown_to(self._stores, digests)

    def encode(
        self,
        clips: Mapping[str, str],
        progress: Progress = lambda done, total: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> dict[str, str]:
        """Encode those of ``clips`` (addresses by digest) that are not known; gives faults by the digests of others.

        What was encoded before a stop, which is asked for between two batches, is kept. Raises StoreError.
        """
        wanted = self.unknown(list(clips))
        faults: dict[str, str] = {}
        fresh: list[str] = []
        encoded: list[list[Tensor]] = []
        done = 0
        try:
            for some, results in self._batches({digest: clips[digest] for digest in wanted}, should_stop):
                good = [digest for digest, one in zip(some, results, strict=True) if isinstance(one, _Read)]
                read = [one.pixels for one in results if isinstance(one, _Read)]
                faults |= {d: str(one) for d, one in zip(some, results, strict=True) if isinstance(one, ClipError)}
                if read:
                    fresh += good
                    encoded.append(self._encoded(torch.stack(read)))
                done += len(some)
                progress(done, len(wanted))
                if len(fresh) >= WRITE_CLIPS:
                    self._keep(fresh, encoded)
                    fresh, encoded = [], []
        finally:
            self._keep(fresh, encoded)
            for store in self._stores:
                store.tidy()
        return faults

    def features(self, digests: Sequence[str]) -> Tensor:
        """Clip features (N, D) of zero-shot CLIP, of length 1."""
        return functional.normalize(self._stores[0].rows(digests), dim=-1)

    def pictures(self, digests: Sequence[str]) -> Tensor:
        """Up to 8 frames of each clip (N, T, P) as 16 x 16 gray levels, uint8: what tells near-copies."""
        return self._stores[0].rows(digests, PICTURES)

    @torch.no_grad()
    def probabilities(self, digests: Sequence[str], labels: Sequence[str]) -> tuple[list[Tensor], list[str]]:
        """Calibrated probabilities (N, C) of ``labels`` by zero-shot CLIP and by each bundle, and the labels' names.

        A label of which the backbone knows no word takes no part: its probability is 0. Raises LabelError.
        """
        asked = self.recognizer._asked(labels)
        with self.recognizer.turns.turn():
            found = []
            for place, classifier in enumerate(self.recognizer._classifiers(asked)):
                folder = self.recognizer.bundles[place - 1].folder if place else ""
                store = self._looking.index(folder) + 1 if folder in self._looking else 0
                device = self.recognizer.backbone.compute.device
                means = self._stores[store].rows(digests).to(device)[:, None]  # (N, 1, D): pooled they are themselves
                found.append(classifier.over_time(means)[0].cpu())
        return found, list(asked.names)

    @torch.no_grad()
    def texts(self, sentences: Sequence[str]) -> Tensor:
        """Text features (K, D) of whole sentences, or of names in the template, by zero-shot CLIP."""
        with self.recognizer.turns.turn():
            return self.recognizer.backbone.class_features(sentences).cpu()

    def _batches(
        self, clips: Mapping[str, str], should_stop: Callable[[], bool]
    ) -> Iterator[tuple[list[str], list[_Read | ClipError]]]:
        """Digests and what was read of them, a batch at a time; several clips are read at once, and some ahead."""
        how, loader = self.recognizer.backbone.preprocessing, ClipLoader()
        look = Evaluation(self.recognizer.num_frames)
        loader.expect(dict.fromkeys(clips.values(), look), how.read_px)

        def read(path: str) -> _Read:
            clip = loader.read(path, look, short_side_px=how.read_px)
            return _Read(frames_to_pixels(clip.frames, how))

        digests, at_once = list(clips), self.recognizer._clips_at_once()
        with closing(loader.ahead((partial(read, clips[one]) for one in digests), spare=SPARE_THREADS)) as results:
            for first in range(0, len(digests), at_once):
                if should_stop():
                    return
                some = digests[first : first + at_once]
                yield some, list(islice(results, len(some)))

    @torch.no_grad()
    def _encoded(self, pixels: Tensor) -> list[Tensor]:
        """Pooled features (B, D) by each tower of clips (B, T, 3, S, S), and behind them the pictures (B, T, P)."""
        with self.recognizer.turns.turn():
            plain, *tuned = self._towers
            seen = plain.encode_frames(pixels)  # (B, T, D)
            looked = [seen if model.prompts.visual is None else model.encode_frames(pixels, seen) for model in tuned]
            pooled = [
                model.prompts.pool(frames).cpu() for model, frames in zip(self._towers, [seen, *looked], strict=True)
            ]
        return [*pooled, small_pictures(pixels)]

    def _keep(self, digests: Sequence[str], encoded: Sequence[Sequence[Tensor]]) -> None:
        if digests:
            *means, pictures = (torch.cat(parts) for parts in zip(*encoded, strict=True))
            for store, rows in zip(self._stores, means, strict=True):
                store.keep(digests, rows, pictures)


def small_pictures(pixels: Tensor) -> Tensor:
    """Up to 8 frames of clips (B, T, 3, S, S), CLIP-normalized, as 16 x 16 gray levels (B, T', P), uint8."""
    count = min(MOST_PICTURES, pixels.shape[1])
    chosen = [place * pixels.shape[1] // count for place in range(count)]
    gray = (pixels[:, chosen] * pixels.new_tensor(_LUMA)[:, None, None]).sum(dim=2)  # (B, T', S, S)
    small = functional.adaptive_avg_pool2d(gray, PICTURE_PX)
    return ((small - _BLACK) * _LEVELS).round().clamp(0, 255).to(torch.uint8).flatten(2)


def _content(folder: str) -> dict[str, str]:
    """What a bundle's clip features depend on."""
    return {"bundle": " ".join(file_digest(Path(folder) / name) for name in (MANIFEST, TENSORS))}
