"""First screen: clips and labels in, what plain CLIP and bundles see in them out."""
