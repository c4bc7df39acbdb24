"""First screen: clips and labels in, what zero-shot CLIP and bundles see in them out."""
