"""The door to the Hub for all that people push and pull."""

from __future__ import annotations

from ga2app.paths import Home
from ga2app.services.clip_inspector import VideoInspector
from ga2app.services.hub_anchors import AnchorExchange
from ga2app.services.hub_bundles import BundleExchange
from ga2app.store import Store
from ga2app.types import ClipInspector


class StudioExchange(BundleExchange, AnchorExchange):
    """The real ``contracts.HubExchange`` of one home, at the Hub's ``endpoint`` (see ``hub.HubClient``)."""

    def __init__(
        self, home: Home, store: Store, inspector: ClipInspector | None = None, *, endpoint: str | None = None
    ) -> None:
        AnchorExchange.__init__(self, home, store, inspector or VideoInspector(), endpoint=endpoint)
