#!/bin/bash
# gradio 6.31.0: a component whose value is a function is loaded once more by every page that Blocks.route adds after it.
#
# One would guess that what loads on a page is sent to that page. Gradio attaches the load events of all components,
# those of earlier pages too, whenever a page's "with" block ends: the second page asks the server for the value of a
# component of the first, which it does not have. A gr.LoginButton on each of eight pages makes 36 such events.
# Way out: set load_event_to_attach of the components to None when their page is closed.
#
# Seen:
#   first page: 1 load event, for a component of its own
#   second page: 1 load event, for a component of another page
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q gradio==6.31.0
GRADIO_ANALYTICS_ENABLED=False "$work/venv/bin/python" - <<'PYTHON'
import sys

import gradio as gr

with gr.Blocks() as demo:
    gr.Textbox(lambda: "now", label="on the first page")
with demo.route("Second"):
    gr.Textbox(label="on the second page")

config = demo.get_config_file()
strange = []
for name, path in (("first", ""), ("second", "second")):
    page = config["page"][path]
    events = [event for event in config["dependencies"] if event["id"] in page["dependencies"]]
    for event in events:
        own = set(event["outputs"]) <= set(page["components"])
        print(f"{name} page: {len(events)} load event, for a component of {'its own' if own else 'another page'}")
        strange += [] if own else [name]
sys.exit(strange != ["second"])
PYTHON
