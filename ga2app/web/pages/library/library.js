// A click on a card shows its bundle; with a key held it opens as any link does. Buttons turn the pages of the list.
element.addEventListener('click', event => {
  const card = event.target.closest('[data-bundle]'), turn = event.target.closest('[data-step]');
  if (turn) trigger('click', {bundle: '', step: Number(turn.dataset.step)});
  if (!card || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  trigger('click', {bundle: card.dataset.bundle, step: 0});
  if (innerWidth < 700) document.getElementById('bundle-head').scrollIntoView({behavior: 'smooth'});
});
