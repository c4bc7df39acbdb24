// What Gradio's controls leave out for keyboards and screen readers, put in as they are drawn:
// arrow keys and named panels for tabs, names for chips and icons, and the help or fault of a field as its description.
const set = (node, name, value) => {
  if (value === null) { if (node.hasAttribute(name)) node.removeAttribute(name); }
  else if (node.getAttribute(name) !== value) node.setAttribute(name, value);
};
let numbered = 0;
const idOf = (node, stem) => { if (!node.id) node.id = `${stem}-${++numbered}`; return node.id; };
const each = (selector, act) => document.querySelectorAll(selector).forEach(act);
const panelsOf = list => [...(list.closest('.tabs')?.children ?? [])].filter(one => one.matches('[role=tabpanel]'));
const tabsOf = list => [...list.querySelectorAll('[role=tab]')];

const mendTabs = list => {
  set(list, 'aria-label', 'Sections');
  const shown = panelsOf(list).find(panel => panel.style.display !== 'none');
  for (const tab of tabsOf(list)) {
    const selected = tab.getAttribute('aria-selected') === 'true';
    set(tab, 'tabindex', selected ? '0' : '-1');
    if (!selected || !shown) { if (!tab.getAttribute('aria-controls')) set(tab, 'aria-controls', null); continue; }
    set(shown, 'aria-labelledby', idOf(tab, 'tab'));
    set(tab, 'aria-controls', idOf(shown, 'panel'));
  }
};

const mendField = block => {
  if (block.querySelector('.settings-form')) return;  // a form of its own, described and marked by itself
  const help = block.querySelector('.info-text');
  const fault = Boolean(block.closest('.faulty'));
  for (const field of block.querySelectorAll('input:not([type=file]), textarea, select')) {
    set(field, 'aria-describedby', help ? idOf(help, 'help') : null);
    set(field, 'aria-invalid', fault ? 'true' : null);
  }
};

const AGENTS = 'Agents are answered over MCP where the app was started with: python app.py --mcp. They get four tools of '
  + 'their own, not these endpoints: recognize, list_bundles, queue_run and run_status. Its address is printed at the start.';

const mend = () => {
  each('[role=tablist]', mendTabs);
  each('.block:has(.info-text), .block.faulty, .block:has([aria-invalid])', mendField);
  each('.token > .token-remove', chip => {
    const name = `Remove ${chip.previousElementSibling?.textContent.trim() ?? ''}`;
    set(chip, 'title', name);
    set(chip, 'aria-label', name);
  });
  each('.token-remove.remove-all', cross => set(cross, 'aria-label', 'Remove all'));
  // A button in a button: the outer one is a frame, and its name is a key that was never translated.
  each('button.icon-button:has(button)', frame => {
    set(frame, 'role', 'group');
    set(frame, 'tabindex', '-1');
    set(frame, 'aria-label', 'Add files');
    set(frame, 'title', 'Add files');
    set(frame, 'aria-haspopup', null);
  });
  // One name for all, so that arrow keys go from choice to choice and the tab key past them.
  each('fieldset.block', group => group.querySelectorAll('input[type=radio]').forEach(
    choice => set(choice, 'name', idOf(group, 'choices'))));
  each('button.label-wrap', head => set(head, 'aria-expanded', String(head.classList.contains('open'))));
  each('pre, .scroll, .reel, .file-preview-holder', box => {
    const scrolls = box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1;
    if (scrolls && !box.hasAttribute('tabindex')) box.tabIndex = 0;
  });
  // What Gradio says of its own of every app: a part of the page that nobody sees, and a server that is not ours.
  each('.api-docs p.desc', line => {
    const text = line.textContent;
    const said = text.replace(/^\s*The input value that is provided in the ".*?" \w+\s+component\.\s*/s, '');
    if (said && said !== text) line.textContent = said;
  });
  each('.api-docs .counts', counts => {
    counts.style.display = counts.textContent.includes('MCP Tool') ? 'none' : '';
  });
  each('.api-docs [data-agents], .api-docs div:has(> code)', part => {
    set(part, 'data-agents', part.textContent.includes('GRADIO_MCP_SERVER') ? AGENTS : null);
  });
  // A choice that cannot be made says why in its own words, and cannot be pressed.
  each('#preset label', label => {
    const closed = / \(needs /.test(label.textContent);
    label.classList.toggle('closed', closed);
    label.querySelector('input').disabled = closed;
  });
};

let due = false;
new MutationObserver(() => {
  if (due) return;
  due = true;
  requestAnimationFrame(() => { due = false; mend(); });
}).observe(document.body, {
  subtree: true, childList: true, attributes: true, attributeFilter: ['class', 'aria-selected', 'title', 'style'],
});
mend();

const steps = {ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity};
document.addEventListener('keydown', event => {
  const list = event.target.closest?.('[role=tab]')?.closest('[role=tablist]');
  if (!list || !(event.key in steps) || event.ctrlKey || event.altKey || event.metaKey) return;
  const tabs = tabsOf(list), at = tabs.indexOf(event.target), step = steps[event.key];
  const to = Number.isFinite(step) ? (at + step + tabs.length) % tabs.length : step < 0 ? 0 : tabs.length - 1;
  event.preventDefault();
  tabs[to].focus();
  tabs[to].click();
});

document.addEventListener('click', event => {
  if (!event.target.closest?.('.skip')) return;
  event.preventDefault();
  const page = document.getElementById('page');
  page.tabIndex = -1;
  page.focus();
});
