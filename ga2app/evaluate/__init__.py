"""How well clips are recognized: accuracies, and the clip features that they are computed from.

Base clips compete among the base names, novel clips among the novel names; HM = 2bn / (b + n) (paper, section 4).
On request all names compete together, as they do for a data set that the prompts were not trained on.
"""

from ga2app.contracts import harmonic_mean
from ga2app.evaluate.again import Remeasured, Trained, to_measure_again
from ga2app.evaluate.clips import CLIPS_AT_ONCE, SINGLE_VIEW, encode_clips, encode_views, test_clips
from ga2app.evaluate.metrics import Evaluation, GroupAccuracy, group_accuracy
from ga2app.evaluate.plain import PlainFeatures
from ga2app.evaluate.reporting import Side, make_report
from ga2app.evaluate.scoring import encode_test_clips, evaluate, evaluate_features, pooled, shared_labels
from ga2app.evaluate.spread import Spread, spread, spread_if_defined

__all__ = [
    "CLIPS_AT_ONCE",
    "SINGLE_VIEW",
    "Evaluation",
    "GroupAccuracy",
    "PlainFeatures",
    "Remeasured",
    "Side",
    "Spread",
    "Trained",
    "encode_clips",
    "encode_test_clips",
    "encode_views",
    "evaluate",
    "evaluate_features",
    "group_accuracy",
    "harmonic_mean",
    "make_report",
    "pooled",
    "shared_labels",
    "spread",
    "spread_if_defined",
    "test_clips",
    "to_measure_again",
]
