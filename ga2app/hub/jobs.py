"""Machines of Hugging Face Jobs: which there are and what they cost, a job on one, and what becomes of it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from huggingface_hub.errors import HfHubHTTPError

from ga2app.errors import ConfigError, Fault, HubError
from ga2app.hub.hub_client import HubClient

ON = "hf-jobs"
"""What a run asks for that is trained as a Hugging Face Job."""

IMAGE = "ghcr.io/astral-sh/uv:python3.12-bookworm"
"""Debian with Python and uv, which installs torch in a fraction of pip's time: a job pays for that, too."""

USUAL_FLAVOR, USUAL_TIMEOUT = "t4-small", "2h"
ENDED = ("COMPLETED", "CANCELED", "ERROR", "DELETED")
SPACE = (
    "a Space does not start Hugging Face Jobs, which its owner would pay for; queue the run in a studio on your own "
    "machine"
)
_WHAT = "Hugging Face Jobs"
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_PER_HOUR = {"second": 3600.0, "minute": 60.0, "hour": 1.0}
_LONGEST_S = 7 * 86400


@dataclass(frozen=True)
class JobFlavor:
    """A kind of machine: its name for the Hub, what it has in words, and US dollars an hour."""

    name: str
    hardware: str
    usd_per_hour: float

    def price(self, timeout_s: int) -> str:
        """What a job costs that may take so long, in words."""
        most = self.usd_per_hour * timeout_s / 3600
        return f"${self.usd_per_hour:.2f} an hour, at most ${most:.2f} for {shown_time(timeout_s)}"


@dataclass(frozen=True)
class JobRequest:
    """Where a run shall be trained: on which flavor, and after how many seconds the job is ended."""

    flavor: str = USUAL_FLAVOR
    timeout_s: int = 7200

    def to_dict(self) -> dict[str, Any]:
        """As the queue keeps it."""
        return {"on": ON, "flavor": self.flavor, "timeout_s": self.timeout_s}

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> JobRequest:
        """What ``to_dict`` gave. Raises ConfigError for anything else."""
        try:
            return cls(str(told["flavor"]), int(told["timeout_s"]))
        except (KeyError, TypeError, ValueError) as exc:
            raise ConfigError([Fault("on", f"what the run asks of {_WHAT} cannot be read; queue it again")]) from exc


@dataclass(frozen=True)
class JobState:
    """Where a job stands: its stage in the Hub's words, what the Hub says of it, and the seconds that it has run."""

    stage: str
    message: str = ""
    ran_s: int | None = None

    @property
    def ended(self) -> bool:
        """Whether it will not go on."""
        return self.stage in ENDED


def read_timeout(text: str) -> int:
    """Seconds of ``90m``, ``2h``, ``1d`` or a number of seconds. Raises ConfigError."""
    found = re.fullmatch(r"(\d{1,7}(?:\.\d+)?)\s*([smhd]?)", text.strip().lower())
    seconds = int(float(found[1]) * _SECONDS[found[2] or "s"]) if found else 0
    if not 60 <= seconds <= _LONGEST_S:
        rule = f"is how long a job may take, such as 90m or 2h, from 1m to 7d (it is '{text}')"
        raise ConfigError([Fault("timeout", rule)])
    return seconds


def shown_time(seconds: int) -> str:
    """``2 h``, ``1 h 30 min``, ``45 min``."""
    hours, minutes = divmod(-(-seconds // 60), 60)
    return " ".join(filter(None, [f"{hours} h" if hours else "", f"{minutes} min" if minutes else ""])) or "0 min"


def jobs_client() -> HubClient:
    """The login of this machine, fit for starting jobs. Raises HubError where there is none, or on a Space."""
    if os.environ.get("SPACE_ID"):
        raise HubError(SPACE)
    client = HubClient()
    if client.account().writes is False:
        raise HubError(
            f"the token of '{client.account().name}' may only read; jobs need one with the role write: make it at "
            "https://huggingface.co/settings/tokens, then: hf auth login"
        )
    return client


def flavors(client: HubClient) -> list[JobFlavor]:
    """The machines that there are, as the Hub lists them. Raises HubError."""
    found = []
    with client.asking(_WHAT):
        for one in client.api.list_jobs_hardware():
            gpu = one.accelerator
            hardware = f"{gpu.quantity} × {gpu.model}, {gpu.vram}" if gpu else f"{one.cpu}, {one.ram}, no GPU"
            found.append(JobFlavor(one.name, hardware, one.unit_cost_usd * _PER_HOUR.get(one.unit_label, 60.0)))
    return found


def flavor_named(name: str, among: Sequence[JobFlavor]) -> JobFlavor:
    """The machine of that name. Raises ConfigError with all that there are."""
    known = {flavor.name: flavor for flavor in among}
    if name not in known:
        there = ", ".join(known) or "none just now"
        raise ConfigError([Fault("flavor", f"there is no '{name}' among {_WHAT}; choose one of: {there}")])
    return known[name]


def start_job(
    client: HubClient, request: JobRequest, command: Sequence[str], environment: Mapping[str, str], name: str
) -> str:
    """Start a job with the login of ``client`` as its secret; gives its id. Raises HubError."""
    with client.asking(_WHAT, writing=True):
        try:
            job = client.api.run_job(
                image=IMAGE,
                command=list(command),
                env=dict(environment),
                secrets={"HF_TOKEN": client.api.token},
                flavor=request.flavor,
                timeout=request.timeout_s,
                name=name,
                namespace=client.account().name,
            )
        except HfHubHTTPError as exc:
            if exc.response.status_code not in (402, 403):
                raise
            raise HubError(
                f"the Hub does not start a job for '{client.account().name}' (status {exc.response.status_code}): jobs "
                "are paid for from credits, and a token needs the permission to start them; see "
                "https://huggingface.co/settings/billing and https://huggingface.co/settings/tokens"
            ) from exc
    return str(job.id)


def find_job(client: HubClient, name: str) -> str:
    """The id of a job that was started under ``name`` and goes on; empty where there is none. Raises HubError."""
    with client.asking(_WHAT):
        for job in client.api.list_jobs(labels={"name": name}, namespace=client.account().name):
            if str(getattr(job.status.stage, "value", job.status.stage)) not in ENDED:
                return str(job.id)
    return ""


def job_link(client: HubClient, job: str) -> str:
    """The address of a job's page."""
    return f"{client.api.endpoint}/jobs/{client.account().name}/{job}"


def look_at(client: HubClient, job: str) -> JobState:
    """Where the job stands. Raises HubError."""
    with client.asking(_WHAT):
        try:
            info = client.api.inspect_job(job_id=job, namespace=client.account().name)
        except HfHubHTTPError as exc:
            if exc.response.status_code != 404:
                raise
            return JobState("DELETED", "the Hub does not know it any more")
        stage = getattr(info.status.stage, "value", info.status.stage)
        ran_s = info.durations.running_secs if info.durations else None
        return JobState(str(stage), info.status.message or "", ran_s)


def cancel(client: HubClient, job: str) -> None:
    """End the job. Raises HubError."""
    with client.asking(_WHAT, writing=True):
        client.api.cancel_job(job_id=job, namespace=client.account().name)


def follow_log(client: HubClient, job: str, put: Callable[[str], None]) -> None:
    """Give each line of the job's log to ``put``, from its first to its last: until the job has ended."""
    with client.asking(_WHAT):
        for line in client.api.fetch_job_logs(job_id=job, namespace=client.account().name, follow=True):
            put(line)
