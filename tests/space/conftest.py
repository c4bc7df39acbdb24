"""A browser for the running Space."""

from tests.ui.conftest import chromium, tab

__all__ = ["chromium", "tab"]
