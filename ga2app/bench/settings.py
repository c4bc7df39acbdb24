"""What the benchmark trains with: the settings of ``ga2``, from which the other rungs are derived."""

from __future__ import annotations

from dataclasses import replace

from ga2app.config import ClipConfig, RunConfig, preset

EPOCHS = {"narrow": 15, "wide": 4}
"""As many that ten seeds of a setting end within 45 minutes on two cores: about 190 steps in both."""

FRAMES = 4


def settings(setting: str) -> RunConfig:
    """The Full preset of the sketch backbone on fewer frames and epochs, evaluated once, at the end."""
    config = preset("full")
    return replace(
        config,
        clips=ClipConfig(num_frames=FRAMES),
        optimizer=replace(
            config.optimizer,
            epochs=EPOCHS[setting],
            warmup_epochs=EPOCHS[setting] / 6,
            evaluate_every=EPOCHS[setting],
        ),
    )
