// The list of qualities: what the playlist has, the largest first, between "automatic" and "sound only".

/** `chosen`: a value of the list. → what is chosen now: that quality may be gone. */
export function offer(list, heights, words, chosen) {
  for (const old of Array.from(list.querySelectorAll('[data-level]'))) old.remove();
  if (heights.length < 2) return chosen;
  const order = heights.map((height, index) => ({height, index})).filter(one => one.height).sort((a, b) => b.height - a.height);
  for (const one of order) {
    const made = document.createElement('option');
    made.value = String(one.index);
    made.dataset.level = '';
    made.textContent = words.lines.replace('{lines}', one.height);
    list.insertBefore(made, list.querySelector('[value=sound]'));
  }
  list.value = chosen;
  if (list.value !== chosen) list.value = 'auto';
  return list.value;
}
