#!/bin/bash
# gradio 6.31.0: each call without a session of its own makes the server keep the configuration of all components anew.
#
# One would guess that a call over HTTP (POST /gradio_api/call/…) leaves nothing behind once it is answered, and that a
# session holds its gr.State values. Gradio makes a session of each call, and a session holds a copy of every
# component's configuration (config_values, for deep links, whether the app has any or not). They go only when
# state_session_capacity, 10,000 unless launch() sets it, is reached: an app of 500 components grows by hundreds of KB
# with each call. Way out: a small state_session_capacity, or a state holder whose sessions leave config_values empty.
#
# Seen:
#   30 calls of an app with 500 components: 30 sessions kept, 501 configurations in each
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q gradio==6.31.0
GRADIO_ANALYTICS_ENABLED=False "$work/venv/bin/python" - <<'PYTHON'
import sys

import gradio as gr
import httpx

with gr.Blocks() as demo:
    for number in range(498):
        gr.Textbox(label=f"field {number}")
    told = gr.Textbox()
    gr.Button("here").click(lambda: "answered", None, told, api_name="ask")

app, address, _ = demo.queue().launch(prevent_thread_lock=True, quiet=True)
for _ in range(30):
    call = f"{address}gradio_api/call/ask"
    event = httpx.post(call, json={"data": []}).json()["event_id"]
    assert "answered" in httpx.get(f"{call}/{event}").text
kept = app.state_holder.session_data
sizes = {len(session.config_values) for session in kept.values()}
demo.close(verbose=False)
print(f"30 calls of an app with 500 components: {len(kept)} sessions kept, {sizes.pop()} configurations in each")
sys.exit(len(kept) != 30)
PYTHON
