// The parts of Recognize: clicks and choices in their markup become events of the part.
const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
element.querySelectorAll('.example video').forEach(one => still ? one.pause() : one.play().catch(() => {}));
// Another page of clips is longer or shorter than the one before: the window goes to its first clip.
let paging = false;
new MutationObserver(() => {
  if (!paging || !element.querySelector('.answer')) return;
  paging = false;
  const first = element.querySelector('article.clip');
  element.querySelector('.answer').scrollIntoView();
  if (first) { first.tabIndex = -1; first.focus({preventScroll: true}); }
}).observe(element, {childList: true, subtree: true, characterData: true, attributes: true});
// Of labels chosen in a row each comes with those before, of which the box may not know yet.
let chosen = [];
new MutationObserver(() => { chosen = chosen.filter(one => element.querySelector(`[data-suggested="${CSS.escape(one)}"]`)); })
  .observe(element, {childList: true, subtree: true});
element.addEventListener('click', event => {
  const found = event.target.closest('[data-why], [data-close], [data-page], [data-example], [data-suggested], [data-keep]');
  if (!found) return;
  const {why, voice, close, page, example, suggested} = found.dataset;
  if (example !== undefined) trigger('click', {index: Number(example)});
  else if (suggested !== undefined) trigger('click', {labels: chosen = [...chosen, suggested]});
  else if (why !== undefined) trigger('click', {why: Number(why), voice: Number(voice)});
  else if (close !== undefined) trigger('click', {close: Number(close)});
  else if (found.dataset.keep !== undefined) trigger('click', {keep: true});
  else { paging = true; trigger('click', {page: Number(page)}); }
});
element.addEventListener('change', event => {
  // A true label counts when its box is left, or at Enter.
  const box = event.target.closest('[data-truth]'), list = event.target.closest('[data-ask]');
  if (box) trigger('submit', {clip: Number(box.dataset.truth), label: box.value});
  if (list) trigger('click', {why: Number(list.dataset.ask), voice: Number(list.dataset.voice), label: list.value});
});
