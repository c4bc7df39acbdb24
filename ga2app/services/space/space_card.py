"""The README of a Space: front matter that the Hub reads, and what its owner has to know."""

from __future__ import annotations

import json

PYTHON = "3.12.12"
"""ZeroGPU hardware carries this one, other hardware any."""

SUMMARY = "Teach a frozen CLIP actions in video, and keep the rest"
SIGN_IN_MINUTES = 480

_CLIP_FILES = "config.json preprocessor_config.json model.safetensors tokenizer.json tokenizer_config.json"

_BODY = """
# {title}

Upload clips, type labels, and see side by side what zero-shot CLIP and a trained prompt bundle make of them. Everybody
may recognize. Data sets, anchors, training and bundles belong to the owner of this Space, unless its settings say
otherwise.

## Settings

Variables and secrets of the Space (Settings, *Variables and secrets*); each may be left out.

| name | what it says |
|---|---|
| `GA2_ACCESS` | `owner` (the default): only the owner may change anything. `signed-in`: whoever has signed in may |
| `GA2_OWNERS` | further user names, between commas, that count as the owner |
| `GA2_HOME` | folder of the live data, on storage that you mounted, for example `/data/ga2`; without it a restart \
empties everything |
| `GA2_JOURNAL` | `delete` or `wal`: how the database keeps its journal, where its guess by the mount is wrong |
| `GA2_BACKBONE` | the CLIP that recognizes by default, for example `openai/clip-vit-base-patch16` |
| `HF_HOME` | where fetched CLIPs are kept, for example `/data/huggingface` |
| `GA2_GPU_SECONDS` | on ZeroGPU: for how long the GPU is asked for at a time (60) |
| `GA2_KEY` | a *secret* of 16 characters or more: a program that sends it as the header `X-GA2-Key` acts as the owner |

Everything that the screens show can be seen by whoever can open the Space, the clips of data sets too: make the Space
private if they are not for everybody. The owner of a Space that belongs to an organization is whoever may write there.

## Hardware

CPU and GPU hardware train in a process of their own, which goes on when the page is closed. ZeroGPU lends its GPU for
one call at a time: recognition asks for it clip by clip, and training goes in slices of `GA2_GPU_SECONDS`, each from
the checkpoint of the one before. Where no GPU is to be had, the CPU answers.
"""


def space_card(title: str, gradio: str, clip: str = "") -> str:
    """The README: ``gradio`` is the version that the Space shall run, ``clip`` a CLIP that its image shall hold."""
    front = {
        "title": title,
        "emoji": "🎬",
        "colorFrom": "green",
        "colorTo": "indigo",
        "sdk": "gradio",
        "sdk_version": gradio,
        "python_version": PYTHON,
        "app_file": "app.py",
        "fullWidth": True,
        "pinned": False,
        "license": "apache-2.0",
        "short_description": SUMMARY,
        "tags": ["video-classification", "action-recognition", "clip", "prompt-tuning"],
        "hf_oauth": True,
        "hf_oauth_expiration_minutes": SIGN_IN_MINUTES,
        # Enough to make repositories and to change those that were made here; other ones stay out of reach.
        "hf_oauth_scopes": ["contribute-repos"],
    }
    if clip:
        front |= {"models": [clip], "preload_from_hub": [f"{clip} {','.join(_CLIP_FILES.split())}"]}
    # JSON values are YAML values, and a title can break nothing.
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in front.items()]
    return "\n".join(["---", *lines, "---", _BODY.format(title=title)])
