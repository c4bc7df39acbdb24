// A choice leads to its address at once; the form's own button does so without a script, too.
element.addEventListener('change', event => event.target.closest('[data-choices]')?.requestSubmit());
element.addEventListener('click', event => {
  const button = event.target.closest('[data-do]');
  if (button) trigger('act', {do: button.dataset.do});
});
