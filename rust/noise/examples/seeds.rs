//! `cargo run --package sferum-noise --example seeds DIRECTORY`: a first corpus for libFuzzer, a directory for each target.

use std::path::Path;

use sferum_noise::{TARGETS, seeds};

fn main() -> std::io::Result<()> {
    let directory = std::env::args().nth(1).unwrap_or_else(|| "corpus".into());
    for (name, _) in TARGETS {
        let corpus = Path::new(&directory).join(name);
        std::fs::create_dir_all(&corpus)?;
        for (number, seed) in seeds::of(name).iter().enumerate() {
            std::fs::write(corpus.join(format!("seed{number}")), seed)?;
        }
    }
    Ok(())
}
