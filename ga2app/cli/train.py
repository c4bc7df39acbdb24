"""``train``: from settings to a bundle, here or (``--on hf-jobs``) on a machine of Hugging Face, followed from here."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from ga2app.cli import common
from ga2app.cli import settings_options as settings
from ga2app.config import RunConfig
from ga2app.disk import drop_checkpoint
from ga2app.environment import launched_processes
from ga2app.errors import BundleError, ConfigError, Fault, HubError
from ga2app.paths import default_home, job_beside
from ga2app.types import Dataset


def add(commands: common.Commands) -> None:
    """Register the command."""
    parser = commands.add_parser("train", help="train prompts on a data set; the result is a bundle")
    _add_job_options(parser, settings.add_settings(parser))
    settings.add_shots(parser)
    parser.add_argument("--seed", type=int, help="of the few-shot draw and the training (default: as set)")
    parser.add_argument("--out", type=Path, help="folder of the bundle (default: a new one in the library)")
    parser.add_argument("--force", action="store_true", help="replace the bundle that --out holds")
    parser.add_argument("--restart", action="store_true", help="forget what was saved beside --out, begin at step 0")
    parser.add_argument("--print-config", action="store_true", help="print the settings as JSON and do not train")
    common.add_json(parser, run)


def run(args: argparse.Namespace) -> int:
    """Train; Ctrl-C saves after the present step, and the same command goes on from there.

    Started by torchrun it is one of the processes of a run. The first one alone reads the settings and prints.
    """
    if args.job:
        return _run_job(args.job)
    _check_job_options(args, launched_processes())
    if args.on:
        plan = _plan(args)
        return _train_there(args, *plan) if plan else 0
    if launched_processes() == 1:
        return _train(args, lambda make: make(), True)
    from ga2app.clip import ranks

    with ranks.joined(args.device or "auto") as group:
        return _train(args, group.from_first, group.first)


class _Plan(NamedTuple):
    config: RunConfig
    dataset: Dataset
    out: Path
    checkpoint: Path


def _train(args: argparse.Namespace, from_first: Callable[..., Any], first: bool) -> int:
    plan: _Plan | None = from_first(lambda: _plan(args))
    if plan is None:
        return 0
    from ga2app.training import train

    with common.stoppable() as should_stop:
        result = train(**plan._asdict(), emit=common.say, should_stop=should_stop)
    if not first:
        return 0 if result.finished else common.INTERRUPTED
    if not result.finished:
        text = f"stopped at step {result.step}; the same command with --out {plan.out} goes on from there"
        print(text, file=sys.stderr)
        return common.INTERRUPTED
    drop_checkpoint(plan.checkpoint)
    return _tell(args, result, str(result.bundle), steps=result.step)


def _tell(args: argparse.Namespace, found: Any, bundle: str, **more: Any) -> int:
    """What came of it: ``found`` has metrics, zero_shot and tested."""
    figures = common.measured(found.metrics, found.zero_shot, found.tested)
    rows = {"zero-shot CLIP": found.zero_shot, "with prompts": found.metrics}
    table = common.percent_table(rows, found.tested)
    return common.tell(args, {"state": "done", "bundle": bundle, **figures, **more}, table, f"bundle: {bundle}")


def _plan(args: argparse.Namespace) -> _Plan | None:
    """What is to be trained, looked at and told; None where only the settings are asked for."""
    config = settings.read_settings(args, seed=args.seed, shots=args.shots)
    if args.print_config:
        common.print_json(config.to_dict())
        return None
    settings.check_complete(config)
    from ga2app.services.run_checks import check_by_name
    from ga2app.training import check_start

    with common.noted() as notes:
        checked = check_by_name(config, notes)
    if checked.faults:
        raise ConfigError(settings.with_options(checked.faults))
    dataset = checked.dataset
    assert dataset is not None  # the command draws the demo if need be
    out: Path = args.out or default_home().bundles / f"{dataset.name}-{time.strftime('%Y%m%d-%H%M%S')}"
    checkpoint = out.with_name(out.name + ".checkpoint")
    _make_way(args, out, checkpoint)
    check_start(config, dataset, checkpoint)
    for text in checked.warnings:
        print(f"note: {text}", file=sys.stderr)
    return _Plan(config, dataset, out, checkpoint)


def _make_way(args: argparse.Namespace, out: Path, checkpoint: Path) -> None:
    """Forget what was saved where that is asked for; raises BundleError before a bundle would be replaced unasked."""
    from ga2app.training.training_checks import writing_to

    goes_on = checkpoint.exists() and not args.restart
    if (out / "bundle.json").is_file() and not (goes_on or args.force):
        raise BundleError(f"'{out}' holds a bundle already; name another folder with --out, or replace it with --force")
    if args.restart and checkpoint.exists():
        with writing_to(out):
            drop_checkpoint(checkpoint)


def _add_job_options(parser: argparse.ArgumentParser, source: Any) -> None:
    """Where to train; ``source`` is the group of what tells the settings."""
    source.add_argument("--job", metavar="USER/REPO/ID", help="on the machine of a job: train the run that was sent")
    parser.add_argument("--on", choices=["hf-jobs"], help="train on a machine of Hugging Face Jobs, which costs money")
    parser.add_argument("--flavor", help="with --on: the kind of machine (default t4-small)")
    parser.add_argument("--timeout", metavar="2h", help="with --on: when the job is ended at the latest (default 2h)")
    parser.add_argument("--yes", action="store_true", help="with --on: start it without being asked")


def _check_job_options(args: argparse.Namespace, processes: int) -> None:
    """Raises ConfigError for options of a job where none is asked for, and where each of ``processes`` asks for one."""
    if args.on and processes > 1:
        raise ConfigError(
            [Fault("on", f"each of {processes} processes would start a job; start train without torchrun")]
        )
    given = [f"--{name}" for name in ("flavor", "timeout", "yes") if getattr(args, name)]
    if given and not args.on:
        raise ConfigError([Fault("on", f"{', '.join(given)} is for --on hf-jobs; add that, or leave it out")])


def _run_job(address: str) -> int:
    """Be the job: train the run at ``address`` and send back what came of it."""
    from ga2app.hub.job_run import run_job

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    return run_job(address)


def _train_there(args: argparse.Namespace, config: RunConfig, dataset: Dataset, out: Path, checkpoint: Path) -> int:
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
    drop_checkpoint(checkpoint)
    return _tell(args, read_card(str(out), origin="trained"), str(out))


def _confirm(args: argparse.Namespace, request: Any) -> None:
    """Tell who pays and how much, and ask. Raises ConfigError where nobody can be asked, HubError for a no."""
    from ga2app.hub import jobs

    client = jobs.jobs_client()
    flavor = jobs.flavor_named(request.flavor, jobs.flavors(client))
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
