// One participant of livekit-client in a page; `happened` is what the tests look at.
const happened = { events: [], data: [], tracks: {}, speakers: [], quality: {}, stream: {}, attributes: {} };
let room;

function log(name, ...more) { happened.events.push([name, ...more]); }

async function join(url, token, options, connecting) {
  const lk = LivekitClient;
  room = new lk.Room({ adaptiveStream: true, dynacast: true, ...options });
  const e = lk.RoomEvent;
  room.on(e.TrackSubscribed, (track, publication, who) => {
    const element = track.attach();
    element.dataset.sid = publication.trackSid;
    element.dataset.who = who.identity;
    if (track.kind === 'video') { element.style.width = '320px'; element.style.height = '180px'; }
    document.body.append(element);
    log('subscribed', who.identity, publication.source);
  });
  room.on(e.TrackUnsubscribed, (track, publication, who) => {
    document.querySelectorAll(`[data-sid="${publication.trackSid}"]`).forEach(element => element.remove());
    log('unsubscribed', who.identity, publication.source);
  });
  room.on(e.TrackSubscriptionFailed, (sid, _who, why) => log('subscription failed', sid, why)); // 1: no decoder
  room.on(e.ActiveSpeakersChanged, all => { happened.speakers.push(all.map(one => one.identity)); });
  room.on(e.ConnectionQualityChanged, (quality, who) => { happened.quality[who.identity] = quality; });
  room.on(e.TrackStreamStateChanged, (publication, state) => { happened.stream[publication.trackSid] = state; });
  room.on(e.DataReceived, (bytes, who, _kind, topic) =>
    happened.data.push([who ? who.identity : '', new TextDecoder().decode(bytes), topic ?? '']));
  room.on(e.TrackMuted, (publication, who) => log('muted', who.identity, publication.source));
  room.on(e.TrackUnmuted, (publication, who) => log('unmuted', who.identity, publication.source));
  room.on(e.Disconnected, reason => log('disconnected', LivekitClient.DisconnectReason[reason]));
  for (const name of ['Reconnecting', 'SignalReconnecting', 'Reconnected', 'RoomMetadataChanged', 'ParticipantPermissionsChanged'])
    room.on(e[name], () => log(name));
  await room.connect(url, token, connecting);
}

const camera = on => room.localParticipant.setCameraEnabled(on, { resolution: LivekitClient.VideoPresets.h720.resolution });
// As it is: what a browser does for voices takes a tone for noise, or for the echo of the other page's, now and then for a minute.
const unprocessed = {echoCancellation: false, noiseSuppression: false, autoGainControl: false};
const microphone = on => room.localParticipant.setMicrophoneEnabled(on, unprocessed);
const publishing = publication => room.localParticipant.getTrackPublication(LivekitClient.Track.Source[publication]);

// what the receiver of somebody's track knows of it
async function received(identity, source) {
  const who = room.remoteParticipants.get(identity);
  const publication = who && who.getTrackPublication(LivekitClient.Track.Source[source]);
  if (!publication || !publication.track) return null;
  const stats = await publication.track.receiver.getStats();
  const inbound = [...stats.values()].find(one => one.type === 'inbound-rtp');
  return inbound ? { ...inbound, mimeType: stats.get(inbound.codecId)?.mimeType } : null;
}

// [width, height, frames decoded] of what is seen of somebody; Firefox counts no frames in its elements
async function sees(identity) {
  const element = document.querySelector(`video[data-who="${identity}"]`);
  if (!element) return null;
  const inbound = await received(identity, 'Camera');
  return [element.videoWidth, element.videoHeight, inbound?.framesDecoded ?? 0];
}

// energy of what was heard of somebody since the call began
async function hears(identity) {
  return (await received(identity, 'Microphone'))?.totalAudioEnergy ?? 0;
}

// rid → whether it is sent
async function layers() {
  const sender = publishing('Camera').track.sender;
  return Object.fromEntries(sender.getParameters().encodings.map(one => [one.rid, one.active]));
}

async function layersSent() {
  const stats = await publishing('Camera').track.sender.getStats();
  const sent = {};
  for (const one of stats.values())
    if (one.type === 'outbound-rtp' && one.kind === 'video') sent[one.rid] = [one.framesSent, one.frameWidth];
  return sent;
}

// of each connection what it goes over: [kind of our candidate, protocol, the server's address]
async function ways() {
  const { publisher, subscriber } = room.engine.pcManager;
  const found = [];
  for (const transport of [publisher, subscriber]) {
    const stats = transport ? await transport._pc.getStats() : new Map();
    const all = [...stats.values()];
    const named = all.find(one => one.type === 'transport' && one.selectedCandidatePairId);
    const pair = named ? stats.get(named.selectedCandidatePairId) : all.find(one => one.type === 'candidate-pair' && one.selected);
    if (!pair) continue;
    const [ours, theirs] = [stats.get(pair.localCandidateId), stats.get(pair.remoteCandidateId)];
    found.push([ours.candidateType, theirs.protocol, theirs.address]);
  }
  return found;
}

// of everybody: [whether their picture is on the screen, frames decoded of it]
async function tiles() {
  const found = {};
  for (const element of document.querySelectorAll('video')) {
    const { top, bottom } = element.getBoundingClientRect();
    const inbound = await received(element.dataset.who, 'Camera');
    found[element.dataset.who] = [bottom > 0 && top < innerHeight, inbound?.framesDecoded ?? 0];
  }
  return found;
}
