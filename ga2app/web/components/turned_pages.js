// Whoever turns a page sets ``turned``. A page that was turned at its lower end begins above the window: its first row comes into view.
let turned = false;
watch('value', () => {
  if (turned && element.getBoundingClientRect().top < 0) element.scrollIntoView({block: 'start'});
  turned = false;
});
