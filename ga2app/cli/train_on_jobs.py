"""``train --on hf-jobs``: a training on a machine of Hugging Face, followed from here; ``train --job`` is there."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import Any

from ga2app.cli import common
from ga2app.config import RunConfig
from ga2app.errors import ConfigError, Fault, HubError
from ga2app.paths import job_beside
from ga2app.types import Dataset


def add_options(parser: argparse.ArgumentParser, source: Any) -> None:
    """Where to train; ``source`` is the group of what tells the settings."""
    source.add_argument("--job", metavar="USER/REPO/ID", help="on the machine of a job: train the run that was sent")
    parser.add_argument("--on", choices=["hf-jobs"], help="train on a machine of Hugging Face Jobs, which costs money")
    parser.add_argument("--flavor", help="with --on: the kind of machine (default t4-small)")
    parser.add_argument("--timeout", metavar="2h", help="with --on: when the job is ended at the latest (default 2h)")
    parser.add_argument("--yes", action="store_true", help="with --on: start it without being asked")


def check_options(args: argparse.Namespace, processes: int) -> None:
    """Raises ConfigError for options of a job where none is asked for, and where each of ``processes`` asks for one."""
    if args.on and processes > 1:
        raise ConfigError(
            [Fault("on", f"each of {processes} processes would start a job; start train without torchrun")]
        )
    given = [f"--{name}" for name in ("flavor", "timeout", "yes") if getattr(args, name)]
    if given and not args.on:
        raise ConfigError([Fault("on", f"{', '.join(given)} is for --on hf-jobs; add that, or leave it out")])


def run_job(address: str) -> int:
    """Be the job: train the run at ``address`` and send back what came of it."""
    from ga2app.hub.job_run import run_job

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    return run_job(address)


def train_there(args: argparse.Namespace, config: RunConfig, dataset: Dataset, out: Path, checkpoint: Path) -> int:
    """Say what it costs, start the job unless one is under way, and follow it; Ctrl-C ends it with what it saved."""
    from ga2app.bundles import read_card
    from ga2app.hub import jobs
    from ga2app.hub.job_training import JobTraining

    request = jobs.JobRequest(args.flavor or jobs.USUAL_FLAVOR, jobs.read_timeout(args.timeout or jobs.USUAL_TIMEOUT))
    training = JobTraining(request, out, checkpoint, common.say)
    if not job_beside(checkpoint).exists():
        _confirm(args, request)
    shown = logging.StreamHandler()
    logger = logging.getLogger("ga2app.hub.job_training")
    logger.addHandler(shown)
    logger.setLevel(logging.INFO)
    try:
        with common.stoppable() as should_stop:
            ended = training.train(config, dataset, should_stop)
    finally:
        logger.removeHandler(shown)
    if not ended.finished:
        print(f"the job was ended; the same command with --out {out} goes on from what it saved", file=sys.stderr)
        return common.INTERRUPTED
    checkpoint.unlink(missing_ok=True)
    card = read_card(str(out), origin="trained")
    if args.json:
        figures = common.measured(card.metrics, card.zero_shot, card.tested)
        common.print_json({"state": "done", "bundle": str(out), **figures})
    else:
        print(common.percent_table({"zero-shot CLIP": card.zero_shot, "with prompts": card.metrics}, card.tested))
        print(f"bundle: {out}")
    return 0


def _confirm(args: argparse.Namespace, request: Any) -> None:
    """Tell who pays and how much, and ask. Raises ConfigError where nobody can be asked, HubError for a no."""
    from ga2app.hub import jobs

    client = jobs.jobs_client()
    flavor = jobs.flavor_named(client, request.flavor)
    print(
        f"{client.account().name} pays for {flavor.name} ({flavor.hardware}): {flavor.price(request.timeout_s)}",
        file=sys.stderr,
    )
    if args.yes:
        return
    if not sys.stdin.isatty():
        raise ConfigError([Fault("on", "a job costs money, and nobody is there to be asked; add --yes to start it")])
    print("start it? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise HubError("nothing was started; give the command again to start it")
