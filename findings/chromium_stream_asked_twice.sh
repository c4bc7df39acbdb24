#!/bin/bash
# Chromium 147 (driven by puppeteer-core), starlette 1.3.1, uvicorn 0.46.0: a stream of events that a page leaves and
# asks for again at the same address is often asked for twice, unless its answer says "Cache-Control: no-store". The
# server goes on sending to a request that was dropped, for up to five seconds.
#
# One would guess that an event stream is not kept in the browser's cache, that one fetch() is one request, and that a
# fetch() that is aborted is over. The cache does begin to keep the stream, so that the second fetch() may find an entry
# that is being put away, and begins anew; and of what is dropped the browser first reads the rest, for five seconds at
# most. A server that takes what it sends from a queue of the session (as Gradio 6.31.0 does at /queue/data, without
# "no-store") then gives half of it to nobody.
# Way out: "Cache-Control: no-store", and a server that ends a stream itself rather than wait for its reader to leave.
#
# Seen (counts vary; 100 streams were fetched each time, one after another, each left at its second message):
#   plain: 110 requests, 21 of them went on for more than a second, the longest for 5.0 s
#   no-store: 100 requests, 11 of them went on for more than a second, the longest for 5.0 s
set -euo pipefail
work=$(mktemp -d); trap 'kill "${server:-}" 2>/dev/null || true; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q starlette==1.3.1 uvicorn==0.46.0
npm install --prefix "$work" --no-audit --no-fund --silent @sparticuz/chromium@147.0.0 puppeteer-core@24.43.1
cd "$work"
cat > app.py <<'PYTHON'
import asyncio
import time

import uvicorn
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, StreamingResponse
from starlette.routing import Route

spans = {"plain": [], "no-store": []}


async def stream(request):
    how = request.path_params["how"]

    async def messages():
        began = time.monotonic()
        try:
            yield b"data: one\n\n"
            yield b"data: two\n\n"
            await asyncio.sleep(60)
        finally:
            spans[how].append(time.monotonic() - began)

    headers = {"Cache-Control": "no-store"} if how == "no-store" else {}
    return StreamingResponse(messages(), media_type="text/event-stream", headers=headers)


app = Starlette(
    routes=[
        Route("/", lambda request: HTMLResponse("<title>page</title>")),
        Route("/stream/{how}", stream),
        Route("/spans/{how}", lambda request: JSONResponse(spans[request.path_params["how"]])),
    ]
)


class Server(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        print(self.servers[0].sockets[0].getsockname()[1], file=open("port", "w"), flush=True)


Server(uvicorn.Config(app, port=0, log_level="error")).run()
PYTHON
cat > visit.mjs <<'NODE'
import chromium from "@sparticuz/chromium";
import puppeteer from "puppeteer-core";

const browser = await puppeteer.launch({
  executablePath: await chromium.executablePath(), args: [...chromium.args, "--no-sandbox"], headless: "shell",
});

async function visit(how) {
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${process.argv[2]}/`);
  await page.evaluate(async (how) => {
    for (let number = 0; number < 100; number += 1) {
      const leaving = new AbortController();
      const reader = (await fetch(`/stream/${how}`, { signal: leaving.signal })).body.getReader();
      for (let text = ""; !text.includes("two"); ) text += new TextDecoder().decode((await reader.read()).value);
      leaving.abort();
    }
  }, how);
  await new Promise((go) => setTimeout(go, 7000));
  const spans = await page.evaluate(async (how) => (await fetch(`/spans/${how}`)).json(), how);
  const long = spans.filter((one) => one > 1);
  const lasting = `, ${long.length} of them went on for more than a second, the longest for ${Math.max(...spans).toFixed(1)} s`;
  console.log(`${how}: ${spans.length} requests${long.length ? lasting : ""}`);
  await page.close();
  return spans.length;
}

const [plain, unstored] = [await visit("plain"), await visit("no-store")];
await browser.close();
process.exit(plain > 100 && unstored === 100 ? 0 : 1);
NODE
"$work/venv/bin/python" app.py & server=$!
for _ in $(seq 600); do [ -s port ] && break; sleep 0.1; done
node visit.mjs "$(cat port)"
