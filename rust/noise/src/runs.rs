//! Packets that came together, given to one forwarder together and to another one by one: both do the same, to each receiver.

use std::collections::BTreeMap;

use sferum_forwarder_core::api::{Came, Id, Stats};
use sferum_forwarder_core::forwarder::Forwarder;
use sferum_forwarder_core::rtcp_build::{build_nack, build_pli};
use sferum_forwarder_core::srtp::SrtpSession;

use crate::bytes::Bytes;
use crate::class::{PEOPLE, SOURCES, peer, want};
use crate::sealed::{ends, is_rtcp, seal};

/// Seconds from one step to the next.
const TIMES: [f64; 4] = [0.001, 0.02, 0.033, 0.4];
const MOST: usize = 7;

struct Pair {
    together: Forwarder,
    singly: Forwarder,
    clients: Vec<SrtpSession>,
    numbers: [u16; PEOPLE],
    got: Vec<(Id, u32, u16)>, // whose, SSRC and number of what came out
    now: f64,
}

pub fn runs(data: &[u8]) {
    play(data);
}

/// What happened in all.
pub fn play(data: &[u8]) -> Stats {
    let mut choices = Bytes::new(data);
    let mut pair = Pair {
        together: Forwarder::default(),
        singly: Forwarder::default(),
        clients: Vec::new(),
        numbers: [65_530; PEOPLE],
        got: Vec::new(),
        now: 1_000.0,
    };
    let profile = choices.below(3);
    pair.begin(profile);
    while !choices.is_empty() {
        pair.now += TIMES[choices.below(TIMES.len())];
        pair.step(&mut choices);
        pair.compare();
    }
    pair.together.stats().clone()
}

impl Pair {
    /// Each camera and each screen to everybody else.
    fn begin(&mut self, profile: usize) {
        for who in 0..PEOPLE {
            for forwarder in [&mut self.together, &mut self.singly] {
                forwarder.add_peer(peer(who), ends(profile, who as u8).0).expect("new");
                for source in SOURCES {
                    forwarder.add_track(source.track(who, 1)).expect("its peer is there");
                }
            }
            self.clients.push(ends(profile, who as u8).1);
        }
        for (of, to) in (0..PEOPLE * PEOPLE).map(|pair| (pair / PEOPLE, pair % PEOPLE)) {
            for source in SOURCES.iter().filter(|_| of != to) {
                let how = (4 * to + of) as u8; // some have no RTX, some no voices' levels
                self.both(|forwarder| {
                    let all = want(&mut Bytes::new(&[0xFE]));
                    forwarder.add_down(source.down(of, to, how), all).expect("both are there");
                });
            }
        }
    }

    fn both(&mut self, mut work: impl FnMut(&mut Forwarder)) {
        work(&mut self.together);
        work(&mut self.singly);
    }

    fn step(&mut self, choices: &mut Bytes<'_>) {
        let (what, who, how) = (choices.byte(), choices.below(PEOPLE), choices.byte());
        let (source, now) = (SOURCES[choices.below(SOURCES.len())], self.now);
        match what {
            0..=169 => self.picture(who, choices),
            170..=209 => self.both(|forwarder| forwarder.poll(now)),
            210..=224 => {
                let wanted = want(choices);
                let down = source.down_id(who, (who + 1 + usize::from(how) % (PEOPLE - 1)) % PEOPLE);
                self.both(|forwarder| forwarder.set_want(&down, wanted).expect("there"));
            }
            225..=229 => self.both(|forwarder| {
                forwarder.mute_track(&source.sid(who), how & 1 == 0).expect("there");
            }),
            _ => {
                let Some((to, ssrc, number)) = self.got.get(choices.below(256)).cloned() else {
                    return;
                };
                let asked = [build_nack(ssrc, &[i64::from(number), i64::from(number) + 2]), build_pli(ssrc)];
                let mut made = asked[usize::from(how & 1)].clone();
                let client =
                    (0..PEOPLE).find(|who| peer(*who) == to).and_then(|who| self.clients.get_mut(who));
                if client.is_some_and(|client| seal(client, &mut made)) {
                    self.both(|forwarder| forwarder.receive(&to, &made, now));
                }
            }
        }
    }

    /// Packets of one picture, or of what has its form, whose numbers follow one another; some are damaged.
    fn picture(&mut self, who: usize, choices: &mut Bytes<'_>) {
        let source = SOURCES[choices.below(SOURCES.len())];
        let (count, jump, damage) = (1 + choices.below(MOST), choices.byte(), choices.byte());
        self.numbers[who] =
            self.numbers[who].wrapping_add(if jump > 250 { 1_500 } else { u16::from(jump & 3) });
        let first = source.packet(self.numbers[who], choices);
        let mut run = Vec::new();
        for number in 0..count {
            self.numbers[who] = self.numbers[who].wrapping_add(1);
            let other = source.packet(self.numbers[who], choices);
            let mut made = [&first[..payload_at(&first)], &other[payload_at(&other)..]].concat();
            made[1] = first[1] & 0x7F | other[1] & 0x80;
            made[2..4].copy_from_slice(&self.numbers[who].to_be_bytes());
            if !seal(&mut self.clients[who], &mut made) {
                continue;
            }
            if usize::from(damage) == number {
                let last = made.len() - 1;
                made[last] ^= 1;
            }
            run.push((made, (damage >> 4) % 9));
        }
        let run: Vec<_> = run
            .iter()
            .map(|(made, padding)| Came { datagram: made, at: self.now, padding: *padding })
            .collect();
        self.together.receive_run(&peer(who), &run, self.now, &mut |_| ());
        for each in run.chunks(1) {
            self.singly.receive_run(&peer(who), each, self.now, &mut |_| ());
        }
    }

    fn compare(&mut self) {
        assert_eq!(sorted(&self.together), sorted(&self.singly));
        for (to, datagram) in self.together.output().filter(|(_, datagram)| !is_rtcp(datagram)) {
            let [_, _, high, low, _, _, _, _, ssrc @ ..] = *datagram.first_chunk::<12>().expect("a header");
            self.got.insert(0, (to.clone(), u32::from_be_bytes(ssrc), u16::from_be_bytes([high, low])));
        }
        self.got.truncate(256);
        let said = [&mut self.together, &mut self.singly].map(|forwarder| {
            forwarder.clear_output();
            let mut events: Vec<_> =
                forwarder.take_events().iter().map(|event| format!("{event:?}")).collect();
            events.sort();
            (events, format!("{:?}", forwarder.stats()))
        });
        assert_eq!(said[0], said[1]);
    }
}

/// Behind the extensions.
fn payload_at(packet: &[u8]) -> usize {
    let words = if packet[0] & 0x10 == 0 { return 12 } else { u16::from_be_bytes([packet[14], packet[15]]) };
    16 + 4 * usize::from(words)
}

/// Everybody's datagrams, in their order.
fn sorted(forwarder: &Forwarder) -> BTreeMap<Id, Vec<Vec<u8>>> {
    let mut found: BTreeMap<Id, Vec<Vec<u8>>> = BTreeMap::new();
    for (to, datagram) in forwarder.output() {
        found.entry(to.clone()).or_default().push(datagram.to_vec());
    }
    found
}
