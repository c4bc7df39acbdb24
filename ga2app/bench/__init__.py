"""The base-to-novel benchmark on the sketch world: every rung of the ladder over many seeds."""
