// Going back in a broadcast: where a step leads, and how a moment is said. Pure: seconds in, seconds and words out.

//: Seconds from the beginning of what can be gone back to in which a step back means: further than the live playlist.
const NEAR = 2;

/** `5:07`, `1:02:09`: since the broadcast began. */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds)), two = value => String(value).padStart(2, '0');
  const hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/**
 * `at`: where the picture is, of `start` to `end`; `edge`: where the live player keeps to, null: unknown; `back`: it plays what was.
 * → {act: 'live'}, {act: 'rewind'}, {act: 'seek', to}, or null: there is nothing yet.
 */
export function stepped({at, start, end, edge, back}, step) {
  if (start === null) return null;
  const last = back || edge === null ? end : edge;
  if (step > 0 && at + step >= last) return {act: 'live'};
  if (!back && step < 0 && at - start < NEAR) return {act: 'rewind'};
  return {act: 'seek', to: Math.max(start + (back ? 0 : 1), at + step)};
}
