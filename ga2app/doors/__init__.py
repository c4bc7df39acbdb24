"""What stands behind the screens' protocols: the torch side, the decoder and the Hub, each loaded at its first use.

The screens may not import these; ``app.py`` hands the doors to them.
"""

from ga2app.doors.anchors import LazyAdvisor
from ga2app.doors.backbones import Backbones
from ga2app.doors.bundles import BundleFolders
from ga2app.doors.clips import VideoInspector
from ga2app.doors.estimate import SpeedEstimator
from ga2app.doors.exchange import StudioExchange
from ga2app.doors.explainer import LazyExplainer
from ga2app.doors.hardware import Hardware, lent_hardware, own_hardware
from ga2app.doors.recognizer import LazyRecognizer

__all__ = [
    "Backbones",
    "BundleFolders",
    "Hardware",
    "LazyAdvisor",
    "LazyExplainer",
    "LazyRecognizer",
    "SpeedEstimator",
    "StudioExchange",
    "VideoInspector",
    "lent_hardware",
    "own_hardware",
]
