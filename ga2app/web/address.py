"""The page's address tells which screen is open and what it shows: it can be shared, and a reload comes back to it."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ga2app.web.events import QUIET

SCREEN = "screen"
"""Names the open screen where the address does not tell it by what is shown."""

OPENING_HEAD = """
<script>
(() => {
  const asked = new URLSearchParams(location.search);
  const named = ['run', 'compare', 'bundle'].some(name => asked.has(name));
  if (!named && (asked.get('screen') || 'recognize') === 'recognize') return;
  document.documentElement.classList.add('ga2-opening');
  // Should the answer never come, the page is there all the same: after a minute, or for whoever presses something.
  const show = () => document.documentElement.classList.remove('ga2-opening');
  setTimeout(show, 60000);
  for (const press of ['pointerdown', 'keydown']) addEventListener(press, show, {once: true});
})();
</script>
"""
"""For the page's head: an address that names another screen does not show the first one on the way to it."""

_OPENED_JS = "() => { window.ga2Opened = true; document.documentElement.classList.remove('ga2-opening'); }"

_NOTE_JS = """
(%(given)s) => {
  const open = document.querySelector('#screens [role=tab][data-tab-id][aria-selected=true]');
  if (!window.ga2Opened || open?.dataset.tabId !== '%(screen)s') return;
  const url = new URL(location.href);
  for (const name of ['screen', 'run', 'compare', 'view', 'bundle']) url.searchParams.delete(name);
  for (const [name, value] of Object.entries(%(told)s)) if (value) url.searchParams.set(name, value);
  url.search = url.search.replaceAll('%%2C', ',');
  history.replaceState(null, '', url);
}
"""


def note_screen(tab: gr.Tab, given: str = "", told: str = "", shown: list[Any] | None = None) -> None:
    """Keep the address up to date while ``tab`` is open.

    ``told`` is a JavaScript object of what the address says, made from the values of ``shown`` under the names
    ``given``; without it the address names the screen alone. An event that comes late, when another screen is open,
    is not noted.
    """
    shown = shown or []
    words = {"given": given, "told": told or f"{{{SCREEN}: '{tab.id}'}}", "screen": tab.id}
    gr.on(
        [tab.select, *(part.change for part in shown)],
        None,
        shown or None,
        None,
        js=_NOTE_JS % words,
        **QUIET,
    )


def note_opened(opened: gr.events.Dependency) -> None:
    """From here on the address follows: ``opened`` has read what it said."""
    opened.then(None, None, None, js=_OPENED_JS, **QUIET)
