"""Whether a bundle belongs to a backbone: the same weights, computed with alike, that see the same pixels."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ga2app.video.preprocessing import clip_preprocessing


def difference(own: Mapping[str, Any], backbone: Mapping[str, Any]) -> str:
    """What tells the backbone ``own`` of a bundle from ``backbone``; empty where the bundle fits.

    Both are ``BackboneId.to_dict()``. Bundles of earlier versions know a fingerprint of six tensors alone, and were
    trained with the preprocessing of OpenAI's CLIP, whatever their backbone's folder said.
    """
    if own["fingerprint"] == backbone["fingerprint"]:
        return ""
    earlier = "weights" not in own
    same = own["fingerprint"] == backbone["six_tensors"] if earlier else own["weights"] == backbone["weights"]
    if same:
        wanted = backbone["preprocessing"]
        seen = clip_preprocessing(wanted["size_px"]).to_dict() if earlier else own.get("preprocessing")
        return _other_pixels(seen if isinstance(seen, Mapping) else {}, wanted, earlier)
    if own["sizes"] != backbone["sizes"]:
        return "other weights of another shape"
    if own.get("six_tensors") == backbone["six_tensors"]:
        return "other weights in the inner layers, or another activation"
    return "other weights"


def _other_pixels(seen: Mapping[str, Any], wanted: Mapping[str, Any], earlier: bool) -> str:
    """Settings of the preprocessing that differ; empty where a bundle of ``earlier`` versions differs in none."""
    names = [name for name in wanted if json.dumps(seen.get(name)) != json.dumps(wanted[name])]
    if not names:
        return "" if earlier else "other weights"
    told = ", ".join(
        f"{name} {json.dumps(seen.get(name))[:80]} there and {json.dumps(wanted[name])} here" for name in names
    )
    reason = " (before the backbone's preprocessor_config.json was read)" if earlier else ""
    return f"the same weights with other preprocessing{reason}: {told}"
