"""Train: from what a form, a file or a program asks for to runs in the queue, with everything checked before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from ga2app.config import (  # isort: skip
    AUTO, DEMO, HARD_PROMPT_EMBEDDED, HARD_PROMPT_RANDOM, HARD_PROMPT_TO_NAME, PRESETS, SKETCH, RunConfig, preset,
)  # fmt: skip
from ga2app.errors import BundleError, ConfigError, DatasetError, Fault, StudioError, counted
from ga2app.paths import SKETCH_HARD_PROMPT
from ga2app.services.forecast import Estimate, PastPace, workload_of
from ga2app.services.prompt_fit import HARD_PROMPT, facts_of
from ga2app.services.quotas import check_runs
from ga2app.services.remote_jobs import JobAsked
from ga2app.services.run_checks import Checked, anchors_note, check, settings_faults

from ga2app.services.run_requests import (  # isort: skip
    FIRST_SEED, LONGEST_NAME, MOST_RUNS, Asked, Plan, PlannedRun, few_held_out, merged_settings, nested, parse_seeds,
    run_name,
)  # fmt: skip
from ga2app.services.sweep_points import Point, Points, point_faults, points_of, settings_at
from ga2app.store.chosen_anchors import DRAWN_SCENES, borrow, with_chosen
from ga2app.store.run_rows import RunFilter
from ga2app.types import Dataset, EventKind, RunRecord, RunState

if TYPE_CHECKING:
    from ga2app.services.studio import Studio

_OPEN = (RunState.RUNNING, RunState.STOPPING, RunState.QUEUED)
_ENDED = (RunState.DONE, RunState.STOPPED)
_SHARED = "would report under the account of this server's owner; leave it out here, and report from your own machine"
_PAST_RUNS, _STEPS_LOOKED_AT = 3, 60


class TrainingService:
    """What Train, the commands, the endpoints and the agents do to start a run."""

    def __init__(self, studio: Studio) -> None:
        self._studio, self._store = studio, studio.store
        self._paces: dict[int, PastPace | None] = {}

    def plan(self, asked: Asked) -> Plan:
        """The runs that ``asked`` asks for. Raises ConfigError with every fault, each at its own field."""
        faults: list[Fault] = []
        seeds, points = [FIRST_SEED], Points()
        datasets = list(dict.fromkeys(asked.datasets))
        if not datasets:
            faults.append(Fault("dataset", "choose at least one data set"))
        try:
            seeds = parse_seeds(asked.seeds)
        except ConfigError as exc:
            faults += exc.faults
        try:
            points = points_of(asked.sweep, len(seeds) * max(len(datasets), 1))
        except ConfigError as exc:
            faults += exc.faults
        if not asked.sweep and (count := len(seeds) * len(datasets)) > MOST_RUNS:
            rule = f"that makes {count} runs; at most {MOST_RUNS} are queued at once: give fewer seeds"
            faults.append(Fault("seed", rule))
        job, unmet = self._studio.jobs.offer(asked.job)
        runs, warnings, wrong = list[PlannedRun](), [*points.notes], []
        for point in points.points:
            at_point = replace(asked, settings=settings_at(asked.settings, point))
            wrong.append((point, self._plan_point(at_point, point, datasets, seeds, runs, warnings)))
        if faults := [*faults, *unmet, *point_faults(wrong)]:
            raise ConfigError(list(dict.fromkeys(faults)))
        sweep = {**asked.sweep.to_dict(), **points.described()} if asked.sweep else None
        return Plan(tuple(runs), tuple(dict.fromkeys(warnings)), job, sweep)

    def _plan_point(
        self, asked: Asked, point: Point, datasets: list[str], seeds: list[int], runs: list[PlannedRun], told: list[str]
    ) -> list[Fault]:
        """Add a run of each data set and seed to ``runs``, and to ``told`` what is to be known; gives the faults."""
        faults: list[Fault] = []
        try:
            self._studio.known_backbone(asked.settings.get("backbone"))
        except StudioError as exc:
            faults.append(Fault("backbone", str(exc)))
        for dataset in datasets or ["-"]:
            try:
                config = self.config(asked, dataset, seeds[0])
            except ConfigError as exc:
                faults += exc.faults
                continue
            if datasets:
                found, note = self._checked(config)
                faults += found.faults
                told += [*found.warnings, *(few_held_out(config, found.dataset) if asked.sweep else [])]
                several = (len(datasets) > 1, len(seeds) > 1)
                names = [run_name(asked.name, dataset, seed, several=several, point=point) for seed in seeds]
                configs = [replace(config, seed=seed) for seed in seeds]
                runs += [PlannedRun(*one, found.dataset, note, point) for one in zip(names, configs, strict=True)]
        return faults

    def config(self, asked: Asked, dataset: str = "", seed: int | None = None) -> RunConfig:
        """The settings of a run that ``asked`` asks for, of the first by default; unchecked against data set and CLIP.

        Raises ConfigError for seeds that are none, and for values that no setting has.
        """
        values = dict(asked.settings)
        faults: list[Fault] = []
        try:
            if isinstance(named := values.get(HARD_PROMPT), str):
                values[HARD_PROMPT] = self.hard_prompt_folder(named)
        except ConfigError as exc:
            faults += exc.faults
        try:
            # Of a folder that was typed the whole path; what cannot be used is told by whoever checks.
            values["backbone"] = self._studio.known_backbone(values.get("backbone"))
        except StudioError:
            values["backbone"] = values.get("backbone") or "-"
        values["dataset"] = dataset or next(iter(asked.datasets), DEMO)
        values["seed"] = parse_seeds(asked.seeds)[0] if seed is None else seed
        try:
            config = RunConfig.from_dict(nested(values))
        except ConfigError as exc:
            raise ConfigError([*faults, *exc.faults]) from exc
        if faults:
            raise ConfigError(faults)
        return config

    def check(self, config: RunConfig) -> Checked:
        """Everything that data set, library and backbone say about ``config``, all at once, without reading a clip."""
        return self._checked(config)[0]

    def _checked(self, config: RunConfig) -> tuple[Checked, str]:
        names = self._store.datasets.names().values()
        missing = [Fault("report_to", _SHARED)] if config.report_to and not self._studio.server_paths else []
        if config.dataset not in names:
            faults = [*settings_faults(config), *missing]
            if config.dataset != DEMO:
                known = ", ".join(f"'{name}'" for name in dict.fromkeys([DEMO, *names]))
                faults.append(Fault("dataset", f"there is no data set '{config.dataset}'; choose one of: {known}"))
            return Checked(None, tuple(faults)), ""
        own: Dataset = self._store.datasets.outline(config.dataset)
        chosen = own
        for field, alone in (("anchors", replace(config, negatives=())), ("negatives", replace(config, anchors=""))):
            if field == "anchors" and config.anchors == DRAWN_SCENES and DEMO not in names:
                continue  # the demo, and with it this set, is still being drawn
            try:
                chosen = with_chosen(self._store, alone, chosen)
            except DatasetError as exc:
                missing.append(Fault(field, str(exc)))
        lent = borrow(
            config, chosen, lambda: self._store.datasets.outline(DEMO) if DEMO in names else Dataset(DEMO, (), (), ())
        )
        found = check(config, own, chosen, lent)
        return replace(found, faults=(*found.faults, *missing)), anchors_note(config, chosen, lent)

    def estimates(self, plan: Plan) -> list[tuple[RunConfig, Estimate | None]]:
        """How long a run of each data set takes and what memory it needs; None while its data set is being drawn."""
        estimator = self._studio.estimator
        return [
            (run.config, estimator.estimate(workload_of(run.config, run.dataset), self.past_paces(run.config)))
            if run.dataset
            else (run.config, None)
            for run in plan.but_for_seeds()
        ]

    def past_paces(self, config: RunConfig) -> list[PastPace]:
        """What the last runs on the same backbone, device, precision and processes took for a step, newest first."""
        found: list[PastPace] = []
        wanted = (config.device, config.precision.value, config.processes)
        for run in self._store.runs.list(limit=12, only=RunFilter(_ENDED, backbone=config.backbone)):
            then = run.config.get
            same = (then("device"), then("precision"), then("processes", AUTO)) == wanted
            same = same and not run.remote
            if same and run.id not in self._paces:
                self._paces[run.id] = self._pace(run)
            if same and (pace := self._paces[run.id]):
                found.append(pace)
        return found[:_PAST_RUNS]

    def _pace(self, run: RunRecord) -> PastPace | None:
        """None where the run took too few steps, or its data set has gone, so that nobody can tell what it did."""
        events = self._store.runs.events(run.id, kinds=[EventKind.STEP], limit=_STEPS_LOOKED_AT)
        seconds = [float(item.event.values.get("seconds_per_step", 0.0)) for item in events[1:]]  # the first warms up
        if len(seconds) < 3 or not median(seconds):
            return None
        try:
            dataset = self.check(config := RunConfig.from_dict(run.config)).dataset
        except StudioError:
            return None
        return PastPace(run.id, workload_of(config, dataset), median(seconds)) if dataset else None

    def queue(self, plan: Plan) -> list[int]:
        """Put the runs of ``plan``, which was checked when it was made, into the queue in their order, all or none."""
        check_runs(self._store, [(run.config, run.dataset) for run in plan.runs])
        remote = plan.job.request.to_dict() if plan.job else None
        return self._store.runs.queue_several(
            [(one.config, one.name) for one in plan.runs], remote=remote, sweep=plan.sweep
        )

    def queue_config(self, config: RunConfig, name: str = "", job: JobAsked | None = None) -> int:
        """Put one run into the queue. Raises ConfigError with everything that keeps it from being trained.

        A bundle of the library may be named as the hard prompt by its key, as the lists do.
        """
        offer, unmet = self._studio.jobs.offer(job)
        faults = [*unmet]
        try:
            config = replace(config, backbone=self._studio.known_backbone(config.backbone))
        except StudioError as exc:
            faults.append(Fault("backbone", str(exc)))
        hard_prompt = self.hard_prompt_folder(config.prompts.hard_prompt)
        config = replace(config, prompts=replace(config.prompts, hard_prompt=hard_prompt))
        if faults := [*faults, *(checked := self.check(config)).faults]:
            raise ConfigError(faults)
        check_runs(self._store, [(config, checked.dataset)])
        remote = offer.request.to_dict() if offer else None
        return self._store.runs.queue(config, name=name.strip()[:LONGEST_NAME], remote=remote)

    def queue_settings(
        self, settings: Any, preset_name: str = "", name: str = "", job: JobAsked | None = None
    ) -> tuple[int, str]:
        """Queue what a program asks for and wake a worker: the run's number, and why no worker could be started.

        ``settings`` change those of the preset. Raises StudioError with everything that keeps it from being trained.
        """
        run_id = self.queue_config(RunConfig.from_dict(merged_settings(settings, preset_name)), name, job)
        return run_id, self._studio.runs.wake()

    def queue_line(self) -> str:
        """What will be worked off before a run that is queued now, in one line."""
        runs = self._store.runs
        if not (count := runs.count_open()):
            return "The queue is empty: it starts at once."

        def told(run: RunRecord) -> str:
            name = f"run {run.id}" + (f' "{run.name}"' if run.name else "")
            if run.state is RunState.QUEUED:
                return name
            step, plan = runs.latest(run.id, EventKind.STEP), runs.latest(run.id, EventKind.PLAN)
            total = int(plan.values.get("total_steps", 0)) if plan else 0
            return f"{name} ({f'step {step.step} of {total}' if step and total else 'just starting'})"

        first = runs.list(limit=3, states=_OPEN, queue_first=True)
        more = count - len(first)
        unnamed = [f"{more} more" if first else counted(more, "run") + " of others"] if more else []
        after = " and ".join([*filter(None, [", ".join(map(told, first))]), *unnamed])
        return f"Position {count + 1} in the queue, after {after}."

    def settings_of(self, run_id: int) -> RunConfig:
        """The settings of an earlier run. Raises StudioError if it is gone, or its settings are of another version."""
        return RunConfig.from_dict(self._store.runs.get(run_id).config)

    def coupled_to(self, key: str) -> tuple[RunConfig, str]:
        """Quick settings on a bundle's backbone, coupled to it as the hard prompt; and what the bundle is called.

        Raises BundleError where it cannot be a hard prompt.
        """
        card = self._studio.bundle(key)
        title = self._studio.bundle_title(card) if card else key
        facts = facts_of(card.folder) if card else None
        if card is None or facts is None:
            raise BundleError(f"'{title}' cannot be read; put its folder back, or upload it again")
        if not facts.text_depth:
            raise BundleError(f"'{title}' has no text prompts and cannot be a hard prompt; choose another bundle")
        start = preset(PRESETS[0], card.backbone)
        prompts = replace(start.prompts, coupled=True, hard_prompt=card.folder, length=facts.length)
        return replace(start, prompts=prompts), title

    def hard_prompts(self, backbone: str, length: object, present: str = "") -> list[tuple[str, str]]:
        """Titles and values of the hard prompts that fit; what is ``present`` stays among them, fitting or not.

        Bundles go by their keys, so that no path of the machine is told; a run gets ``hard_prompt_folder``.
        """
        choices = [("Random: learned nowhere, still a regularizer", HARD_PROMPT_RANDOM)]
        embedded = facts_of(SKETCH_HARD_PROMPT)
        if backbone == SKETCH and embedded and embedded.length == length:
            choices.insert(0, ("Embedded: learned on other drawn actions", HARD_PROMPT_EMBEDDED))
        titles = {key: title for title, key in self._studio.bundle_choices()}
        for card in self._store.bundles.list():
            facts = None if Path(card.folder) == SKETCH_HARD_PROMPT else facts_of(card.folder)
            if facts and isinstance(length, int | float) and facts.fault(backbone, int(length)) is None:
                choices.append((titles.get(card.key, card.name), card.key))
        if present and present not in {value for _, value in choices}:
            choices.append((f"{titles[present]} (does not fit)" if present in titles else present, present))
        return choices

    def hard_prompt_folder(self, value: str) -> str:
        """What a run gets for a value of ``hard_prompts``. Raises ConfigError for a path where none may be named."""
        if value in (HARD_PROMPT_EMBEDDED, HARD_PROMPT_RANDOM, HARD_PROMPT_TO_NAME):
            return value
        for card in self._store.bundles.list():
            if value in (card.key, card.folder):
                return card.folder
        if not self._studio.server_paths:
            rule = f"there is no bundle '{value}' in the library; choose one of the list"
            raise ConfigError([Fault(HARD_PROMPT, rule)])
        return value

    def hard_prompt_key(self, folder: str) -> str:
        """What ``hard_prompts`` calls the hard prompt of a run."""
        return next((card.key for card in self._store.bundles.list() if card.folder == folder), folder)
