"""Clips reviewed one by one, and lists of clips to look at."""
