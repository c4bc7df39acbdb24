// A modal dialog: Escape closes it, the focus goes into it and back, and nothing beneath can be pressed by mistake.
const dialog = document.createElement('dialog');
dialog.className = 'ds-stage';
dialog.setAttribute('aria-label', 'Player');
(element.closest('.gradio-container') || document.body).append(dialog);
let closed = false;
dialog.addEventListener('click', event => {
  if (event.target === dialog || event.target.closest('[data-close]')) dialog.close();
});
dialog.addEventListener('close', () => { closed = true; dialog.replaceChildren(); trigger('click'); });
document.addEventListener('click', event => {
  if (dialog.open && event.target.closest('[role=tab]')) dialog.close();
});
watch('value', () => {
  const shown = element.querySelector('.ds-player');
  if (shown?.matches('[data-busy]')) closed = false;
  if (!shown || closed) { element.replaceChildren(); if (dialog.open) dialog.close(); return; }
  dialog.replaceChildren(shown);
  if (!dialog.open) dialog.showModal();
  dialog.querySelector('[data-close]').focus();
});
