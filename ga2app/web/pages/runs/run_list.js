// The list of runs. The server sends its rows, each with the run's number and the HTML of its card; here they are kept
// by number: a row that is there is filled anew only where its card has changed, and nothing is drawn between a press
// and its release, so that no click is swallowed. What is ticked is known here alone, and outlives the page.
const one = selector => element.querySelector(selector);
const list = one('nav.runs'), compare = one('#compare');
const MOST = 12;
let ticked = new Set();
try { ticked = new Set(JSON.parse(sessionStorage.getItem('ga2-ticked') ?? '[]')); } catch (error) {}

const tell = () => {
  try { sessionStorage.setItem('ga2-ticked', JSON.stringify([...ticked])); } catch (error) {}
  const ids = [...ticked].sort((a, b) => a - b), fits = ids.length > 1 && ids.length <= MOST;
  one('[data-ticking]').hidden = !ids.length;
  compare.textContent = fits ? `Compare ${ids.length} runs` : ids.length ? (ids.length > MOST ?
    `Untick ${ids.length - MOST}: at most ${MOST} are compared` : 'Tick another to compare') : 'Compare';
  if (fits) compare.href = `./compare?ids=${ids}`;
  else compare.removeAttribute('href');
  list.querySelectorAll('[data-compare]').forEach(box => { box.checked = ticked.has(Number(box.value)); });
};

const row = id => {
  const made = document.createElement('div');
  made.className = 'entry';
  made.dataset.id = id;
  made.innerHTML = `<label class="pick" title="Compare"><input type="checkbox" data-compare="${id}" value="${id}" ` +
    `aria-label="Compare run ${id}"></label><a data-run="${id}" href="./runs?id=${id}"></a>`;
  return made;
};
const fill = (entry, card) => {
  if (entry.card === card) return;
  entry.card = card;
  const parsed = document.createElement('template');
  parsed.innerHTML = card;
  const fresh = parsed.content.firstElementChild, link = entry.lastElementChild;
  for (const name of ['class', 'aria-current']) {
    if (fresh.hasAttribute(name)) link.setAttribute(name, fresh.getAttribute(name));
    else link.removeAttribute(name);
  }
  if (link.innerHTML !== fresh.innerHTML) link.innerHTML = fresh.innerHTML;
};

let held = false, late = false;
const draw = () => {
  const told = props.value;
  if (held) late = true;
  if (held || !told?.rows) return;
  late = false;
  const before = new Map([...list.children].map(entry => [entry.dataset.id, entry]));
  told.rows.forEach(([id, card], place) => {
    const entry = before.get(String(id)) ?? row(id);
    before.delete(String(id));
    fill(entry, card);
    if (list.children[place] !== entry) list.insertBefore(entry, list.children[place] ?? null);
  });
  before.forEach(entry => entry.remove());
  one('[data-empty]').innerHTML = told.empty;
  list.hidden = !told.rows.length;
  one('#runs-pager').hidden = !told.pages;
  one('#runs-pages').textContent = told.pages;
  one('#newer-runs').hidden = !told.newer;
  one('#older-runs').hidden = !told.older;
  one('#undo-run').hidden = !told.undo;
  one('#undo-run').textContent = told.undo;
  told.gone.forEach(id => ticked.delete(id));
  tell();
};
element.addEventListener('pointerdown', () => { held = true; });
for (const end of ['pointerup', 'pointercancel']) {
  document.addEventListener(end, () => setTimeout(() => { held = false; if (late) draw(); }), true);
}
element.addEventListener('click', event => {
  const card = event.target.closest('[data-run]'), turn = event.target.closest('[data-turn]');
  if (card && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    trigger('click', {run: Number(card.dataset.run)});
  } else if (turn) trigger('click', {turn: Number(turn.dataset.turn)});
  else if (event.target.closest('#undo-run')) trigger('click', {undo: true});
  else if (event.target.closest('#compare-none')) { ticked.clear(); tell(); }
});
element.addEventListener('change', event => {
  if (!event.target.matches('[data-compare]')) return;
  if (event.target.checked) ticked.add(Number(event.target.value));
  else ticked.delete(Number(event.target.value));
  tell();
});
watch('value', draw);
draw();
