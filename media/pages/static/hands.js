// Hands that Element Call raises: a reaction 🖐️ of Matrix to one's own membership of the call; lowered by a redaction.
// Hands of the calls server itself (`sferum.hand`) are in its answers; the page shows both as one queue.
import {matrix} from './matrix.js';

const MEMBER = 'org.matrix.msc3401.call.member';
//: Milliseconds that Synapse may wait for news.
const WAIT = 25000;

export class MatrixHands {
  constructor(room) {
    this.room = room;
    this.since = '';
    this.members = new Map();    // state key → {id, sender}
    this.reactions = new Map();  // event id → {sender, to, at}
  }

  /** user id → {at: milliseconds since 1970, id: of the reaction} */
  up() {
    const current = new Map();
    for (const one of this.members.values()) current.set(one.id, one.sender);
    const found = new Map();
    for (const [id, one] of this.reactions)
      if (current.get(one.to) === one.sender) found.set(one.sender, {at: one.at, id});
    return found;
  }

  /** One look, which waits for news from the second time on. */
  async look() {
    const types = ['m.reaction', 'm.room.redaction', MEMBER];
    const nothing = {types: []};
    const filter = {presence: nothing, account_data: nothing, room: {rooms: [this.room], account_data: nothing,
      ephemeral: nothing, state: {types: [MEMBER]}, timeline: {types, limit: 100}}};
    const query = `filter=${encodeURIComponent(JSON.stringify(filter))}&set_presence=offline`
      + (this.since ? `&timeout=${WAIT}&since=${encodeURIComponent(this.since)}` : '&timeout=0');
    const news = await matrix('GET', '/sync?' + query, null, WAIT + 15000);
    const room = ((news.rooms || {}).join || {})[this.room];
    if (room) for (const event of room.state.events.concat(room.timeline.events)) this._hear(event);
    this.since = news.next_batch;
  }

  lower(id) {
    return matrix('PUT', `/rooms/${encodeURIComponent(this.room)}/redact/${encodeURIComponent(id)}/host${Date.now()}`, {});
  }

  _hear(event) {
    const content = event.content || {};
    if (event.type === MEMBER) {
      if (Object.keys(content).length) this.members.set(event.state_key, {id: event.event_id, sender: event.sender});
      else this.members.delete(event.state_key);
    } else if (event.type === 'm.room.redaction') {
      this.reactions.delete(event.redacts || content.redacts);
    } else if (event.type === 'm.reaction') {
      const relation = content['m.relates_to'] || {};
      if (relation.rel_type === 'm.annotation' && String(relation.key).startsWith('🖐'))
        this.reactions.set(event.event_id, {sender: event.sender, to: relation.event_id, at: event.origin_server_ts});
    }
  }
}
