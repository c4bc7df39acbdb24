element.addEventListener('click', event => {
  if (event.target.closest('[data-do=cancel]')) trigger('act', {do: 'cancel'});
});
element.addEventListener('change', event => {
  if (event.target.matches('#ds-past')) trigger('act', {do: 'report', import: Number(event.target.value)});
});
