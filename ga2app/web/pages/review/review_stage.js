// The clip under review: every button has keys (data-keys), which hold unless somebody types or has switched them off.
// Letters begin to type a label. What is sent names the clip, so that a late key never means the next one.
let sent = '';
const stage = () => element.querySelector('.rv-stage');
const send = (what, more = {}) => {
  const id = stage()?.dataset.id;
  if (!id || sent === id + what) return;
  sent = id + what;
  trigger('act', {do: what, clip: Number(id), ...more});
};
const keysOn = () => {
  const box = element.querySelector('[data-keys-on]');
  return Boolean(box?.checked);
};
const remembered = () => { try { return localStorage.getItem('ga2-review-keys') !== 'off'; } catch { return true; } };
element.addEventListener('click', event => {
  const button = event.target.closest('[data-do]:not(input)');
  if (button) send(button.dataset.do, button.dataset.label === undefined ? {} : {label: button.dataset.label});
});
element.addEventListener('change', event => {
  if (!event.target.matches('[data-keys-on]')) return;
  try { localStorage.setItem('ga2-review-keys', event.target.checked ? 'on' : 'off'); } catch { /* private window */ }
});
// A label that is typed: one of the known ones that holds the text, or a new one when Enter is pressed twice.
let fresh = '';
element.addEventListener('keydown', event => {
  const field = event.target.closest('#rv-label');
  if (!field) return;
  event.stopPropagation();
  const say = text => { element.querySelector('#rv-typed').textContent = text; };
  if (event.key === 'Escape') { field.value = ''; say(''); stage().focus(); }
  if (event.key !== 'Enter' || !field.value.trim()) return;
  event.preventDefault();
  const typed = field.value.trim(), low = typed.toLowerCase();
  const known = [...element.querySelectorAll('#rv-labels option')].map(one => one.value);
  const same = known.filter(one => one.toLowerCase() === low);
  const found = same.length ? same : known.filter(one => one.toLowerCase().includes(low));
  if (found.length === 1) send(field.dataset.do, {label: found[0]});
  else if (found.length) say(`${found.length} labels match: ${found.slice(0, 4).join(', ')}${found.length > 4 ? ', …' : ''}`);
  else if (fresh === typed) send(field.dataset.do, {label: typed});
  else { fresh = typed; say(`No label matches. Enter again makes '${typed}' a new label.`); }
});
document.addEventListener('keydown', event => {
  if (!stage() || !keysOn() || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest('input, select, textarea, [contenteditable], dialog')) return;
  if (event.key === 'Enter' && event.target.closest('button, a, summary')) return;
  if (event.target.closest('video') && event.key.startsWith('Arrow')) return;
  const pressed = [...element.querySelectorAll('[data-keys]:not(:disabled)')]
    .find(one => one.dataset.keys.split(' ').includes(event.key) && one.offsetParent);
  if (pressed) { event.preventDefault(); if (!event.repeat) pressed.click(); return; }
  const field = element.querySelector('#rv-label');
  if (field?.offsetParent && event.key.length === 1 && /\p{L}/u.test(event.key)) field.focus();
});
watch('value', () => {
  sent = '';
  const box = element.querySelector('[data-keys-on]');
  if (box) box.checked = remembered();
  if (stage() && (document.activeElement === document.body || !document.activeElement?.isConnected)) stage().focus({preventScroll: true});
});
