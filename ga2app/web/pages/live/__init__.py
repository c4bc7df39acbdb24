"""The page of the live camera."""
