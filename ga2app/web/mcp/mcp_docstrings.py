"""What a docstring says; the endpoints of the page are told from theirs, too."""

from ga2app.web.api.docstrings import Explained, explained

__all__ = ["Explained", "explained"]
