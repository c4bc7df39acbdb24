"""What the HTTP library under huggingface_hub is called today."""

from __future__ import annotations

from typing import cast

from huggingface_hub.errors import HfHubHTTPError

# The base class of all errors of whichever HTTP library huggingface_hub uses.
HTTPError = cast(type[Exception], HfHubHTTPError.__bases__[0])
