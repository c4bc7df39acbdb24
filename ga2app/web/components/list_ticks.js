// Whose tick it is: ``ticks_js`` puts before this the selector of the boxes, ``tickable``.
// A tick belongs to the row whose number is the box's value. Gradio patches the page in place, and a box that a person
// has touched keeps its tick when another row is drawn where it stands. So each box is set anew after each drawing: a
// row that was there before keeps what was ticked here, unless the server's mark of it has changed; any other row has
// the server's mark.
const ticks = (() => {
  let known = new Map();
  const boxes = () => [...element.querySelectorAll(tickable)];
  const ids = () => boxes().filter(box => box.checked).map(box => box.value);
  const note = () => {
    known = new Map(boxes().map(box => [box.value, {on: box.checked, mark: box.defaultChecked}]));
    const count = ids().length;
    element.querySelectorAll('[data-ticked]').forEach(one => {
      one.textContent = count ? one.dataset.ticked.replace('#', count) : '';
    });
    element.querySelectorAll('[data-needs-ticked]').forEach(button => { button.disabled = !count; });
    const every = element.querySelector('input[data-tick-all]');
    if (every) every.checked = count > 0 && count === known.size;
  };
  const settle = () => {
    boxes().forEach(box => {
      const before = known.get(box.value);
      box.checked = before && before.mark === box.defaultChecked ? before.on : box.defaultChecked;
    });
    note();
  };
  const setAll = on => { boxes().forEach(box => { box.checked = on; }); note(); };
  element.addEventListener('change', event => {
    if (event.target.matches('[data-tick-all]')) setAll(event.target.checked);
    else if (event.target.matches(tickable)) note();
  });
  element.addEventListener('click', event => {
    const button = event.target.closest('button[data-tick]');
    if (button) setAll(button.dataset.tick === 'all');
  });
  watch('value', settle);
  settle();
  return {boxes, ids, clear: () => setAll(false)};
})();
