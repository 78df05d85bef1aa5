// What the player does when something goes wrong: viewers go on within ten seconds, without loading the page again.
// Pure: milliseconds and chance (0-1) come in, a decision goes out.

//: Milliseconds until the first new try, between later ones (both times 0.5-1.5, or ten thousand come in one second).
export const FIRST = 300, MOST = 2000;
//: Milliseconds a picture may stand still: after it has played, and before its first frame.
export const STILL = 4000, OPENING = 7000;
//: Milliseconds within which a second fault of decoding means "load anew".
export const AGAIN = 5000;

export class Resume {
  /** `sources`: folders of playlists, the nearest first. */
  constructor(sources) {
    Object.assign(this, {sources, at: 0, tries: 0, lost: false, due: 0, played: false, position: null, since: null, decoded: -AGAIN});
  }

  get source() { return this.sources[this.at]; }

  /**
   * `kind`: network (no answer, or a wrong one), media (cannot be decoded), still, refused (401, 403, 410).
   * → {act: 'load', after, source}, {act: 'recover'}, {act: 'leave'}, or null: a try is on its way already.
   */
  failed(kind, now, chance) {
    if (kind === 'refused') return {act: 'leave'};
    if (now < this.due) return null;
    if (kind === 'media' && now - this.decoded >= AGAIN) {
      this.decoded = now;
      return {act: 'recover'};
    }
    this.lost = true;
    this.tries += 1;
    this.at = (this.at + 1) % this.sources.length;  // at once: a lost edge is silent, and each try costs seconds
    const after = Math.min(MOST, FIRST * Math.pow(2, this.tries - 1)) * (0.5 + chance);
    this.due = now + after;
    this.since = null;
    return {act: 'load', after, source: this.source};
  }

  /** Another playlist is to be opened: what stood still before says nothing. */
  anew() { Object.assign(this, {tries: 0, lost: false, due: 0, played: false, position: null, since: null}); }

  /**
   * Asked twice a second. `wanted`: it should be playing. → 'started' once, 'back' after it was lost, 'still', or ''.
   * After 'still', say `failed('still', …)`.
   */
  look(now, position, wanted) {
    const before = this.position;
    this.position = position;
    if (!wanted || now < this.due) { this.since = null; return ''; }
    if (this.since === null) { this.since = now; return ''; }
    if (before !== null && position > before) {
      const said = this.lost ? 'back' : this.played ? '' : 'started';
      Object.assign(this, {since: now, tries: 0, lost: false, played: true});
      return said;
    }
    return now - this.since >= (this.played && !this.lost ? STILL : OPENING) ? 'still' : '';
  }
}
