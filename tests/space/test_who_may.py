"""Every method of every service and every endpoint, called by four people on what one of them has made."""

from __future__ import annotations

import inspect
import os
import shutil
import sqlite3
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from fastapi import Request
from gradio.context import LocalContext

from ga2app.config import RunConfig, preset
from ga2app.datasets import Half
from ga2app.datasets.annotation_writers import AnnotationFormat
from ga2app.datasets.clip_files import content_digest
from ga2app.errors import AccessError, DatasetError, StudioError
from ga2app.paths import PROJECT, SKETCH_HARD_PROMPT, Home
from ga2app.services.anchor_pools import DATASET
from ga2app.services.anchor_service import ProposedClip
from ga2app.services.annotation_files import AnnotationSource
from ga2app.services.explanations import Question
from ga2app.services.import_sources import FileSource
from ga2app.services.negatives import Asked as AskedLabels
from ga2app.services.recognition_service import Results
from ga2app.services.retention import UNDER_WAY, sweep
from ga2app.services.run_requests import Asked, Plan, PlannedRun
from ga2app.services.served_files import NoFile
from ga2app.services.space import Access, Space
from ga2app.services.sweep_points import SweepAsked
from ga2app.store import BundleQuery
from ga2app.store.anchor_rows import AnchorFile
from ga2app.store.clip_pages import ClipFilter
from ga2app.store.import_records import ImportState
from ga2app.store.row_guard import FOREIGN, PARTS, PRIVATE, SHARED, acting_as, owner_of
from ga2app.types import (
    AnchorClip,
    AnchorKind,
    Answer,
    BundleCard,
    Dataset,
    HubAccount,
    HubOffer,
    HubRevision,
    LabelKind,
    LabelledClip,
    ProposalKind,
    PushOptions,
    Recognition,
    RecognitionRequest,
    RecognizedClip,
    RepoKind,
    RunRecord,
    RunState,
    Score,
    Sliding,
    Subset,
    TextProposal,
    TimedStretch,
)
from ga2app.web import Studio, build_page
from ga2app.web.access import guarded
from ga2app.worker import launcher
from tests.ui.runs.reports import add_reported_run, make_report
from tests.ui.studios import add_run, draw_clip, keep_bundle, make_studio

from .hosting import finish
from .test_strangers import signed_in

PEOPLE = {"nobody": {}, "another": signed_in("eve"), "maker": signed_in("Bob"), "owner": signed_in("alice")}
"""Sessions: somebody who is not signed in, somebody else, who has made it, and the Space's owner."""
GUIDE = PROJECT / "docs" / "guides" / "deploy.md"
SECRET = "secret"
"""Is in every name that the maker gave."""

YES, HIDDEN, REFUSED, OWN = "yes", "not there", "refused", "their own"
READS = (HIDDEN, HIDDEN, YES, YES)
CHANGES = (REFUSED, HIDDEN, YES, YES)
LISTS = (OWN, OWN, YES, YES)
UNDOES = (HIDDEN, HIDDEN, YES, HIDDEN)
OFFERS = (OWN, OWN, YES, OWN)
MAKES = (REFUSED, OWN, YES, OWN)
ASKS = (REFUSED, OWN, OWN, OWN)
FINDS = (HIDDEN, HIDDEN, OWN, OWN)
TELLS = (HIDDEN, HIDDEN, YES, YES)
OPEN = (OWN, OWN, OWN, OWN)
NEVER = (HIDDEN, HIDDEN, HIDDEN, HIDDEN)


@dataclass(frozen=True)
class Made:
    """What the maker has, by numbers and names."""

    dataset: int
    labels: tuple[int, int]
    clips: tuple[int, ...]
    anchors: int
    group: int
    run: int
    stopped: int
    waiting: int
    record: RunRecord
    imported: int
    card: BundleCard
    upload: str
    folder: Path
    waits: int

    @property
    def asked(self) -> AskedLabels:
        return AskedLabels("", ("waving", "rowing a boat"), (), "sketch")

    @property
    def config(self) -> RunConfig:
        return RunConfig.from_dict(preset("quick").to_dict() | {"dataset": "secret set"})


Call = Callable[[Studio, Made], Any]
BOTH = ["waving", "rowing a boat"]
ACCOUNT = HubAccount("someone")
OFFER = HubOffer(RepoKind.MODEL, HubRevision("someone/thing", "0" * 40), ())
SMALL = {"backbone": "sketch", "prompts.visual_depth": 0, "prompts.text_depth": 3, "prompts.length": 8}
STRETCHES = [TimedStretch(0.0, 0.5, "waving")]
TEXTS = [TextProposal("an empty room", ProposalKind.NEGATIVE, 0.1, "waving")]


SIGN_IN = "belong to whoever made them"


def upload(one: Made) -> FileSource:
    return FileSource(one.folder / "clips.zip", uploaded=True)


def written_folder(studio: Studio, one: Made) -> Path:
    return studio.datasets.export_folder(one.dataset, Path(tempfile.mkdtemp(dir=one.folder)))


def labeled(one: Made) -> AnnotationSource:
    """A zip of a video with labels over time."""
    file = one.folder / "labeled.zip"
    with zipfile.ZipFile(file, "w") as packed:
        packed.write(draw_clip(one.folder / "labeled.mp4"), "labeled.mp4")
        packed.writestr("labeled.vtt", "WEBVTT\n\n00:00.000 --> 00:00.500\nrun\n")
    return AnnotationSource(file, uploaded=True)


METHODS: dict[str, tuple[Call, tuple[str, ...]]] = {
    "anchors.accept": (lambda s, m: s.anchors.accept(m.anchors, [ProposedClip(m.upload, "x", None)], [0]), CHANGES),
    "anchors.accept_prompts": (lambda s, m: s.anchors.accept_prompts(m.group, TEXTS, [0]), CHANGES),
    "anchors.add_prompts": (lambda s, m: s.anchors.add_prompts(m.group, "an empty hall"), CHANGES),
    "anchors.asked": (lambda s, m: s.anchors.asked("secret set", "", None), READS),
    "anchors.draw_pictures": (lambda s, m: s.anchors.draw_pictures([]), OPEN),
    "anchors.export_prompts": (lambda s, m: s.anchors.export_prompts(), LISTS),
    "anchors.ideas": (lambda s, m: s.anchors.ideas(m.asked), ASKS),
    "anchors.import_prompts": (lambda s, m: s.anchors.import_prompts(str(m.folder / "prompts.csv")), MAKES),
    "anchors.make_clips": (
        lambda s, m: s.anchors.make_clips("secret set", [AnchorKind.AWAY], 1, m.asked),
        CHANGES,
    ),
    "anchors.measure_clips": (lambda s, m: s.anchors.measure_clips(m.anchors, m.asked), (HIDDEN, HIDDEN, YES, OWN)),
    "anchors.measure_prompts": (lambda s, m: s.anchors.measure_prompts(m.group, m.asked), (HIDDEN, HIDDEN, YES, YES)),
    "anchors.picture": (lambda s, m: s.anchors.picture("x.mp4"), OPEN),
    "anchors.pools": (lambda s, m: s.anchors.pools(None), LISTS),
    "anchors.questions": (
        lambda s, m: [SECRET for one in s.anchors.questions("secret set", "", None) if one],
        (OWN, OWN, YES, OWN),
    ),
    "anchors.start_values": (lambda s, m: s.anchors.start_values(), (OWN, OWN, YES, OWN)),
    "anchors.suggest_clips": (
        lambda s, m: s.anchors.suggest_clips(m.anchors, f"{DATASET}secret set", m.asked, 1),
        (HIDDEN, HIDDEN, YES, YES),
    ),
    "anchors.suggest_prompts": (lambda s, m: s.anchors.suggest_prompts(m.group, m.asked, 1), ASKS),
    "anchors.take": (lambda s, m: s.anchors.take(m.anchors, [AnchorClip(m.upload, "x")]), CHANGES),
    "anchors.to_undo": (lambda s, m: s.anchors.to_undo(), OFFERS),
    "anchors.undo": (lambda s, m: s.anchors.undo(), UNDOES),
    "anchors.upload": (lambda s, m: s.anchors.upload(m.anchors, [m.upload], ""), CHANGES),
    "annotations.export": (lambda s, m: s.annotations.export(m.dataset, AnnotationFormat.CSV).name, CHANGES),
    "annotations.preview": (lambda s, m: s.annotations.preview(labeled(m)).format, (REFUSED, OWN, OWN, OWN)),
    "annotations.written": (lambda s, m: s.annotations.written(m.dataset, AnnotationFormat.CSV), READS),
    "descriptions.can_ask": (lambda s, m: s.descriptions.can_ask(), OPEN),
    "descriptions.propose": (lambda s, m: s.descriptions.propose(m.dataset, "", "a/model"), (REFUSED, *NEVER[1:])),
    "descriptions.read": (lambda s, m: s.descriptions.read(m.dataset, m.folder / "told.json", ""), READS),
    "descriptions.save": (lambda s, m: s.descriptions.save(m.dataset, "secret waving: a hand"), CHANGES),
    "datasets.all": (lambda s, m: s.datasets.all(), LISTS),
    "datasets.called": (lambda s, m: s.datasets.called("secret set"), READS),
    "datasets.delete": (lambda s, m: s.datasets.delete(m.dataset), CHANGES),
    "datasets.delete_clips": (lambda s, m: s.datasets.delete_clips(m.clips[:1]), CHANGES),
    "datasets.delete_labels": (lambda s, m: s.datasets.delete_labels(m.dataset, m.labels[:1]), CHANGES),
    "datasets.divide_by_half": (lambda s, m: s.datasets.divide_by_half(m.dataset, Half.LIST), CHANGES),
    "datasets.divide_by_list": (
        lambda s, m: s.datasets.divide_by_list(m.dataset, "secret waving", LabelKind.NOVEL),
        READS,
    ),
    "datasets.export": (lambda s, m: s.datasets.export(m.dataset, packed=False).name, CHANGES),
    "datasets.export_folder": (lambda s, m: [SECRET] * bool(written_folder(s, m)), CHANGES),
    "datasets.health": (lambda s, m: s.datasets.health(s.datasets.summary(m.dataset)), (HIDDEN, HIDDEN, OWN, OWN)),
    "datasets.label_clips": (lambda s, m: s.datasets.label_clips(m.dataset, m.clips[:1], "new"), CHANGES),
    "datasets.last_edit": (lambda s, m: s.datasets.last_edit(), OFFERS),
    "datasets.merge_labels": (lambda s, m: s.datasets.merge_labels(m.labels[1:], m.labels[0]), CHANGES),
    "datasets.move_clips": (lambda s, m: s.datasets.move_clips(m.clips, Subset.TEST), CHANGES),
    "datasets.own": (lambda s, m: s.datasets.own(m.dataset), CHANGES),
    "datasets.preview": (lambda s, m: s.datasets.preview(m.clips[0]), READS),
    "datasets.rename": (lambda s, m: s.datasets.rename(m.dataset, "another"), CHANGES),
    "datasets.rename_label": (lambda s, m: s.datasets.rename_label(m.labels[:1], "another"), CHANGES),
    "datasets.sample": (lambda s, m: s.datasets.sample(m.dataset, 1, 1), READS),
    "datasets.set_kind": (lambda s, m: s.datasets.set_kind(m.dataset, m.labels, LabelKind.NOVEL), CHANGES),
    "datasets.share": (lambda s, m: s.datasets.share(m.dataset, True), CHANGES),
    "datasets.split": (lambda s, m: s.datasets.split(m.dataset, share=0.5, seed=1, novel_whole=True), CHANGES),
    "datasets.summary": (lambda s, m: s.datasets.summary(m.dataset), READS),
    "datasets.undo": (lambda s, m: s.datasets.undo(), UNDOES),
    "explanations.anchors_at_hand": (lambda s, m: s.explanations.anchors_at_hand(), LISTS),
    "explanations.explain": (lambda s, m: s.explanations.explain(results(m), Question(0, 0, BOTH[0])), LISTS),
    "explanations.overlays": (
        lambda s, m: s.explanations.overlays(s.explanations.explain(results(m), Question(0, 0, BOTH[0]))),
        OPEN,
    ),
    "explanations.read_tokens": (
        lambda s, m: s.explanations.read_tokens(results(m, s.library.bundle("secret-set")), Question(0, 1, BOTH[0])),
        (HIDDEN, HIDDEN, OWN, OWN),
    ),
    "files.address": (lambda s, m: s.files.address(log_of(s, m)), OPEN),
    "files.find": (lambda s, m: [SECRET] * bool(served(s, s.files.address(log_of(s, m)))), READS),
    "hub_datasets.files": (lambda s, m: s.hub_datasets.files(m.dataset), CHANGES),
    "hub_datasets.find": (lambda s, m: s.hub_datasets.find("a/b"), NEVER),
    "hub_datasets.push": (
        lambda s, m: s.hub_datasets.push(m.dataset, PushOptions()),
        (REFUSED, HIDDEN, HIDDEN, HIDDEN),
    ),
    "hub_datasets.repo_of": (lambda s, m: s.hub_datasets.repo_of(m.dataset, ACCOUNT), READS),
    "imports.cancel": (lambda s, m: s.imports.cancel(), (OWN, OWN, OWN, OWN)),
    "imports.outline": (lambda s, m: [SECRET] * bool(s.imports.outline(m.imported)), READS),
    "imports.report_file": (lambda s, m: [SECRET] * bool(s.imports.report_file(m.imported)), READS),
    "imports.run": (lambda s, m: s.imports.run(upload(m), "mine"), MAKES),
    "imports.start": (lambda s, m: s.imports.wait(s.imports.start(upload(m), "mine")).name, MAKES),
    "imports.wait": (lambda s, m: s.imports.wait(m.imported), (HIDDEN, HIDDEN, YES, YES)),
    "jobs.flavors": (lambda s, m: s.jobs.flavors(), NEVER),
    "jobs.offer": (lambda s, m: s.jobs.offer(None), OPEN),
    "library.bundle": (lambda s, m: s.library.bundle("secret-set"), READS),
    "library.delete": (lambda s, m: s.library.delete("secret-set"), READS),
    "library.export_onnx": (lambda s, m: s.library.export_onnx("secret-set", m.folder / "x", backbone="-"), NEVER),
    "library.export_zip": (lambda s, m: exported(s, m), READS),
    "library.facts": (lambda s, m: s.library.facts(m.card), READS),
    "library.find": (lambda s, m: s.library.find("secret-set"), READS),
    "library.folder_of": (lambda s, m: s.library.folder_of(m.card.folder), READS),
    "library.import_bundle": (lambda s, m: s.library.import_bundle(m.card.folder), NEVER),
    "library.import_checkpoint": (lambda s, m: s.library.import_checkpoint(m.upload, "sketch"), (REFUSED,) * 4),
    "library.is_missing": (lambda s, m: s.library.is_missing(m.card), OPEN),
    "library.keep": (lambda s, m: s.library.keep(m.folder / "bundle")[0].key, MAKES),
    "library.page": (lambda s, m: s.library.page(BundleQuery(), limit=9), LISTS),
    "library.rename": (lambda s, m: s.library.rename("secret-set", "another"), READS),
    "library.to_undo": (lambda s, m: s.library.to_undo(), OFFERS),
    "library.undo": (lambda s, m: s.library.undo(), UNDOES),
    "ownership.check_download": (
        lambda s, m: [SECRET] * (s.ownership.check_download(m.card) is None),
        (REFUSED, REFUSED, YES, YES),
    ),
    "ownership.locked": (lambda s, m: [SECRET] * (not s.ownership.locked(m.card)), LISTS),
    "ownership.may_share": (lambda s, m: [SECRET] * s.ownership.may_share(m.card), LISTS),
    "ownership.share": (lambda s, m: s.ownership.share("bundle", "secret-set", True), READS),
    "ownership.whose": (lambda s, m: s.ownership.whose(m.card).replace("bob", SECRET), (OWN, OWN, OWN, YES)),
    "looks.cancel": (lambda s, m: s.looks.cancel(m.dataset), OPEN),
    "looks.features": (lambda s, m: s.looks.features(), OPEN),
    "looks.look": (lambda s, m: s.looks.look(m.dataset), (HIDDEN, HIDDEN, OWN, OWN)),
    "looks.seen": (lambda s, m: s.looks.seen(m.dataset).rows, READS),
    "looks.start": (lambda s, m: begun(s, m), (HIDDEN, HIDDEN, OWN, OWN)),
    "looks.state": (lambda s, m: s.looks.state(m.dataset), OPEN),
    "live.begin": (lambda s, m: s.live.begin(wanted(m, "secret-set")), FINDS),
    "live.end": (lambda s, m: s.live.end("0" * 32), OPEN),
    "live.forget_idle": (lambda s, m: s.live.forget_idle(), OPEN),
    "live.see": (lambda s, m: s.live.see("0" * 32, 16, 16, bytes(768)), NEVER),
    "long_videos.add": (lambda s, m: s.long_videos.add(m.upload, STRETCHES, m.dataset), CHANGES),
    "long_videos.answer": (lambda s, m: s.long_videos.answer(wanted(m, "secret-set"), Sliding()), READS),
    "long_videos.answers": (lambda s, m: [*s.long_videos.answers(wanted(m), Sliding())], OPEN),
    "long_videos.export": (lambda s, m: s.long_videos.export("a.mp4", STRETCHES, AnnotationFormat.CSV), OPEN),
    "long_videos.in_place": (lambda s, m: s.long_videos.in_place(wanted(m), Sliding(), no_clip), NEVER),
    "long_videos.written": (lambda s, m: s.long_videos.written("a.mp4", STRETCHES, AnnotationFormat.CSV), OPEN),
    "recognition.agreed_backbone": (lambda s, m: s.recognition.agreed_backbone("secret-set"), FINDS),
    "recognition.answer": (lambda s, m: s.recognition.answer(wanted(m, "secret-set")), READS),
    "recognition.answers": (lambda s, m: [*s.recognition.answers(wanted(m))], OPEN),
    "recognition.bundle_labels": (lambda s, m: s.recognition.bundle_labels("secret-set"), FINDS),
    "recognition.chosen_bundles": (lambda s, m: s.recognition.chosen_bundles("secret-set"), READS),
    "recognition.chosen_threshold": (lambda s, m: s.recognition.chosen_threshold("secret-set"), OPEN),
    "recognition.dataset_descriptions": (lambda s, m: s.recognition.dataset_descriptions("secret set"), LISTS),
    "recognition.dataset_labels": (lambda s, m: s.recognition.dataset_labels("secret set"), LISTS),
    "recognition.in_place": (lambda s, m: s.recognition.in_place(wanted(m), no_clip), NEVER),
    "recognition.label_lists": (lambda s, m: s.recognition.label_lists(), LISTS),
    "recognition.misfit": (lambda s, m: s.recognition.misfit("secret-set", "real"), READS),
    "recognition.resolved": (lambda s, m: s.recognition.resolved(wanted(m, "secret-set")), READS),
    "recognition.suggestions": (lambda s, m: s.recognition.suggestions("", []), LISTS),
    "review.confirm": (lambda s, m: s.review.confirm(m.clips[0]), CHANGES),
    "review.copies": (lambda s, m: s.review.copies(m.dataset), READS),
    "review.correct": (lambda s, m: s.review.correct(m.clips[0], "another"), CHANGES),
    "review.counts": (lambda s, m: s.review.counts(m.dataset), OPEN),
    "review.leave_out": (lambda s, m: s.review.leave_out(m.clips[0]), CHANGES),
    "review.ranked": (lambda s, m: s.review.ranked(m.dataset, "uncertain"), READS),
    "review.remaining": (lambda s, m: s.review.remaining(m.dataset, "uncertain"), FINDS),
    "review.search": (lambda s, m: s.review.search(m.dataset, "a person"), READS),
    "review.similar": (lambda s, m: s.review.similar(m.dataset, m.clips[0]), READS),
    "review.skip": (lambda s, m: s.review.skip(m.clips[0]), CHANGES),
    "review.undo": (lambda s, m: s.review.undo(), UNDOES),
    "runs.comparison": (lambda s, m: s.runs.comparison([m.run]), LISTS),
    "runs.curve": (lambda s, m: [SECRET for _ in s.runs.curve(m.run).epochs], LISTS),
    "runs.curves_text": (lambda s, m: s.runs.curves_text([m.run], "csv"), READS),
    "runs.delete": (lambda s, m: s.runs.delete(m.run), READS),
    "runs.find": (lambda s, m: s.runs.find(m.run), LISTS),
    "runs.get": (lambda s, m: s.runs.get(m.run), READS),
    "runs.has_report": (lambda s, m: [SECRET] * s.runs.has_report(m.record), LISTS),
    "runs.log_file": (lambda s, m: s.runs.log_file(m.run).read_text(), READS),
    "runs.log_tail": (lambda s, m: s.runs.log_tail(m.run, 9), LISTS),
    "runs.move": (lambda s, m: s.runs.move(m.waiting, "front"), CHANGES),
    "runs.page": (lambda s, m: s.runs.page(), LISTS),
    "runs.possible": (lambda s, m: [SECRET] * bool(s.runs.possible(m.record)), LISTS),
    "runs.rename": (lambda s, m: s.runs.rename(m.run, "another"), CHANGES),
    "runs.report": (lambda s, m: s.runs.report(m.run), LISTS),
    "runs.resume": (lambda s, m: s.runs.resume(m.stopped), CHANGES),
    "runs.seeds": (lambda s, m: s.runs.seeds(m.record), OPEN),
    "runs.status": (lambda s, m: s.runs.status(m.run), READS),
    "runs.stop": (lambda s, m: s.runs.stop(m.waiting), CHANGES),
    "runs.summaries": (lambda s, m: s.runs.summaries(), LISTS),
    "runs.undo": (lambda s, m: s.runs.undo(), UNDOES),
    "runs.undo_offer": (lambda s, m: s.runs.undo_offer(), OFFERS),
    "runs.wake": (lambda s, m: s.runs.wake(), OPEN),
    "sharing.account": (lambda s, m: s.sharing.account(), NEVER),
    "sharing.find_anchors": (lambda s, m: s.sharing.find_anchors("a/b"), NEVER),
    "sharing.find_bundle": (lambda s, m: s.sharing.find_bundle("a/b"), NEVER),
    "sharing.pull_anchors": (lambda s, m: s.sharing.pull_anchors(OFFER), (REFUSED, HIDDEN, HIDDEN, HIDDEN)),
    "sharing.pull_bundle": (lambda s, m: s.sharing.pull_bundle(OFFER), (REFUSED, HIDDEN, HIDDEN, HIDDEN)),
    "sharing.push_anchors": (
        lambda s, m: s.sharing.push_anchors(m.anchors, PushOptions()),
        (REFUSED, HIDDEN, HIDDEN, HIDDEN),
    ),
    "sharing.push_bundle": (
        lambda s, m: s.sharing.push_bundle(m.card.folder, PushOptions()),
        (REFUSED, HIDDEN, HIDDEN, HIDDEN),
    ),
    "sharing.repo_of_anchors": (lambda s, m: s.sharing.repo_of_anchors(m.anchors, ACCOUNT), LISTS),
    "sharing.repo_of_bundle": (lambda s, m: s.sharing.repo_of_bundle(m.card.folder, ACCOUNT), READS),
    "sweeps.all": (lambda s, m: s.sweeps.all(), LISTS),
    "sweeps.delete": (lambda s, m: s.sweeps.delete(m.waiting - 1), READS),
    "sweeps.get": (lambda s, m: s.sweeps.get(m.waiting - 1), READS),
    "sweeps.queue_settings": (
        lambda s, m: s.sweeps.queue_settings({"dataset": "secret set"}, SweepAsked(("shots=1,2",)), "quick", "secret"),
        (HIDDEN, HIDDEN, YES, OWN),
    ),
    "sweeps.stop": (lambda s, m: s.sweeps.stop(m.waiting - 1), CHANGES),
    "waiting.all": (lambda s, m: s.waiting.all(), OFFERS),
    "waiting.dismiss": (lambda s, m: s.waiting.dismiss(m.waits), CHANGES),
    "waiting.join": (lambda s, m: s.waiting.join(m.waits, m.dataset, "another"), (REFUSED, HIDDEN, YES, HIDDEN)),
    "waiting.keep": (lambda s, m: s.waiting.keep(answered(m)), MAKES),
    "training.check": (lambda s, m: s.training.check(m.config).dataset, LISTS),
    "training.config": (lambda s, m: s.training.config(Asked(("demo",), "1", {})), OPEN),
    "training.coupled_to": (lambda s, m: s.training.coupled_to("secret-set"), READS),
    "training.estimates": (lambda s, m: s.training.estimates(Plan(())), OPEN),
    "training.hard_prompt_folder": (lambda s, m: s.training.hard_prompt_folder("secret-set"), READS),
    "training.hard_prompt_key": (lambda s, m: s.training.hard_prompt_key(m.card.folder)[: len(m.card.key)], LISTS),
    "training.hard_prompts": (lambda s, m: s.training.hard_prompts("sketch", 8), LISTS),
    "training.past_paces": (lambda s, m: [SECRET for _ in s.training.past_paces(preset("quick"))], LISTS),
    "training.plan": (lambda s, m: s.training.plan(Asked(("secret set",), "1", SMALL)), READS),
    "training.queue": (
        lambda s, m: s.training.queue(Plan((PlannedRun("secret", m.config, None),))),
        (REFUSED, REFUSED, YES, OWN),
    ),
    "training.queue_config": (lambda s, m: s.training.queue_config(preset("quick")), MAKES),
    "training.queue_line": (lambda s, m: s.training.queue_line(), LISTS),
    "training.queue_settings": (
        lambda s, m: s.training.queue_settings({"dataset": "secret set"}, "quick", "secret"),
        (HIDDEN, HIDDEN, YES, OWN),
    ),
    "training.settings_of": (lambda s, m: [SECRET] * bool(s.training.settings_of(m.run)), READS),
}
"""How each method is called on what the maker has, and what comes of it for the four people."""

ENDPOINTS: dict[str, tuple[Callable[[Made], tuple[Any, ...]], tuple[str, ...]]] = {
    "recognize": (lambda m: ([m.upload], BOTH, "secret-set"), READS),
    "label_video": (lambda m: (m.upload, BOTH, "secret-set"), READS),
    "queue_run": (lambda m: ({"dataset": "secret set"}, "quick", "secret"), (HIDDEN, HIDDEN, YES, OWN)),
    "queue_job": (lambda m: ({"dataset": "secret set"}, "quick"), NEVER),
    "run_status": (lambda m: (m.run,), READS),
    "run_changes": (lambda m: (m.run,), FINDS),
    "list_runs": (lambda m: (), LISTS),
    "stop_run": (lambda m: (m.waiting,), CHANGES),
    "resume_run": (lambda m: (m.stopped,), CHANGES),
    "restart_run": (lambda m: (m.stopped,), CHANGES),
    "queue_sweep": (
        lambda m: ({"dataset": "secret set"}, ["shots=1,2"], "quick", "secret"),
        (HIDDEN, HIDDEN, YES, OWN),
    ),
    "sweep_status": (lambda m: (m.waiting - 1,), READS),
    "stop_sweep": (lambda m: (m.waiting - 1,), CHANGES),
    "list_bundles": (lambda m: (), LISTS),
    "download_bundle": (lambda m: ("secret-set",), READS),
    "upload_bundle": (lambda m: (str(m.folder / "bundle"),), MAKES),
    "list_datasets": (lambda m: (), LISTS),
    "import_dataset": (lambda m: (str(upload(m).path),), MAKES),
    "preview_annotations": (lambda m: (str(labeled(m).path),), (REFUSED, OWN, OWN, OWN)),
    "export_dataset": (lambda m: ("secret set", "csv"), READS),
    "review_dataset": (lambda m: ("secret set",), READS),
    "review_clip": (lambda m: (m.clips[0],), CHANGES),
    "search_clips": (lambda m: ("secret set", "a person"), READS),
    "share": (lambda m: ("dataset", "secret set"), CHANGES),
}


def no_clip(name: str) -> Any:
    raise StudioError("this test loads no CLIP")


def wanted(one: Made, *bundles: str) -> RecognitionRequest:
    return RecognitionRequest([one.upload], BOTH, bundles)


def results(one: Made, *cards: BundleCard) -> Results:
    return Results(Recognition("sketch", ()), "sketch", labels=tuple(BOTH), paths=(one.upload,), cards=cards)


def answered(one: Made) -> Results:
    """A recognition of a clip, to be kept."""
    answer = Answer((Score("waving", 0.7, LabelKind.NOVEL), Score("rowing a boat", 0.3, LabelKind.NOVEL)))
    clips = (RecognizedClip("spare.mp4", answers=(answer,)),)
    return Results(Recognition("sketch", clips), "sketch", labels=tuple(BOTH), paths=(one.upload,))


def begun(studio: Studio, one: Made) -> bool:
    """Whether a look in the background has ended well, so that it harms no later trial."""
    studio.looks.start(one.dataset)
    while studio.looks.state(one.dataset).running:
        time.sleep(0.01)
    return studio.looks.state(one.dataset).error == ""


def log_of(studio: Studio, one: Made) -> Path:
    return studio.home.run_folder(one.run) / "log.txt"


def served(studio: Studio, address: str) -> Any:
    _, sealed, inside = address.split("/", 2)
    return studio.files.find(sealed, inside)


def exported(studio: Studio, one: Made) -> str:
    out = one.folder / "out.zip"
    out.unlink(missing_ok=True)
    return f"{SECRET} {studio.library.export_zip('secret-set', out)}"


@contextmanager
def visiting(page: gr.Blocks, session: dict[str, Any]) -> Iterator[None]:
    """As in the thread in which Gradio answers a request to ``page`` with that session."""
    scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b"", "session": session}
    blocks, request = LocalContext.blocks.set(page), LocalContext.request.set(gr.Request(Request(scope)))
    try:
        yield
    finally:
        LocalContext.blocks.reset(blocks)
        LocalContext.request.reset(request)


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    space = Space("alice/studio", "alice", Access.SIGNED_IN, no_sign_in="this is a test")
    studio = make_studio(Home(tmp_path / "home"), space=space, server_paths=False)
    yield guarded(studio)
    studio.store.close()


def fill(studio: Studio, folder: Path) -> Made:
    """What the maker has made: one of everything, and one that was deleted on each page."""
    store, spare = studio.store, str(draw_clip(folder / "spare.mp4", 90))
    own = [str(draw_clip(folder / f"secret-{place}.mp4", place)) for place in range(4)]
    names, sides = ("secret waving", "secret rowing"), (Subset.TRAIN, Subset.TRAIN, Subset.TEST, Subset.TEST)
    clips = tuple(LabelledClip(own[place], names[place % 2], sides[place]) for place in range(4))
    both = tuple(LabelledClip(spare, label, Subset.TRAIN) for label in BOTH)
    store.datasets.add(Dataset("demo", base=tuple(BOTH), novel=(), clips=both), origin="made", shared=True)
    with acting_as(owner_of("bob")):
        for name in ("secret set", "secret gone"):
            told = {names[0]: ("a secret hand",)}
            dataset = store.datasets.add(Dataset(name, names, (), clips, descriptions=told), origin="made")
            anchors, group = store.anchors.create(name), store.negatives.create_group(name)
            store.anchors.add(anchors, [AnchorFile(own[0], "a secret hall", digest=name)])
            store.negatives.add(group, ["a secret room"])
            keep_bundle(studio, name.replace(" ", "-"))
            run = add_reported_run(studio, make_report(base=("secret waving", "rowing a boat")))
            store.runs.rename(run, f"{name} run")
            (studio.home.run_folder(run) / "log.txt").write_text("a secret line\n")
        studio.library.delete("secret-gone")
        studio.runs.delete(run)
        store.dataset_edits.delete(dataset)
        store.anchors.delete_set(anchors)
        made = {row.name: row.id for row in store.datasets.list()}["secret set"]
        store.ratings.ask(names, "sketch", "secret set")
        imported = store.imports.begin("secret import", "clips.zip", 1, 1.0)
        store.imports.give_up(imported, ImportState.FAILED, "the zip is damaged")
        for path in own:
            store.clips.learn_content(path, content_digest(path))
        store.reviews.wait([(spare, "0" * 64, {"Zero-shot CLIP": [("secret", 1.0)]}, 1.0)])
        pack(folder, own[0])
        done = next(row.id for row in store.runs.list() if row.name == "secret set run")
        return Made(
            made,
            tuple(label.id for label in store.clips.labels(made)),
            tuple(clip.id for clip in store.clips.page(made, ClipFilter(), limit=9)),
            {row.name: row.id for row in store.anchors.sets()}["secret set"],
            {row.name: row.id for row in store.negatives.group_rows()}["secret set"],
            done,
            add_run(studio, RunState.STOPPED),
            store.runs.queue_several([(preset("quick"), "secret")] * 2, sweep={"vary": ["shots=1,2"]})[-1],
            store.runs.get(done),
            imported,
            studio.library.bundle("secret-set"),
            spare,
            folder,
            store.reviews.waiting()[0].id,
        )


def pack(folder: Path, clip: str) -> None:
    """What people upload: a zip of clips, prompts, and a bundle."""
    with zipfile.ZipFile(folder / "clips.zip", "w") as packed:
        for label in ("jumping", "sitting"):
            packed.write(clip, f"{label}/{label}.mp4")
    (folder / "prompts.csv").write_text("group,text\nof a file,an empty street\n", encoding="utf-8")
    (folder / "told.json").write_text('{"secret waving": "a hand moves"}', encoding="utf-8")
    shutil.copytree(SKETCH_HARD_PROMPT, folder / "bundle")


class Trial:
    """Calls something as each person, each time on the same database."""

    def __init__(self, studio: Studio, page: gr.Blocks) -> None:
        self._studio, self._page = studio, page
        self._kept, self._live = sqlite3.connect(":memory:"), sqlite3.connect(studio.home.database)
        self._live.backup(self._kept)
        self._rows, self._version = self._of_the_maker(), self._data_version()

    def outcomes(self, call: Callable[[], Any]) -> tuple[str, ...]:
        """What comes of ``call`` for each of ``PEOPLE``."""
        return tuple(self._outcome(session, call) for session in PEOPLE.values())

    def _outcome(self, session: dict[str, Any], call: Callable[[], Any]) -> str:
        try:
            with visiting(self._page, session):
                said = repr(call())
        except (StudioError, NoFile, gr.Error) as exc:
            refused = isinstance(exc, AccessError) or any(told in str(exc) for told in (SIGN_IN, FOREIGN))
            assert not self._changed(), "what is refused changes nothing"
            return REFUSED if refused else HIDDEN
        return YES if self._changed() or SECRET in said else OWN

    def _changed(self) -> bool:
        """Whether anything of the maker's is not as it was; it is so again afterwards."""
        if self._data_version() == self._version:
            return False
        changed = self._of_the_maker() != self._rows
        self._kept.backup(self._live)
        self._version = self._data_version()
        shutil.rmtree(self._studio.home.datasets, ignore_errors=True)
        return changed

    def _data_version(self) -> int:
        """Another one as soon as anybody has written."""
        return int(self._live.execute("PRAGMA data_version").fetchone()[0])

    def close(self) -> None:
        self._kept.close()
        self._live.close()

    def _of_the_maker(self) -> list[Any]:
        """Every row that the maker sees."""
        with acting_as(owner_of("bob")), self._studio.store._database.read() as db:
            tables = (*SHARED, *PRIVATE, *PARTS)
            return [db.execute(f"SELECT * FROM {table}").fetchall() for table in tables]


def services() -> dict[str, Any]:
    """Every public method of every service, by ``service.method``."""
    made = {name: one.func for name, one in vars(Studio).items() if isinstance(one, cached_property)}
    return {
        f"{name}.{method}": function
        for name, service in made.items()
        for method, function in inspect.getmembers(service, inspect.isfunction)
        if not method.startswith("_")
    }


def test_every_method_of_every_service_and_every_endpoint_does_for_each_person_what_the_matrix_says(
    studio: Studio, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def built() -> gr.Blocks:
        return build_page(studio)

    page = finish(built())
    endpoints = {str(one.api_name): one.fn for one in page.fns.values() if one.fn and one.api_visibility == "public"}
    assert set(METHODS) == set(services()), "a new method needs its line in METHODS, one that is gone none"
    assert set(ENDPOINTS) == set(endpoints), "a new endpoint needs its line in ENDPOINTS, one that is gone none"
    made = fill(studio, tmp_path)
    trial, found = Trial(studio, page), {}
    for name, (call, _) in METHODS.items():
        found[name] = trial.outcomes(partial(call, studio, made))
    for name, (given, _) in ENDPOINTS.items():
        found[f"/{name}"] = trial.outcomes(lambda name=name, given=given: endpoints[name](*given(made)))
    trial.close()
    wanted = {name: out for name, (_, out) in METHODS.items()} | {f"/{n}": out for n, (_, out) in ENDPOINTS.items()}
    lines = [f"{'':32}" + "".join(f"{person:11}" for person in PEOPLE)]
    for name, outcomes in found.items():
        lines.append(
            f"{name:32}" + "".join(f"{one:11}" for one in outcomes) + "<-- not so" * (outcomes != wanted[name])
        )
    with capsys.disabled():
        sys.stdout.write("\n".join(["", *lines, ""]))
    assert found == wanted


def test_the_guide_has_the_matrix() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    begin, end = "<!-- who may: written by tests/space/test_who_may.py -->\n", "<!-- /who may -->"
    fresh = f"{text.partition(begin)[0]}{begin}{table()}{end}{text.partition(end)[2]}"
    if os.environ.get("WRITE"):
        GUIDE.write_text(fresh, encoding="utf-8")
    assert text == fresh, "run this test with WRITE=1 and look at what it wrote"


def table() -> str:
    """The matrix for the guide, what comes to the same for everybody in one line."""
    rows: dict[tuple[str, ...], list[str]] = {}
    for name, (_, outcomes) in METHODS.items():
        rows.setdefault(outcomes, []).append(f"`{name}`")
    for name, (_, outcomes) in ENDPOINTS.items():
        rows.setdefault(outcomes, []).append(f"`/{name}`")
    head = "| not signed in | somebody else | who made it | the Space's owner | of |\n|---|---|---|---|---|\n"
    return head + "".join(f"| {' | '.join(outcomes)} | {', '.join(names)} |\n" for outcomes, names in rows.items())


def test_who_begins_an_import_sweeps_away_nothing_of_another_that_is_under_way(studio: Studio, tmp_path: Path) -> None:
    made, me = fill(studio, tmp_path), launcher.this_process()
    with acting_as(owner_of("bob")):
        begun = studio.store.imports.begin("his", "a.zip", me.pid, me.started_s)
    staging = studio.home.datasets / f".import-{begun}"
    staging.mkdir(parents=True)
    UNDER_WAY.add((str(studio.home.root), begun))
    with acting_as(owner_of("eve")), pytest.raises(DatasetError, match="somebody else's import is still running"):
        sweep(studio.home, studio.store)
        studio.imports.run(upload(made), "hers")
    assert staging.is_dir()
