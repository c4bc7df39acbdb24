"""What several pages share: markup, charts, and the panels for the Hugging Face Hub."""
