// hls.js where there is MSE, the browser's own player where there is none (older iPhones); both look the same here.
// Chrome has a player of its own too, which does not catch up: hls.js is asked first (hls.js#7827).

const REFUSED = [401, 403, 410];
//: Seconds of what was played that can be gone back to.
const BEHIND = 30;
//: How fast it catches up with the live edge; iPhones' MSE stutters at anything but 1 (mediamtx#3734).
const RATE = window.ManagedMediaSource ? 1 : 1.2;

/** Milliseconds; more tries are resume.js's business. */
function policy(firstByte, whole) {
  const retry = {maxNumRetry: 1, retryDelayMs: 500, maxRetryDelayMs: 500};
  return {default: {maxTimeToFirstByteMs: firstByte, maxLoadTimeMs: whole, timeoutRetry: null, errorRetry: retry}};
}

/** null: this browser cannot. `tell` has failed(kind), levels(heights) and captions(there). */
export function open(video, settings, tell) {
  if (window.Hls && window.Hls.isSupported()) return new Fetched(video, settings, tell);
  if (video.canPlayType('application/vnd.apple.mpegurl')) return new Native(video, settings, tell);
  return null;
}

class Fetched {
  constructor(video, settings, tell) { Object.assign(this, {video, settings, tell, hls: null, sound: false, rate: RATE, wished: -1, estimate: 0}); }

  /** `at`: seconds since the beginning, in the playlist of what was; null: where that playlist says; undefined: live. */
  load(url, sound, at) {
    this.close();
    const {Hls} = window, tell = this.tell, live = at === undefined;
    const hls = this.hls = new Hls({
      enableWorker: false,  // CMAF needs no remuxing
      lowLatencyMode: live, liveSyncDuration: live ? this.settings.live_sync_s : undefined,
      maxLiveSyncPlaybackRate: live ? this.rate : 1, startPosition: live || at === null ? -1 : at,
      abrEwmaDefaultEstimate: this.estimate || 500000,  // a slow line is not measured anew after each loss
      backBufferLength: BEHIND, capLevelToPlayerSize: true,
      manifestLoadPolicy: policy(4000, 6000), playlistLoadPolicy: policy(6000, 8000), fragLoadPolicy: policy(6000, 20000),
    });
    this.sound = sound;
    hls.on(Hls.Events.MANIFEST_PARSED, (_name, found) => {
      if (!sound) tell.levels(found.levels.map(one => one.height || 0));
      if (this.wished >= 0 && this.wished < found.levels.length) hls.currentLevel = this.wished;
    });
    hls.on(Hls.Events.SUBTITLE_TRACKS_UPDATED, () => tell.captions((hls.subtitleTracks || []).length > 0));
    hls.on(Hls.Events.ERROR, (_name, error) => {
      if (!error.fatal || hls !== this.hls) return;
      const status = error.response && error.response.code;
      tell.failed(REFUSED.includes(status) ? 'refused' : error.type === Hls.ErrorTypes.MEDIA_ERROR ? 'media' : 'network');
    });
    hls.loadSource(url);
    hls.attachMedia(this.video);
  }

  recover() { this.hls.recoverMediaError(); }

  choose(index) { this.wished = index; if (this.hls) this.hls.currentLevel = index; }

  showCaptions(on) { this.hls.subtitleDisplay = on; this.hls.subtitleTrack = on ? 0 : -1; }

  /** Whether a line would be seen. hls.js lets them go again while it makes its tracks. */
  get captioned() { return Boolean(this.hls) && this.hls.subtitleTrack >= 0; }

  /** Whether it keeps to the live edge; not while somebody has gone back. */
  follow(on) {
    this.rate = on ? RATE : 1;
    if (this.hls) this.hls.config.maxLiveSyncPlaybackRate = this.rate;
    if (!on) this.video.playbackRate = 1;  // hls.js leaves it as it was
  }

  get edge() { return this.hls && this.hls.liveSyncPosition; }

  get latency() { return this.hls && this.hls.latency ? this.hls.latency : null; }

  get lines() {
    const level = this.hls && this.hls.levels && this.hls.levels[this.hls.currentLevel];
    return this.sound ? 0 : level && level.height || this.video.videoHeight || null;
  }

  close() {
    if (!this.hls) return;
    this.estimate = this.hls.bandwidthEstimate;
    this.hls.destroy();
    this.hls = null;
  }
}

class Native {
  constructor(video, settings, tell) {
    Object.assign(this, {video, tell, sound: false});
    video.addEventListener('error', () => {
      if (!video.error || !video.getAttribute('src')) return;
      // Why is asked beside the player: it does not say which status it got.
      fetch(video.src, {cache: 'no-store'}).then(answer => tell.failed(REFUSED.includes(answer.status) ? 'refused' : 'network'),
        () => tell.failed('network'));
    });
    video.addEventListener('loadedmetadata', () => tell.captions(video.textTracks.length > 0));
  }

  load(url, sound, at) {
    this.sound = sound;
    if (typeof at === 'number') this.video.addEventListener('loadedmetadata', () => { this.video.currentTime = at; }, {once: true});
    this.video.src = url;
    this.video.load();
  }

  recover() { this.video.load(); }

  choose() {}

  showCaptions(on) { for (const one of Array.from(this.video.textTracks)) one.mode = on ? 'showing' : 'disabled'; }

  get captioned() { return Array.from(this.video.textTracks).some(one => one.mode === 'showing'); }

  follow() {}

  get edge() {
    const {seekable} = this.video;
    return seekable.length ? Math.max(seekable.start(0), seekable.end(seekable.length - 1) - 3) : null;
  }

  get latency() { return null; }

  get lines() { return this.sound ? 0 : this.video.videoHeight || null; }

  close() { this.video.removeAttribute('src'); this.video.load(); }
}
