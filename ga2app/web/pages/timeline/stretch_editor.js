// The table of stretches: rows are edited, keys act on the row in which they are pressed, the player follows.
const video = () => document.querySelector('#timeline-video video');
const now = () => video()?.currentTime ?? null;
let until = null;
let back = null;

const play = (start, end) => {
  const player = video();
  if (!player) return;
  player.currentTime = start;
  until = end;
  player.play();
  if (player.dataset.follows) return;
  player.dataset.follows = 'yes';
  player.addEventListener('timeupdate', () => {
    if (until !== null && player.currentTime >= until) { until = null; player.pause(); }
  });
  player.addEventListener('seeking', () => { if (player.paused) until = null; });
};

const clock = text => text.split(':').reduce((total, one) => 60 * total + Number(one), 0);
const field = (row, name) => row.querySelector(`[name=${name}]`);

const act = (does, row) => {
  const number = row ? Number(row.dataset.row) : null;
  if (does === 'play') return play(clock(field(row, 'start').value), clock(field(row, 'end').value));
  if (document.activeElement?.name && row) back = [number, document.activeElement.name];
  if (does === 'start' || does === 'end') {
    if (now() === null) return;
    field(row, does).value = now().toFixed(3);
    does = 'set';
  }
  trigger('act', {do: does, row: number, at: now(), start: row && field(row, 'start').value,
    end: row && field(row, 'end').value, label: row && field(row, 'label').value});
};

element.addEventListener('click', event => {
  const button = event.target.closest('[data-do]');
  if (!button) return;
  if (button.dataset.first) trigger('act', {do: 'show', first: Number(button.dataset.first)});
  else act(button.dataset.do, button.closest('[data-row]'));
});

element.addEventListener('change', event => {
  const row = event.target.closest('[data-row]');
  if (row) act('set', row);
});

const KEYS = {p: 'play', s: 'start', e: 'end', m: 'merge', x: 'split', n: 'add', z: 'undo', Delete: 'delete'};
element.addEventListener('keydown', event => {
  const row = event.target.closest('[data-row]');
  const does = event.altKey && KEYS[event.code.startsWith('Key') ? event.code.slice(3).toLowerCase() : event.key];
  if (does && (row || does === 'add' || does === 'undo')) {
    event.preventDefault();
    act(does, row);
  } else if (row && (event.key === 'ArrowUp' || event.key === 'ArrowDown')) {
    const next = event.key === 'ArrowUp' ? row.previousElementSibling : row.nextElementSibling;
    const target = next && field(next, event.target.name || 'label');
    if (target) { event.preventDefault(); target.focus(); target.select(); }
  }
});

// After each edit the table is drawn anew: the field in which one was is found again.
new MutationObserver(() => {
  if (!back || element.contains(document.activeElement)) return;
  const rows = [...element.querySelectorAll('[data-row]')];
  const row = rows.find(one => Number(one.dataset.row) === back[0]) ?? rows[rows.length - 1];
  if (row) field(row, back[1])?.focus();
  back = null;
}).observe(element, {childList: true, subtree: true});

// A click on the timeline leads the player there, and the table to the row of that moment.
document.getElementById('timeline-drawing')?.addEventListener('click', event => {
  const rail = event.target.closest('.timeline .rail');
  if (!rail) return;
  const {start, until: end} = rail.closest('.timeline').dataset;
  const bar = event.target.closest('.bar');
  const place = bar ? parseFloat(bar.style.left) / 100
    : (event.clientX - rail.getBoundingClientRect().left) / rail.getBoundingClientRect().width;
  const time = Number(start) + place * (Number(end) - Number(start));
  const length = bar ? parseFloat(bar.style.width) / 100 * (Number(end) - Number(start)) : null;
  if (bar) play(time, time + length);
  else if (video()) video().currentTime = time;
  trigger('act', {do: 'show', at: Math.max(0, time) + 0.001});
});
