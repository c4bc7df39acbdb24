#!/bin/bash
# gradio_client 2.7.2 (with gradio 6.31.0): an answer in JSON with a key "path" is taken for a file, and is downloaded.
#
# One would guess that what a function gives to gr.JSON reaches the caller as it is, and that files are told by the
# mark that Gradio sets on them ("meta": {"_type": "gradio.FileData"}). The client looks for that mark in protocol
# "sse_v2.1" alone; in the newer one, which servers use now, any object with a text under "path" is a file of the
# server: asked for, and refused with 403. No list of files, routes or URLs can be given under that name.
# Way out: another name for the key, or Client(..., download_files=False) at each caller.
#
# Seen:
#   protocol sse_v3: {'file': 'a.mp4'} comes as it is
#   protocol sse_v3: {'path': 'a.mp4'} raises HTTPStatusError: Client error '403 Forbidden' for ur
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q gradio==6.31.0 gradio_client==2.7.2
GRADIO_ANALYTICS_ENABLED=False "$work/venv/bin/python" - <<'PYTHON'
import sys

import gradio as gr
from gradio_client import Client

with gr.Blocks() as demo:
    key, told = gr.Textbox(), gr.JSON()
    gr.Button("here").click(lambda name: {name: "a.mp4"}, key, told, api_name="ask")

app, address, _ = demo.queue().launch(prevent_thread_lock=True, quiet=True)
client, refused = Client(address, verbose=False), []
for name in ("file", "path"):
    try:
        answer = client.predict(name, api_name="/ask")
        print(f"protocol {client.protocol}: {answer} comes as it is")
    except Exception as exc:
        refused.append(name)
        print(f"protocol {client.protocol}: {{'{name}': 'a.mp4'}} raises {type(exc).__name__}: {str(exc)[:35]}")
demo.close(verbose=False)
sys.exit(refused != ["path"])
PYTHON
