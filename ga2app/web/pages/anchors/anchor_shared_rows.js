// The rows' script stands once on the page, in the place of the undo; each list waits for it.
const begin = () => window.ga2AnchorRows ? window.ga2AnchorRows(element, trigger, watch) : setTimeout(begin, 20);
begin();
