//! Viewers of a broadcast, thousands in one process, for measuring edges and origins: `bench/broadcast` writes lines of
//! words to its standard input; `join` and `look` are answered with a line of JSON.
//!
//! to address=127.0.0.1:443 name=edge.test tls=/path/of/cert.pem     (without `tls`: plain HTTP)
//! viewer path=/live/PASS/concert/                                   (one line each)
//! join seconds=15 deadline=60                                       (all come; answered when all have a part)
//! look                                                              (what was seen since the last answer)

mod connection;
mod crowd;
mod figures;
mod http;
mod inflate;
mod player;
mod playlist;
mod sys;
mod texts;

use std::io::{BufRead, Write, stdin, stdout};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::connection::Target;
use crate::crowd::Crowd;

fn main() -> Result<(), String> {
    let lines = lines();
    let (mut target, mut paths) = (None, Vec::new());
    let mut crowd = loop {
        let line = lines.recv().map_err(|_| "ended before join".to_owned())?;
        let words = Words(&line);
        match words.name() {
            "to" => target = Some(read_target(&words)?),
            "viewer" => paths.push(words.get("path")?.to_owned()),
            "join" => {
                break join(target.take().ok_or("no target")?, std::mem::take(&mut paths), &lines, &words)?;
            }
            other => return Err(format!("bad word: {other}")),
        }
    };
    loop {
        match lines.try_recv() {
            Ok(line) if line == "look" => answer(&crowd.told())?,
            Ok(_) => return Err("bad word after join".to_owned()),
            Err(TryRecvError::Empty) => crowd.turn(),
            Err(TryRecvError::Disconnected) => return Ok(()),
        }
    }
}

/// Lines of standard input; the channel ends with it.
fn lines() -> Receiver<String> {
    let (to, from) = channel();
    thread::spawn(move || {
        for line in stdin().lock().lines().map_while(Result::ok) {
            if to.send(line).is_err() {
                break;
            }
        }
    });
    from
}

/// `name key=value …`. Values may be passes: errors name keys.
struct Words<'a>(&'a str);

impl<'a> Words<'a> {
    fn name(&self) -> &'a str {
        self.0.split_whitespace().next().unwrap_or_default()
    }

    fn find(&self, key: &str) -> Option<&'a str> {
        let mut words = self.0.split_whitespace().skip(1).filter_map(|word| word.split_once('='));
        words.find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    fn get(&self, key: &str) -> Result<&'a str, String> {
        self.find(key).ok_or_else(|| format!("missing word: {key}"))
    }

    fn seconds(&self, key: &str) -> Result<Duration, String> {
        let seconds = self.get(key)?.parse().map_err(|_| format!("bad word: {key}"))?;
        Duration::try_from_secs_f64(seconds).map_err(|_| format!("bad word: {key}"))
    }
}

fn read_target(words: &Words) -> Result<Target, String> {
    Ok(Target {
        address: words.get("address")?.parse().map_err(|_| "bad word: address".to_owned())?,
        name: words.get("name")?.to_owned(),
        tls: words.find("tls").map(connection::tls).transpose()?,
    })
}

fn join(
    target: Target,
    paths: Vec<String>,
    lines: &Receiver<String>,
    words: &Words,
) -> Result<Crowd, String> {
    let (count, begun) = (paths.len(), Instant::now());
    let (seconds, deadline) = (words.seconds("seconds")?, words.seconds("deadline")?);
    let mut crowd = Crowd::new(target, paths).map_err(|error| error.to_string())?;
    crowd.come(seconds);
    let mut looked = Instant::now();
    while begun.elapsed() < deadline {
        crowd.turn();
        if looked.elapsed() > Duration::from_millis(50) {
            looked = Instant::now();
            if crowd.fed() == count || matches!(lines.try_recv(), Err(TryRecvError::Disconnected)) {
                break;
            }
        }
    }
    answer(&crowd.told())?;
    Ok(crowd)
}

fn answer(line: &str) -> Result<(), String> {
    let mut out = stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_by_their_names() {
        let words = Words("to address=127.0.0.1:9 name=edge.test seconds=0.5");
        assert_eq!((words.name(), words.get("name")), ("to", Ok("edge.test")));
        assert_eq!(words.seconds("seconds"), Ok(Duration::from_millis(500)));
        assert_eq!(words.get("path"), Err("missing word: path".to_owned()));
        assert!(read_target(&words).is_ok_and(|target| target.tls.is_none()));
    }
}
