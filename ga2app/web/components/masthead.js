// What every page does: its title, Back and Forward, the theme, and what a refused upload means.
document.title = `${element.querySelector('[data-title]').dataset.title} · GA² Studio`;
// Back and Forward within the page: it is read anew at the address that they have led to.
window.addEventListener('popstate', () => trigger('submit', {}));
// A reverse proxy that refuses a large upload says no more than a number: what it means, and whose setting it is.
const plainly = window.fetch;
window.fetch = async (...asked) => {
  const answer = await plainly(...asked);
  if (answer.status !== 413) return answer;
  const form = asked[1]?.body instanceof FormData ? [...asked[1].body.values()] : [];
  const size = form.reduce((sum, one) => sum + (one instanceof File ? one.size : 0), 0);
  const what = size ? `This upload of ${(size / 1e6).toFixed(1)} MB is` : 'This upload is';
  return new Response(`${what} larger than the proxy in front of the studio lets through. Choose a smaller file, or ` +
    'ask whoever runs the studio to raise the limit (nginx: client_max_body_size).', {status: 413});
};
element.addEventListener('click', event => {
  if (!event.target.closest('[data-theme-switch]')) return;
  const dark = document.body.classList.toggle('dark');
  try { localStorage.setItem('ga2-theme', dark ? 'dark' : 'light'); } catch (error) {}
});
let saved = null;
try { saved = localStorage.getItem('ga2-theme'); } catch (error) {}
if (saved && !new URLSearchParams(location.search).has('__theme')) {
  document.body.classList.toggle('dark', saved === 'dark');
}
