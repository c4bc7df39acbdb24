"""What the first screen does in the browser: small listeners that turn clicks into events."""

from __future__ import annotations

REVEAL = """
() => {
  if (innerWidth < 700) document.getElementById('%s').scrollIntoView({behavior: 'smooth'});
}
"""
"""On a narrow page the answer is below what was pressed: brings it into view."""

EXAMPLES = """
const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
element.querySelectorAll('video').forEach(video => still ? video.pause() : video.play().catch(() => {}));
element.addEventListener('click', event => {
  const card = event.target.closest('[data-example]');
  if (card) trigger('click', {index: Number(card.dataset.example)});
});
"""

SUGGESTIONS = """
element.addEventListener('click', event => {
  const chip = event.target.closest('[data-suggested]');
  if (chip) trigger('click', {label: chip.dataset.suggested});
});
"""

TRUTH = """
element.addEventListener('change', event => {
  const box = event.target.closest('[data-truth]');
  if (box) trigger('submit', {clip: Number(box.dataset.truth), label: box.value});
});
"""
"""A true label counts when its box is left, or at Enter."""

CLIPS = """
// Another page of clips is longer or shorter than the one before: the window goes to its first clip.
let paging = false;
new MutationObserver(() => {
  if (!paging || !element.querySelector('.answer')) return;
  paging = false;
  const first = element.querySelector('article.clip');
  element.querySelector('.answer').scrollIntoView();
  if (first) { first.tabIndex = -1; first.focus({preventScroll: true}); }
}).observe(element, {childList: true, subtree: true, characterData: true, attributes: true});
element.addEventListener('click', event => {
  const found = event.target.closest('[data-why], [data-close], [data-page]');
  if (!found) return;
  const {why, voice, close, page} = found.dataset;
  if (why !== undefined) trigger('click', {why: Number(why), voice: Number(voice)});
  else if (close !== undefined) trigger('click', {close: Number(close)});
  else { paging = true; trigger('click', {page: Number(page)}); }
});
element.addEventListener('change', event => {
  const list = event.target.closest('[data-ask]');
  if (!list) return;
  const {ask, voice} = list.dataset;
  trigger('click', {why: Number(ask), voice: Number(voice), label: list.value});
});
"""
