"""Sixth screen: the library of prompt bundles."""
