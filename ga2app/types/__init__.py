"""Plain records and protocols that the rooms of the app hand to each other. No heavy imports."""

from ga2app.types.baseline_types import BASELINES, BaselineReport, told_of  # isort: skip
from ga2app.types.bundle_types import (  # isort: skip
    LICENSES, BackboneChoice, BundleCard, BundleFacts, ByteProgress, HubAccount, HubFile, HubOffer, HubRevision,
    PulledAnchors, Pushed, PushOptions, RepoKind,
)  # fmt: skip
from ga2app.types.dataset_types import (  # isort: skip
    AnchorClip, AnchorKind, ClipFacts, ClipRating, ClipRatings, Dataset, DatasetOutline, LabelledClip, MadeClip,
    MadeClips, Progress, ProposalKind, Subset, TextProposal, TextRating, TextRatings, with_anchors,
)  # fmt: skip
from ga2app.types.headline import (  # isort: skip
    FEW_LABELS, LEAST_LABELS, Adjustment, Conditions, Interval, SampleSize, Spread, as_document, cautions, defined,
    figure_text, harmonic_interval, harmonic_mean, intervals, read_conditions, read_tested, rests_on, spread,
    to_counts, wilson, with_nulls,
)  # fmt: skip
from ga2app.types.recognition import (  # isort: skip
    NONE_OF_THESE, Answer, Curve, FrameScore, LabelKind, NoneOfThese, NoneWay, Recognition, RecognitionRequest,
    RecognizedClip, Score, Verdict,
)  # fmt: skip
from ga2app.types.reliability_types import (  # isort: skip
    Calibration, Confidence, Rejection, Temperature,
)  # fmt: skip
from ga2app.types.report_types import (  # isort: skip
    GROUPS, REPORT, TOP5_LABELS, ChangedClip, Finding, GroupReport, MapPoint, ModelReport, Report, TrainResult,
    read_report,
)  # fmt: skip
from ga2app.types.run_types import (  # isort: skip
    DIGEST_CHARACTERS, ClipState, Event, EventKind, RunRecord, RunState, TrainingData, clip_name,
)  # fmt: skip
from ga2app.types.timed_labels import Sliding, StretchRules, TimedLabels, TimedStretch  # isort: skip

__all__ = [
    "BASELINES", "DIGEST_CHARACTERS", "FEW_LABELS", "GROUPS", "LEAST_LABELS", "LICENSES", "NONE_OF_THESE", "REPORT",
    "TOP5_LABELS", "Adjustment", "AnchorClip", "AnchorKind", "Answer", "BackboneChoice", "BaselineReport", "BundleCard",
    "BundleFacts", "ByteProgress", "Calibration", "ChangedClip", "ClipFacts", "ClipRating", "ClipRatings",
    "ClipState", "Conditions", "Confidence", "Curve", "Dataset", "DatasetOutline", "Event", "EventKind",
    "Finding", "FrameScore", "GroupReport", "HubAccount", "HubFile", "HubOffer", "HubRevision", "Interval",
    "LabelKind", "LabelledClip", "MadeClip", "MadeClips", "MapPoint", "ModelReport", "NoneOfThese",
    "NoneWay", "Progress", "ProposalKind", "PulledAnchors", "PushOptions", "Pushed", "Recognition",
    "RecognitionRequest", "RecognizedClip", "Rejection", "RepoKind", "Report", "RunRecord", "RunState", "SampleSize",
    "Score", "Sliding", "Spread", "StretchRules", "Subset", "Temperature", "TextProposal", "TextRating", "TextRatings",
    "TimedLabels", "TimedStretch", "TrainResult",
    "TrainingData", "Verdict",
    "as_document", "cautions", "clip_name", "defined", "figure_text", "harmonic_interval", "harmonic_mean",
    "intervals", "read_conditions", "read_report", "read_tested", "rests_on", "spread", "to_counts", "told_of",
    "wilson", "with_anchors", "with_nulls",
]  # fmt: skip
