//! The counts of processes that are gone.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::series;
use crate::blackbox;
use crate::catalogue;
use crate::checksum;
use crate::error::{Error, Result};
use crate::error_handler::remark;
use crate::platform;
use crate::sink::{DirectoryLock, Held};
use crate::stats::{Block, How, left_out, tally};
use crate::whole;

const NAME: &str = "counts";
const LOCK_FILE: &str = "counts.lock";
const LOCK_PATIENCE: Duration = Duration::from_secs(1);
/// Set aside: damaged.
const ASIDE: &str = "aside";
/// Of the form below. A file of a later one is left alone.
const VERSION: u32 = 1;
/// Digits of the checksum before the text.
const SUM: usize = 16;
/// The lock file is of the owner alone, as all of the directory is.
const MODE: u32 = 0o600;

/// What is counted under one name: how processes are added up, and the values.
pub type Counts = BTreeMap<String, (How, Vec<u64>)>;

/// The counts that are kept in a directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    version: u32,
    /// How often it was changed, which tells a reader that it was.
    pub changes: u64,
    /// Since when there are counts, in nanoseconds since 1970 UTC.
    pub begun: Option<i64>,
    /// Boxes that were added, and may still be there.
    pub added: Vec<String>,
    pub counts: Counts,
}

/// Why there are no kept counts that can be used.
#[derive(Debug)]
pub enum Unreadable {
    Damaged,
    Newer,
    Failed(io::Error),
}

/// Adds what a block counted to others of the same names.
pub fn add(to: &mut Counts, block: &[u64], is_wanted: impl Fn(How) -> bool) {
    fn add_to(to: &mut Counts, name: String, count: u64) {
        to.entry(name).or_insert((How::Sum, vec![0])).1[0] += count;
    }
    for entry in Block::of(block).iter().flat_map(Block::entries).filter(|entry| is_wanted(entry.how)) {
        if entry.how == How::ByLevel {
            let (_, levels) = tally::read(entry.values).unwrap_or_default();
            for (level, count) in levels.iter().enumerate() {
                add_to(to, tally::series(level), *count);
            }
            continue;
        }
        if entry.how == How::LeftOut {
            let (of_rule, filtered, suppressed) = left_out::read(&entry);
            if let Some(of_rule) = of_rule {
                add_to(to, entry.name, of_rule);
            }
            add_to(to, left_out::FILTERED.into(), filtered);
            add_to(to, left_out::SUPPRESSED.into(), suppressed);
            continue;
        }
        if entry.how == How::Observed {
            series::add(to, entry.name, entry.values);
            continue;
        }
        let (how, sum) = to.entry(entry.name).or_insert_with(|| (entry.how, vec![0; entry.values.len()]));
        if *how == entry.how && sum.len() == entry.values.len() {
            sum.iter_mut().zip(entry.values).for_each(|(sum, value)| *sum = how.join(*sum, *value));
        }
    }
}

fn path(directory: &Path) -> PathBuf {
    blackbox::home(directory).join(NAME)
}

impl Kept {
    /// Those of a directory; none if there is no file.
    pub fn read(directory: &Path) -> std::result::Result<Self, Unreadable> {
        let text = match std::fs::read(path(directory)) {
            Ok(text) => text,
            Err(error) if platform::is_missing(&error) => return Ok(Self::default()),
            Err(error) => return Err(Unreadable::Failed(error)),
        };
        Self::of(&text)
    }

    fn of(text: &[u8]) -> std::result::Result<Self, Unreadable> {
        let (sum, json) = text.split_at_checked(SUM + 1).ok_or(Unreadable::Damaged)?;
        let sum = str::from_utf8(sum).ok().and_then(|sum| u64::from_str_radix(sum.trim_end(), 16).ok());
        if sum != Some(checksum::of(json)) {
            return Err(Unreadable::Damaged);
        }
        let of_version = |kept: &serde_json::Value| kept.get("version").and_then(serde_json::Value::as_u64);
        let value: serde_json::Value = serde_json::from_slice(json).map_err(|_| Unreadable::Damaged)?;
        if of_version(&value).is_none_or(|version| version > u64::from(VERSION)) {
            return Err(Unreadable::Newer);
        }
        serde_json::from_value(value).map_err(|_| Unreadable::Damaged)
    }

    fn to_text(&self) -> String {
        let json = serde_json::to_string(self).unwrap_or_default();
        format!("{:0SUM$x} {json}", checksum::of(json.as_bytes()))
    }
}

/// Adds the counts of a box whose owner is gone or ends, unless they were added before, and `more` that belong to them. The box is to be
/// removed after that.
///
/// # Errors
/// When the counts that are kept cannot be read or written, or others keep their lock. Then the box stays.
pub fn keep(directory: &Path, name: &str, block: &[u64], more: Option<&[u64]>) -> Result<()> {
    let home = blackbox::home(directory);
    let blocks = || more.into_iter().chain([block]);
    if !blocks()
        .filter_map(Block::of)
        .any(|block| block.entries().any(|entry| entry.values.iter().any(|value| *value > 0)))
    {
        return Ok(());
    }
    if catalogue::is_of_another(directory) || catalogue::is_home_of_another(&home) {
        // What root makes here, the user of the directory could not change.
        return Ok(());
    }
    let failed = |error| Error::io("keep the counts of a process in", &home, error);
    platform::private_directory(&home).map_err(failed)?;
    DirectoryLock::named(&home, LOCK_FILE, MODE)?.hold(LOCK_PATIENCE, |held| {
        if !matches!(held, Held::Yes | Held::Unsupported) {
            return Err(failed(io::ErrorKind::WouldBlock.into()));
        }
        let mut kept = match Kept::read(directory) {
            Ok(kept) => kept,
            Err(Unreadable::Failed(error)) => return Err(failed(error)),
            Err(Unreadable::Newer) => {
                let reason = format!("{} is of a later version: they are lost", path(directory).display());
                remark("keep the counts of a process", reason);
                return Ok(());
            }
            Err(Unreadable::Damaged) => {
                set_aside(directory);
                Kept::default()
            }
        };
        if kept.added.iter().any(|added| added == name) {
            return Ok(());
        }
        let locations = blackbox::all(directory);
        kept.added.retain(|added| locations.iter().any(|location| location.directory.join(added).exists()));
        kept.added.push(name.to_owned());
        let there = kept.counts.keys().cloned().collect();
        blocks().for_each(|block| add(&mut kept.counts, block, How::stays));
        series::bound(&mut kept.counts, &there);
        let begun = blocks().filter_map(Block::of).map(|block| block.begun()).min();
        kept.begun = kept.begun.min(begun).or(kept.begun).or(begun);
        (kept.version, kept.changes) = (VERSION, kept.changes + 1);
        whole::write(&path(directory), kept.to_text().as_bytes()).map_err(failed)
    })
}

fn set_aside(directory: &Path) {
    let path = path(directory);
    let aside = path.with_extension(ASIDE);
    let done = std::fs::rename(&path, &aside);
    let where_to = done.map_or_else(|error| error.to_string(), |()| format!("it is at {} now", aside.display()));
    remark("read the counts of processes that are gone", format!("{} is damaged; {where_to}", path.display()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Words;

    #[test]
    fn each_box_is_added_once_and_others_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let words = Words::apart();
        words.count("sum", How::Sum).add(3);
        words.count("most", How::Most).set(5);
        words.count("now", How::Now).set(7);
        keep(directory.path(), "1-a.box", &words.copy(), None).unwrap();
        keep(directory.path(), "1-a.box", &words.copy(), None).unwrap();
        let counts = |sum, most| {
            let counts = [("sum".to_owned(), (How::Sum, vec![sum])), ("most".to_owned(), (How::Most, vec![most]))];
            counts.into_iter().collect::<Counts>()
        };
        assert_eq!(Kept::read(directory.path()).unwrap().counts, counts(3, 5));
        words.count("most", How::Most).set(4);
        keep(directory.path(), "2-b.box", &words.copy(), None).unwrap();
        let kept = Kept::read(directory.path()).unwrap();
        assert_eq!((kept.counts, kept.changes), (counts(6, 5), 2));
        // The first is no longer there, and needs no name any more.
        assert_eq!(kept.added, ["2-b.box"]);
    }

    #[test]
    fn what_rules_left_out_goes_into_the_counts_of_all() {
        let words = Words::apart();
        words.count(left_out::FILTERED, How::Sum).add(1);
        let rule = words.counts("sampled_total{rule=\"a\"}", How::LeftOut, 3);
        rule.iter().zip([2, 4, 8]).for_each(|(count, amount)| count.add(amount));
        let mut counts = Counts::new();
        add(&mut counts, &words.copy(), How::stays);
        let sums = counts.iter().map(|(name, (how, values))| (name.as_str(), *how, values.as_slice()));
        assert_eq!(
            sums.collect::<Vec<_>>(),
            [
                (left_out::FILTERED, How::Sum, &[13][..]),
                ("sampled_total{rule=\"a\"}", How::Sum, &[14]),
                (left_out::SUPPRESSED, How::Sum, &[8]),
            ]
        );
    }

    #[test]
    fn damaged_counts_are_set_aside_and_those_of_a_later_version_left() {
        let directory = tempfile::tempdir().unwrap();
        let words = Words::apart();
        words.count("sum", How::Sum).add(3);
        let kept_in = |text: &str| {
            std::fs::create_dir_all(blackbox::home(directory.path())).unwrap();
            std::fs::write(path(directory.path()), text).unwrap();
            keep(directory.path(), "1-a.box", &words.copy(), None).unwrap();
        };
        kept_in("no counts");
        assert_eq!(Kept::read(directory.path()).unwrap().counts["sum"], (How::Sum, vec![3]));
        assert_eq!(std::fs::read(path(directory.path()).with_extension(ASIDE)).unwrap(), b"no counts");
        let later = Kept { version: VERSION + 1, ..Kept::default() }.to_text();
        kept_in(&later);
        assert_eq!(std::fs::read_to_string(path(directory.path())).unwrap(), later);
    }

    #[test]
    fn kept_counts_are_read_back_and_not_when_damaged() {
        let counts = [("a".to_owned(), (How::Sum, vec![1, 2])), ("b{c=\"d\"}".to_owned(), (How::Most, vec![u64::MAX]))];
        let kept = Kept {
            version: VERSION,
            changes: 3,
            begun: Some(-7),
            added: vec!["1-a.box".to_owned()],
            counts: counts.into_iter().collect(),
        };
        let text = kept.to_text();
        assert_eq!(Kept::of(text.as_bytes()).unwrap(), kept);
        for at in 0..text.len() {
            let mut damaged = text.clone().into_bytes();
            damaged[at] ^= 1;
            assert!(matches!(Kept::of(&damaged), Err(Unreadable::Damaged)), "{at}");
        }
        let later = Kept { version: VERSION + 1, ..kept }.to_text();
        assert!(matches!(Kept::of(later.as_bytes()), Err(Unreadable::Newer)));
    }
}
