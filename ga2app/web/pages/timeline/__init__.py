"""The page of long videos: labels over time, corrected by hand."""
