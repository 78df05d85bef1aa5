// The host page: signs in as Element Call does, asks for a token of the calls server, shows the call and asks for what
// the host presses. Names come from Matrix; everything is put in as text.
const $ = id => document.getElementById(id);
const say = text => { $('note').textContent = text; };
const room = new URLSearchParams(location.hash.slice(1)).get('room');
let config, me, jwt, names = {};

async function json(url, options = {}) {
  const answer = await fetch(url, options);
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw Object.assign(new Error(body.error || answer.status), {status: answer.status});
  return body;
}
const matrix = (path, options = {}) => json(config.homeserver + '/_matrix/client/v3' + path,
  {...options, headers: {Authorization: `Bearer ${me.access_token}`}});

async function start() {
  const served = await json('/config.json');
  config = {homeserver: served.default_server_config['m.homeserver'].base_url};
  me = JSON.parse(localStorage.getItem('matrix-auth-store') || 'null');
  if (!me) { $('signin').hidden = false; say(''); return; }
  if (room) { await enter(); return; }
  const {joined_rooms} = await matrix('/joined_rooms');
  for (const id of joined_rooms) {
    const name = await matrix(`/rooms/${encodeURIComponent(id)}/state/m.room.name`).catch(() => null);
    const link = document.createElement('a');
    link.href = '/host#room=' + encodeURIComponent(id);
    link.textContent = name ? name.name : id;
    link.addEventListener('click', () => setTimeout(() => location.reload()));
    row($('list'), '', [link]);
  }
  $('rooms').hidden = false;
  say('');
}
$('signin').addEventListener('submit', async event => {
  event.preventDefault();
  try {
    const found = await json(config.homeserver + '/_matrix/client/v3/login', {method: 'POST', body: JSON.stringify({
      type: 'm.login.password', identifier: {type: 'm.id.user', user: $('user').value}, password: $('password').value})});
    localStorage.setItem('matrix-auth-store', JSON.stringify({user_id: found.user_id, device_id: found.device_id,
      access_token: found.access_token, passwordlessUser: false}));
    location.reload();
  } catch { say('Не получилось войти: проверьте телефон и пароль.'); }
});
async function enter() {
  const joined = await matrix(`/rooms/${encodeURIComponent(room)}/joined_members`);
  names = Object.fromEntries(Object.entries(joined.joined).map(([id, one]) => [id, one.display_name || id]));
  await ask_token();
  await show();
  setInterval(() => show().catch(() => say('Нет связи с сервером звонков.')), 2000);
}
async function ask_token() {
  const openid_token = await matrix(`/user/${encodeURIComponent(me.user_id)}/openid/request_token`, {method: 'POST', body: '{}'});
  const body = JSON.stringify({room, openid_token, device_id: me.device_id});
  jwt = (await json('/livekit/jwt/sfu/get', {method: 'POST', body})).jwt;
}
async function desk(path, options = {}) {
  const call = () => json('/livekit/host/' + path, {...options, headers: {Authorization: `Bearer ${jwt}`}});
  return call().catch(async error => {
    if (error.status !== 401) throw error;
    await ask_token();  // an hour is over
    return call();
  });
}
async function show() {
  let found;
  try { found = (await desk('state')).call; } catch (error) {
    if (error.status !== 403) throw error;
    $('call').hidden = true;
    say('В этом чате звонок ведёт классный руководитель или администрация.');
    return;
  }
  $('call').hidden = !found;
  say(found ? `Участников: ${found.participants.length}` : 'Сейчас в этом чате не звонят.');
  if (!found) return;
  $('lock').textContent = found.settings.locked ? 'Снова впускать' : 'Никого больше не впускать';
  $('lock').dataset.op = found.settings.locked ? 'unlock' : 'lock';
  $('people').replaceChildren();
  $('waiting').replaceChildren();
  for (const one of found.waiting) row($('waiting'), name(one), [button('Впустить', {op: 'admit', identity: one.identity})]);
  for (const one of found.participants) {
    const mic = one.tracks.find(track => track.source === 'microphone');
    const sound = mic && !mic.muted ? ' — говорит или может говорить' : ' — микрофон выключен';
    row($('people'), name(one) + sound, [
      button('Выключить микрофон', {op: 'let_unmute', identity: one.identity, allowed: false}),
      button('Дать слово', {op: 'let_unmute', identity: one.identity}),
      button('Выключить камеру', {op: 'stop_camera', identity: one.identity}),
      button('Удалить', {op: 'remove', identity: one.identity}),
    ]);
  }
}
const name = one => names[one.user_id] || one.name || 'участник';
function row(list, text, parts) {
  const item = document.createElement('li'), words = document.createElement('span');
  words.textContent = text;
  item.append(words, ...parts);
  list.append(item);
}
function button(text, operation) {
  const made = document.createElement('button');
  made.textContent = text;
  made.addEventListener('click', () => press(operation));
  return made;
}
async function press(operation) {
  if (operation.op === 'end_for_all' && !confirm('Закончить звонок для всех?')) return;
  const {refused} = await desk('ask', {method: 'POST', body: JSON.stringify(operation)});
  await show();
  if (refused) say('Не получилось: участника или дорожки уже нет.');
}
for (const made of document.querySelectorAll('[data-op]'))
  made.addEventListener('click', () => press({op: made.dataset.op}));
start().catch(() => say('Нет связи с сервером. Обновите страницу.'));
