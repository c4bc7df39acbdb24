// The address names the data set that is shown, also where it named none.
const tell = () => {
  const shown = element.querySelector('[data-dataset]');
  if (shown && !new URL(location.href).searchParams.has('new')) ga2Tell({id: shown.dataset.dataset});
};
watch('value', tell);
tell();
