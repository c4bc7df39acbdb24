// A sweep: the table is sorted by what is pressed, also when it is drawn anew; a run's line and row light up together.
let sorted = null, up = true;
const numbers = text => text !== '' && isFinite(text) ? Number(text) : null;
const sort = () => {
  if (sorted === null) return;
  const body = element.querySelector('tbody');
  if (!body) return;
  const key = row => row.children[sorted].dataset.value;
  const compare = (a, b) => {
    const [one, other] = [key(a), key(b)];
    if (one === '' || other === '') return (one === '') - (other === '');  // what has no figure comes last
    const [x, y] = [numbers(one), numbers(other)];
    return (up ? 1 : -1) * (x !== null && y !== null ? x - y : one.localeCompare(other));
  };
  body.append(...[...body.children].sort(compare));
  element.querySelectorAll('thead th').forEach((head, column) => {
    if (column === sorted) head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
    else head.removeAttribute('aria-sort');
  });
};
const light = run => element.querySelectorAll('[data-run]').forEach(one => one.classList.toggle('lit', one.dataset.run === run));
let focused = '';
const place = target => {
  const head = target.closest('th:has([data-sort])'), row = target.closest('tr[data-run]');
  if (head) return `thead th:nth-child(${[...head.parentElement.children].indexOf(head) + 1}) button`;
  return row ? `tr[data-run="${row.dataset.run}"] a` : target.id ? `#${target.id}` : '';
};
const drawn = () => {
  sort();
  if (focused && document.activeElement === document.body) {  // it was drawn anew
    element.querySelector(focused)?.focus({preventScroll: true});
  }
  const sweep = element.querySelector('[data-sweep]');
  if (sweep) ga2Tell({id: sweep.dataset.sweep});
};
element.addEventListener('click', event => {
  const head = event.target.closest('[data-sort]'), button = event.target.closest('[data-do], [data-save]');
  const line = event.target.closest('svg [data-run]');
  if (head) {
    const column = [...head.closest('tr').children].indexOf(head.closest('th'));
    up = column === sorted ? !up : true;
    sorted = column;
    sort();
  } else if (button?.dataset.do) trigger('click', {what: button.dataset.do});
  else if (button) trigger('select', {});
  else if (line) location.assign('./runs?id=' + line.dataset.run);
});
element.addEventListener('focusin', event => { focused = place(event.target); });
document.addEventListener('pointerdown', event => { if (!element.contains(event.target)) focused = ''; });
for (const kind of ['mouseover', 'focusin']) {
  element.addEventListener(kind, event => light(event.target.closest('[data-run]')?.dataset.run));
}
for (const kind of ['mouseleave', 'focusout']) element.addEventListener(kind, () => light());
watch('value', drawn);
drawn();
