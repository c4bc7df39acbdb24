"""What makes the files that the project ships: the sketch backbone, its hard prompt, the picture of its world."""
