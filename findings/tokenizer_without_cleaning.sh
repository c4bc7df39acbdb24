#!/usr/bin/env bash
# transformers 5 reads a CLIP prompt otherwise than OpenAI's and open_clip's tokenizers: it does not clean the text.
#
# Both of those call ftfy.fix_text and html.unescape (twice) first, and so did CLIPTokenizer of transformers 4 in its
# Python form where ftfy was installed. CLIPTokenizer of transformers 5 composes letters (NFC) and lowers case, and that
# is all, with ftfy installed or not. A label with a curly apostrophe, as phones and word processors write it, a
# ligature, a full-width letter or an HTML entity becomes other tokens than the same label in plain signs, so that
# zero-shot scores and features differ between the libraries, for the same weights, without an error or a warning.
#
# Seen with transformers 5.24.0, tokenizers 0.23.3, ftfy 6.3.1 (torch is not needed for it):
#   child’s pose | child's pose        other tokens, the same after cleaning: True
#   rock &amp; roll | rock & roll      other tokens, the same after cleaning: True
#   ﬂy ﬁshing | fly fishing            other tokens, the same after cleaning: True
#   Ｗalking | walking                 other tokens, the same after cleaning: True
#   café | café                        the same tokens (composed and decomposed)
# It exits with another status than 0 where that is no longer so.
set -eu
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet "transformers==5.24.0" "tokenizers==0.23.3" "ftfy==6.3.1"
cd "$work" && HF_HUB_OFFLINE=1 PYTHONIOENCODING=utf-8 venv/bin/python - <<'PYTHON'
import html

import ftfy
from tokenizers.pre_tokenizers import ByteLevel
from transformers import CLIPTokenizer

# CLIP's vocabulary begins with each byte, and each byte at the end of a word; that is enough to compare texts.
signs = sorted(ByteLevel.alphabet())
entries = [*signs, *(f"{sign}</w>" for sign in signs), "<|startoftext|>", "<|endoftext|>"]
tokenizer = CLIPTokenizer(vocab={entry: number for number, entry in enumerate(entries)}, merges=[])


def tokens(text):
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def cleaned(text):  # OpenAI's basic_clean
    return html.unescape(html.unescape(ftfy.fix_text(text))).strip()


odd = {
    "child\u2019s pose": "child's pose",
    "rock &amp; roll": "rock & roll",
    "\ufb02y \ufb01shing": "fly fishing",
    "\uff37alking": "walking",
}
surprising = True
for text, plain in odd.items():
    differ, agree = tokens(text) != tokens(plain), tokens(cleaned(text)) == tokens(plain)
    surprising &= differ and agree
    print(f"{text} | {plain}".ljust(34), f"{'other' if differ else 'the same'} tokens, the same after cleaning: {agree}")
composed, decomposed = "caf\u00e9", "cafe\u0301"
print(f"{composed} | {decomposed}".ljust(34), "the same tokens" if tokens(composed) == tokens(decomposed) else "other tokens")
raise SystemExit(not surprising)
PYTHON
