#!/usr/bin/env bash
# transformers 5 makes a tokenizer of nothing, without an error or a warning.
#
# A CLIP folder that holds the model alone (config.json, model.safetensors), as CLIPModel.save_pretrained writes it,
# has no tokenizer. AutoTokenizer.from_pretrained on it does not fail: it returns a CLIPTokenizer of two entries (start
# and end), which turns every text into end tokens, one for each character. Texts of equal length become one and the
# same text, so a zero-shot classifier answers 50 % / 50 % for "walking" and "running". transformers 4 raised OSError.
#
# Seen with transformers 5.24.0, tokenizers 0.23.3 (torch is not needed for it):
#   CLIPTokenizer of 2 entries
#   'walking' [0, 2, 2, 2, 2, 2, 2, 2, 2]
#   'running' [0, 2, 2, 2, 2, 2, 2, 2, 2]
#   the same text: True
# It exits with another status than 0 where that is no longer so.
set -eu
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet "transformers==5.24.0" "tokenizers==0.23.3"
cd "$work" && HF_HUB_OFFLINE=1 TRANSFORMERS_VERBOSITY=warning venv/bin/python - <<'PYTHON'
from transformers import AutoTokenizer, CLIPConfig

CLIPConfig().save_pretrained("clip")  # what AutoTokenizer looks at of a saved CLIP
tokenizer = AutoTokenizer.from_pretrained("clip")
walking, running = (tokenizer(word)["input_ids"] for word in ("walking", "running"))
print(f"{type(tokenizer).__name__} of {len(tokenizer)} entries")
print("'walking'", walking)
print("'running'", running)
print("the same text:", walking == running)
raise SystemExit(not (len(tokenizer) <= 3 and walking == running))
PYTHON
