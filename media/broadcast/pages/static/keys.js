// Which key does what. Pure. By its place on the keyboard: the same in the Russian and the Latin layout.
const KEYS = {Space: 'play', KeyK: 'play', KeyM: 'mute', KeyF: 'full', KeyC: 'captions', KeyR: 'rewind', ArrowUp: 'louder', ArrowDown: 'quieter',
  ArrowLeft: 'back', ArrowRight: 'forward', Home: 'beginning', End: 'edge'};
//: Elements that have keys of their own.
const TYPES = ['INPUT', 'TEXTAREA', 'SELECT'], PRESSES = ['BUTTON', 'A', 'SUMMARY'];

/** `event`: of a key that goes down. → a word, or null: it is not ours. */
export function meant(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return null;
  const name = event.target && event.target.tagName;
  if (TYPES.includes(name)) return null;
  if (event.code === 'Space' && PRESSES.includes(name)) return null;
  return KEYS[event.code] || null;
}
