// One row for each person of the call, of the waiting room, of the queue of hands.
import {clock, hide, put, word} from './words.js';
import {add, button, label, nameAndButtons} from './rows.js';

const has = (one, source) => one.tracks.some(track => track.source === source && !track.muted);

/** In words: host, microphone, camera, screen, hand. */
function about(one) {
  const held = source => one.held.includes(source);
  const microphone = has(one, 'microphone') ? 'mic_on' : held('microphone') ? 'mic_held' : 'mic_off';
  const said = [one.host && 'host', one.mine && 'you', microphone, has(one, 'camera') && 'camera_on', held('camera') && 'camera_held',
    has(one, 'screen_share') && 'screen_on', one.settings.spotlight === one.user_id && 'large', one.up && 'hand_up'];
  const words = said.filter(Boolean).map(key => word(key));
  if (one.connections > 1) words.push(word('devices', {count: one.connections}));
  return words.join(' · ');
}

/** What can be done with somebody now: name of the button → operation, or null for what is not offered. */
function offers(one) {
  const who = {identity: one.identity}, held = source => one.held.includes(source);
  const op = (name, more) => Object.assign({op: name}, who, more);
  const large = one.settings.spotlight === one.user_id;
  return {
    mute: has(one, 'microphone') && op('let_unmute', {allowed: false}),
    give_word: held('microphone') && op('let_unmute'),
    take_word: !has(one, 'microphone') && !held('microphone') && !one.host && !one.settings.self_unmute && op('let_unmute', {allowed: false}),
    stop_camera: has(one, 'camera') && op('stop_camera'),
    let_camera: held('camera') && op('let_camera'),
    stop_screen: one.tracks.some(track => track.source === 'screen_share') && op('stop_screen'),
    spotlight: !large && op('spotlight'),
    no_spotlight: large && {op: 'spotlight'},
    back: !one.host && op('back_to_waiting'),
    remove: !one.mine && op('remove'),
  };
}
const FIRST = ['mute', 'give_word', 'take_word'];
const MORE = ['stop_camera', 'let_camera', 'stop_screen', 'spotlight', 'no_spotlight', 'back', 'remove'];

export function personRow(ask) {
  function press(row, key) {
    if (key === 'remove' && !confirm(word('remove_sure', {name: row.item.title}))) return null;
    return ask(offers(row.item)[key]);
  }
  function make(row) {
    const parts = nameAndButtons(row);
    for (const key of FIRST) parts.buttons[key] = button(parts.does, '', () => press(row, key));
    parts.more = add(parts.does, 'details');
    parts.summary = add(parts.more, 'summary');
    for (const key of MORE) parts.buttons[key] = button(parts.more, key === 'remove' ? 'danger' : '', () => press(row, key));
    return parts;
  }
  function fill(parts, one) {
    put(parts.name, one.title);
    put(parts.about, about(one));
    label(parts.summary, word('more'), one.title);
    const offered = offers(one);
    for (const key of Object.keys(parts.buttons)) {
      const made = parts.buttons[key];
      const lost = document.activeElement === made && !offered[key];
      label(made, word(key), one.title);
      hide(made, !offered[key]);
      if (lost) (FIRST.map(name => parts.buttons[name]).find(other => !other.hidden) || parts.summary).focus();
    }
  }
  return [make, fill];
}

export function waitingRow(ask) {
  function make(row) {
    const parts = nameAndButtons(row);
    parts.admit = button(parts.does, 'main', () => ask({op: 'admit', identity: row.item.identity}));
    parts.remove = button(parts.does, '', () => ask({op: 'remove', identity: row.item.identity}));
    return parts;
  }
  function fill(parts, one) {
    put(parts.name, one.title);
    label(parts.admit, word('admit'), one.title);
    label(parts.remove, word('turn_away'), one.title);
  }
  return [make, fill];
}

export function handRow(ask, lower) {
  function make(row) {
    const parts = nameAndButtons(row);
    parts.give = button(parts.does, 'main', () => ask({op: 'let_unmute', identity: row.item.identity}));
    parts.lower = button(parts.does, '', () => lower(row.item));
    return parts;
  }
  function fill(parts, one) {
    put(parts.name, one.title);
    put(parts.about, word('since', {time: clock(one.at)}));
    label(parts.give, word('give_word'), one.title);
    label(parts.lower, word('lower'), one.title);
    hide(parts.give, !one.held.includes('microphone'));
  }
  return [make, fill];
}
