"""The queue and its history, and one run in full."""
