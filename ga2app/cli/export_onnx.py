"""``export --onnx``: a bundle for programs without torch."""

from __future__ import annotations

import argparse
from pathlib import Path

from ga2app.cli import common
from ga2app.labels import parse_labels


def run(args: argparse.Namespace, bundle: Path, out: Path) -> int:
    """Write the folder, check it, and say what is in it; raises PackageError without the exporter."""
    common.need("onnxscript", "export --onnx", "onnx")
    from ga2app.bundles.onnx import write_portable
    from ga2app.clip import load_backbone
    from ga2app.inference import load_bundle

    loaded = load_bundle(bundle)
    backbone = load_backbone(args.backbone or str(loaded.manifest.backbone["name"]), device="cpu")
    labels = parse_labels(args.labels) if args.labels else [*loaded.manifest.base, *loaded.manifest.novel]
    written = write_portable(loaded, backbone, labels, out)
    if args.json:
        common.print_json(
            {
                "folder": str(out),
                "files": written.files,
                "labels": list(written.labels),
                "difference": written.difference,
            }
        )
        return 0
    print(f"{out}: {len(written.labels)} labels")
    for name, count in written.files.items():
        print(f"  {name:16} {count:>13,} bytes")
    if written.difference is None:
        print("not checked: onnxruntime is not installed; pip install onnxruntime")
    else:
        print(f"onnxruntime and torch agree: clip features differ by at most {written.difference:.1g}")
    print(f"try it: python {out / 'recognize.py'} CLIP")
    return 0
