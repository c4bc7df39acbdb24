// Saves the file that an event has just put into a hidden component.
(file) => {
  if (!file) return;
  const link = document.createElement('a');
  link.href = file.url;
  link.download = file.orig_name;
  link.click();
}
