"""The log of a run: its end on the screen, which follows while one looks at the end, and the whole as a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ga2app.paths import Home
from ga2app.web.components.markup import escape

LOG = "log.txt"
LINES = 400
_BYTES = 96 * 1024

FOLLOW_JS = """
let following = true, watched = null;
const attach = () => {
  const box = element.querySelector('pre.log');
  if (!box) return;
  if (box === watched) {  // the same element with other lines in it
    if (following) box.scrollTop = box.scrollHeight;
    return;
  }
  const before = watched ? watched.scrollTop : 0;
  watched = box;
  box.scrollTop = following ? box.scrollHeight : before;
  box.addEventListener('scroll', () => { following = box.scrollHeight - box.scrollTop - box.clientHeight < 24; });
};
new MutationObserver(attach).observe(element, {childList: true, subtree: true, characterData: true});
new ResizeObserver(() => { if (following && watched) watched.scrollTop = watched.scrollHeight; }).observe(element);
attach();
"""
"""New lines scroll into view only while the end is in view: whoever reads further up is left alone."""


def log_file(home: Home, run_id: int) -> Path:
    """Where the run's log is."""
    return home.run_folder(run_id) / LOG


def log_html(lines: Sequence[str]) -> str:
    """The end of the log."""
    text = escape("\n".join(lines)) if lines else "Nothing yet."
    return f'<pre class="log" tabindex="0" aria-label="the end of the log">{text}</pre>'


def tail(path: Path, count: int = LINES) -> list[str]:
    """The last ``count`` lines of a text file; none if there is no file."""
    try:
        with path.open("rb") as stream:
            stream.seek(0, 2)
            size = stream.tell()
            stream.seek(max(0, size - _BYTES))
            text = stream.read().decode(errors="replace")
    except FileNotFoundError:
        return []
    lines = text.splitlines()
    if size > _BYTES:
        lines = lines[1:]
    return lines[-count:]
