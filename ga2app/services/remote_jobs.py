"""Runs on machines of Hugging Face: which there are, what they cost, and whether one may be asked for here."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ga2app.errors import ConfigError, Fault, HubError
from ga2app.hub import jobs
from ga2app.worker import launcher

if TYPE_CHECKING:
    from ga2app.services.studio import Studio

_KEPT_S = 600.0
"""So long prices are not asked for again."""


@dataclass(frozen=True)
class JobAsked:
    """What a form or a program asks for: a flavor and a time limit as they are written, empty for the usual ones."""

    flavor: str = ""
    timeout: str = ""


@dataclass(frozen=True)
class JobOffer:
    """What is queued, and in words where it runs, who pays, and how much at most."""

    request: jobs.JobRequest
    where: str
    price: str


class JobsService:
    """What Train, the endpoints and programs ask before a run is queued for another machine."""

    def __init__(self, studio: Studio) -> None:
        self._home = studio.home
        self._known: tuple[float, str, Sequence[jobs.JobFlavor]] | None = None

    def offer(self, asked: JobAsked | None) -> tuple[JobOffer | None, list[Fault]]:
        """What the job would be and cost, and all that keeps it from being started; nothing where none is asked for."""
        faults: list[Fault] = []
        if asked is None:
            return None, faults
        request, flavor = jobs.JobRequest(asked.flavor.strip() or jobs.USUAL_FLAVOR), None
        try:
            request = jobs.JobRequest(request.flavor, jobs.read_timeout(asked.timeout or jobs.USUAL_TIMEOUT))
        except ConfigError as exc:
            faults += exc.faults
        try:
            flavor = jobs.flavor_named(request.flavor, self.flavors())
        except ConfigError as exc:
            faults += exc.faults
        except HubError as exc:
            faults.append(Fault("on", str(exc)))
        if launcher.worker_process(self._home) and not launcher.workers(self._home):
            faults.append(Fault("on", "a worker of an earlier version is at work, which knows no jobs; end it first"))
        if faults or flavor is None or self._known is None:
            return None, faults
        where = f"Hugging Face Jobs, {flavor.name} ({flavor.hardware})"
        return JobOffer(request, where, f"{self._known[1]} pays {flavor.price(request.timeout_s)} a run"), faults

    def flavors(self) -> Sequence[jobs.JobFlavor]:
        """The machines that there are, asked for once in a while. Raises HubError without a login, or on a Space."""
        if self._known is None or time.monotonic() - self._known[0] > _KEPT_S:
            client = jobs.jobs_client()
            self._known = (time.monotonic(), client.account().name, jobs.flavors(client))
        return self._known[2]
