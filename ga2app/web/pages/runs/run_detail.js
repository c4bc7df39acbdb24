// One run, or several compared: what is pressed goes to the server with what it says; the address follows what is
// shown; the end of a log stays in view while one looks at it.
element.addEventListener('click', event => {
  const button = event.target.closest('[data-do], [data-save]'), link = event.target.closest('a[data-view]');
  if (button?.dataset.do) trigger('click', {what: button.dataset.do});
  else if (button) trigger('select', {kind: button.dataset.save, ids: element.querySelector('[data-ids]')?.dataset.ids});
  else if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    trigger('click', {what: 'view', view: link.dataset.view});
  }
});
element.addEventListener('submit', event => {
  event.preventDefault();
  trigger('click', {what: 'rename', name: event.target.elements.name.value});
  event.target.closest('details').open = false;
});
const address = () => {
  const run = element.querySelector('[data-id]'), compared = element.querySelector('[data-ids]');
  if (run) ga2Tell({id: run.dataset.id, view: run.dataset.view === 'progress' ? '' : run.dataset.view});
  if (compared) ga2Tell({ids: compared.dataset.ids});
};
let following = true, watched = null;
const follow = () => {
  const box = element.querySelector('pre.log');
  if (!box) return;
  if (box !== watched) {
    watched = box;
    following = true;
    box.addEventListener('scroll', () => { following = box.scrollHeight - box.scrollTop - box.clientHeight < 24; });
  }
  if (following) box.scrollTop = box.scrollHeight;
};
watch('value', () => { address(); follow(); });
new ResizeObserver(() => { if (following && watched) watched.scrollTop = watched.scrollHeight; }).observe(element);
