#!/bin/bash
# gradio 6.31.0, @gradio/client 2.7.0 (what a page follows its events with): where the server's "close_stream" comes
# later than the answer to an event that was queued meanwhile, nobody opens a stream again.
#
# One would guess that each event's answer arrives. The client opens a stream for an event unless one is open, and takes
# it for open until "close_stream" is read; then it opens none for the event that it has queued in between. That one's
# answer waits on the server and is shown with the next event, or never. A slow network or proxy is enough.
# Way out: a middleware holds the answer to /queue/join back until the client has left the stream that is being closed.
#
# Seen (news of a closed stream come 1 s late; the second event is sent at once after the first one's answer):
#   event 1: answered
#   event 2: no answer in 5 s
#   event 3: answered, and event 2 with it
set -euo pipefail
work=$(mktemp -d); trap 'kill "${server:-}" 2>/dev/null || true; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q gradio==6.31.0
npm install --prefix "$work" --no-audit --no-fund --silent @gradio/client@2.7.0
cd "$work"
cat > app.py <<'PYTHON'
import asyncio

import gradio as gr
import uvicorn
from fastapi import FastAPI

with gr.Blocks() as demo:
    number = gr.Number()
    gr.Button().click(lambda given: given, number, number, api_name="same")
app = gr.mount_gradio_app(FastAPI(), demo, path="/")


async def slow_network(scope, receive, send):
    async def late(message):
        if b'"close_stream"' in message.get("body", b""):
            await asyncio.sleep(1)
        await send(message)

    await app(scope, receive, late)


class Server(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        print(self.servers[0].sockets[0].getsockname()[1], file=open("port", "w"), flush=True)


Server(uvicorn.Config(slow_network, port=0, log_level="error")).run()
PYTHON
cat > client.mjs <<'NODE'
import { Client } from "@gradio/client";

const client = await Client.connect(`http://127.0.0.1:${process.argv[2]}`);
const answered = [];

async function follow(number) {
  for await (const one of client.submit("/same", [number])) if (one.type === "data") answered.push(one.data[0]);
}
async function wait(number, seconds) {
  for (let tenths = 0; tenths < 10 * seconds && !answered.includes(number); tenths++)
    await new Promise((go) => setTimeout(go, 100));
  return answered.includes(number);
}

follow(1);
const first = await wait(1, 30);
console.log(`event 1: ${first ? "answered" : "no answer"}`);
follow(2);
const lost = !(await wait(2, 5));
console.log(`event 2: ${lost ? "no answer in 5 s" : "answered"}`);
follow(3);
const both = (await wait(3, 30)) && (await wait(2, 30));
console.log(`event 3: ${both ? "answered, and event 2 with it" : `answered are ${answered}`}`);
process.exit(first && lost && both ? 0 : 1);
NODE
GRADIO_ANALYTICS_ENABLED=False "$work/venv/bin/python" app.py & server=$!
for _ in $(seq 600); do [ -s port ] && break; sleep 0.1; done
node client.mjs "$(cat port)"
