// The place in the broadcast: a slider over everything since its beginning, and the same in words.
import {clock} from './rewind.js';

const $ = id => document.getElementById(id);

export class Place {
  /** `move`: somebody wants to be at that second. */
  constructor(video, words, move) {
    Object.assign(this, {video, words, dragged: false});
    $('place').addEventListener('input', () => { this.dragged = true; this.say(Number($('place').value)); });
    $('place').addEventListener('change', () => { this.dragged = false; move(Number($('place').value)); });
  }

  get end() {
    const {seekable} = this.video;
    return seekable.length ? seekable.end(seekable.length - 1) : 0;
  }

  /** Where the picture is; not while somebody looks for another place. */
  look() {
    if (this.dragged) return;
    const at = this.video.currentTime;
    Object.assign($('place'), {max: String(Math.floor(Math.max(this.end, at))), value: String(Math.floor(at))});
    this.say(at);
  }

  say(at) {
    const text = this.words.place_of.replace('{at}', clock(at)).replace('{end}', clock(this.end));
    if ($('at').textContent === text) return;
    $('at').textContent = text;
    $('place').setAttribute('aria-valuetext', text);
  }
}
