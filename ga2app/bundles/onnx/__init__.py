"""A bundle for programs without torch: its vision side as ONNX, its labels as numbers, and a script that uses both."""

from ga2app.bundles.onnx.onnx_export import MOST_APART, Portable, write_portable

__all__ = ["MOST_APART", "Portable", "write_portable"]
