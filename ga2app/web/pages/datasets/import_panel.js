element.addEventListener('click', event => {
  const pressed = event.target.closest('[data-do=cancel], [data-turn], [data-report]');
  if (!pressed) return;
  const {turn, report} = pressed.dataset;
  if (report) trigger('act', {do: 'download', import: Number(report)});
  else if (turn) trigger('act', {do: 'report', import: Number(pressed.dataset.import), page: Number(turn)});
  else trigger('act', {do: 'cancel'});
});
element.addEventListener('change', event => {
  if (event.target.matches('#ds-past')) trigger('act', {do: 'report', import: Number(event.target.value)});
});
