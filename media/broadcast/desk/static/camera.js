// The page that shows this computer's camera or screen to a broadcast.
import {Publication, able} from './whip.js';

const $ = id => document.getElementById(id);
const settings = JSON.parse($('camera').dataset.settings), words = settings.words;
let publication = null, stream = null;

function say(word) {
  const text = words[word] || '';
  if ($('said').textContent !== text) $('said').textContent = text;
}

/** Names of devices are known once somebody has allowed one. */
async function devices() {
  const found = await navigator.mediaDevices.enumerateDevices();
  for (const [id, kind, word] of [['cameras', 'videoinput', 'camera'], ['microphones', 'audioinput', 'microphone']]) {
    const before = $(id).value;
    $(id).textContent = '';
    let number = 0;
    for (const one of found.filter(device => device.kind === kind)) {
      number += 1;
      const option = document.createElement('option');
      option.value = one.deviceId;
      option.textContent = one.label || words[word].replace('{number}', number);
      $(id).append(option);
    }
    if (before) $(id).value = before;
  }
}

function chosen(id) { return $(id).value ? {deviceId: {exact: $(id).value}} : {}; }

async function capture(what) {
  const audio = Object.assign({echoCancellation: true, noiseSuppression: true}, chosen('microphones'));
  if (what === 'screen') {
    const screen = await navigator.mediaDevices.getDisplayMedia({video: {frameRate: {max: 15}}, audio: false});
    screen.getVideoTracks()[0].contentHint = 'detail';
    const voice = await navigator.mediaDevices.getUserMedia({audio}).catch(() => null);
    if (voice) screen.addTrack(voice.getAudioTracks()[0]);
    return screen;
  }
  const video = what === 'camera' ? Object.assign({width: {ideal: 1280}, height: {ideal: 720}, frameRate: {max: 30}}, chosen('cameras')) : false;
  return navigator.mediaDevices.getUserMedia({audio, video});
}

async function show() {
  if (stream) return;
  say('asking');
  const what = $('what').value;
  try {
    stream = await capture(what);
  } catch (error) {
    say(error.name === 'NotAllowedError' ? 'denied' : 'no_device');
    return;
  }
  $('show').hidden = true;
  $('end').hidden = false;
  for (const id of ['what', 'cameras', 'microphones']) $(id).disabled = true;
  $('end').focus();
  $('preview').srcObject = stream;
  $('preview').hidden = what === 'sound';
  $('preview').play().catch(() => null);
  for (const track of stream.getTracks()) track.addEventListener('ended', end);
  devices().catch(() => null);
  publication = new Publication(settings.whip, settings.token, stream, what === 'screen', say);
  publication.begin();
}

function end() {
  if (!stream) return;
  publication.end();
  for (const track of stream.getTracks()) track.stop();
  stream = publication = null;
  $('preview').srcObject = null;
  $('preview').hidden = $('end').hidden = true;
  $('show').hidden = false;
  for (const id of ['what', 'cameras', 'microphones']) $(id).disabled = false;
  $('show').focus();
  say('ended');
}

$('camera').hidden = false;
if (!able() || !navigator.mediaDevices) {
  $('show').disabled = true;
  say('cannot');
} else {
  $('show').addEventListener('click', show);
  $('end').addEventListener('click', end);
  window.addEventListener('pagehide', () => { if (publication) publication.end(); });
  window.addEventListener('beforeunload', event => { if (publication) event.preventDefault(); });
  devices().catch(() => null);
}
