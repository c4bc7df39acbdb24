"""Recognize clips: labels for a clip, by plain CLIP and by bundles beside it."""

from ga2app.bundles import PromptBundle, load_bundle
from ga2app.inference.recognizer import DEFAULT_FRAMES, Recognizer
from ga2app.inference.recognizer_service import StudioRecognizer

__all__ = ["DEFAULT_FRAMES", "PromptBundle", "Recognizer", "StudioRecognizer", "load_bundle"]
