// Publishing by WHIP (RFC 9725): offer, answer, and again after a loss. Knows nothing of the page.

//: Milliseconds until a lost connection is made anew; each later try waits twice as long, up to the last.
const FIRST = 1000, MOST = 8000;
//: What a camera sends: a small picture for slow lines beside the large one. Bits per second.
const LAYERS = [{rid: 'q', scaleResolutionDownBy: 2, maxBitrate: 400000}, {rid: 'f', maxBitrate: 2500000}];
const SCREEN = [{maxBitrate: 2500000, maxFramerate: 15}];

/** Whether this browser sends H.264. */
export function able() {
  const known = window.RTCRtpSender && RTCRtpSender.getCapabilities && RTCRtpSender.getCapabilities('video');
  return Boolean(known && known.codecs.some(isH264));
}

function isH264(codec) { return codec.mimeType.toLowerCase() === 'video/h264'; }

export class Publication {
  /** `tell`: a word each time something happens: connecting, showing, again, taken, refused. */
  constructor(url, token, stream, screen, tell) {
    Object.assign(this, {url, token, stream, screen, tell, peer: null, session: '', wait: FIRST, over: false, timer: 0});
  }

  async begin() {
    this.tell('connecting');
    try { await this.connect(); } catch (error) { this.lost(error.status); }
  }

  async connect() {
    const peer = this.peer = new RTCPeerConnection({iceServers: await this.relays()});
    peer.addEventListener('connectionstatechange', () => {
      if (peer !== this.peer) return;
      if (peer.connectionState === 'connected') { this.wait = FIRST; this.tell('showing'); }
      if (peer.connectionState === 'failed' || peer.connectionState === 'closed') this.lost(0);
    });
    for (const track of this.stream.getTracks()) {
      const video = track.kind === 'video';
      const made = peer.addTransceiver(track, video ? {direction: 'sendonly', sendEncodings: this.screen ? SCREEN : LAYERS} : {direction: 'sendonly'});
      if (video) await prefer(made);
    }
    await peer.setLocalDescription(await peer.createOffer());
    const answer = await this.ask('POST', this.url, peer.localDescription.sdp);
    this.session = new URL(answer.headers.get('Location'), location.href).href;
    await peer.setRemoteDescription({type: 'answer', sdp: await answer.text()});
  }

  /** Relays for networks that let nothing else through. */
  async relays() {
    const answer = await this.ask('OPTIONS', this.url);
    const found = [];
    for (const one of (answer.headers.get('Link') || '').split(/,\s*(?=<)/)) {
      const url = /^<([^>]+)>/.exec(one), name = /username="([^"]*)"/.exec(one), word = /credential="([^"]*)"/.exec(one);
      if (url && /rel="?ice-server/.test(one)) found.push(name && word ? {urls: url[1], username: name[1], credential: word[1]} : {urls: url[1]});
    }
    return found;
  }

  async ask(method, url, sdp) {
    const headers = {Authorization: 'Bearer ' + this.token};
    if (sdp) headers['Content-Type'] = 'application/sdp';
    const answer = await fetch(url, {method, headers, body: sdp});
    if (!answer.ok) throw Object.assign(new Error('refused'), {status: answer.status});
    return answer;
  }

  lost(status) {
    this.close();
    if (this.over) return;
    if (status === 401 || status === 422 || status === 400) { this.tell('refused'); this.over = true; return; }
    this.tell(status === 409 ? 'taken' : 'again');
    clearTimeout(this.timer);
    this.timer = setTimeout(() => { if (!this.over) this.begin(); }, this.wait * (0.5 + Math.random()));
    this.wait = Math.min(MOST, this.wait * 2);
  }

  /** The end; the server is told, so that nobody waits for us. */
  end() {
    this.over = true;
    clearTimeout(this.timer);
    if (this.session) this.ask('DELETE', this.session).catch(() => null);
    this.close();
  }

  close() {
    const peer = this.peer;
    this.peer = null;
    if (peer) peer.close();
  }
}

/** H.264 before anything else; fewer pictures rather than smaller ones: another size is a new beginning for every viewer. */
async function prefer(transceiver) {
  const known = RTCRtpSender.getCapabilities('video').codecs;
  if (transceiver.setCodecPreferences) transceiver.setCodecPreferences(known.filter(isH264).concat(known.filter(one => !isH264(one))));
  const parameters = transceiver.sender.getParameters();
  parameters.degradationPreference = 'maintain-resolution';
  await transceiver.sender.setParameters(parameters).catch(() => null);
}
