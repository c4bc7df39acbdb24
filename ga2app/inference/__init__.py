"""Recognize clips: labels for a clip, by zero-shot CLIP and by bundles beside it."""

from ga2app.bundles import PromptBundle, load_bundle
from ga2app.inference.live_clip import LiveClip
from ga2app.inference.model_cache import ModelCache
from ga2app.inference.recognizer import DEFAULT_FRAMES, Recognizer

__all__ = ["DEFAULT_FRAMES", "LiveClip", "ModelCache", "PromptBundle", "Recognizer", "load_bundle"]
