// A card of the list chooses its set or group, an idea becomes the caption, a button undoes the last edit.
element.addEventListener('click', event => {
  const card = event.target.closest('[data-choose]'), idea = event.target.closest('[data-idea]');
  if (card) trigger('click', {chosen: card.dataset.choose});
  else if (idea) trigger('click', {idea: idea.dataset.idea});
  else if (event.target.closest('#anchor-undo')) trigger('click');
});
