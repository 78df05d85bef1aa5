// What hosts show to all: questions that they let through, and their own words. Pages of an event list, each of which edges keep for all.
const $ = id => document.getElementById(id);
//: Lines that stay; milliseconds between two questions about the list at least, and further ones by chance where nothing came.
const MOST = 100, LEAST = 250, CHANCE = 2000, REFUSED = 10000;

export class Chat {
  /** `source`: says the folder of playlists that answers now. */
  constructor(source, words) { Object.assign(this, {source, words, next: null, on: false, over: false}); }

  async begin() {
    if (this.on) return;
    this.on = true;
    while (!this.over) {
      const wait = await this.read();
      await new Promise(done => setTimeout(done, wait));
    }
  }

  end() { this.over = true; }

  /** One page, which is waited for; → milliseconds until the next. */
  async read() {
    const asked = this.next === null ? '' : `?seq=${this.next}`;
    try {
      const answer = await fetch(new URL(`${this.source()}events.json${asked}`, location.href).href);
      if (answer.ok) {
        const found = await answer.json();
        this.next = found.next;
        for (const one of found.events) this.show(one);
        return LEAST;
      }
      if (answer.status < 500) {  // the server has begun anew, or has none; whether we may watch is the heartbeat's to say
        this.next = null;
        return REFUSED * (0.5 + Math.random());
      }
    } catch (error) { /* asked again */ }
    return LEAST + CHANCE * Math.random();
  }

  show(one) {
    const list = $('chat'), id = `said-${one.id}`, before = $(id);
    if (!one.text) {
      if (before) before.remove();
    } else if (!before) {
      const line = document.createElement('li');
      line.id = id;
      if (one.host) {
        const who = document.createElement('b');
        who.textContent = `${this.words.chat_host} `;
        line.appendChild(who);
      }
      line.appendChild(document.createTextNode(one.text));
      list.appendChild(line);
      while (list.children.length > MOST) list.firstElementChild.remove();
    }
    $('chatting').hidden = !list.children.length;
  }
}
