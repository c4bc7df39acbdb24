"""Stands in for the package of that name that every Gradio Space has, and lends a GPU that is none.

Off ZeroGPU (``SPACES_ZERO_GPU``) the decorator does nothing. On it, as with the real one, the main process believes
that it has CUDA and cannot use it; a decorated function runs in a process that is forked from the main one, in a thread
there; arguments and answers are pickled; an exception comes back as its class's name alone, unless it is Gradio's; and
a call that lasts longer than it said is killed. A process that has ended its call well is used for the next.

Each call is noted as a line of JSON in the file that ``STAND_IN_LOG`` names; while a file is there that
``STAND_IN_REFUSE`` names, no GPU is available.
"""

from __future__ import annotations

import functools
import inspect
import json
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

if (_gradio := sys.modules.get("gradio")) is not None and not hasattr(_gradio, "Blocks"):
    raise ImportError("Gradio shall not be the one that imports this package")

ZERO = os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")
DEFAULT_S = 60
_fork = multiprocessing.get_context("fork")
_main = os.getpid()

if ZERO:
    import torch

    _real = torch.cuda.is_available, torch.cuda.device_count
    torch.cuda.is_available, torch.cuda.device_count = (lambda: True), (lambda: 1)


def gradio_auto_wrap(task: Any) -> Any:
    """Gradio passes every event's function through here."""
    return task


def GPU(task: Any = None, *, duration: Any = None, size: str | None = None) -> Any:
    """The decorator, with or without a duration in seconds."""
    if not callable(task):
        return functools.partial(GPU, duration=task if task is not None else duration, size=size)
    if not ZERO:
        return task
    lender = _Lender(task, DEFAULT_S if duration is None else duration)

    @functools.wraps(task)
    def generate(*args: Any, **kwargs: Any) -> Iterator[Any]:
        yield from lender.generate(*args, **kwargs)

    @functools.wraps(task)
    def answer(*args: Any, **kwargs: Any) -> Any:
        return next(iter([*lender.generate(*args, **kwargs)]))

    return generate if inspect.isgeneratorfunction(task) else answer


class _Lender:
    """Runs ``task`` in a forked process, one call at a time."""

    def __init__(self, task: Callable[..., Any], duration: Any) -> None:
        self._task, self._duration = task, duration
        self._process: Any = None
        self._pipe: Any = None

    def generate(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        if os.getpid() != _main:
            yield from self._run(args, kwargs)
            return
        seconds = self._duration(*args, **kwargs) if callable(self._duration) else self._duration
        self._refuse_or_note(seconds)
        process, pipe = self._take()
        pipe.send((args, kwargs))
        deadline, ended = time.monotonic() + seconds, False
        try:
            while not ended:
                left = max(0.0, deadline - time.monotonic())
                if pipe in multiprocessing.connection.wait([pipe, process.sentinel], left):
                    kind, value = pipe.recv()
                    if kind == "error":
                        raise value if isinstance(value, Exception) else _error("ZeroGPU worker error", value)
                    ended = kind == "end"
                    if not ended:
                        yield value
                else:
                    process.kill()
                    raise _error("ZeroGPU worker error", "GPU task aborted")
        except GeneratorExit:
            pipe.send("stop")
            while not ended:  # the real one waits for the call to end, too
                ended = pipe.recv()[0] in ("end", "error")
            raise
        finally:
            if ended:
                self._process, self._pipe = process, pipe

    def _refuse_or_note(self, seconds: float) -> None:
        if (refuse := os.environ.get("STAND_IN_REFUSE")) and Path(refuse).exists():
            raise _error("ZeroGPU quota exceeded", f"You have exceeded your quota ({seconds}s requested vs. 0s left)")
        if log := os.environ.get("STAND_IN_LOG"):
            with open(log, "a") as file:
                file.write(json.dumps({"task": self._task.__name__, "duration": seconds}) + "\n")

    def _take(self) -> tuple[Any, Any]:
        process, pipe, self._process, self._pipe = self._process, self._pipe, None, None
        if process is not None and process.is_alive():
            return process, pipe
        pipe, far = _fork.Pipe()
        process = _fork.Process(target=self._serve, args=(far,), daemon=True)
        process.start()
        return process, pipe

    def _serve(self, pipe: Any) -> None:
        """In the forked process: take calls until the main process is gone, or ends it."""
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        torch.cuda.is_available, torch.cuda.device_count = _real
        while True:
            try:
                asked = pipe.recv()
            except EOFError:
                return
            if asked == "stop":  # it came when the call had ended already
                continue
            thread = threading.Thread(target=self._send, args=(pipe, *asked))
            thread.start()
            thread.join()

    def _send(self, pipe: Any, args: Any, kwargs: Any) -> None:
        import gradio as gr

        values = self._run(args, kwargs)
        try:
            for value in values:
                if pipe.poll() and pipe.recv() == "stop":
                    values.close()
                    break
                pipe.send(("value", value))
        except gr.Error as exc:
            pipe.send(("error", exc))
        except Exception as exc:
            pipe.send(("error", type(exc).__name__))
        else:
            pipe.send(("end", None))

    def _run(self, args: Any, kwargs: Any) -> Any:
        if inspect.isgeneratorfunction(self._task):
            yield from self._task(*args, **kwargs)
        else:
            yield self._task(*args, **kwargs)


def _error(title: str, message: str) -> Exception:
    import gradio as gr

    return gr.Error(message, title=title, print_exception=False)
