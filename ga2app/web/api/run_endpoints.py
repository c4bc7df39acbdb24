"""The endpoints of the queue, put a run in, ask for it, list, stop and resume runs; and who sees a thing on a Space."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from ga2app.errors import StoreError
from ga2app.services.remote_jobs import JobAsked
from ga2app.services.run_checks import changes_since
from ga2app.services.studio import Studio
from ga2app.services.sweep_points import SweepAsked
from ga2app.web.pages.runs.run_settings_view import adjusted_text


class RunEndpoints:
    """What programs may ask of the queue of ``studio``."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def queue_run(self, config: dict[str, Any], preset_name: str = "", name: str = "") -> dict[str, Any]:
        """Queue a training run and return its number.

        Args:
            config: settings as JSON, in the sections of the configuration; what is left out comes from the preset.
            preset_name: quick, full, ga2, paper-hmdb, paper-ucf, paper-ssv2 or paper-k400; empty for the defaults.
            name: its name in the list of runs.

        Returns:
            run: the run's number, for the endpoints that take one.
            warning: why no process could be started to train it, or null; the run stays queued.

        Raises:
            ConfigError: settings that cannot be used, all of them, each with its value and its rule.
            BackboneError: there is no such backbone on the machine; the message lists those that there are.
        """
        run_id, warning = self._studio.training.queue_settings(config, preset_name, name)
        return {"run": run_id, "warning": warning or None}

    def queue_job(
        self, config: dict[str, Any], preset_name: str = "", name: str = "", flavor: str = "", timeout: str = ""
    ) -> dict[str, Any]:
        """Queue a training run for a machine of Hugging Face Jobs, paid by the account that is logged in here.

        Args:
            config: settings as JSON, in the sections of the configuration; what is left out comes from the preset.
            preset_name: quick, full, ga2, paper-hmdb, paper-ucf, paper-ssv2 or paper-k400; empty for the defaults.
            name: its name in the list of runs.
            flavor: the kind of machine; empty for t4-small.
            timeout: when the job is ended at the latest, like 90m or 2h; empty for 2h.

        Returns:
            run: the run's number, for the endpoints that take one.
            warning: why no process could be started to follow the job, or null; the run stays queued.

        Raises:
            ConfigError: settings that cannot be used, all of them, or a machine that is not offered.
            HubError: nobody is logged in to Hugging Face.
        """
        job = JobAsked(flavor, timeout)
        run_id, warning = self._studio.training.queue_settings(config, preset_name, name, job)
        return {"run": run_id, "warning": warning or None}

    def run_status(self, run: int) -> dict[str, Any]:
        """Get the status of a run: state, step, figures in percent, error.

        Args:
            run: the number that queue_run gave.

        Returns:
            run: the run's number.
            name: what it is called.
            state: queued, running, stopping, stopped, done or failed.
            device: where it is trained, or was last, for example cuda:1; null before.
            step: optimizer steps done.
            total_steps: optimizer steps in all; null until it has begun.
            metrics: accuracy in percent after the last epoch that was measured: base, novel and their harmonic mean hm,
                and the epoch's number; null before.
            zero_shot: the same figures of zero-shot CLIP; null before they are measured.
            tested: how many test clips and labels base and novel accuracy rest on.
            intervals: the 95% interval of each figure, two numbers.
            cautions: what limits the figures, in sentences.
            baselines: what a done run's report has beside zero-shot CLIP, by method: metrics, intervals, rule, and what
                was chosen; note says why a figure is null.
            adjusted: settings that could not be used as given, and why.
            error: why it failed and what to do, or null.
            bundle: the key of its bundle; null until it is done.
            confidence: how far percentages can be believed, of plain (zero-shot CLIP) and bundle, in percent: before
                and after the temperature, by group of labels, clips, ece (expected calibration error, 15 bins),
                confidence, accuracy and bins; temperature (value, fitted, threshold, chosen); rejection (a list of
                unknown, score, auroc, fpr95, threshold, known_clips, unknown_clips); notes. Empty until it is done.

        Raises:
            StoreError: there is no run of that number.
        """
        status, report = self._studio.runs.status(int(run)), None
        with suppress(StoreError):  # a damaged report, which Runs shows as such, hides no status
            report = self._studio.runs.report(int(run))
        return status | {
            "confidence": dict(report.confidence) if report else {},
            "adjusted": [adjusted_text(one) for one in status["adjusted"]],
        }

    def run_changes(self, run: int) -> dict[str, Any]:
        """Tell what is different now in the data set that a run was trained on: clips, labels, anchors, prompts.

        Args:
            run: the number that queue_run gave.

        Returns:
            run: the run's number.
            changes: what was added, removed or labelled otherwise, in words and numbers; empty where all is as it was,
                null where that is not known: before the run has begun, or without its data set.

        Raises:
            StoreError: there is no run of that number.
        """
        return {"run": int(run), "changes": changes_since(self._studio.store, int(run))}

    def list_runs(self, state: str = "", limit: int = 50, offset: int = 0) -> list[dict[str, Any]]:
        """List training runs, newest first: number, name, state, data set, when it was queued, its bundle and error.

        Args:
            state: queued, running, stopping, stopped, done or failed; empty for all.
            limit: how many to return, at most 200.
            offset: how many of the newest to skip, for the next page.

        Returns:
            run: the run's number.
            name: what it is called.
            state: queued, running, stopping, stopped, done or failed.
            dataset: the data set that it is trained on.
            backbone: the CLIP that it is trained for.
            seed: the seed of its draws.
            device: where it is trained, or was last, for example cuda:1; null before.
            created_s: when it was queued, in seconds since 1970.
            finished_s: when it ended, likewise; null before.
            bundle: the key of its bundle; null until it is done.
            error: why it failed and what to do, or null.

        Raises:
            StoreError: there is no such state; the message lists the states.
        """
        return self._studio.runs.summaries(state, int(limit), int(offset))

    def stop_run(self, run: int) -> dict[str, Any]:
        """Stop a run: a queued one at once, a running one after its current step, saving what it has learned.

        Args:
            run: the number that queue_run gave.

        Returns:
            state: stopped or stopping, or how it had ended before, and all that run_status returns.

        Raises:
            StoreError: there is no run of that number.
        """
        self._studio.runs.stop(int(run))
        return self.run_status(run)

    def resume_run(self, run: int) -> dict[str, Any]:
        """Queue a stopped or failed run again; it resumes from the last saved step.

        Args:
            run: the number that queue_run gave.

        Returns:
            state: queued, and all that run_status returns.
            warning: why no process could be started to train it, or null; the run stays queued.

        Raises:
            StoreError: there is no run of that number, or it is neither stopped nor failed.
            TrainingError: labels or clips have changed since it was saved; the message says which.
        """
        return self._queued_again(run, restart=False)

    def restart_run(self, run: int) -> dict[str, Any]:
        """Queue a stopped or failed run again from step 0, where its settings, labels or clips have changed.

        What it had saved is deleted.

        Args:
            run: the number that queue_run gave.

        Returns:
            state: queued, and all that run_status returns.
            warning: why no process could be started to train it, or null; the run stays queued.

        Raises:
            StoreError: there is no run of that number, or it is neither stopped nor failed.
        """
        return self._queued_again(run, restart=True)

    def queue_sweep(
        self,
        config: dict[str, Any],
        vary: list[str],
        preset_name: str = "",
        name: str = "",
        random: int = 0,
        random_seed: int = 0,
        seeds: str = "",
    ) -> dict[str, Any]:
        """Queue a run for each combination of values of settings, or for points drawn at random: all or none.

        Args:
            config: settings as JSON that all runs share; what is left out comes from the preset.
            vary: a line for each setting that varies: its dotted path, =, and values between commas or a range, as in
                "optimizer.learning_rate=0.001,0.004", "prompts.dropout=0.2..0.6:3" or "shots=2..16".
            preset_name: quick, full, ga2, paper-hmdb, paper-ucf, paper-ssv2 or paper-k400; empty for the defaults.
            name: what the runs are called, with their values behind it.
            random: how many points are drawn; 0 for every combination.
            random_seed: the seed of the drawn points.
            seeds: seeds of the runs at each point, as "1024, 1025" or "3 draws"; empty for that of config.

        Returns:
            sweep: its number, for sweep_status and stop_sweep; that of its first run.
            runs: the numbers of its runs.
            warning: why no process could be started to train them, or null; the runs stay queued.

        Raises:
            ConfigError: settings or points that cannot be used, all of them; or more than 256 runs.
        """
        asked = SweepAsked(tuple(map(str, vary)), random or None, random_seed)
        runs, warning = self._studio.sweeps.queue_settings(config, asked, preset_name, name, seeds)
        return {"sweep": runs[0], "runs": runs, "warning": warning or None}

    def sweep_status(self, sweep: int) -> dict[str, Any]:
        """Get the table of a sweep: values, state and figures of each run, and which point is the best.

        Args:
            sweep: the number that queue_sweep gave.

        Returns:
            sweep: its number.
            name: what its runs are called.
            asked: what varies (vary, paths, log) and how its points were drawn (draws, seed).
            note: what the best point is chosen by, never test clips; or why none is.
            runs: of each run its number, state, values by path, held_out (accuracy, ce and clips: of training clips
                that the shots left over), metrics (base, novel and hm of the test clips), seconds, bundle, error, best.

        Raises:
            StoreError: there is no sweep of that number.
        """
        return self._studio.sweeps.get(int(sweep)).to_document()

    def stop_sweep(self, sweep: int) -> dict[str, Any]:
        """Stop all runs of a sweep: those that wait at once, the others after their current step.

        Args:
            sweep: the number that queue_sweep gave.

        Returns:
            told: how many were stopped, in a sentence; beside it all that sweep_status returns.

        Raises:
            StoreError: there is no sweep of that number.
        """
        return {"told": self._studio.sweeps.stop(int(sweep))} | self.sweep_status(sweep)

    def share(self, kind: str, name: str, shared: bool = True) -> dict[str, Any]:
        """Let everybody who opens this Space see and use a thing of yours, or nobody else any more.

        Args:
            kind: dataset, anchor_set, negative_group, run or bundle.
            name: the name of a data set, an anchor set or a group, the number of a run, the key of a bundle.
            shared: false to take it back.

        Returns:
            told: what is so now, in a sentence.

        Raises:
            StoreError: there is no such thing.
            AccessError: it is somebody else's.
        """
        return {"told": self._studio.ownership.share(kind, name, bool(shared))}

    def _queued_again(self, run: int, *, restart: bool) -> dict[str, Any]:
        warning = self._studio.runs.resume(int(run), restart=restart)
        return self.run_status(run) | {"warning": warning or None}
