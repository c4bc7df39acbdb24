// On a narrow page the data set that was chosen is below the list: a link from there brings it into view.
let chosen = innerWidth < 700 && document.referrer.includes('/datasets');
// The address names the data set that is shown, also where it named none.
const tell = () => {
  const shown = element.querySelector('[data-dataset]');
  if (shown && chosen) element.scrollIntoView();
  if (shown) chosen = false;
  if (shown && !new URL(location.href).searchParams.has('new')) ga2Tell({id: shown.dataset.dataset});
};
watch('value', tell);
tell();
