"""The panels that take things to the Hugging Face Hub and from it; what they take, each screen says itself."""
