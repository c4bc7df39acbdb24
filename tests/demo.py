"""A home whose demo has been drawn already: to draw it takes longer than most tests."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ga2app.config import DEMO
from ga2app.paths import Home


def link_demo(demo: Path, home: Home) -> None:
    """Give ``home`` the drawn ``demo``; its files are shared, and nobody writes into them."""
    shutil.copytree(demo, home.media / DEMO, copy_function=os.link)
