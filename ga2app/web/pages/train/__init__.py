"""What to train on and how, then into the queue."""
