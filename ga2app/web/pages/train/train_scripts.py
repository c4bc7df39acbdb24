"""What the Train screen does in the browser: an old preview is marked as old, and *Queue* waits for the new one."""

from __future__ import annotations

WAITING = """
let waiting = 0, wanted = false, patience;
const show = () => {
  document.body.toggleAttribute('data-train-updating', waiting > 0);
  element.setAttribute('aria-busy', String(waiting > 0));
  clearTimeout(patience);
  if (waiting) patience = setTimeout(() => { waiting = 0; show(); }, 30000);
  else if (wanted) { wanted = false; document.getElementById('queue')?.click(); }
};
window.ga2Train = {
  wait: () => { waiting += 1; show(); },
  // What an answer has filled in is told a moment later, and waits on by itself.
  ready: () => setTimeout(() => { waiting = Math.max(0, waiting - 1); show(); }, 100),
};
document.addEventListener('click', event => {
  if (!waiting || !event.target.closest?.('#queue')) return;
  event.stopImmediatePropagation();
  event.preventDefault();
  wanted = true;
}, true);
"""

READY = "() => { window.ga2Train?.ready(); }"


def wait(inputs: int) -> str:
    """Marks the preview as old while an event with so many ``inputs`` is under way."""
    return f"(...given) => {{ window.ga2Train?.wait(); return given.slice(0, {inputs}); }}"


SAVE = """
(text) => {
  if (!text) return;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], {type: 'application/json'}));
  link.download = 'settings.json';
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
"""
