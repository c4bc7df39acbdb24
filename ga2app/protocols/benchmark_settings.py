"""What the benchmark trains with: the settings of ``ga2``, from which the other rungs are derived."""

from __future__ import annotations

from dataclasses import replace

from ga2app.config import ClipConfig, RunConfig, preset

EPOCHS = {"narrow": 15, "wide": 4}
"""As many that ten seeds of a setting end within 45 minutes on two cores: about 190 steps in both."""

FRAMES = 4

QUICKER = 3
"""A quick look takes so many times fewer epochs."""


def settings(setting: str, *, quick: bool = False) -> RunConfig:
    """The Full preset of the sketch backbone on fewer frames and epochs, evaluated once, at the end."""
    config, epochs = preset("full"), EPOCHS[setting]
    if quick:
        epochs = -(-epochs // QUICKER)
    return replace(
        config,
        clips=ClipConfig(num_frames=FRAMES),
        optimizer=replace(
            config.optimizer,
            epochs=epochs,
            warmup_epochs=epochs / 6,
            evaluate_every=epochs,
        ),
    )
