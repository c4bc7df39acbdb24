#!/usr/bin/env bash
# safetensors 0.8.0: a file with several entries of metadata has other bytes each time it is written.
#
# Expected: the same tensors and the same metadata give the same bytes, as the same tensors alone do; files are compared
# and cached by their digest. Seen: the entries of the metadata are written in any order, in one process as in several,
# so that of 60 files with three entries there are six kinds. With one entry, or none, all are the same. Whoever needs
# the same bytes puts everything under one key.
# Output seen:
#   files that differ: 1 without metadata, 1 with one entry, 6 with three entries
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q safetensors==0.8.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'P'
import sys

import numpy as np
from safetensors.numpy import save

tensors = {"weight": np.arange(4, dtype=np.float32), "bias": np.zeros(2, dtype=np.float32)}
none, one, three = (
    len({save(tensors, told) for _ in range(60)}) for told in (None, {"a": "1"}, {"a": "1", "b": "2", "c": "3"})
)
print(f"files that differ: {none} without metadata, {one} with one entry, {three} with three entries")
sys.exit(0 if none == one == 1 and three > 1 else "the behavior has changed")
P
