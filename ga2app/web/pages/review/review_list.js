element.addEventListener('click', event => {
  const button = event.target.closest('[data-do]');
  if (button) trigger('act', {do: button.dataset.do, clip: Number(button.dataset.id)});
});
