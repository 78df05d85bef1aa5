//! Any day of a forwarder: people come, publish, decide and send, in any order; every datagram that comes out is opened by its
//! receiver.

use std::collections::HashMap;

use sferum_forwarder_core::api::{Copied, Drop, Id, Layer, Layers, Stats};
use sferum_forwarder_core::forwarder::Forwarder;
use sferum_forwarder_core::rtcp::{ReportBlock, SenderReport};
use sferum_forwarder_core::rtcp_build::{
    build_cname, build_nack, build_pli, build_remb, build_rr, build_sr, packet,
};
use sferum_forwarder_core::rtp::{parse_rtp, u16_at, u32_at};
use sferum_forwarder_core::srtp::SrtpSession;

use crate::bytes::Bytes;
use crate::class::{PEOPLE, SOURCES, Source, bye, peer, want};
use crate::sealed::{PROFILES, ends, is_rtcp, open, seal};

/// Seconds from one step to the next.
const TIMES: [f64; 8] = [0.0, 0.0, 0.001, 0.005, 0.02, 0.04, 0.3, 2.5];
const LONGEST: usize = 1_500;

struct Day {
    forwarder: Forwarder,
    profile: usize,
    handshakes: u8,
    ends: HashMap<Id, SrtpSession>,
    numbers: [u16; PEOPLE],
    got: Vec<(u32, i64)>, // SSRC and number of what came out
    sent: Vec<(Id, Vec<u8>)>,
    now: f64,
}

fn layers(bits: u8) -> Layers {
    let all = [Layer::Low, Layer::Medium, Layer::High];
    all.into_iter().filter(|layer| bits >> *layer as u8 & 1 == 1).collect()
}

pub fn history(data: &[u8]) {
    play(data);
}

/// What happened in all.
pub fn play(data: &[u8]) -> Stats {
    let mut choices = Bytes::new(data);
    let mut day = Day {
        forwarder: Forwarder::default(),
        profile: choices.below(PROFILES.len()),
        handshakes: 0,
        ends: HashMap::new(),
        numbers: [65_500; PEOPLE],
        got: Vec::new(),
        sent: Vec::new(),
        now: 1_000.0,
    };
    day.begin();
    while !choices.is_empty() {
        day.now += TIMES[choices.below(8)];
        day.step(&mut choices);
        day.look();
    }
    day.forwarder.stats().clone()
}

impl Day {
    /// Everybody is there, publishes everything, and gets everything of the others.
    fn begin(&mut self) {
        for who in 0..PEOPLE {
            self.join(who);
            for source in SOURCES {
                self.forwarder.add_track(source.track(who, 1)).expect("its peer is there");
            }
        }
        for (of, to) in (0..PEOPLE * PEOPLE).map(|pair| (pair / PEOPLE, pair % PEOPLE)) {
            for source in SOURCES.iter().filter(|_| of != to) {
                let all = want(&mut Bytes::new(&[0xFE]));
                self.forwarder.add_down(source.down(of, to, 0), all).expect("both are there");
            }
        }
    }

    fn join(&mut self, who: usize) {
        self.handshakes = self.handshakes.wrapping_add(1);
        let (ours, client) = ends(self.profile, self.handshakes);
        if self.forwarder.add_peer(peer(who), ours).is_ok() {
            self.ends.insert(peer(who), client);
        }
    }

    fn step(&mut self, choices: &mut Bytes<'_>) {
        let (what, who) = (choices.byte(), choices.below(PEOPLE));
        let source = SOURCES[choices.below(SOURCES.len())];
        match what {
            0..=139 => {
                let jump = [1, 1, 1, 2, 3, u16::MAX - 1, 0, 1_500][choices.below(8)];
                self.numbers[who] = self.numbers[who].wrapping_add(jump);
                let made = source.packet(self.numbers[who], choices);
                self.receive(who, made, choices);
            }
            140..=159 => self.forwarder.poll(self.now),
            160..=209 => {
                let made = self.control(choices);
                self.receive(who, made, choices);
            }
            210..=219 => {
                let stranger = choices.piece().to_vec();
                self.forwarder.receive(&peer(who), &stranger, self.now);
            }
            220..=224 => {
                let sealed = choices.piece().to_vec();
                self.receive(who, sealed, choices);
            }
            _ => self.decide(what, who, source, choices),
        }
    }

    /// Sealed by the sender; now and then damaged, as somebody else's, or one that came before.
    fn receive(&mut self, who: usize, mut packet: Vec<u8>, choices: &mut Bytes<'_>) {
        let mut from = peer(who);
        let Some(end) = self.ends.get_mut(&from) else {
            return self.forwarder.receive(&from, &packet, self.now);
        };
        if packet.len() < 12 || !seal(end, &mut packet) {
            return self.forwarder.receive(&from, &packet, self.now);
        }
        match choices.byte() {
            251 => packet.truncate(usize::from(choices.short()) % packet.len()),
            252 => {
                let at = usize::from(choices.short()) % packet.len();
                packet[at] ^= choices.byte();
            }
            253 => from = peer(choices.below(PEOPLE)),
            254 if !self.sent.is_empty() => {
                let at = choices.below(self.sent.len());
                (from, packet) = self.sent[at].clone();
            }
            _ => (),
        }
        self.sent.push((from.clone(), packet.clone()));
        if self.sent.len() > 40 {
            self.sent.remove(0);
        }
        self.forwarder.receive(&from, &packet, self.now);
    }

    /// What a room decides; an id that names nothing is refused, and that is all.
    fn decide(&mut self, what: u8, who: usize, source: Source, choices: &mut Bytes<'_>) {
        let (to, how) = (choices.below(PEOPLE), choices.byte());
        let forwarder = &mut self.forwarder;
        let refused = match what {
            225..=231 => forwarder.set_want(&source.down_id(who, to), want(choices)),
            232..=235 => forwarder.add_down(source.down(who, to, how), want(choices)),
            236..=238 => forwarder.remove_down(&source.down_id(who, to)),
            239..=242 => forwarder.mute_track(&source.sid(who), how & 1 == 0),
            243..=245 => forwarder.set_budget(&peer(who), (u64::from(how) * 100_003) << (how & 7)),
            246..=249 => forwarder.add_track(source.track(who, how)),
            250 => forwarder.remove_track(&source.sid(who)),
            252 if how & 1 == 0 => forwarder.add_tap(&source.sid(who), layers(how >> 1)),
            252 => forwarder.ask_key(&source.sid(who), Layer::High),
            251 if how & 3 == 0 => {
                self.ends.remove(&peer(who));
                forwarder.remove_peer(&peer(who))
            }
            _ => {
                self.join(who);
                Ok(())
            }
        };
        drop(refused);
    }

    fn control(&mut self, choices: &mut Bytes<'_>) -> Vec<u8> {
        let (how, more) = (choices.byte(), choices.byte());
        let (ssrc, number) = match self.got.len() {
            0 => (50_011, i64::from(more)),
            count => self.got[choices.below(count)],
        };
        let published = 1_000 * (u32::from(how) % 3 + 1) + u32::from(more) % 3;
        let report = SenderReport {
            ssrc: published,
            ntp: u64::from(choices.word()) << 32 | u64::from(choices.word()),
            rtp: choices.word(),
            packets: u32::from(more),
            octets: u32::from(how),
        };
        let block = ReportBlock {
            ssrc,
            fraction_lost: how,
            packets_lost: i32::from(more) - 100,
            highest_sequence: choices.word(),
            jitter: u32::from(how) * 90,
            last_sr: choices.word(),
            delay_since_last_sr: u32::from(more) << 8,
        };
        match choices.below(8) {
            0 | 1 => build_nack(ssrc, &[number, number + i64::from(how & 7), number + i64::from(more)]),
            2 => build_pli(if more & 1 == 0 { ssrc } else { published }),
            3 => [build_sr(&report), build_cname(published, "somebody")].concat(),
            4 => build_rr(&[block]),
            5 => build_remb(u64::from(how) << (more & 31), &[ssrc]),
            6 => bye(published),
            _ => [build_rr(&[]), packet(how & 31, 200 + more % 8, choices.piece())].concat(),
        }
    }

    /// What came out is what its receiver can open, and not too much.
    fn look(&mut self) {
        for (to, datagram) in self.forwarder.output() {
            assert!(datagram.len() <= LONGEST);
            let Some(end) = self.ends.get_mut(to) else {
                continue; // they are gone, and it was on its way
            };
            let mut packet = datagram.to_vec();
            match open(end, &mut packet) {
                Ok(()) if !is_rtcp(&packet) => {
                    let read = parse_rtp(&packet).expect("we wrote it");
                    self.got.push((read.ssrc, i64::from(read.sequence)));
                }
                Ok(()) => assert!(u32_at(&packet, 4).is_some() && u16_at(&packet, 2).is_some()),
                Err(why) => assert!(matches!(why, Drop::Replayed | Drop::TooLate), "{why:?}"),
            }
        }
        let over = self.got.len().saturating_sub(50);
        self.got.drain(..over);
        self.forwarder.clear_output();
        self.forwarder.take_events();
        for copy in self.forwarder.take_tapped() {
            if let Copied::Media { packet, .. } = copy {
                assert!(parse_rtp(&packet).is_ok() && packet.len() <= LONGEST);
            }
        }
        assert!(self.forwarder.next_wakeup().is_none_or(|due| !due.is_nan()));
    }
}
