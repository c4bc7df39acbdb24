(...given) => {
  let key = '';
  try {
    key = sessionStorage.getItem('ga2-visit') ?? '';
    if (!key) {
      key = [...crypto.getRandomValues(new Uint8Array(16))].map(one => one.toString(16).padStart(2, '0')).join('');
      sessionStorage.setItem('ga2-visit', key);
    }
  } catch (error) {}
  return [key, ga2Remembered('ga2-recognize'), ...given.slice(2)];
}
