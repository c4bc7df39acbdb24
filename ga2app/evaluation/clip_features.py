"""Features of clips: encoded with prompts, or by the frozen CLIP and then kept.

Notation: N clips, W views of each, T frames a view, D embedding width.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ga2app.clip import Backbone, ranks
from ga2app.clip.turns import turn_set_aside
from ga2app.errors import ClipError, DatasetError, ErrorCode, StoreError
from ga2app.method.pooling import COUNT, moments
from ga2app.method.prompted_model import PromptedClip, plain_clip
from ga2app.paths import whole_file
from ga2app.types import Dataset, LabelledClip, Subset
from ga2app.untrusted import stored_json
from ga2app.video.clip_loader import SPARE_THREADS, ClipLoader, raised
from ga2app.video.pixels import crop_short_side_px, multi_view_pixels
from ga2app.video.sampling import MultiView, Views

CLIPS_AT_ONCE = 16
SINGLE_VIEW = MultiView()


def encode_clips(
    model: PromptedClip,
    paths: Sequence[str],
    num_frames: int,
    should_stop: Callable[[], bool] = lambda: False,
    frozen: Tensor | None = None,
    loader: ClipLoader | None = None,
) -> Tensor:
    """Clip features (N, D) of ``paths`` under evaluation sampling, through the model's vision tower.

    ``frozen`` (N, 1 + K, D) are the moments of zero-shot CLIP's frame features, where they are known: a model with a
    zero-shot ratio is spared its second pass. ``loader`` reads the clips, several at once. Raises what
    ``encode_views`` raises.
    """

    def encode(pixels: Tensor, rows: slice) -> Tensor:
        return model.encode_clips(pixels, None if frozen is None else frozen[rows])

    return _encode(model, paths, num_frames, SINGLE_VIEW, should_stop, loader, encode)[:, 0]


def clip_moments(
    model: PromptedClip,
    paths: Sequence[str],
    num_frames: int,
    should_stop: Callable[[], bool] = lambda: False,
    keep: Callable[[Sequence[str], Tensor], None] = lambda paths, moments: None,
    loader: ClipLoader | None = None,
    whole_batches: bool = False,
) -> Tensor:
    """The moments (N, 1 + K, D) of the frame features of ``paths``: what clip features are made from, the mean first.

    ``keep`` is given each batch's paths and moments: after a stop they are all that there is. ``whole_batches``
    has a batch that was begun finished first. Raises what ``encode_views`` raises.
    """

    def encode(pixels: Tensor, rows: slice) -> Tensor:
        found = moments(model.encode_frames(pixels))
        keep(paths[rows], found)
        return found.flatten(1)

    width = COUNT * model.backbone.sizes.embedding_width
    found = _encode(model, paths, num_frames, SINGLE_VIEW, should_stop, loader, encode, whole_batches, width)[:, 0]
    return torch.unflatten(found, 1, (COUNT, -1))


def encode_views(
    model: PromptedClip,
    paths: Sequence[str],
    num_frames: int,
    views: MultiView = SINGLE_VIEW,
    should_stop: Callable[[], bool] = lambda: False,
    loader: ClipLoader | None = None,
) -> Tensor:
    """Features (N, W, D) of each view of ``paths``, through the model's vision tower; each has length 1.

    Raises DatasetError that names the clips that cannot be read, and InterruptedError when asked to stop, which
    ``should_stop`` tells between two clips.
    """
    return _encode(model, paths, num_frames, views, should_stop, loader, lambda pixels, _: model.encode_clips(pixels))


@torch.no_grad()
def _encode(
    model: PromptedClip,
    paths: Sequence[str],
    num_frames: int,
    views: MultiView,
    should_stop: Callable[[], bool],
    loader: ClipLoader | None,
    encode: Callable[[Tensor, slice], Tensor],
    whole_batches: bool = False,
    width: int = 0,
) -> Tensor:
    """What ``encode`` makes (N, W, D, or ``width``) of the pixels (B·W, T, 3, S, S) of some of ``paths``, with places.

    The ranks of a run share the paths, and all have all features afterwards.
    """
    how, loader, group = model.backbone.preprocessing, loader or ClipLoader(), ranks.current()
    at_once, device = max(1, CLIPS_AT_ONCE // views.count), model.backbone.compute.device
    width, own = width or model.backbone.sizes.embedding_width, group.part(len(paths))
    features, faults = [torch.empty(0, views.count, width, device=device)], []
    loader.expect(dict.fromkeys(paths[own], Views(num_frames, views.clips)), crop_short_side_px(how, views.crops))
    jobs = (partial(multi_view_pixels, path, num_frames, how, views, loader) for path in paths[own])
    with closing(loader.ahead(jobs, spare=SPARE_THREADS)) as loaded:
        end = own.start + group.most(len(paths))
        for first in range(own.start, end, at_once):
            results: list[Tensor | ClipError] = []
            # Asked on all ranks equally often, also by one that has no clips left.
            for place in range(min(at_once, end - first)):
                if not (whole_batches and place) and should_stop():
                    raise InterruptedError
                with turn_set_aside():
                    results += islice(loaded, 1)
            faults += [str(result) for result in results if isinstance(result, ClipError)]
            if results and not faults:
                pixels = torch.cat([raised(result) for result in results])
                rows = slice(first, first + len(results))
                encoded = encode(pixels.pin_memory() if device.type == "cuda" else pixels, rows)  # (B·W, D)
                features.append(torch.unflatten(encoded, 0, (len(results), views.count)))
    if faults := group.everyones(faults):
        shown = "; ".join(faults[:5]) + ("; …" if len(faults) > 5 else "")
        raise DatasetError(
            f"{len(faults)} of {len(paths)} clips cannot be read: {shown}. Remove or re-encode them, then start again",
            code=ErrorCode.CLIPS_UNREADABLE,
        )
    return group.gather(torch.cat(features), len(paths))


def test_clips(dataset: Dataset) -> list[LabelledClip]:
    """The test clips of ``dataset`` in a fixed order: base classes first, then novel ones."""
    order = {label: place for place, label in enumerate((*dataset.base, *dataset.novel))}
    chosen = [clip for clip in dataset.clips if clip.subset is Subset.TEST and clip.label in order]
    return sorted(chosen, key=lambda clip: (order[clip.label], clip.path))


logger = logging.getLogger(__name__)


class PlainFeatures:
    """What clips are to zero-shot CLIP, by path, kept in memory: (1 + K) · D numbers a clip. ``loader`` reads them.

    With ``whole_batches`` a stop waits for the batch that was begun: whoever is stopped again and again gets further.
    """

    def __init__(self, backbone: Backbone, num_frames: int) -> None:
        self.backbone, self.num_frames = backbone, num_frames
        self.loader: ClipLoader | None = None
        self.whole_batches = False
        self._model = plain_clip(backbone, ["something"])
        self._known: dict[str, Tensor] = {}

    @property
    def count(self) -> int:
        """How many clips are known."""
        return len(self._known)

    def unknown(self, paths: Sequence[str]) -> int:
        """How many of ``paths`` are not known."""
        return len(set(paths).difference(self._known))

    def of(self, paths: Sequence[str], should_stop: Callable[[], bool] = lambda: False) -> Tensor:
        """Clip features (N, D) of ``paths``, of length 1; raises what ``moments`` raises."""
        return self._model.of_moments(self.moments(paths, should_stop))

    def moments(self, paths: Sequence[str], should_stop: Callable[[], bool] = lambda: False) -> Tensor:
        """Moments of the frame features (N, 1 + K, D) of ``paths``; raises what ``encode_clips`` raises.

        What was encoded before a stop is kept.
        """
        fresh = [path for path in dict.fromkeys(paths) if path not in self._known]
        how = (should_stop, self.add, self.loader, self.whole_batches)
        found = clip_moments(self._model, fresh, self.num_frames, *how)  # (N, 1 + K, D)
        self.add(fresh, found)  # those of other ranks, too
        return found if len(fresh) == len(paths) else torch.stack([self._known[path] for path in paths])

    def save(self, file: Path) -> None:
        """Write all that is known; whole or not at all. Raises StoreError."""
        width = self.backbone.sizes.embedding_width
        rows = torch.stack(list(self._known.values())).cpu() if self._known else torch.empty(0, COUNT, width)
        try:
            with whole_file(file) as fresh:
                save_file({"moments": rows}, str(fresh), metadata=self._facts() | {"paths": json.dumps([*self._known])})
        except (OSError, SafetensorError) as exc:  # the latter on a full disk
            raise StoreError(f"'{file}' could not be written ({exc}); free some space and try again") from exc

    def load(self, file: Path) -> None:
        """Take over what ``save`` wrote; nothing where that is not there, damaged, or of another backbone."""
        if not file.exists():
            return
        try:
            with safe_open(str(file), framework="pt") as stored:
                told, rows = dict(stored.metadata()), stored.get_tensor("moments")
            paths = stored_json(told.pop("paths"))
        except (OSError, SafetensorError, KeyError, ValueError) as exc:
            logger.warning("'%s' is damaged (%s); its clips are encoded anew", file, exc)
            return
        if told == self._facts() and len(paths) == len(rows):
            self._known.update(zip(paths, rows.to(self.backbone.compute.device), strict=True))

    def add(self, paths: Sequence[str], moments: Tensor) -> None:
        """Take over the ``moments`` (N, 1 + K, D) of ``paths``."""
        self._known.update(zip(paths, moments, strict=True))

    def _facts(self) -> dict[str, str]:
        """What features have to agree in to be of use."""
        identity = json.dumps(self.backbone.identity.to_dict(), sort_keys=True)
        return {"backbone": identity, "frames": str(self.num_frames), "precision": self.backbone.compute.precision}
