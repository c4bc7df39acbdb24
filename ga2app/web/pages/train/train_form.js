// The form of settings: one component whose value holds all of them, {values: {path: value}, choices: {path: [[title,
// value]]}}. What a person enters goes into it; what the server fills in is shown. Faults, choices that have changed
// and the note on the anchors come with the preview, so that a late answer never puts back what was typed meanwhile.
const FOLDER = '\u0000folder';
const fields = [...element.querySelectorAll('[data-path]')];
let offered = {}, timer;
const entered = new Set();  // fields that were changed while what fills the form was under way: they stay

const typedBeside = field => element.querySelector(`[data-typed="${field.dataset.path}"]`);
const read = field => {
  switch (field.dataset.kind) {
    case 'switch': return field.checked;
    case 'number': return field.value === '' || isNaN(field.valueAsNumber) ? null : field.valueAsNumber;
    case 'several': return [...field.querySelectorAll('input:checked')].map(box => box.value);
    default: return field.value === FOLDER ? typedBeside(field).value.trim() : field.value;
  }
};
const option = (title, value) => Object.assign(document.createElement('option'), {value, textContent: title});
const offer = field => {
  const choices = offered[field.dataset.path];
  if (!choices) return;
  if (field.dataset.kind === 'several') {
    field.querySelector('.options').replaceChildren(...choices.map(([title, value]) => {
      const label = document.createElement('label');
      const box = Object.assign(document.createElement('input'), {type: 'checkbox', value});
      label.append(box, ` ${title}`);
      return label;
    }));
  } else {
    field.replaceChildren(...choices.map(([title, value]) => option(title, value)));
    if (typedBeside(field)) field.append(option('Another folder…', FOLDER));
  }
};
const put = (field, value) => {
  switch (field.dataset.kind) {
    case 'switch': field.checked = Boolean(value); break;
    case 'number': field.value = value ?? ''; break;
    case 'several':
      field.querySelectorAll('input').forEach(box => { box.checked = (value ?? []).includes(box.value); });
      break;
    case 'choice': {
      const known = [...field.options].some(one => one.value === value), beside = typedBeside(field);
      if (!known && !beside) field.append(option(`${value} (not here any more)`, value));
      field.value = known || !beside ? value : FOLDER;
      if (beside) {
        beside.hidden = field.value !== FOLDER;
        if (!beside.hidden) beside.value = value;
      }
      break;
    }
    default: field.value = value ?? '';
  }
};
const show = () => {
  const {values, choices, recalled} = props.value;
  const kept = [...entered].map(field => [field, read(field)]);
  offered = {...offered, ...choices};
  for (const field of fields) { offer(field); put(field, values[field.dataset.path]); }
  for (const [field, value] of kept) put(field, value);
  if (recalled || kept.length) commit();
};
const commit = () => {
  clearTimeout(timer);
  const values = Object.fromEntries(fields.map(field => [field.dataset.path, read(field)]));
  const {recalled, ...value} = props.value;
  if (recalled || JSON.stringify(values) !== JSON.stringify(value.values)) props.value = {...value, values};
};
element.addEventListener('input', event => {
  const changed = event.target.closest('[data-path]');
  if (changed) entered.add(changed);
  clearTimeout(timer);
  timer = setTimeout(commit, event.target.matches('[type=number], [type=text]') ? 250 : 0);
});
element.addEventListener('change', event => {
  const beside = event.target.matches('select') && typedBeside(event.target);
  if (beside) {
    beside.hidden = event.target.value !== FOLDER;
    if (!beside.hidden) { beside.focus(); return; }
  }
  commit();
});
watch('value', show);
show();

let waiting = 0, patience, closed = false, pressed = false;
const standing = () => {
  document.body.toggleAttribute('data-train-updating', waiting > 0);
  document.getElementById('train-preview')?.setAttribute('aria-busy', String(waiting > 0));
  const queue = document.getElementById('queue');
  if (queue) {
    queue.disabled = closed;
    queue.setAttribute('aria-disabled', String(waiting > 0 || closed));  // a press waits: see settled
  }
  clearTimeout(patience);
  if (waiting) patience = setTimeout(() => { waiting = 0; standing(); }, 30000);
};
window.ga2Train = {
  // Resolves when what is said is of the settings that stand there; of several presses the first counts.
  settled: async () => {
    if (pressed) return new Promise(() => {});
    pressed = true;
    do await new Promise(later => setTimeout(later, 150)); while (waiting);
    pressed = false;
  },
  // Something else is to fill the form: from now on what is entered comes after it.
  filling: () => entered.clear(),
  // An answer is under way: what was said of other settings is old until it is there, and cannot be queued.
  wait: () => { waiting += 1; standing(); },
  // What an answer has filled in is told a moment later, and waits on by itself.
  ready: () => setTimeout(() => { waiting = Math.max(0, waiting - 1); standing(); }, 100),
  told: ({faults, choices, note, checking}) => {
    closed = checking;
    standing();
    element.querySelector('[data-note]').textContent = note;
    for (const field of fields) {
      const path = field.dataset.path, fault = faults[path], block = field.closest('.field');
      const help = block.querySelector('.help');
      help.textContent = fault ?? help.dataset.help;
      block.classList.toggle('faulty', Boolean(fault));
      if (fault) { field.setAttribute('aria-invalid', 'true'); block.closest('details').open = true; }
      else field.removeAttribute('aria-invalid');
      if (choices[path] && JSON.stringify(choices[path]) !== JSON.stringify(offered[path])) {
        const present = read(field);
        offered[path] = choices[path];
        offer(field);
        put(field, present);
      }
    }
  },
};
