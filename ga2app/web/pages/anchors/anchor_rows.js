const send = message => trigger('select', message);
element.addEventListener('change', event => {
  const box = event.target, row = box.closest('[data-row]');
  if (!row) return;
  if (box.matches('[data-on]')) {
    row.classList.toggle('off', !box.checked);
    send({action: 'enable', id: Number(row.dataset.row), on: box.checked});
  } else if (box.matches('[data-text]')) {
    if (box.dataset.rated !== undefined) row.querySelector('.rating')?.replaceChildren('not measured');
    send({action: 'text', id: Number(row.dataset.row), text: box.value});
  }
});
element.addEventListener('keydown', event => {
  if (event.key === 'Enter' && event.target.matches('[data-text]')) event.target.blur();
});
// A page that is drawn anew keeps its fields, with what was typed: a refused text has to give way to the stored one,
// and what is being typed stays with its own row.
const restore = () => element.querySelectorAll('[data-row] input:is([data-text], [data-on])').forEach(box => {
  const row = box.closest('[data-row]').dataset.row;
  const typing = box === document.activeElement && box.ofRow === row;
  box.ofRow = row;
  if (typing) return;
  if (box.matches('[data-text]')) box.value = box.defaultValue;
  else box.checked = box.defaultChecked;
});
watch('value', restore);
restore();
element.addEventListener('click', event => {
  const play = event.target.closest('[data-play]'), button = event.target.closest('[data-action]');
  if (play) {
    const film = document.createElement('video');
    Object.assign(film, {src: play.dataset.play, muted: true, loop: true, autoplay: true, playsInline: true});
    film.className = 'film';
    if (play.querySelector('video')) play.replaceChildren(play.still); else {
      play.still = play.firstElementChild;
      play.replaceChildren(film);
    }
  } else if (button) {
    turned = button.dataset.action === 'page';
    const picked = ticks.boxes().filter(box => box.checked).map(box => Number(box.dataset.pick));
    send({action: button.dataset.action, ids: picked, value: button.dataset.value || ''});
  }
});
