// Put into Element Call's page by media/pages/element_call.py: its buttons show what the server decided (R43).
// Element Call 0.26.1 shows its own wish: it never looks whether the server muted its track. Here each MuteTrackRequest of
// the server presses the button of that track, if it is on; Element Call then mutes by itself, and the next press is a wish.
(() => {
  const BUTTONS = {TR_AM: 'incall_mute', TR_VC: 'incall_videomute'};
  //: Milliseconds: how long a button is waited for (the page is still coming in), between two looks, and after a press.
  const PATIENCE = 15000, LOOK = 200, PRESSED = 400;
  const waiting = new Map();  // test id → when patience ends

  /** The track of a SignalResponse that says only: mute {sid, muted: true}; else ''. */
  function mutedTrack(bytes) {
    const MUTE = 0x4a, SID = 0x0a, MUTED = 0x10;  // protobuf: field and wire type
    if (bytes[0] !== MUTE || bytes[1] !== bytes.length - 2 || bytes[2] !== SID) return '';
    const end = 4 + bytes[3];
    if (bytes[end] !== MUTED || bytes[end + 1] !== 1) return '';
    return String.fromCharCode(...bytes.subarray(4, end));
  }

  function look(name) {
    const button = document.querySelector(`[data-testid=${name}]`);
    // while Element Call carries out a press, the button shows what was before
    const busy = button && button.getAttribute('aria-busy') === 'true';
    const shown = button && !busy && button.getAttribute('aria-checked');
    if (shown === 'false' || Date.now() > waiting.get(name)) {
      waiting.delete(name);
      return;
    }
    const press = shown === 'true' && !button.disabled;
    if (press) button.click();
    setTimeout(look, press ? PRESSED : LOOK, name);
  }

  function heard(event) {
    if (!(event.data instanceof ArrayBuffer)) return;
    const name = BUTTONS[mutedTrack(new Uint8Array(event.data)).slice(0, 5)];
    if (!name) return;
    const isNew = !waiting.has(name);
    waiting.set(name, Date.now() + PATIENCE);
    if (isNew) setTimeout(look, LOOK, name);
  }

  const Socket = window.WebSocket;
  window.WebSocket = class extends Socket {
    constructor(...rest) {
      super(...rest);
      this.addEventListener('message', heard);
    }
  };
})();
