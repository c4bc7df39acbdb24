// Where a page is left, Gradio closes its answers, takes that for a lost server, and reloads the page as soon as the
// server answers: which ends the link that was followed to a page that is slow to come. The browser closes them itself.
window.addEventListener('beforeunload', event => event.stopImmediatePropagation(), true);
// The address follows what is shown: ``told`` holds what it is to say by name, first of all what the view is of.
// Another view is a step that Back takes back; whatever else changes is none. An answer that names nothing is none.
window.ga2Tell = told => {
  const url = new URL(location.href), [of] = Object.keys(told);
  const texts = value => [value].flat().filter(one => one !== null && one !== undefined && one !== '').map(String);
  const named = texts(told[of]), before = url.searchParams.getAll(of);
  if (!named.length && !window.ga2Told) return;
  window.ga2Told = true;
  for (const [name, value] of Object.entries(told)) {
    url.searchParams.delete(name);
    for (const one of texts(value)) url.searchParams.append(name, one);
  }
  url.search = url.search.replaceAll('%2C', ',');
  if (url.href === location.href || url.href.length > 8000) return;
  const step = before.length && named.length && String(before) !== String(named);
  history[step ? 'pushState' : 'replaceState'](null, '', url);
};
// Addresses of the time when all was one page: /?screen=train, /?run=7&view=report, /?compare=1,2
(() => {
  const asked = new URLSearchParams(location.search), screen = asked.get('screen') ?? '';
  const [run, compared] = [asked.get('run'), asked.get('compare')];
  if (!run && !compared && !screen) return;
  for (const name of ['screen', 'run', 'compare']) asked.delete(name);
  if (compared) asked.set('ids', compared);
  else if (run) asked.set('id', run);
  if (asked.get('view') === 'settings') asked.set('view', 'config');
  const page = compared ? 'compare' : run ? 'runs' : screen;
  const known = ['datasets', 'anchors', 'train', 'runs', 'library', 'compare'].includes(page);
  location.replace(`./${known ? page : ''}?${asked}`.replaceAll('%2C', ',').replace(/[?]$/, ''));
})();
