// For a place of messages; ``markup.lasting`` marks what outlives the message that it came with.
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
