// Pictures as they are made and numbers of an import as they grow, written where they stand: no list is drawn anew.
watch('value', () => {
  const live = props.value || {};
  for (const [id, made] of Object.entries(live.pictures || {})) {
    const card = document.querySelector(`#ds-clips [data-clip="${id}"]`), blank = card?.querySelector('.ds-blank');
    if (!blank) continue;
    if (made.fault) {
      blank.textContent = 'cannot be read';
      card.querySelector('.ds-fault').textContent = made.fault;
      continue;
    }
    const image = new Image(160, 120);
    image.alt = '';
    image.src = made.picture;
    blank.replaceWith(image);
  }
  const going = document.querySelector('#ds-panel .ds-progress');
  if (!live.progress || !going) return;
  going.querySelector('.meter').setAttribute('aria-valuenow', live.progress.share);
  going.querySelector('.meter span').style.width = `${live.progress.share}%`;
  going.querySelector('.pace').textContent = live.progress.told;
});
