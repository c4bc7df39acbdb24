#!/usr/bin/env bash
# transformers 5: preprocessor_config.json is not what counts any more once a processor was saved into the folder.
#
# CLIPProcessor.save_pretrained of transformers 4 wrote preprocessor_config.json. That of transformers 5 writes no such
# file: mean, deviation, size and crop stand nested in processor_config.json. A folder that is saved again holds both,
# and the image processor takes the nested one. Whoever corrects image_mean in preprocessor_config.json, the file that
# every guide names, then changes nothing, and programs that read that file alone normalize otherwise than transformers.
#
# Seen with transformers 5.24.0, tokenizers 0.23.3, pillow 12.3.0 (torch is not needed for it):
#   files of a processor: ['processor_config.json', 'tokenizer.json', 'tokenizer_config.json']
#   image_mean in preprocessor_config.json: [0.1, 0.1, 0.1]
#   image_mean that is used: [0.5, 0.5, 0.5]
# It exits with another status than 0 where that is no longer so.
set -eu
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet "transformers==5.24.0" "tokenizers==0.23.3" "pillow==12.3.0" "numpy<3"
cd "$work" && HF_HUB_OFFLINE=1 venv/bin/python - <<'PYTHON'
import json
import os

from tokenizers import Tokenizer, models
from transformers import CLIPImageProcessorPil, CLIPProcessor, PreTrainedTokenizerFast

words = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel({"<unk>": 0}, unk_token="<unk>")))
half = CLIPImageProcessorPil(image_mean=[0.5] * 3, image_std=[0.5] * 3)
CLIPProcessor(half, words).save_pretrained("clip")
files = sorted(os.listdir("clip"))
print("files of a processor:", files)
corrected = half.to_dict() | {"image_mean": [0.1] * 3}
json.dump(corrected, open("clip/preprocessor_config.json", "w"))
used = CLIPImageProcessorPil.from_pretrained("clip").image_mean
print("image_mean in preprocessor_config.json:", corrected["image_mean"])
print("image_mean that is used:", list(used))
raise SystemExit(not ("preprocessor_config.json" not in files and list(used) == [0.5] * 3))
PYTHON
