// The watch page: opens the video, keeps it going, says in words what happens, counts for the school's figures.
import {beat, figures} from './beats.js';
import {Chat} from './chat.js';
import {meant} from './keys.js';
import {open} from './player.js';
import {Place} from './place.js';
import {offer} from './quality.js';
import {Resume} from './resume.js';
import {stepped} from './rewind.js';
import {invite, raised, take} from './taking.js';

const $ = id => document.getElementById(id);
//: Milliseconds between looks at the picture; between looks at a host's figures.
const LOOK = 500, FIGURES = 10000;
//: Seconds behind the live edge from which "to live" is offered.
const FAR = 5;
//: Tries of a playlist to go back in that never played, after which it is live again.
const TRIES = 3;
const video = $('video'), settings = JSON.parse($('player').dataset.settings), words = settings.words;
const now = () => performance.now();

class Watching {
  constructor() {
    this.resume = new Resume(settings.sources);
    this.over = this.started = false;
    this.wanted = true;
    this.rebuffers = 0;
    this.captions = settings.captions && new URLSearchParams(location.search).has('captions');
    this.quality = 'auto';
    this.phase = 'live';
    this.back = null;  // {at, played}: it plays what was; at: seconds since the beginning, null: not known yet
    this.loads = 0;
    this.place = new Place(video, words, at => this.moveTo(at));
    this.chat = new Chat(() => this.resume.source, words);
    this.player = open(video, settings, {
      failed: kind => this.failed(kind), levels: heights => this.levels(heights),
      captions: there => this.captioned(there),
    });
  }

  run() {
    if (!this.player) { this.say('cannot'); return; }
    video.hidden = $('bar').hidden = false;
    this.listen();
    this.say('opening');
    this.load();
    this.play();
    setInterval(() => this.look(), LOOK);
    setTimeout(() => this.beat(), (0.2 + 0.8 * Math.random()) * settings.every_s * 1000);
    if (settings.host) setInterval(figures, FIGURES);
    if (settings.chat) this.chat.begin();
  }

  listen() {
    const does = {play: () => this.turn(), mute: () => this.mute(), full: () => this.full(), edge: () => this.edge(), captions: () => this.caption(),
      rewind: () => this.turnBack(), beginning: () => this.goBack(0),
      louder: () => this.volume(0.1), quieter: () => this.volume(-0.1), back: () => this.seek(-10), forward: () => this.seek(10)};
    for (const id of ['play', 'mute', 'full', 'edge', 'captions', 'rewind']) $(id).addEventListener('click', does[id]);
    video.addEventListener('click', does.play);
    document.addEventListener('keydown', event => {
      const word = meant(event);
      if (!word || (word === 'captions' && $('captions').hidden)) return;
      event.preventDefault();
      does[word]();
    });
    $('quality').addEventListener('change', () => this.choose($('quality').value));
    video.addEventListener('playing', () => { this.started = true; });
    video.addEventListener('waiting', () => { if (this.started && this.wanted && !video.seeking && !this.over) this.rebuffers += 1; });
    // What can be gone back to may be full, long before the broadcast is over.
    video.addEventListener('ended', () => { if (this.back && this.phase !== 'ended') this.edge(); else this.end(); });
    for (const name of ['play', 'pause', 'volumechange']) video.addEventListener(name, () => this.label());
    // Headsets and phones pause too, not only our button; a page in the background is paused by the system, and goes on.
    // The event comes late: whoever has pressed twice meanwhile is playing again.
    video.addEventListener('pause', () => {
      if (video.paused && this.wanted && !this.over && video.readyState && !video.ended && !document.hidden) this.halt();
    });
    document.addEventListener('visibilitychange', () => { if (!document.hidden && this.wanted && video.paused) this.play(); });
  }

  say(word, values) {
    let text = words[word] || '';
    for (const name of Object.keys(values || {})) text = text.replace(`{${name}}`, values[name]);
    if ($('said').textContent !== text) $('said').textContent = text;
  }

  load() {
    const sound = this.quality === 'sound', live = sound ? settings.sound : settings.playlist;
    const file = this.back ? sound ? settings.sound_back : settings.back : live;
    this.loads += 1;
    this.player.load(new URL(this.resume.source + file, location.href).href, sound, this.back ? this.back.at : undefined);
  }

  async play() {
    this.wanted = true;
    try { await video.play(); } catch (error) {
      if (error.name !== 'NotAllowedError') return;  // loading anew ends a play() that had begun
      video.muted = true;
      try { await video.play(); this.say('muted'); } catch (again) {
        if (again.name !== 'NotAllowedError') return;
        this.wanted = false;
        this.say('press');
      }
    }
    this.label();
  }

  halt() { this.wanted = false; video.pause(); this.say('paused'); this.label(); }

  turn() { if (video.paused) this.play(); else this.halt(); }

  failed(kind) {
    if (this.over) return;
    const decided = this.resume.failed(kind, now(), Math.random());
    if (!decided) return;
    if (decided.act === 'leave') { this.leave(); return; }
    if (decided.act === 'recover') { this.player.recover(); this.play(); return; }
    if (this.back && this.phase === 'ended') { this.end(); return; }
    if (this.back && !this.back.played && this.resume.tries > TRIES) { this.edge(); this.say('no_rewind'); return; }
    this.say('reconnecting');
    const {loads} = this;
    setTimeout(() => { if (!this.over && loads === this.loads) { this.load(); if (this.wanted) this.play(); } }, decided.after);
  }

  look() {
    if (this.over) return;
    const said = this.resume.look(now(), video.currentTime, this.wanted && !video.seeking && !(document.hidden && video.paused));
    if (said === 'still') this.failed('still');
    else if (said === 'started' && video.muted) this.say('muted');
    else if (said) this.say(said === 'started' && this.back ? 'rewound' : said);
    if (this.back && video.readyState > 1 && !video.seeking) Object.assign(this.back, {at: video.currentTime, played: true});
    if (this.back) this.place.look();
    if (this.captions && video.readyState > 1 && !$('captions').hidden && !this.player.captioned) this.showCaptions();
    const edge = this.player.edge;
    this.showing($('edge'), Boolean(this.back || edge && edge - video.currentTime > FAR));
  }

  end() {
    if (this.over) return;
    this.over = true;
    this.wanted = false;
    this.chat.end();
    this.player.close();
    this.say('ended');
    // The server's page says where the recording is. Not all at once, and not over somebody's words.
    const text = $('text');  // not there for a pupil whom no parent has confirmed
    setTimeout(() => { if (!text || !text.value) location.reload(); }, 4000 + 20000 * Math.random());
  }

  /** The server said no: its page says why. */
  leave() {
    this.over = true;
    this.chat.end();
    this.player.close();
    location.reload();
  }

  levels(heights) { this.quality = offer($('quality'), heights, words, this.quality); }

  choose(value) {
    const before = this.quality;
    this.quality = value;
    this.player.choose(value === 'auto' || value === 'sound' ? -1 : Number(value));
    if (before === 'sound' || value === 'sound') { this.load(); if (this.wanted) this.play(); }
    this.say('quality', {name: $('quality').selectedOptions[0].textContent});
  }

  mute() { video.muted = !video.muted; this.say(video.muted ? 'sound_off' : 'sound_on'); }

  volume(step) {
    video.muted = false;
    video.volume = Math.min(1, Math.max(0, Math.round((video.volume + step) * 10) / 10));
    this.say('volume', {percent: Math.round(video.volume * 100)});
  }

  full() {
    const player = $('player');  // with its buttons and words
    if (document.fullscreenElement) document.exitFullscreen();
    else if (player.requestFullscreen) player.requestFullscreen().catch(() => null);
    else if (video.webkitEnterFullscreen) video.webkitEnterFullscreen();
  }

  captioned(there) {
    $('captions').hidden = !there;
    if (there && this.captions) this.showCaptions();
  }

  showCaptions() {
    this.player.showCaptions(this.captions);
    $('captions').setAttribute('aria-pressed', String(this.captions));
  }

  caption() {
    if (!settings.captions) { location.assign('watch?captions=1'); return; }  // they came later: the larger player reads them
    this.captions = !this.captions;
    this.showCaptions();
    this.say(this.captions ? 'captions_on' : 'captions_off');
  }

  seek(step) {
    const {seekable} = video, some = seekable.length > 0, edge = this.player.edge;
    const decided = stepped({at: video.currentTime, start: some ? seekable.start(0) : null, end: some ? seekable.end(seekable.length - 1) : null,
      edge: edge || null, back: Boolean(this.back)}, step);
    if (!decided) return;
    if (decided.act === 'live') this.edge();
    else if (decided.act === 'rewind') this.goBack(null);
    else this.moveTo(decided.to);
  }

  moveTo(at) {
    if (this.back) this.back.at = at;
    else this.player.follow(false);
    video.currentTime = at;
  }

  turnBack() { if (this.back) this.edge(); else this.goBack(null); }

  /** Everything since the beginning; `at`: seconds since then, null: half a minute ago. */
  goBack(at) {
    if (this.over) return;
    if (this.back && at !== null) { this.moveTo(at); return; }
    this.back = {at, played: false};
    this.anew('rewinding');
  }

  edge() {
    this.player.follow(true);
    if (this.back) {
      this.back = null;
      this.anew('live_again');
      return;
    }
    const edge = this.player.edge;
    if (edge !== null) video.currentTime = edge;
    this.play();
  }

  /** The other playlist. Heartbeats go on: they have a clock of their own. */
  anew(word) {
    const back = Boolean(this.back);
    this.resume.anew();
    this.started = this.place.dragged = false;
    $('rewind').setAttribute('aria-pressed', String(back));
    this.showing($('placing'), back);
    this.say(word);
    this.load();
    this.play();
  }

  /** Shown or not; whoever stands on what goes away is led to a button that stays. */
  showing(element, there) {
    if (!there && !element.hidden && element.contains(document.activeElement)) $('play').focus();
    element.hidden = !there;
  }

  label() {
    $('play').textContent = words[video.paused ? 'play' : 'pause'];
    $('mute').textContent = words[video.muted ? 'unmute' : 'mute'];
  }

  async beat() {
    if (this.over) return;
    const found = await beat({position: video.currentTime, latency: this.back ? null : this.player.latency,  // who has gone back says no delay
      rebuffers: this.rebuffers, level: this.player.lines});
    if (found === 'refused') { this.leave(); return; }
    if (found) this.heard(found);
    setTimeout(() => this.beat(), (raised() ? Math.min(settings.hand_s, settings.every_s) : settings.every_s) * 1000);
  }

  /** Where the broadcast is, and what has come since the page was made. */
  heard(found) {
    this.phase = found.phase;
    if (found.phase === 'ended' && video.paused && !this.back) this.end();
    if (found.captions && !settings.captions && !this.back) $('captions').hidden = false;
    if (found.chat) this.chat.begin();
    invite(found.call || '');
  }
}

take(words);
new Watching().run();
