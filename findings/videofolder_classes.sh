#!/usr/bin/env bash
# datasets 5.2.0: the class names in a data set's README change nothing about a videofolder with a metadata table, and
# the builder says that they do.
#
# Expected: with a ClassLabel in the README's dataset_info, as the Hub's documentation describes it, a label "007" in
# metadata.csv is read as text and becomes that class; builder.info.features, which says ClassLabel, is what
# load_dataset gives. Seen: the features of the table win, so that "007" is the number 7 and the names are lost, without
# a word; the builder still announces ClassLabel. With the same rows in metadata.jsonl the labels stay texts. Whoever
# writes a videofolder writes its labels as JSON lines, and does not rely on the README.
# Output seen:
#   announced: ClassLabel(names=['007', '008'])
#   metadata.csv, labels of numbers: Value('int64') [7, 8]
#   metadata.jsonl, the same: Value('string') ['007', '008']
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q datasets==5.2.0
cd "$folder"
HF_HUB_OFFLINE=1 HF_DATASETS_CACHE="$folder/cache" "$folder/venv/bin/python" - <<'P'
import json
import sys
from pathlib import Path

from datasets import Video, disable_progress_bars, load_dataset, load_dataset_builder

disable_progress_bars()
HEAD = """---
dataset_info:
  features:
  - {name: video, dtype: video}
  - name: label
    dtype: {class_label: {names: {'0': '007', '1': '008'}}}
---
"""
rows = [("a.mp4", "007"), ("b.mp4", "008")]
found = {}
for kind in ("csv", "jsonl"):
    root = Path(kind)
    (root / "train").mkdir(parents=True)
    (root / "README.md").write_text(HEAD)
    for name, _ in rows:
        (root / "train" / name).write_bytes(b"never decoded")
    lines = [json.dumps({"file_name": name, "label": label}) for name, label in rows]
    if kind == "csv":
        lines = ["file_name,label", *(f'{name},"{label}"' for name, label in rows)]
    (root / "train" / f"metadata.{kind}").write_text("\n".join(lines) + "\n")
    announced = str(load_dataset_builder(f"./{kind}").info.features["label"])  # before it is read: then it knows better
    clips = load_dataset(f"./{kind}", split="train").cast_column("video", Video(decode=False))
    found[kind] = str(clips.features["label"]), list(clips["label"])
print("announced:", announced)
print("metadata.csv, labels of numbers:", *found["csv"])
print("metadata.jsonl, the same:", *found["jsonl"])
same = announced.startswith("ClassLabel") and found["csv"][1] == [7, 8] and found["jsonl"][1] == ["007", "008"]
sys.exit(0 if same else "the behavior has changed")
P
