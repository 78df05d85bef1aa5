// The school account: the same session as Element Call's on this address. Asks Matrix and the calls server.
const STORE = 'matrix-auth-store';
//: Milliseconds until a question without an answer counts as lost.
const PATIENCE = 10000;

export let home = '', server = '', me = null;

export async function open() {
  const served = (await json('/config.json', {})).default_server_config['m.homeserver'];
  home = served.base_url;
  server = served.server_name;
  try { me = JSON.parse(localStorage.getItem(STORE)); } catch (error) { me = null; }
}

/** The JSON of an answer. Errors have `status` (0: no answer) and `errcode`. */
export async function json(url, options, patience) {
  const answer = await ask(url, options, patience);
  return answer.json().catch(() => ({}));
}

export async function ask(url, options, patience) {
  const stop = window.AbortController ? new AbortController() : null;
  const timer = setTimeout(() => stop && stop.abort(), patience || PATIENCE);
  let answer;
  try {
    answer = await fetch(url, Object.assign(stop ? {signal: stop.signal} : {}, options));
  } catch (error) {
    throw Object.assign(new Error('no answer'), {status: 0, errcode: ''});
  } finally { clearTimeout(timer); }
  if (answer.ok) return answer;
  const body = await answer.json().catch(() => ({}));
  throw Object.assign(new Error(answer.status), {status: answer.status, errcode: body.errcode || ''});
}

/** Asks the homeserver. Whoever is signed out there is signed out here: the error is `expired` or `closed`. */
export async function matrix(method, path, body, patience) {
  const options = {method, headers: {Authorization: 'Bearer ' + me.access_token}};
  if (body) options.body = JSON.stringify(body);
  try {
    return await json(home + '/_matrix/client/v3' + path, options, patience);
  } catch (error) {
    const closed = error.errcode === 'ORG_MATRIX_EXPIRED_ACCOUNT' || error.errcode === 'M_USER_DEACTIVATED';
    if (error.status === 401 || closed) {
      forget();
      error.signedOut = closed ? 'closed' : 'expired';
    }
    throw error;
  }
}

export async function signIn(user, password) {
  const found = await json(home + '/_matrix/client/v3/login', {method: 'POST', body: JSON.stringify({
    type: 'm.login.password', identifier: {type: 'm.id.user', user}, password, initial_device_display_name: 'Звонки (браузер)'})});
  me = {user_id: found.user_id, device_id: found.device_id, access_token: found.access_token, passwordlessUser: false};
  localStorage.setItem(STORE, JSON.stringify(me));
}

export async function signOut() {
  await matrix('POST', '/logout', {}).catch(() => null);
  forget();
}

function forget() {
  localStorage.removeItem(STORE);
}

/** Questions to the calls server about one room; its token lives for an hour and is asked for again. */
export class Desk {
  constructor(room) { this.room = room; this.token = ''; }

  async ask(path, body) {
    if (!this.token) await this._renew();
    try {
      return await this._once(path, body);
    } catch (error) {
      if (error.status !== 401) throw error;
      await this._renew();
      return this._once(path, body);
    }
  }

  _once(path, body) {
    const options = {headers: {Authorization: 'Bearer ' + this.token}};
    if (body) Object.assign(options, {method: 'POST', body: JSON.stringify(body)});
    return ask('/livekit/host/' + path, options);
  }

  async _renew() {
    const openid = await matrix('POST', `/user/${encodeURIComponent(me.user_id)}/openid/request_token`, {});
    const body = JSON.stringify({room: this.room, openid_token: openid, device_id: me.device_id});
    this.token = (await json('/livekit/jwt/sfu/get', {method: 'POST', body})).jwt;
  }
}
