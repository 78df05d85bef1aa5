// Taking part: a hand and a question, sent without loading the page, or the video would begin anew.
const $ = id => document.getElementById(id);

async function send(form, fields) {
  const headers = {Accept: 'application/json', 'Content-Type': 'application/x-www-form-urlencoded;charset=UTF-8'};
  try {
    const answer = await fetch(form.getAttribute('action'), {method: 'POST', headers, body: new URLSearchParams(fields).toString()});
    const found = await answer.json();
    return found.said || found.refused || 'not_sent';
  } catch (error) { return 'not_sent'; }
}

/** Whether this viewer's hand is up, as far as the page knows. */
export function raised() { return Boolean($('hand')) && $('hand').querySelector('[name=up]').value === '0'; }

/** A host's answer to a raised hand: `link` leads into the call; '': (no longer). */
export function invite(link) {
  const note = $('invited');
  if (!note || note.hidden === !link) return;
  $('join').href = link || '#';
  note.hidden = !link;
}

/** `words`: what the answers of the server are called for people. */
export function take(words) {
  const said = word => { $('sent').textContent = words[word] || words.not_sent; };
  if (!$('hand')) return;  // not for a pupil whom no parent has confirmed
  const hand = $('hand'), up = hand.querySelector('[name=up]'), text = $('text');
  hand.addEventListener('submit', async event => {
    event.preventDefault();
    const word = await send(hand, {up: up.value});
    const raised = {raised: true, lowered: false}[word];
    if (raised !== undefined) {
      up.value = raised ? '0' : '1';
      up.textContent = words[raised ? 'lower_hand' : 'raise_hand'];
      const note = hand.querySelector('.hint');
      if (note) note.remove();
    }
    said(word);
  });
  $('ask').addEventListener('submit', async event => {
    event.preventDefault();
    const word = await send($('ask'), {text: text.value});
    if (word === 'asked') text.value = '';
    said(word);
  });
}
