// Gradio's framework watches each value of a page's settings for changes, events among them, and to read them that way
// takes longer than to draw the page. Arrays of another class it leaves as they are, and nothing changes these.
class Settings extends Array {}
for (const kind of ['components', 'dependencies']) {
  const given = window.gradio_config?.[kind];
  if (given) window.gradio_config[kind] = Settings.from(given);
}
