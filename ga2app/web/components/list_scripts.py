"""Scripts that every list with check boxes shares: whose tick it is, and where a page that was turned begins."""

from __future__ import annotations

_TICKS_JS = """
// A tick belongs to the row whose number is the box's value. Gradio patches the page in place, and a box that a person
// has touched keeps its tick when another row is drawn where it stands. So each box is set anew after each drawing: a
// row that was there before keeps what was ticked here, unless the server's mark of it has changed; any other row has
// the server's mark.
const ticks = (() => {
  let known = new Map();
  const boxes = () => [...element.querySelectorAll('%(boxes)s')];
  const ids = () => boxes().filter(box => box.checked).map(box => box.value);
  const note = () => {
    known = new Map(boxes().map(box => [box.value, {on: box.checked, mark: box.defaultChecked}]));
    const count = ids().length;
    element.querySelectorAll('[data-ticked]').forEach(one => {
      one.textContent = count ? one.dataset.ticked.replace('#', count) : '';
    });
    element.querySelectorAll('[data-needs-ticked]').forEach(button => { button.disabled = !count; });
    const every = element.querySelector('input[data-tick-all]');
    if (every) every.checked = count > 0 && count === known.size;
  };
  const settle = () => {
    boxes().forEach(box => {
      const before = known.get(box.value);
      box.checked = before && before.mark === box.defaultChecked ? before.on : box.defaultChecked;
    });
    note();
  };
  const setAll = on => { boxes().forEach(box => { box.checked = on; }); note(); };
  element.addEventListener('change', event => {
    if (event.target.matches('[data-tick-all]')) setAll(event.target.checked);
    else if (event.target.matches('%(boxes)s')) note();
  });
  element.addEventListener('click', event => {
    const button = event.target.closest('button[data-tick]');
    if (button) setAll(button.dataset.tick === 'all');
  });
  watch('value', settle);
  settle();
  return {boxes, ids, clear: () => setAll(false)};
})();
"""

TURN_JS = """
// A page that was turned at its lower end begins above the window: its first row comes into view.
let turned = false;
watch('value', () => {
  if (turned && element.getBoundingClientRect().top < 0) element.scrollIntoView({block: 'start'});
  turned = false;
});
"""
"""Whoever turns a page sets ``turned``."""

LASTING_JS = """
// Lists of what could not be added stay below the messages that come after them, until somebody dismisses them.
let kept = [];
const show = () => {
  element.querySelectorAll('.lasting').forEach(one => one.remove());
  element.insertAdjacentHTML('beforeend', kept.join(''));
};
element.addEventListener('click', event => {
  const list = event.target.closest('[data-dismiss]')?.closest('.lasting');
  if (!list) return;
  kept = kept.filter(one => one !== list.outerHTML);
  list.remove();
});
watch('value', () => {
  const fresh = [...element.querySelectorAll('.lasting')].map(one => one.outerHTML);
  kept = [...fresh, ...kept.filter(one => !fresh.includes(one))];
  show();
});
"""
"""For a place of messages: what ``markup.lasting`` marks outlives the message that it came with."""


def ticks_js(boxes: str) -> str:
    """The script that keeps the ticks of a list, to stand first in its ``js_on_load``.

    ``boxes`` is the CSS selector of the rows' boxes inside the list; the ``value`` of each is the number of its row,
    which no other row ever has. The list may hold buttons ``data-tick="all"`` and ``data-tick="none"``, a box
    ``data-tick-all``, counters ``data-ticked="# ticked"`` and buttons ``data-needs-ticked``. What follows it may use
    ``ticks.ids()``, ``ticks.boxes()`` and ``ticks.clear()``.
    """
    return _TICKS_JS % {"boxes": boxes}


HELD_JS = """
// An answer between press and release would swallow the click. Where it draws a list anew, the click goes to what has
// taken the place; where it moves a button from under a pointer that holds still, to that button.
let pressed = null;
const told = node => node && JSON.stringify({...node.dataset});
const under = event => event.target.closest('[data-run], [data-compare], [data-set], .pick');
const meantBy = node => node?.matches('.pick') ? node.querySelector('input') : node;
document.addEventListener('pointerdown', event => {
  const node = under(event);
  pressed = {event, node, meant: meantBy(node), button: event.target.closest('button')};
}, true);
document.addEventListener('pointerup', event => {
  if (!pressed) return;
  const {event: down, node, meant, button} = pressed;
  pressed = null;
  if (node && !node.isConnected) {
    const now = meantBy(under(event));
    if (now && told(now) === told(meant)) now.click();
  } else if (button?.isConnected && !button.contains(event.target)) {
    if (Math.hypot(event.clientX - down.clientX, event.clientY - down.clientY) < 5) button.click();
  }
}, true);
"""
"""For a list that a timer draws anew under the pointer, until none does."""
