// Settings that were asked for as a file come with the answer, and are saved by the browser.
watch('value', () => {
  if (!props.value?.save) return;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([props.value.save], {type: 'application/json'}));
  link.download = 'settings.json';
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
});
