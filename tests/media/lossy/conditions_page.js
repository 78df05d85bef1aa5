// What pages do in test_conditions.py, beside livekit_page.js. Evaluated: `var` is seen by what is evaluated later.

// Chromium sends three layers from 960 by 540 on. These have the bitrates of 180, 360 and 720 lines and fewer pixels and
// pictures: two such encoders and two decoders run beside each other on two cores.
var FILM_S = 12;
var LAYERS = () => [[240, 135, 150], [480, 270, 450]].map(([w, h, kbps]) => new LivekitClient.VideoPreset(w, h, kbps * 1000, FILM_S));
var LARGEST = { maxBitrate: 1700 * 1000, maxFramerate: FILM_S };

// A picture that costs as much as it may, and a tone: to every room of `rooms`.
async function publishFilm(rooms) {
  const small = Object.assign(document.createElement('canvas'), { width: 96, height: 54 });
  const large = Object.assign(document.createElement('canvas'), { width: 960, height: 540 });
  const [from, to] = [small.getContext('2d'), large.getContext('2d')];
  to.imageSmoothingEnabled = false;
  const noise = from.createImageData(96, 54);
  let dice = 1, turn = 0;
  const draw = () => { // a quarter of the rows changes: the encoder's work, not its bits, would be four times as much
    for (let row = turn = (turn + 1) % 4; row < 54; row += 4)
      for (let at = 4 * 96 * row; at < 4 * 96 * (row + 1); at += 4) {
        dice = Math.imul(dice, 1664525) + 1013904223 | 0;
        noise.data.set([dice >>> 24, dice >>> 16, dice >>> 8, 255], at);
      }
    from.putImageData(noise, 0, 0);
    to.drawImage(small, 0, 0, 960, 540);
  };
  draw();
  const film = large.captureStream(FILM_S).getVideoTracks()[0];
  setInterval(draw, 1000 / FILM_S);

  const sound = new AudioContext();
  const tone = new OscillatorNode(sound, { frequency: 440 });
  const out = new MediaStreamAudioDestinationNode(sound);
  tone.connect(out);
  tone.start();

  const { Source } = LivekitClient.Track;
  const options = {
    source: Source.Camera, simulcast: true, videoCodec: 'vp8', videoEncoding: LARGEST, videoSimulcastLayers: LAYERS(),
    degradationPreference: 'maintain-framerate-and-resolution', // a busy machine is no reason to send less
  };
  for (const one of rooms) {
    await one.localParticipant.publishTrack(film.clone(), options);
    await one.localParticipant.publishTrack(out.stream.getAudioTracks()[0].clone(), { source: Source.Microphone });
  }
}

var nowS = () => (performance.timeOrigin + performance.now()) / 1000; // the same in every page

// For each room: [now, pictures of each layer that were sent until now], every 250 ms since `tellSent`.
var told = [];

async function sentNow(one) {
  const { sender } = one.localParticipant.getTrackPublication(LivekitClient.Track.Source.Camera).track;
  const rows = [...(await sender.getStats()).values()].filter(row => row.type === 'outbound-rtp');
  return [nowS(), Object.fromEntries(rows.map(row => [row.rid, row.framesSent]))];
}

function tellSent(rooms) {
  told = rooms.map(() => []);
  setInterval(() => rooms.forEach(async (one, number) => told[number].push(await sentNow(one))), 250);
}

// Samples of what comes from somebody; the stage is what the line is like.
var recording = { samples: [], stage: 0 };

async function sample(identity) {
  const stage = recording.stage;
  const [picture, voice] = await Promise.all([received(identity, 'Camera'), received(identity, 'Microphone')]);
  const camera = room.remoteParticipants.get(identity).getTrackPublication(LivekitClient.Track.Source.Camera);
  if (stage !== recording.stage) return; // the line changed while this one was taken
  recording.samples.push({
    at_s: nowS(), stage,
    frames: picture.framesDecoded, width: picture.frameWidth ?? 0,
    freezes: picture.freezeCount, frozen_s: picture.totalFreezesDuration,
    packets: picture.packetsReceived, lost: picture.packetsLost,
    concealed: voice.concealedSamples - voice.silentConcealedSamples, samples: voice.totalSamplesReceived,
    paused: happened.stream[camera.trackSid] === 'paused',
  });
}

// The line has just become what it is in this stage.
async function beginStage(identity, stage) {
  recording.stage = stage;
  await sample(identity);
  recording.timer ??= setInterval(sample, 250, identity);
}
