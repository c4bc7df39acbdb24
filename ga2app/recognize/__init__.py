"""Recognize clips: labels for a clip, by plain CLIP and by bundles beside it."""

from ga2app.recognize.bundles import PromptBundle, load_bundle
from ga2app.recognize.recognizer import DEFAULT_FRAMES, Recognizer
from ga2app.recognize.service import StudioRecognizer

__all__ = ["DEFAULT_FRAMES", "PromptBundle", "Recognizer", "StudioRecognizer", "load_bundle"]
