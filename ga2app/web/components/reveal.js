() => {
  if (innerWidth < 700) document.getElementById('%s').scrollIntoView({behavior: 'smooth'});
}
