"""What stands behind the screens' protocols: the torch side, the decoder and the Hub, each loaded at its first use.

The screens may not import these; ``app.py`` hands the doors to them.
"""

from ga2app.services.anchor_advisor import LazyAdvisor
from ga2app.services.backbones import Backbones
from ga2app.services.bundle_folders import BundleFolders
from ga2app.services.clip_inspector import VideoInspector
from ga2app.services.exchange import StudioExchange
from ga2app.services.hardware import Hardware, lent_hardware, own_hardware
from ga2app.services.lazy_explainer import LazyExplainer
from ga2app.services.lazy_recognizer import LazyRecognizer
from ga2app.services.speed_estimate import SpeedEstimator

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
