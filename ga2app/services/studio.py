"""What pages, endpoints, agents and commands are given: the data directory, its store, and the services."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ga2app.clip.files import check_clip, looks_like_clip, may_be_on_the_hub
from ga2app.config import SKETCH
from ga2app.errors import BackboneError, BundleError, shown
from ga2app.hub import Downloads
from ga2app.hub.backbone_downloads import Backbones
from ga2app.paths import Home, default_home
from ga2app.services.anchor_pools import AnchorAdvisor
from ga2app.services.anchor_service import AnchorService
from ga2app.services.annotation_files import AnnotationService
from ga2app.services.clip_inspector import VideoInspector
from ga2app.services.dataset_looks import DatasetLooks
from ga2app.services.dataset_service import DatasetService
from ga2app.services.explanations import Explainer, ExplanationService
from ga2app.services.forecast import SpeedEstimator
from ga2app.services.hub_datasets import HubDatasets
from ga2app.services.imports import ImportService
from ga2app.services.label_sentences import DescriptionService
from ga2app.services.library import LibraryService
from ga2app.services.live_recognition import LiveService
from ga2app.services.long_videos import LongVideoService
from ga2app.services.recognition_service import RecognitionService
from ga2app.services.recognizers import OwnRecognizer
from ga2app.services.remote_jobs import JobsService
from ga2app.services.review_service import ReviewService
from ga2app.services.runs import RunService
from ga2app.services.served_files import ServedFiles
from ga2app.services.sharing import SharingService
from ga2app.services.space import OwnershipService, Space
from ga2app.services.sweeps import SweepService
from ga2app.services.training import TrainingService
from ga2app.services.true_labels import WaitingService
from ga2app.store import Store
from ga2app.types import BackboneChoice, BundleCard, figure_text


@dataclass(frozen=True)
class Example:
    """A drawn clip that the first screen offers: its file and what it shows."""

    path: str
    label: str


def _typed_folder(text: str) -> str | None:
    """The whole path that ``text`` names, as people type and paste paths; None for the name of a repository."""
    path = Path(os.path.expanduser(text.strip("'\"")))
    return os.path.realpath(path) if os.path.exists(path) or not may_be_on_the_hub(str(path)) else None


@dataclass(frozen=True)
class Studio:
    """Everything the screens may use; each service is made when it is first asked for.

    ``backbones`` lists what can be used without a download, the default first. ``wake_worker`` starts a worker
    if there is none; ``worker_alive`` says whether there is one. ``server_paths`` says whether a person may name files
    of the machine that the studio runs on: so on one's own, never on a public one. ``space`` is the Hugging Face Space
    that the studio runs as. ``clips_at_once`` are recognized in one call: one, so that each answer is shown at once, or
    more where a call is dear. ``unpictured`` are clips that gave no picture. ``asked_by`` is the name of whoever acts
    just now, empty for one who is not signed in and off a Space. ``remember_backbone`` adds a folder to ``backbones``.
    """

    home: Home
    store: Store
    recognizer: OwnRecognizer
    explainer: Explainer
    backbones: Callable[[], Sequence[BackboneChoice]]
    estimator: SpeedEstimator
    inspector: VideoInspector = field(default_factory=VideoInspector)
    advisor: AnchorAdvisor = field(default_factory=AnchorAdvisor)
    examples: Sequence[Example] = ()
    wake_worker: Callable[[], object] = lambda: None
    worker_alive: Callable[[], bool] = lambda: True
    server_paths: bool = True
    downloads: Downloads = field(default_factory=Downloads)
    unpictured: set[Path] = field(default_factory=set)
    space: Space | None = None
    asked_by: Callable[[], str] = lambda: ""
    remember_backbone: Callable[[str], None] = lambda folder: None
    clips_at_once: int = 1

    anchors = cached_property(AnchorService)
    annotations = cached_property(AnnotationService)
    datasets = cached_property(DatasetService)
    descriptions = cached_property(DescriptionService)
    recognition = cached_property(RecognitionService)
    review = cached_property(ReviewService)
    explanations = cached_property(ExplanationService)
    files = cached_property(ServedFiles)
    hub_datasets = cached_property(HubDatasets)
    imports = cached_property(ImportService)
    jobs = cached_property(JobsService)
    library = cached_property(LibraryService)
    live = cached_property(LiveService)
    looks = cached_property(DatasetLooks)
    long_videos = cached_property(LongVideoService)
    ownership = cached_property(OwnershipService)
    sharing = cached_property(SharingService)
    runs = cached_property(RunService)
    sweeps = cached_property(SweepService)
    training = cached_property(TrainingService)
    waiting = cached_property(WaitingService)

    def may_change(self) -> None:
        """Raises AccessError where whoever acts just now may change nothing in this Space; the store asks by itself."""
        self.store.may_change()

    def backbone_title(self, name: str) -> str:
        """How the screens call a backbone; its own name where the list does not have it."""
        return next((choice.title for choice in self.backbones() if choice.name == name), name)

    def known_backbone(self, name: str | None) -> str:
        """``name`` if it can be used here, the default for None. Raises BackboneError otherwise.

        Where files of this machine may be named, any folder of a CLIP can be used: its whole path is the name, and
        the list holds it from then on.
        """
        found, fresh = self._usable_backbone((name or "").strip())
        if fresh:
            self.remember_backbone(found)
        return found

    def has_backbone(self, name: str) -> bool:
        """Whether ``name`` is listed, or the folder of a CLIP where files of this machine may be named."""
        try:
            return self._usable_backbone(name)[0] == name
        except BackboneError:
            return False

    def _usable_backbone(self, name: str) -> tuple[str, bool]:
        """The backbone that is meant by ``name``, and whether it is a folder that the list does not have."""
        names = [choice.name for choice in self.backbones()] or [SKETCH]
        if not name or name in names:
            return name or names[0], False
        folder = _typed_folder(name) if self.server_paths else None
        if folder in names:
            return folder, False
        absent = f"backbone '{name}' is not on this machine; choose one of: {', '.join(names)}"
        if folder is None:
            raise BackboneError(f"{absent}, or download it first")
        try:
            check_clip(folder)
        except BackboneError as exc:
            if looks_like_clip(Path(folder)):
                raise
            raise BackboneError(f"{absent}, or name the folder of a CLIP: {exc}") from exc
        return folder, True

    def bundle(self, key: str | None) -> BundleCard | None:
        """The bundle that a list shows under ``key``; None for no bundle. Raises BundleError if there is none."""
        if not key:
            return None
        for card in self.store.bundles.list():
            if card.key == key:
                return card
        raise BundleError(f"there is no bundle '{key}' in the library; choose one from the list")

    def bundle_called(self, name: str) -> BundleCard:
        """The bundle of that key, name or folder, as commands call bundles. Raises BundleError for none, or several."""
        cards, folder = self.store.bundles.list(), os.path.abspath(name)
        found = [card for card in cards if card.key == name] or [
            card for card in cards if name == self.bundle_title(card) or card.folder in (name, folder)
        ]
        if len(found) > 1:
            folders = ", ".join(card.folder for card in found)
            raise BundleError(f"{len(found)} bundles are called '{name}'; name one by its folder: {folders}")
        if not found:
            raise BundleError(f"there is no bundle '{shown(name)}' in the library; the command bundles lists them")
        return found[0]

    def bundle_title(self, card: BundleCard) -> str:
        """How the screens call a bundle: by the name it was given, one that was trained here by its run."""
        return card.title or card.name

    def bundle_choices(self) -> list[tuple[str, str]]:
        """Titles and keys for a list of bundles, newest first, with what tells them apart."""
        cards = self.store.bundles.list()
        names = [self.bundle_title(card) for card in cards]
        choices = []
        for card, name in zip(cards, names, strict=True):
            name = name if names.count(name) == 1 else f"{name} · {card.key}"
            figure = f", HM {figure_text('hm', card.metrics, card.tested)}" if "hm" in card.metrics else ""
            choices.append((f"{name} ({len(card.base)} trained labels{figure})", card.key))
        return choices


@contextmanager
def own_studio(home: Home | None = None) -> Iterator[Studio]:
    """The studio of whoever runs a command or a program: all services on ``home``, no page and no worker."""
    home, recognizer = home or default_home(), OwnRecognizer()
    with Store.open(home) as store:
        yield Studio(
            home=home,
            store=store,
            recognizer=recognizer,
            explainer=Explainer(recognizer),
            backbones=Backbones(file=home.root / "backbone_folders.json"),
            estimator=SpeedEstimator(home.root / "speeds.json"),
        )
