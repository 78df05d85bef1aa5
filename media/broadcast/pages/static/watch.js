// The watch page: opens the video, keeps it going, says in words what happens, counts for the school's figures.
import {meant} from './keys.js';
import {open} from './player.js';
import {Resume} from './resume.js';
import {take} from './taking.js';

const $ = id => document.getElementById(id);
//: Milliseconds between looks at the picture; between looks at a host's figures.
const LOOK = 500, FIGURES = 10000;
//: Seconds behind the live edge from which "to live" is offered.
const FAR = 5;
const video = $('video'), settings = JSON.parse($('player').dataset.settings), words = settings.words;
const now = () => performance.now();

class Watching {
  constructor() {
    this.resume = new Resume(settings.sources);
    this.over = this.started = false;
    this.wanted = true;
    this.rebuffers = 0;
    this.captions = false;
    this.quality = 'auto';
    this.player = open(video, settings, {
      failed: kind => this.failed(kind), levels: heights => this.levels(heights),
      captions: there => { $('captions').hidden = !there; },
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
    if (settings.host) setInterval(() => this.figures(), FIGURES);
  }

  listen() {
    const does = {play: () => this.turn(), mute: () => this.mute(), full: () => this.full(), edge: () => this.edge(), captions: () => this.caption(),
      louder: () => this.volume(0.1), quieter: () => this.volume(-0.1), back: () => this.seek(-10), forward: () => this.seek(10)};
    for (const id of ['play', 'mute', 'full', 'edge', 'captions']) $(id).addEventListener('click', does[id]);
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
    video.addEventListener('ended', () => this.end());
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
    const sound = this.quality === 'sound';
    this.player.load(new URL(this.resume.source + (sound ? settings.sound : settings.playlist), location.href).href, sound);
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
    this.say('reconnecting');
    setTimeout(() => { if (!this.over) { this.load(); if (this.wanted) this.play(); } }, decided.after);
  }

  look() {
    if (this.over) return;
    const said = this.resume.look(now(), video.currentTime, this.wanted && !video.seeking && !(document.hidden && video.paused));
    if (said === 'still') this.failed('still');
    else if (said === 'started' && video.muted) this.say('muted');
    else if (said) this.say(said);
    const edge = this.player.edge;
    $('edge').hidden = !(edge && edge - video.currentTime > FAR);
  }

  end() {
    if (this.over) return;
    this.over = true;
    this.wanted = false;
    this.player.close();
    this.say('ended');
    // The server's page says where the recording is. Not all at once, and not over somebody's words.
    setTimeout(() => { if (!$('text').value) location.reload(); }, 4000 + 20000 * Math.random());
  }

  /** The server said no: its page says why. */
  leave() {
    this.over = true;
    this.player.close();
    location.reload();
  }

  levels(heights) {
    const list = $('quality');
    for (const old of Array.from(list.querySelectorAll('[data-level]'))) old.remove();
    if (heights.length < 2) return;
    const order = heights.map((height, index) => ({height, index})).filter(one => one.height).sort((a, b) => b.height - a.height);
    for (const one of order) {
      const made = document.createElement('option');
      made.value = String(one.index);
      made.dataset.level = '';
      made.textContent = words.lines.replace('{lines}', one.height);
      list.insertBefore(made, list.querySelector('[value=sound]'));
    }
    list.value = this.quality;
    if (list.value !== this.quality) this.quality = list.value = 'auto';
  }

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

  caption() {
    this.captions = !this.captions;
    this.player.showCaptions(this.captions);
    $('captions').setAttribute('aria-pressed', String(this.captions));
    this.say(this.captions ? 'captions_on' : 'captions_off');
  }

  seek(step) {
    const {seekable} = video, edge = this.player.edge;
    if (!seekable.length) return;
    const to = Math.max(seekable.start(0) + 1, video.currentTime + step);
    if (edge !== null && to >= edge) { this.edge(); return; }
    this.player.follow(false);
    video.currentTime = to;
  }

  edge() {
    const edge = this.player.edge;
    this.player.follow(true);
    if (edge !== null) video.currentTime = edge;
    this.play();
  }

  label() {
    $('play').textContent = words[video.paused ? 'play' : 'pause'];
    $('mute').textContent = words[video.muted ? 'unmute' : 'mute'];
  }

  async beat() {
    if (this.over) return;
    const latency = this.player.latency;
    const body = JSON.stringify({position: Math.max(0, video.currentTime), latency: latency === null ? null : Math.max(0, latency),
      rebuffers: this.rebuffers, level: this.player.lines});
    const headers = {'Content-Type': 'application/json', Accept: 'application/json'};
    try {
      const answer = await fetch('heartbeat', {method: 'POST', body, headers});
      if ([401, 403, 410].includes(answer.status)) { this.leave(); return; }
      if (answer.ok && (await answer.json()).phase === 'ended' && video.paused) this.end();
    } catch (error) { /* the next one counts */ }
    setTimeout(() => this.beat(), settings.every_s * 1000);
  }

  async figures() {
    try {
      const found = await (await fetch('figures', {headers: {Accept: 'application/json'}})).json();
      for (const id of ['viewers', 'delay', 'stalled', 'hands']) if (found[id] !== undefined) $(id).textContent = found[id];
    } catch (error) { /* the next ones are shown */ }
  }
}

take(words);
new Watching().run();
