//! A short form of fuzzing, the same at every run: `make test` needs no nightly Rust for it. The long one is `make fuzz`.

use sferum_forwarder_core::api::{Drop, Stats};
use sferum_noise::dice::Dice;
use sferum_noise::history::play;
use sferum_noise::{TARGETS, Target, seeds};

/// Inputs of each target.
const ROUNDS: usize = 4_000;
/// Of days, which take a hundred times longer.
const DAYS: usize = 60;

fn target(name: &str) -> Target {
    TARGETS.iter().find(|each| each.0 == name).map(|each| each.1).expect("a target of this name")
}

fn give(name: &str, rounds: usize) {
    let (target, seeds, mut dice) = (target(name), seeds::of(name), Dice::new(2_026));
    seeds.iter().for_each(|seed| target(seed));
    for round in 0..rounds {
        let input = match round % 8 {
            0 => dice.noise(200),
            _ => {
                let at = dice.below(seeds.len());
                dice.changed(&seeds[at])
            }
        };
        target(&input);
    }
}

#[test]
fn what_strangers_send_is_read_without_harm() {
    ["stun", "framing", "sealed"].into_iter().for_each(|name| give(name, ROUNDS));
}

#[test]
fn what_peers_send_is_read_without_harm() {
    ["rtp", "rtcp", "vp8", "dependency", "codecs"].into_iter().for_each(|name| give(name, ROUNDS));
}

#[test]
fn any_day_ends_well() {
    give("history", DAYS);
}

#[test]
fn together_or_singly_is_all_the_same() {
    give("runs", 10 * DAYS);
    let mut all = Stats::default();
    seeds::of("runs").iter().for_each(|day| all.add(&sferum_noise::runs::play(day)));
    assert!(all.packets_out > 1_000 && all.retransmitted > 0, "{all:?}");
}

#[test]
fn days_are_full() {
    let mut all = Stats::default();
    seeds::of("history").iter().for_each(|day| all.add(&play(day)));
    let dropped = |why: Drop| all.drops[why as usize];
    let everyday =
        [Drop::Forged, Drop::Replayed, Drop::NotAKeyframe, Drop::OtherLayer, Drop::Quieter, Drop::Muted];
    assert!(all.packets_out > 1_000, "{all:?}");
    assert!(everyday.into_iter().all(|why| dropped(why) > 0), "{all:?}");
    assert!(all.retransmitted > 0 && all.plis_sent > 0 && all.nacks_sent > 0, "{all:?}");
}

#[test]
fn every_target_has_its_program() {
    let programs = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/fuzz_targets");
    let found = std::fs::read_dir(programs).expect("rust/fuzz/fuzz_targets");
    let mut found: Vec<_> = found.filter_map(|file| Some(file.ok()?.file_name())).collect();
    let mut expected: Vec<_> =
        TARGETS.iter().map(|each| std::ffi::OsString::from(format!("{}.rs", each.0))).collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}
