// The host page: signs in as Element Call does, shows the chats, then the call of one of them. Everything of others is
// put in as text. Needs modules and async functions (2017), nothing newer.
import {$, LANG, fill, put, word} from './words.js';
import {matrix, me, open, signIn, signOut} from './matrix.js';
import {CallPage} from './call.js';
import {Rows, add} from './rows.js';

const room = new URLSearchParams(location.hash.slice(1)).get('room');
const MEMBER = 'org.matrix.msc3401.call.member';

async function start() {
  fill();
  window.addEventListener('hashchange', () => location.reload());
  $('signin').addEventListener('submit', submit);
  $('signout').addEventListener('click', async () => { await signOut(); location.assign('/host'); });
  await open();
  if (!me) { showSignIn(); return; }
  $('signout').hidden = false;
  if (room) {
    $('up').hidden = false;
    await new CallPage(room).run(out);
  } else await showRooms();
}

function out(error) {
  put($('wrong'), word(error.signedOut));
  showSignIn();
}

function showSignIn() {
  for (const id of ['rooms', 'call', 'registers', 'end', 'live', 'refused', 'signout']) $(id).hidden = true;
  $('signin').hidden = false;
  put($('note'), '');
}

async function submit(event) {
  event.preventDefault();
  put($('wrong'), '');
  try {
    await signIn($('user').value.trim(), $('password').value);
    location.reload();
  } catch (error) {
    const words = {0: 'no_connection', 403: 'wrong_password', 400: 'wrong_password', 429: 'wait_signin'};
    put($('wrong'), word(error.errcode === 'ORG_MATRIX_EXPIRED_ACCOUNT' ? 'closed' : words[error.status] || 'busy'));
  }
}

/** All chats; those with a call under way first. */
async function showRooms() {
  const found = await chats();
  const collator = new Intl.Collator(LANG, {numeric: true});
  found.sort((a, b) => b.live - a.live || collator.compare(a.name, b.name));
  const make = row => {
    const link = add(row.element, 'a');
    return {name: add(link, 'span'), link, tag: add(link, 'span', 'tag')};
  };
  new Rows($('room-list'), make, (parts, one) => {
    parts.link.href = '/host#room=' + encodeURIComponent(one.key);
    put(parts.name, one.name);
    put(parts.tag, word('live_now'));
    parts.tag.hidden = !one.live;
  }).show(found);
  $('rooms').hidden = false;
  put($('note'), found.length ? '' : word('no_rooms'));
}

async function chats() {
  const nothing = {types: []};
  const filter = {presence: nothing, account_data: nothing, room: {account_data: nothing, ephemeral: nothing, timeline: {limit: 1},
    state: {types: ['m.room.name', 'm.room.create', 'm.room.member', MEMBER], lazy_load_members: true}}};
  const news = await matrix('GET', '/sync?set_presence=offline&timeout=0&filter=' + encodeURIComponent(JSON.stringify(filter)), null, 30000);
  const joined = (news.rooms || {}).join || {}, rooms = [];
  for (const id of Object.keys(joined)) {
    const events = joined[id].state.events.concat(joined[id].timeline.events.filter(event => event.state_key !== undefined));
    const last = type => events.filter(event => event.type === type).pop();
    if (((last('m.room.create') || {}).content || {}).type) continue;  // a space is no chat
    const names = {};
    for (const event of events) if (event.type === 'm.room.member') names[event.state_key] = event.content.displayname;
    const heroes = (joined[id].summary || {})['m.heroes'] || [];
    const others = heroes.map(one => names[one] || one).join(', ');
    const calls = {};
    for (const event of events) if (event.type === MEMBER) calls[event.state_key] = Object.keys(event.content).length > 0;
    rooms.push({key: id, name: ((last('m.room.name') || {}).content || {}).name || others || word('private_chat'),
      live: Object.keys(calls).some(key => calls[key])});
  }
  return rooms;
}

start().catch(error => {
  if (error.signedOut) out(error);
  else put($('note'), word(error.status === undefined ? 'broken' : 'no_connection'));
});
