// What this browser remembers from visit to visit, by name. A browser that keeps nothing, or has something else under
// the name, remembers nothing.
window.ga2Remember = (name, value) => {
  try { localStorage.setItem(name, JSON.stringify(value)); } catch (error) {}
};
window.ga2Remembered = name => {
  try { return JSON.parse(localStorage.getItem(name)); } catch (error) { return null; }
};
