"""Settings to a file and back: every field of a run, as JSON that ``train settings.json`` reads, too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ga2app.config import RunConfig
from ga2app.errors import ConfigError, Fault

LARGEST_BYTES = 1_000_000


def settings_text(config: RunConfig) -> str:
    """Every setting of a run, as Save settings writes it."""
    return json.dumps(config.to_dict(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def load_settings(path: str | Path) -> RunConfig:
    """The settings in a file. Raises ConfigError with every fault in it, each at its field."""
    file = Path(path)
    try:
        if file.stat().st_size > LARGEST_BYTES:
            raise ConfigError([Fault(file.name, "is too large for settings; choose a file that Save settings wrote")])
        data = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as exc:
        text = f"cannot be read as JSON ({exc}); choose a file that Save settings or train --print-config wrote"
        raise ConfigError([Fault(file.name, text)]) from exc
    return config_from(data)


def config_from(data: object) -> RunConfig:
    """The settings in plain JSON: a run's, or the manifest of a bundle, whose settings stand under "config"."""
    if isinstance(data, Mapping) and "format_version" in data and isinstance(data.get("config"), Mapping):
        inner: Mapping[str, Any] = data["config"]
        return RunConfig.from_dict(inner)
    return RunConfig.from_dict(data)  # type: ignore[arg-type]
