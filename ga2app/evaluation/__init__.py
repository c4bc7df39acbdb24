"""How well clips are recognized: accuracies, and the clip features that they are computed from.

Base clips compete among the base names, novel clips among the novel names; HM = 2bn / (b + n) (paper, section 4).
On request all names compete together, as they do for a data set that the prompts were not trained on.
"""

from ga2app.evaluation.baselines import MeasuredBaseline, TrainingClips, clips_to_learn_from, measure_baselines

from ga2app.evaluation.clip_features import (  # isort: skip
    CLIPS_AT_ONCE, SINGLE_VIEW, PlainFeatures, encode_clips, encode_views, test_clips,
)  # fmt: skip
from ga2app.evaluation.confidence import Seen, confidence_of, measured_confidence, seen_by, validation_of
from ga2app.evaluation.metrics import Evaluation, GroupAccuracy, group_accuracy, spread_if_defined
from ga2app.evaluation.reliability import MOST_ANCHORS, calibration, fit_temperature
from ga2app.evaluation.run_report import Side, make_report

from ga2app.evaluation.scoring import (  # isort: skip
    Remeasured, Trained, encode_test_clips, evaluate, evaluate_features, no_test_clips, pooled, shared_labels,
    to_measure_again,
)  # fmt: skip
from ga2app.types import Spread, harmonic_mean, spread

__all__ = [
    "CLIPS_AT_ONCE", "MOST_ANCHORS", "SINGLE_VIEW", "Evaluation", "GroupAccuracy", "MeasuredBaseline", "PlainFeatures",
    "Remeasured", "Seen", "Side", "Spread", "Trained", "TrainingClips", "calibration", "clips_to_learn_from",
    "confidence_of", "encode_clips", "encode_test_clips", "encode_views", "evaluate", "evaluate_features",
    "fit_temperature", "group_accuracy", "harmonic_mean", "make_report", "measure_baselines", "measured_confidence",
    "no_test_clips", "pooled", "seen_by", "shared_labels", "spread", "spread_if_defined", "test_clips",
    "to_measure_again", "validation_of",
]  # fmt: skip
