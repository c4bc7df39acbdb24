"""What a reader of the paper opens first: prompts in both towers, losses, whitening, and the prompted model."""
