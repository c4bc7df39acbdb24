"""Plain records and protocols that the rooms of the app hand to each other. No heavy imports."""

from ga2app.contracts.datasets import AnchorClip, Dataset, LabelledClip, ProposalKind, Subset, with_anchors
from ga2app.contracts.library import BackboneChoice, BundleCard
from ga2app.contracts.recognition import FrameScore, LabelKind, Recognition, RecognizedClip, Score
from ga2app.contracts.runs import Event, EventKind, RunRecord, RunState
from ga2app.contracts.services import RecognizerService

__all__ = [
    "AnchorClip",
    "BackboneChoice",
    "BundleCard",
    "Dataset",
    "Event",
    "EventKind",
    "FrameScore",
    "LabelKind",
    "LabelledClip",
    "ProposalKind",
    "Recognition",
    "RecognizedClip",
    "RecognizerService",
    "RunRecord",
    "RunState",
    "Score",
    "Subset",
    "with_anchors",
]
