// Lists that change in place: a row stays the same element while its person is there, so that the keyboard's focus, an
// opened "more" and a screen reader stay where they are.
import {put} from './words.js';

export class Rows {
  /** `make(item)` builds a row's parts once; `fill(parts, item)` writes what may have changed. */
  constructor(list, make, fill) {
    Object.assign(this, {list, make, fill, known: new Map()});
  }

  /** Show these items, in this order. Each has a `key`. */
  show(items) {
    const keys = new Set(items.map(item => item.key));
    for (const [key, row] of this.known) {
      if (keys.has(key)) continue;
      row.element.remove();
      this.known.delete(key);
    }
    const focused = document.activeElement;
    let place = this.list.firstChild;
    for (const item of items) {
      let row = this.known.get(item.key);
      if (!row) {
        row = {element: document.createElement('li')};
        row.parts = this.make(row, item);
        this.known.set(item.key, row);
      }
      row.item = item;
      this.fill(row.parts, item, row);
      if (row.element === place) place = place.nextSibling;
      else this.list.insertBefore(row.element, place);
    }
    if (focused && focused !== document.activeElement && this.list.contains(focused)) focused.focus();
  }
}

/** `<span class=who><b>name</b><span class=about>…</span></span><span class=does>buttons</span>` */
export function nameAndButtons(row) {
  const who = add(row.element, 'span', 'who');
  const parts = {name: add(who, 'b'), about: add(who, 'span', 'about'), does: add(row.element, 'div', 'does'), buttons: {}};
  return parts;
}

export function add(parent, tag, kind) {
  const made = document.createElement(tag);
  if (kind) made.className = kind;
  parent.append(made);
  return made;
}

/** A button whose spoken name says whom it is about. */
export function button(parent, kind, press) {
  const made = add(parent, 'button', kind || '');
  made.type = 'button';
  let busy = false;  // not `disabled`: that would take the focus away
  made.addEventListener('click', async () => {
    if (busy) return;
    busy = true;
    try { await press(); } finally { busy = false; }
  });
  return made;
}

export function label(made, text, name) {
  put(made, text);
  const spoken = `${text}: ${name}`;
  if (made.getAttribute('aria-label') !== spoken) made.setAttribute('aria-label', spoken);
}
