"""The studio, put together from all rooms and served until it is told to stop: what ``app.py`` opens."""

from __future__ import annotations

import logging
import os
import threading
from typing import TYPE_CHECKING

import gradio as gr
from starlette.middleware import Middleware

from ga2app.environment import OwnThread, ServerAddress
from ga2app.errors import PackageError, StudioError
from ga2app.hub import Downloads
from ga2app.hub.backbone_downloads import Backbones
from ga2app.paths import SKETCH_HARD_PROMPT, Home
from ga2app.services.explanations import Explainer
from ga2app.services.forecast import SpeedEstimator
from ga2app.services.hardware import Hardware, lent_hardware, own_hardware
from ga2app.services.imports import sweep
from ga2app.services.quotas import present_quotas
from ga2app.services.retention import Retention, drop_old, retention
from ga2app.services.space import Space, present_space
from ga2app.services.studio import Example
from ga2app.store import Store
from ga2app.types import RunState
from ga2app.web import Studio, build_page
from ga2app.web.access import guarded
from ga2app.web.address import page_script
from ga2app.web.answer_stream import AnswerStream
from ga2app.web.file_route import UploadBound, file_routes, most_upload
from ga2app.web.live_route import live_routes
from ga2app.web.own_names import OwnNames, SafeHeaders, host_of
from ga2app.web.page_head import PageFiles, PageHead
from ga2app.web.session_memory import Listening, SessionMemory, bound_lanes
from ga2app.web.static_assets import FOLDER, asset_routes
from ga2app.web.theme import launch_look, style_sheet

if TYPE_CHECKING:
    from ga2app.web.mcp_agents import Agents

log = logging.getLogger("ga2app.app")

MOST_QUEUED = 10_000
"""No bound: each lane has its own (``bound_lanes``), but on a ZeroGPU Space Gradio would take one event at a time."""
SPARE_THREADS = 40
"""Threads that answer everything else while as many recognitions are under way as may be."""
_WATCH_S = 5.0
_PRUNE_EVERY = 720
"""Old uploads are dropped each hour: every so many rounds of the watch."""


def open_studio(
    home: Home, address: ServerAddress, over: threading.Event, *, mcp: bool = False, workers: int | None = None
) -> int:
    """Serve the studio of ``home`` until ``over`` is set; gives the exit status.

    With ``mcp`` agents are answered. ``workers`` is how many runs are trained at once, by default one a device.
    """
    try:
        space = present_space()
        with Store.open(home) as store:
            lent = lent_hardware(home, store, space) if space and space.zero_gpu else None
            hardware = lent or own_hardware(home, store, workers)
            return serve(home, store, hardware, address, over, space, mcp=mcp)
    except StudioError as exc:
        log.error("%s", exc)
        return 1


def serve(
    home: Home,
    store: Store,
    hardware: Hardware,
    address: ServerAddress,
    over: threading.Event,
    space: Space | None = None,
    *,
    mcp: bool = False,
) -> int:
    """Open the page, keep a worker alive, and wait until ``over`` is set; gives the exit status.

    With ``mcp`` agents are answered, too.
    """
    studio, keep = _studio(home, store, hardware, space), retention(on_space=space is not None)
    _tidy(home, store)
    page = build_page(studio).queue(default_concurrency_limit=4, max_size=MOST_QUEUED)
    try:
        launch(page, studio, address, mcp=mcp)
    except OSError as exc:
        log.error("%s cannot be used (%s); choose another port with --port", address, exc)
        return 1
    OwnThread(target=_warm, args=(studio,), daemon=True, name="warm-up").start()
    try:
        _watch(studio, keep, over)
    finally:
        log.info("closing; a run that is under way goes on in its own process, or from its checkpoint")
        hardware.close()
        page.close(verbose=False)
    return 0


def launch(page: gr.Blocks, studio: Studio, address: ServerAddress, *, mcp: bool = False) -> None:
    """Serve ``page`` at ``address`` from now on, and answer agents with ``mcp``; raises OSError where that is taken."""
    agents = open_to_agents(studio, page) if mcp else None
    space, names = studio.space, [host_of(address.root_path), os.environ.get("SPACE_HOST")]
    known = [*address.allowed_hosts, *filter(None, names)]
    own = guarded(studio)
    files = PageFiles(page, FOLDER, style_sheet(), page_script())
    routes = [
        *asset_routes(lambda: files.own),
        *file_routes(own),
        *live_routes(own),
        *(agents.routes if agents else ()),
    ]
    memory = SessionMemory()
    layers = [
        Middleware(SafeHeaders, on_space=bool(space)),
        Middleware(OwnNames, address.host, known, on_space=bool(space), key=space.key if space else ""),
        Middleware(UploadBound, studio),
        Middleware(Listening, memory),
        Middleware(AnswerStream),
        Middleware(PageHead, page, files),
    ]
    _, opened, _ = page.launch(
        server_name=address.host,
        server_port=address.port,
        root_path=address.root_path,
        prevent_thread_lock=True,
        _frontend=False,  # no look at its own page: to take over 3 s for it on a busy machine is no fault
        quiet=True,
        max_threads=studio.store.quotas.recognitions + SPARE_THREADS,
        max_file_size=most_upload(on_space=space is not None),
        enable_monitoring=False,  # else who called what, with the arguments, is shown at /monitoring
        mcp_server=False,  # Gradio's own would offer every endpoint; ours is among app_kwargs
        app_kwargs={"routes": routes, "middleware": layers} | ({"lifespan": agents.lifespan} if agents else {}),
        **launch_look(),
    )
    memory.serve(page)
    bound_lanes(page)
    log.info("GA² Studio is at %s, its data in %s", opened, studio.home.root)
    if agents:
        log.info("agents are answered over MCP at %s%s", opened.rstrip("/"), agents.path)


def open_to_agents(studio: Studio, page: gr.Blocks) -> Agents:
    """The MCP server of ``studio``, whose endpoints ``page`` has; raises PackageError without ``mcp``, an extra."""
    try:
        from ga2app.web.mcp_agents import Agents
    except ModuleNotFoundError as exc:
        if (exc.name or "").split(".")[0] not in ("mcp", "mcp_types"):
            raise
        hint = "install it with pip install -r requirements-mcp.txt, or start the studio without --mcp"
        raise PackageError("agents are answered by the package 'mcp', which is not installed", hint=hint) from exc
    return Agents(studio, page)


def _studio(home: Home, store: Store, hardware: Hardware, space: Space | None) -> Studio:
    """The studio with all that its screens may use."""
    from ga2app.synthetic.demo_dataset import build_examples

    store.quotas = present_quotas(space is not None)
    downloads = Downloads()
    backbones = Backbones(lambda: downloads.finished, None if space else home.root / "backbone_folders.json")
    return Studio(
        home=home,
        store=store,
        recognizer=hardware.recognizer,
        explainer=Explainer(hardware.recognizer),
        backbones=backbones,
        remember_backbone=backbones.remember,
        downloads=downloads,
        estimator=SpeedEstimator(home.root / "speeds.json"),
        server_paths=space is None,
        space=space,
        examples=[Example(str(path), label) for path, label in build_examples(home.examples)],
        wake_worker=hardware.wake_worker,
        worker_alive=hardware.worker_alive,
        clips_at_once=hardware.clips_at_once,
    )


def _tidy(home: Home, store: Store) -> None:
    """What a killed app left over."""
    for import_id in sweep(home, store):
        log.warning("import %d was under way when the studio was closed; nothing of it was kept", import_id)


def _watch(studio: Studio, keep: Retention, over: threading.Event) -> None:
    """See to it that a worker is there while runs wait, and that old uploads go, until ``over`` is set."""
    waiting = (RunState.QUEUED, RunState.RUNNING, RunState.STOPPING)
    said, rounds, first = "", 0, True
    while True:
        try:
            if first or studio.store.runs.count(waiting):
                studio.wake_worker()
            if hourly := rounds % _PRUNE_EVERY == 0:
                drop_old(studio.home, studio.store, keep)
            sweep(studio.home, studio.store, thorough=hourly)
            guarded(studio).live.forget_idle()
            said = ""
        except StudioError as exc:
            if str(exc) != said:
                log.error("%s", exc)
            said = str(exc)
        except OSError:
            log.exception("what is too old to be kept could not be dropped")
        first, rounds = False, rounds + 1
        if over.wait(_WATCH_S):
            return


def _warm(studio: Studio) -> None:
    """Load what the first request would wait for, and list the embedded bundle: reading it needs torch too."""
    try:
        studio.recognizer.warm(studio.known_backbone(None))
        log.info("the recognizer is warm")
        from ga2app.clip.compute import unused_gpu

        if fault := unused_gpu():
            log.warning("everything runs on the processor, though there is a GPU: %s", fault)
        if SKETCH_HARD_PROMPT.is_dir():
            from ga2app.bundles import read_card

            studio.store.bundles.add(read_card(SKETCH_HARD_PROMPT, origin="embedded"))
    except StudioError as exc:
        log.warning("%s", exc)
    except Exception:
        log.exception("the recognizer could not be warmed")
