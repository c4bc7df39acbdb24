element.addEventListener('click', event => {
  const play = event.target.closest('[data-play]');
  if (play) trigger('play', {clip: Number(play.dataset.play)});
  const page = event.target.closest('[data-page]');
  if (!page) return;
  turned = true;
  trigger('act', {do: 'page', page: Number(page.dataset.page)});
});
