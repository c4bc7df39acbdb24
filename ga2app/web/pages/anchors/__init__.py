"""Third screen: anchor sets and negative prompts."""
