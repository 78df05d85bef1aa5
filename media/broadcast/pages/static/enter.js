// Signing in: with the school account this browser has already (the call page's), else by password; then on to the video.
import {matrix, me, open, signIn} from './matrix.js';

const $ = id => document.getElementById(id);
const form = $('signin'), settings = JSON.parse(form.dataset.settings), words = settings.words;

/** The account proves itself by Matrix OpenID: its access token never leaves this page and the homeserver. */
async function enter() {
  $('said').textContent = words.signing_in;
  const openid = await matrix('POST', `/user/${encodeURIComponent(me.user_id)}/openid/request_token`, {});
  const answer = await fetch(settings.enter, {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(openid)});
  const found = await answer.json().catch(() => ({}));
  if (found.path) location.replace(found.path);
  else wrong(words[found.refused] || words.no_connection);
}

function wrong(text) {
  $('said').textContent = '';
  $('wrong').textContent = text;
  form.hidden = false;
}

function failed(error) {
  if (error.signedOut) wrong('');
  else wrong({403: words.wrong_password, 429: words.wait_signin}[error.status] || words.no_connection);
}

form.addEventListener('submit', async event => {
  event.preventDefault();
  $('wrong').textContent = '';
  try {
    await signIn($('user').value.trim(), $('password').value);
    await enter();
  } catch (error) { failed(error); }
});

open().then(() => {
  if (me) return enter();
  form.hidden = false;
  return null;
}).catch(failed);
