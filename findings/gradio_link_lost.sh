#!/bin/bash
# gradio 6.31.0 (Chromium 147, driven by puppeteer-core): a link that leads from a Gradio page to one that takes over
# two seconds to answer is not followed while an event of the page is pending; the page is loaded anew instead.
#
# One would guess that who follows a link gets there, however slow the server. On "beforeunload" Gradio's page closes its
# stream of answers; a pending event is told "Connection errored out" for that, and the page asks every two seconds
# whether the server is back. It is, so the page calls location.reload(), which ends the navigation that is under way.
# Way out: a listener of one's own, from before Gradio's, that calls stopImmediatePropagation() on "beforeunload"; the
# browser ends the streams of a page that it leaves by itself.
#
# Seen (the other page answers after 5 s):
#   nothing pending: the link was followed
#   an event pending: the link was not followed, the page was loaded again
#   an event pending, with the listener: the link was followed
set -euo pipefail
work=$(mktemp -d); trap 'kill "${server:-}" 2>/dev/null || true; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q gradio==6.31.0
npm install --prefix "$work" --no-audit --no-fund --silent @sparticuz/chromium@147.0.0 puppeteer-core@24.43.1
cd "$work"
cat > app.py <<'PYTHON'
import asyncio

import gradio as gr
import uvicorn
from fastapi import FastAPI
from fastapi.responses import HTMLResponse

app = FastAPI()


@app.get("/other", response_class=HTMLResponse)
async def other():
    await asyncio.sleep(5)
    return "<title>other</title>"


async def wait():
    await asyncio.sleep(60)


with gr.Blocks() as demo:
    gr.Button("wait", elem_id="wait").click(wait)
    gr.HTML('<a id="link" href="/other">other page</a>')
gr.mount_gradio_app(app, demo, path="/")


class Server(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        print(self.servers[0].sockets[0].getsockname()[1], file=open("port", "w"), flush=True)


Server(uvicorn.Config(app, port=0, log_level="error")).run()
PYTHON
cat > visit.mjs <<'NODE'
import chromium from "@sparticuz/chromium";
import puppeteer from "puppeteer-core";

const address = `http://127.0.0.1:${process.argv[2]}/`;
const browser = await puppeteer.launch({
  executablePath: await chromium.executablePath(), args: [...chromium.args, "--no-sandbox"], headless: "shell",
});

async function visit(what, pending, listener) {
  const page = await browser.newPage();
  if (listener)
    await page.evaluateOnNewDocument(() => addEventListener("beforeunload", (one) => one.stopImmediatePropagation()));
  await page.goto(address);
  await page.waitForSelector("#link", { visible: true });
  if (pending) {
    const followed = page.waitForResponse((one) => one.url().includes("/queue/data"));
    await page.click("#wait");
    await followed;
  }
  let loads = 0;
  page.on("request", (one) => (loads += one.isNavigationRequest() && one.url() === address));
  page.click("#link").catch(() => {});
  await new Promise((go) => setTimeout(go, 12000));
  const there = page.url().endsWith("/other");
  const told = there ? "followed" : `not followed, the page was loaded ${loads ? "again" : "once"}`;
  console.log(`${what}: the link was ${told}`);
  await page.close();
  return there ? "there" : loads ? "again" : "stuck";
}

const seen = [
  await visit("nothing pending", false, false),
  await visit("an event pending", true, false),
  await visit("an event pending, with the listener", true, true),
];
await browser.close();
process.exit(String(seen) === "there,again,there" ? 0 : 1);
NODE
GRADIO_ANALYTICS_ENABLED=False "$work/venv/bin/python" app.py & server=$!
for _ in $(seq 600); do [ -s port ] && break; sleep 0.1; done
node visit.mjs "$(cat port)"
