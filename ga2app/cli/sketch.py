"""``sketch``: draw clips of the sketch world, and pre-train the backbone that knows it."""
