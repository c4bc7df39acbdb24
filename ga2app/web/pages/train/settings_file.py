"""Settings to a file and back: every field of a run, as JSON that ``train settings.json`` reads, too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ga2app.config import RunConfig
from ga2app.config.settings_files import read_settings_file


def settings_text(config: RunConfig) -> str:
    """Every setting of a run, as Save settings writes it."""
    return json.dumps(config.to_dict(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def load_settings(path: str | Path) -> RunConfig:
    """The settings in a file. Raises ConfigError with every fault in it, each at its field."""
    return config_from(read_settings_file(path, Path(path).name))


def config_from(data: object) -> RunConfig:
    """The settings in plain JSON: a run's, or the manifest of a bundle, whose settings stand under "config"."""
    if isinstance(data, Mapping) and "format_version" in data and isinstance(data.get("config"), Mapping):
        inner: Mapping[str, Any] = data["config"]
        return RunConfig.from_dict(inner)
    return RunConfig.from_dict(data)  # type: ignore[arg-type]
