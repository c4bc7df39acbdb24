// What buttons of this part do is told to the server with what is ticked (or the row's own number) and what the fields hold.
const ticked = () => typeof ticks === 'undefined' ? [] : ticks.ids().map(Number);
const fields = () => Object.fromEntries([...element.querySelectorAll('[name]')].map(one => [one.name, one.value]));
element.addEventListener('click', event => {
  const button = event.target.closest('[data-do]');
  if (button) {
    const ids = button.dataset.id ? [Number(button.dataset.id)] : ticked();
    trigger('act', {do: button.dataset.do, ids, ...fields()});
  }
  const made = event.target.closest('[data-export]');
  if (made) trigger('export', {as: made.dataset.export, ...fields()});
});
element.addEventListener('keydown', event => {
  if (event.key !== 'Enter' || !event.target.dataset.enter) return;
  event.preventDefault();
  element.querySelector(`[data-do="${event.target.dataset.enter}"]`).click();
});
