// The call of one chat: looks every two seconds, writes what has changed, asks for what the host presses.
import {$, LANG, clock, hide, put, word} from './words.js';
import {Desk, matrix, me, server} from './matrix.js';
import {MatrixHands} from './hands.js';
import {Rows} from './rows.js';
import {handRow, personRow, waitingRow} from './people.js';

//: Milliseconds between looks; longer while nobody answers.
const EVERY = 2000, PATIENT = 5000;
const collator = new Intl.Collator(LANG);
const TICKS = {'self-unmute': ['self_unmute', on => ({op: 'let_unmute', allowed: on})],
  'waiting-room': ['waiting_room', on => ({op: 'waiting_room', on})],
  'locked': ['locked', on => ({op: on ? 'lock' : 'unlock'})],
  'one-share': ['one_share', on => ({op: 'one_share', on})]};

export class CallPage {
  constructor(room) {
    Object.assign(this, {room, desk: new Desk(room), hands: new MatrixHands(room), names: {}, namesAt: 0,
      over: false, call: null, title: '', heard: null});
    const ask = operation => this.press(operation);
    this.people = new Rows($('people'), ...personRow(ask, this));
    this.waiting = new Rows($('waiting-list'), ...waitingRow(ask));
    this.raised = new Rows($('hand-list'), ...handRow(ask, one => this.lower(one)));
    this.registers = new Rows($('register-list'), ...this._registerRow());
    for (const made of document.querySelectorAll('[data-op]'))
      made.addEventListener('click', () => this.pressForAll(made.dataset.op));
    for (const id of Object.keys(TICKS))
      $(id).addEventListener('change', () => this.press(TICKS[id][1]($(id).checked)));
    $('find').addEventListener('input', () => this.show());
    $('open').href = `/room#?roomId=${encodeURIComponent(room)}&viaServers=${encodeURIComponent(server)}`;
  }

  /** Until the page is closed, or the account is signed out: then `out(error)`. */
  async run(out) {
    this.out = error => { this.over = true; out(error); };
    const name = await matrix('GET', `/rooms/${encodeURIComponent(this.room)}/state/m.room.name`).catch(error => {
      if (error.signedOut) this.out(error);
      return {};
    });
    this.title = name.name || '';
    if (this.title) document.title = `${this.title} — ${word('title')}`;
    put($('title'), this.title ? `${word('title')}: ${this.title}` : word('title'));
    this._listen();
    while (!this.over) {
      let wait = EVERY;
      try { await this.look(); } catch (error) {
        if (error.signedOut) this.out(error);
        else wait = this._failed(error);
      }
      await new Promise(then => setTimeout(then, wait));
    }
  }

  async look() {
    const found = await (await this.desk.ask('state')).json();
    this.call = found.call;
    this.kept = found.registers;
    await this._learnNames();
    this.show();
  }

  /** What failed, in words; how long to wait. */
  _failed(error) {
    const words = {0: 'no_connection', 403: this.desk.token ? 'not_host' : 'not_member', 429: 'busy'};
    put($('note'), word(words[error.status] || (error.status >= 500 ? 'busy' : 'no_connection')));
    if (error.status === 403) for (const id of ['call', 'end', 'registers']) hide($(id), true);
    return PATIENT;
  }

  async _learnNames() {
    const here = this.call ? this.call.participants.concat(this.call.waiting) : [];
    if (here.every(one => this.names[one.user_id]) && this.namesAt) return;
    if (Date.now() - this.namesAt < 20000) return;
    this.namesAt = Date.now();
    const found = await matrix('GET', `/rooms/${encodeURIComponent(this.room)}/joined_members`);
    for (const id of Object.keys(found.joined)) this.names[id] = found.joined[id].display_name || id;
  }

  /** Hands of Element Call: another look as soon as one ends. */
  async _listen() {
    while (!this.over) {
      try {
        await this.hands.look();
        this.show();
      } catch (error) {
        if (error.signedOut) this.out(error);
        else await new Promise(then => setTimeout(then, PATIENT));
      }
    }
  }

  name(one) { return this.names[one.user_id] || one.name || word('participant'); }

  /** Write what is known now. */
  show() {
    if (this.kept === undefined || this.over) return;  // nothing is known yet
    const call = this.call;
    put($('note'), word(call ? 'connected' : 'no_call'));
    for (const id of ['call', 'end']) hide($(id), !call);
    this._showRegisters();
    if (!call) { this.heard = null; return; }
    const dressed = one => Object.assign({key: one.user_id, title: this.name(one), mine: one.user_id === me.user_id}, one);
    const byName = (a, b) => collator.compare(a.title, b.title);
    const people = call.participants.map(dressed).sort(byName);
    const waiting = call.waiting.map(dressed);
    const raised = this._raised(people);
    const find = $('find').value.trim().toLowerCase();
    const shown = people.filter(one => one.title.toLowerCase().includes(find));
    put($('people-title'), word('people', {count: people.length, limit: call.settings.limit}));
    hide($('search'), people.length < 8 && !find);
    hide($('nobody'), shown.length > 0);
    hide($('stop-screen'), !people.some(one => one.tracks.some(track => track.source === 'screen_share')));
    hide($('waiting'), !waiting.length);
    hide($('hands'), !raised.length);
    for (const id of Object.keys(TICKS)) $(id).checked = call.settings[TICKS[id][0]];
    this.people.show(shown.map(one => Object.assign(one, {up: raised.some(hand => hand.key === one.key), settings: call.settings})));
    this.waiting.show(waiting);
    this.raised.show(raised);
    this._tell(raised, waiting);
  }

  /** The queue: hands of the calls server and of Element Call, the first one first. */
  _raised(people) {
    const theirs = this.hands.up(), found = [];
    for (const one of people) {
      const matrix_hand = theirs.get(one.user_id);
      const at = [one.hand, matrix_hand && matrix_hand.at].filter(Boolean);
      if (at.length) found.push(Object.assign({}, one, {at: Math.min(...at), reaction: matrix_hand && matrix_hand.id}));
    }
    return found.sort((a, b) => a.at - b.at);
  }

  /** Said once: whose hand is new, who is new at the door. What is there at the first look is on the page. */
  _tell(raised, waiting) {
    const news = raised.map(one => ['hand_of', one]).concat(waiting.map(one => ['waits', one]));
    const keys = new Set(news.map(([kind, one]) => kind + one.key));
    const before = this.heard;
    this.heard = keys;
    for (const [kind, one] of news) if (before && !before.has(kind + one.key)) this.say(word(kind, {name: one.title}));
  }

  say(text) {
    $('live').hidden = false;
    $('refused').hidden = true;
    const line = document.createElement('span');
    line.textContent = text;
    $('live').textContent = '';
    $('live').append(line);
  }

  refuse(text) {
    $('refused').hidden = false;
    put($('refused'), text);
  }

  async press(operation) {
    try {
      const {refused} = await (await this.desk.ask('ask', operation)).json();
      if (!refused) this.say(word('done'));
      else this.refuse(word({not_found: 'gone', ended: 'ended'}[refused] || 'refused', {why: refused}));
      await this.look();
    } catch (error) {
      if (error.signedOut) { this.out(error); return; }
      this.refuse(word(error.status === 403 ? 'not_host' : 'no_connection'));
      this.show();
    }
  }

  async pressForAll(op) {
    if (op === 'end_for_all' && !confirm(word('end_sure'))) return;
    if (op !== 'lower_hands') { await this.press({op}); return; }
    for (const one of this._raised(this.call.participants)) if (one.reaction) await this.hands.lower(one.reaction).catch(() => null);
    await this.press({op});
  }

  async lower(one) {
    if (one.hand) await this.press({op: 'lower_hand', identity: one.identity});
    if (!one.reaction) return;
    try { await this.hands.lower(one.reaction); } catch (error) { this.refuse(word('not_lowered')); }
  }

  _showRegisters() {
    const now = this.call ? [{key: this.call.id, text: word('register_now'), began: this.call.began_at}] : [];
    const over = this.kept.map(one => ({key: one.id, began: one.began_at,
      text: word('register', {from: clock(one.began_at * 1000), to: clock(one.ended_at * 1000)})}));
    hide($('registers'), !(now.length + over.length));
    this.registers.show(now.concat(over));
  }

  _registerRow() {
    const make = row => {
      const made = document.createElement('button');
      made.type = 'button';
      made.addEventListener('click', () => this._download(row.item));
      row.element.append(made);
      return made;
    };
    return [make, (made, item) => put(made, item.text)];
  }

  async _download(item) {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
    try {
      const answer = await this.desk.ask('register', {call: item.key, lang: LANG, zone, names: this.names});
      const link = document.createElement('a');
      link.href = URL.createObjectURL(await answer.blob());
      const day = new Date(item.began * 1000);
      const two = number => ('0' + number).slice(-2);
      link.download = `${word('register_file')} ${this.title} ${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())} `
        + `${two(day.getHours())}-${two(day.getMinutes())}.csv`;
      document.body.append(link);
      link.click();
      link.remove();
      setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    } catch (error) {
      this.refuse(word(error.status === 404 ? 'ended' : 'no_connection'));
    }
  }
}
