"""Where ``parse_labels`` used to be."""

from __future__ import annotations

from ga2app.labels import parse_labels

__all__ = ["parse_labels"]
