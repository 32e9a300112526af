//! What log files hold, by level, logger and time: from the indices of rotated files, and read only where there are none.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::chain::Context;
use super::cursor::{From, Next};
use super::files::{Directory, FileRef, Looks, SetFiles};
use super::filter::Filter;
use super::indices::{Plan, index_of};
use super::lines::Run;
use super::opening::Opened;
use super::remarks::Remarks;
use super::time::Time;
use crate::archive::Index;
use crate::error::Result;

/// So many spans of time at most, so that they can be drawn.
const MOST_SPANS: i64 = 60;
/// The lengths of spans, in nanoseconds.
const SPANS: [i64; 12] = {
    const MINUTE: i64 = 60_000_000_000;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    [
        MINUTE / 60,
        10 * MINUTE / 60,
        MINUTE,
        5 * MINUTE,
        15 * MINUTE,
        HOUR,
        3 * HOUR,
        6 * HOUR,
        DAY,
        7 * DAY,
        30 * DAY,
        365 * DAY,
    ]
};
/// Names of levels and loggers that are told apart. Further ones count together.
const MOST_NAMES: usize = 10_000;
/// So many seconds are told apart. Beyond that they are put together, as later they would be anyway: no span is that short then.
const MOST_SECONDS: usize = 50_000;
const OTHERS: &str = "(others)";
const NONE: &str = "(none)";

/// Records by the name of something.
pub type Counts = BTreeMap<String, u64>;

/// What is known of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surveyed {
    pub set: String,
    pub name: String,
    pub lines: u64,
    /// Uncompressed, and as it lies there.
    pub bytes: u64,
    pub stored: u64,
    /// The times of its records, both included, in nanoseconds since 1970 UTC.
    pub times: Option<(i64, i64)>,
    pub levels: Counts,
    pub loggers: Counts,
    /// Whether an index told of it.
    pub is_indexed: bool,
}

/// What is known of all files.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    pub files: Vec<Surveyed>,
    /// The length of spans, and the records of each level in each span by its beginning. Of the sets that were asked for.
    pub span: i64,
    pub spans: BTreeMap<i64, Counts>,
    pub remarks: Vec<String>,
}

/// A part whose records are in several spans, and those of a file without an index, second by second.
#[derive(Debug, Default)]
struct Times {
    /// Parts by file: the place, the times, and the records by level.
    parts: Vec<Part>,
    seconds: BTreeMap<i64, Counts>,
}

#[derive(Debug)]
struct Part {
    file: usize,
    number: usize,
    times: (i64, i64),
    levels: Vec<(String, u64)>,
}

type Take<'t> = dyn FnMut(Option<i64>, &str, &str, u64) + 't;

struct Surveyor {
    directory: Directory,
    context: Context,
    survey: Survey,
    refs: Vec<(String, FileRef)>,
    times: Times,
    is_of_times: bool,
}

/// Looks at all files of a directory.
///
/// # Arguments
/// * `sets`: the names of the sets; empty for all.
/// * `times`: the set whose records are told by time; `None` for none.
///
/// # Errors
/// When the directory cannot be read.
pub fn survey(directory: &Path, sets: &[String], times: Option<&str>) -> Result<Survey> {
    let context = Context {
        filter: Arc::new(Filter::default()),
        keys: None,
        follow: false,
        longest: None,
        time: Time::default(),
        remarks: Remarks::default(),
    };
    let mut surveyor = Surveyor {
        directory: Directory::of(directory),
        context,
        survey: Survey::default(),
        refs: Vec::new(),
        times: Times::default(),
        is_of_times: false,
    };
    let found = surveyor.directory.sets(&mut surveyor.context.remarks)?;
    for set in found.into_iter().filter(|set| sets.is_empty() || sets.contains(set)) {
        surveyor.is_of_times = times == Some(&*set);
        surveyor.set(&set)?;
    }
    surveyor.put_spans()?;
    let mut survey = surveyor.survey;
    survey.remarks = surveyor.context.remarks.take();
    Ok(survey)
}

fn count(counts: &mut Counts, name: &str, lines: u64) {
    if lines == 0 {
        return;
    }
    if let Some(count) = counts.get_mut(name) {
        *count += lines;
    } else if counts.len() < MOST_NAMES {
        counts.insert(name.to_owned(), lines);
    } else {
        *counts.entry(OTHERS.to_owned()).or_default() += lines;
    }
}

/// Puts seconds together, so that few are left: into the shortest spans that all of them would have.
fn coarsen(seconds: &mut BTreeMap<i64, Counts>) {
    let (Some(first), Some(last)) = (seconds.keys().next(), seconds.keys().next_back()) else { return };
    let span = span_of(first.saturating_mul(SPANS[0]), last.saturating_mul(SPANS[0])) / SPANS[0];
    for (second, counts) in std::mem::take(seconds) {
        let together = seconds.entry(second.div_euclid(span) * span).or_default();
        counts.iter().for_each(|(level, lines)| count(together, level, *lines));
    }
}

/// The shortest span of which there are few between two times.
fn span_of(first: i64, last: i64) -> i64 {
    let fits = |span: &&i64| last.div_euclid(**span) - first.div_euclid(**span) < MOST_SPANS;
    *SPANS.iter().find(fits).unwrap_or(&SPANS[SPANS.len() - 1])
}

impl Surveyor {
    fn set(&mut self, set: &str) -> Result<()> {
        let mut files = SetFiles::of(set.to_owned());
        let remarks = &mut self.context.remarks;
        let Some(found) = files.refresh(&mut self.directory, true, Looks::Many, remarks)? else {
            remarks.make(format!("the names of {set} change faster than they can be read"));
            return Ok(());
        };
        files.remark_on_first_look(&self.directory, &found, None, &mut self.context.remarks);
        for file in found {
            let index = file.generation.filter(|_| file.is_closed).and_then(|generation| {
                let index = index_of(&self.directory.path, generation).ok()?;
                let path = self.directory.path.join(&file.name);
                path.symlink_metadata().is_ok_and(|meta| meta.len() == index.header().packed_length).then_some(index)
            });
            match index {
                Some(index) => self.indexed(set, &file, &index),
                None => self.whole(&mut files, &file)?,
            }
            self.refs.push((set.to_owned(), file));
        }
        Ok(())
    }

    fn indexed(&mut self, set: &str, file: &FileRef, index: &Index) {
        let header = index.header();
        let mut found = Surveyed {
            set: set.to_owned(),
            name: file.name.clone(),
            lines: header.lines,
            bytes: header.length,
            stored: header.packed_length,
            times: index.times(),
            is_indexed: true,
            ..Surveyed::default()
        };
        for (number, part) in index.parts().iter().enumerate() {
            let mut levels = Vec::new();
            for (level, lines) in index.level_counts(part) {
                let Some((name, _)) = index.levels().get(level) else { continue };
                count(&mut found.levels, name, lines.into());
                levels.push((name.clone(), lines.into()));
            }
            count(&mut found.levels, NONE, part.unknown.level.into());
            for (logger, lines) in index.logger_counts(part) {
                count(&mut found.loggers, index.loggers().get(logger).map_or(OTHERS, |name| name), lines.into());
            }
            count(&mut found.loggers, NONE, part.unknown.logger.into());
            if let Some(times) = part.times.filter(|_| self.is_of_times) {
                self.times.parts.push(Part { file: self.refs.len(), number, times, levels });
            }
        }
        self.survey.files.push(found);
    }

    /// Reads a file.
    fn whole(&mut self, files: &mut SetFiles, file: &FileRef) -> Result<()> {
        let set = files.name.clone();
        let mut found = Surveyed { set: set.clone(), name: file.name.clone(), ..Surveyed::default() };
        let path = self.directory.path.join(&file.name);
        found.stored = path.symlink_metadata().map_or(0, |meta| meta.len());
        let is_of_times = self.is_of_times;
        let mut seconds = std::mem::take(&mut self.times.seconds);
        self.read(files, file, Plan::Everything, &mut |time, level, logger, end| {
            found.lines += 1;
            found.bytes = end;
            count(&mut found.levels, level, 1);
            count(&mut found.loggers, logger, 1);
            if let Some(time) = time {
                let (first, last) = found.times.unwrap_or((time, time));
                found.times = Some((first.min(time), last.max(time)));
                if is_of_times {
                    count(seconds.entry(time.div_euclid(SPANS[0])).or_default(), level, 1);
                    if seconds.len() > MOST_SECONDS {
                        coarsen(&mut seconds);
                    }
                }
            }
        })?;
        self.times.seconds = seconds;
        self.survey.files.push(found);
        Ok(())
    }

    /// Gives the time, the level and the logger of each record, and the offset behind it.
    fn read(&mut self, files: &mut SetFiles, file: &FileRef, plan: Plan, take: &mut Take<'_>) -> Result<()> {
        let opened = files.open(file, plan, From::default(), &mut self.directory, &mut self.context)?;
        let Opened::Cursor(mut cursor) = opened else { return Ok(()) };
        let path: PathBuf = self.directory.path.join(&file.name);
        let mut last_time = None;
        let mut take = |record: &super::Record| {
            let seen = record.seen();
            // A line without a time belongs to the one before it.
            last_time = seen.time.or(last_time);
            let (level, logger) = (seen.level(), seen.logger());
            take(
                last_time,
                level.as_deref().unwrap_or(NONE),
                logger.as_deref().unwrap_or(NONE),
                record.position.offset,
            );
        };
        loop {
            match cursor.next(&files.name, &self.context.filter, None, Time::default()) {
                Ok(Next::Record(record) | Next::Cut(record, _)) => take(&record),
                Ok(Next::Later) => {}
                Ok(Next::End) => {
                    match cursor.last(&files.name) {
                        Some(Some(record)) => take(&record),
                        Some(None) => {}
                        None => self.context.remarks.make_of_torn(&path, file.is_closed),
                    }
                    return Ok(());
                }
                Err(error) if cursor.pass_damage() => {
                    self.context.remarks.make(format!("a part of {} cannot be read: {error}", path.display()));
                }
                Err(error) => {
                    self.context.remarks.make(format!("{} is read no further: {error}", path.display()));
                    return Ok(());
                }
            }
        }
    }

    /// Puts records into spans. Parts that lie in one of them are not read.
    fn put_spans(&mut self) -> Result<()> {
        let Times { parts, seconds } = std::mem::take(&mut self.times);
        let ends = parts.iter().flat_map(|part| [part.times.0, part.times.1]);
        let ends = ends.chain(seconds.keys().map(|second| second.saturating_mul(SPANS[0])));
        let Some((first, last)) = ends.fold(None, |found: Option<(i64, i64)>, time| {
            Some(found.map_or((time, time), |(first, last)| (first.min(time), last.max(time))))
        }) else {
            return Ok(());
        };
        let span = span_of(first, last);
        let mut spans: BTreeMap<i64, Counts> = BTreeMap::new();
        let floor = |time: i64| time.div_euclid(span).saturating_mul(span);
        for (second, counts) in seconds {
            let counted = spans.entry(floor(second.saturating_mul(SPANS[0]))).or_default();
            counts.iter().for_each(|(level, lines)| count(counted, level, *lines));
        }
        let mut several: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for part in parts {
            if floor(part.times.0) == floor(part.times.1) {
                let counted = spans.entry(floor(part.times.0)).or_default();
                part.levels.iter().for_each(|(level, lines)| count(counted, level, *lines));
            } else {
                several.entry(part.file).or_default().push(part.number);
            }
        }
        for (file, numbers) in several {
            let (set, file) = self.refs[file].clone();
            let Some(generation) = file.generation else { continue };
            let Ok(index) = index_of(&self.directory.path, generation) else { continue };
            let Some(keys) = super::form::keys_of(index.header().keys, None) else { continue };
            let runs: Vec<Run> = super::indices::runs(&index, &numbers);
            let mut files = SetFiles::of(set);
            let plan = Plan::Parts { index: Box::new(index), runs, keys };
            self.read(&mut files, &file, plan, &mut |time, level, _, _| {
                if let Some(time) = time {
                    count(spans.entry(floor(time)).or_default(), level, 1);
                }
            })?;
        }
        (self.survey.span, self.survey.spans) = (span, spans);
        Ok(())
    }
}
