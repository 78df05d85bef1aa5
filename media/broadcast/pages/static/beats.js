// What the page says to the server, and is told: heartbeats; a host's figures.
const $ = id => document.getElementById(id);
const ACCEPT = {Accept: 'application/json'}, REFUSED = [401, 403, 410];

/** → what the server says of the broadcast; null: nothing this time; 'refused': its page says why. */
export async function beat({position, latency, rebuffers, level}) {
  const body = JSON.stringify({position: Math.max(0, position), latency: latency === null ? null : Math.max(0, latency), rebuffers, level});
  try {
    const answer = await fetch('heartbeat', {method: 'POST', body, headers: {'Content-Type': 'application/json', Accept: ACCEPT.Accept}});
    if (REFUSED.includes(answer.status)) return 'refused';
    return answer.ok ? await answer.json() : null;
  } catch (error) { return null; }
}

/** For hosts; the next ones are shown where these do not come. */
export async function figures() {
  try {
    const found = await (await fetch('figures', {headers: ACCEPT})).json();
    for (const id of ['viewers', 'delay', 'stalled', 'hands']) if (found[id] !== undefined) $(id).textContent = found[id];
  } catch (error) { /* later */ }
}
