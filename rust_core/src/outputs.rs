//! What there is to write to. Each output is a selector, a format and a sink; the pipeline and recovery open and use them alike.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::blackbox::{FILES, Journal, is_mode};
use crate::catalogue::{Form, SharedCatalogue};
use crate::encoder::{Fields, Format, Lines, Process, Whose};
use crate::error::Result;
use crate::fault_injection::{self, Fault};
use crate::record::Record;
use crate::record_metrics::{self, Rule};
use crate::redaction::Rules;
use crate::router::{self, AiLoggers, Route, Router, Selector};
use crate::sink::{self, FileSettings, Fsync, Origin, Sink, Stream, Surroundings, Unopened};
use crate::stats::Stats;

/// One output, as it is configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// Its name, under which it counts.
    pub name: String,
    /// Which records it takes.
    pub select: Selector,
    pub format: Format,
    pub to: sink::Settings,
}

impl Output {
    /// What a stream of `sys` shows.
    #[must_use]
    pub fn is_console(&self) -> bool {
        self.to.stream().is_some_and(Stream::is_console)
    }

    /// Whether a recovery completes it: every file, or where there is none, every stream.
    fn is_recovered(&self, has_files: bool) -> bool {
        if has_files { self.to.file().is_some() } else { self.to.stream().is_some() }
    }
}

/// All outputs, as they are configured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub outputs: Vec<Output>,
    pub ai: AiLoggers,
    /// What each record says of the process.
    #[serde(default, skip_serializing_if = "Fields::is_empty")]
    pub fields: Fields,
    /// The metrics that records make.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<Rule>,
}

impl Settings {
    /// The console among them.
    #[must_use]
    pub fn console(&self) -> Option<&Output> {
        self.outputs.iter().find(|output| output.is_console())
    }

    /// Whether any of them is a file. Otherwise streams are all there is, and their lines wait until they are taken.
    #[must_use]
    pub fn has_files(&self) -> bool {
        self.outputs.iter().any(|output| output.to.file().is_some())
    }

    /// Those for a black box: what a dead process had accepted, recovery writes there. They are the files, or the streams if there is none.
    #[must_use]
    pub fn recovered(&self) -> Self {
        let has_files = self.has_files();
        let kept = self.outputs.iter().filter(|output| output.is_recovered(has_files)).cloned().collect();
        Self { outputs: kept, metrics: self.metrics.clone(), ai: self.ai.clone(), fields: self.fields.clone() }
    }

    /// What the lines of each file look like, by the file's name.
    #[must_use]
    pub fn forms(&self, process: &Process) -> BTreeMap<String, Form> {
        let form = |output: &Output| Some((output.to.file()?.name.clone(), Form::of(&output.format, process)));
        self.outputs.iter().filter_map(form).collect()
    }

    /// How those files are written.
    pub fn files_mut(&mut self) -> impl Iterator<Item = &mut FileSettings> {
        self.outputs
            .iter_mut()
            .filter_map(|output| if let sink::Settings::File(file) = &mut output.to { Some(file) } else { None })
    }

    /// Reads what a black box has kept of `recovered`. A box may be planted. So it is `None` for other outputs, for more files than a box has
    /// journals for, for names that lead out of the directory, and for modes that no options allow.
    #[must_use]
    pub fn of_box(kept: &Value) -> Option<Self> {
        let kept: Self = Deserialize::deserialize(kept).ok()?;
        let has_files = kept.has_files();
        let is_harmless = |output: &Output| {
            output.is_recovered(has_files)
                && output
                    .to
                    .file()
                    .is_none_or(|file| is_plain(&file.name) && is_mode(file.mode) && file.current_link.is_none())
        };
        let are_harmless = kept.metrics.len() <= record_metrics::MOST && kept.metrics.iter().all(Rule::is_harmless);
        (are_harmless && kept.outputs.len() <= FILES && kept.outputs.iter().all(is_harmless)).then_some(kept)
    }
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0']) && name.len() < 256
}

/// What outputs are opened with.
#[allow(missing_debug_implementations)] // a function has none
pub struct Opening<'a> {
    /// The log directory; without one no output is a file.
    pub directory: Option<&'a Path>,
    pub directory_mode: u32,
    pub fsync: Fsync,
    /// Where the appends to the file of this number are noted.
    pub journal: &'a dyn Fn(usize) -> Journal,
    pub stats: &'a Stats,
    pub redaction: Option<Arc<Rules>>,
    /// Whose records are written.
    pub process: Process,
    /// Whether an output that cannot be opened keeps no other from being opened: it fails when it is written to.
    pub goes_on: bool,
    /// Whether a program starts with them.
    pub is_start: bool,
}

/// The outputs that are open: first those that a recovery completes, as the black box numbers them.
#[derive(Debug)]
pub struct Outputs {
    router: Router,
    lines: Lines,
    open: Vec<Open>,
}

#[derive(Debug)]
struct Open {
    /// The number of its format among `lines`.
    format: usize,
    is_console: bool,
    gathers: bool,
    sink: Box<dyn Sink>,
}

impl Outputs {
    /// Opens all of them.
    ///
    /// # Errors
    /// When one cannot be opened.
    pub fn open(settings: &Settings, with: Opening<'_>) -> Result<Self> {
        debug_assert!(settings.outputs.len() <= router::OUTPUTS);
        let has_files = settings.has_files();
        let (recovered, others): (Vec<_>, Vec<_>) =
            settings.outputs.iter().partition(|output| output.is_recovered(has_files));
        let journals = recovered.len().min(FILES);
        let all: Vec<&Output> = recovered.into_iter().chain(others).take(router::OUTPUTS).collect();
        let formats: Vec<_> = all.iter().map(|output| &output.format).collect();
        let process = with.process.with_fields(&settings.fields);
        let lines = Lines::new(&process, with.redaction, &formats);
        let forms = settings.forms(&process);
        let catalogue =
            with.directory.map(|directory| SharedCatalogue::with_forms(directory, forms)).unwrap_or_default();
        let open = |(index, output): (usize, &&Output)| {
            let sink = output.to.open(Surroundings {
                name: &output.name,
                directory: with.directory,
                is_primary: !has_files,
                directory_mode: with.directory_mode,
                fsync: with.fsync,
                journal: if index < journals { (with.journal)(index) } else { Journal::Off },
                catalogue: catalogue.clone(),
                is_start: with.is_start,
                stats: with.stats,
            });
            let sink = sink.or_else(|error| {
                if with.goes_on { Ok(Box::new(Unopened::new(error)) as Box<dyn Sink>) } else { Err(error) }
            })?;
            Ok(Open {
                format: lines.number(&output.format),
                is_console: output.is_console(),
                gathers: sink.gathers(),
                sink,
            })
        };
        let open = all.iter().enumerate().map(open).collect::<Result<Vec<_>>>()?;
        let selectors = all.iter().map(|output| output.select.clone()).collect();
        Ok(Self { router: Router::new(process.names, selectors, settings.ai.clone()), lines, open })
    }

    /// Which of them a record is for.
    #[inline]
    pub fn route(&mut self, record: &Record<'_>) -> Route {
        fault_injection::pass(Fault::Route);
        self.router.route(record)
    }

    /// The consoles among them.
    #[must_use]
    pub fn consoles(&self) -> Route {
        bits(self.open.iter().map(|open| open.is_console))
    }

    /// Encodes a record for those outputs, and then gives each of them its lines: a record whose encoding fails has gone nowhere.
    /// `expected` is how many bytes a line may well have. Returns how many bytes wait in memory for it
    /// from now on.
    #[inline]
    pub fn put(&mut self, record: &Record<'_>, whose: Whose, route: Route, position: u64, expected: usize) -> usize {
        let formats = each(route).fold(0, |formats, index| formats | 1 << self.open[index].format);
        self.lines.encode(record, whose, formats, expected);
        let mut bytes = 0;
        for index in each(route) {
            let open = &mut self.open[index];
            let lines = self.lines.of(open.format);
            open.sink.push(lines, Origin { position, time: record.header.time, whose });
            if open.gathers {
                bytes += lines.len();
            }
        }
        bytes
    }

    /// How many bytes the record has at the beginning of `text`, where it stands there as the output of this number writes it.
    pub fn find(&mut self, record: &Record<'_>, index: usize, text: &[u8]) -> Option<usize> {
        self.lines.find(record, self.open[index].format, text)
    }

    /// How many values and texts were replaced since this was last asked.
    pub fn take_redacted(&mut self) -> u64 {
        self.lines.take_redacted()
    }

    #[must_use]
    pub fn sinks(&self) -> impl ExactSizeIterator<Item = &dyn Sink> {
        self.open.iter().map(|open| &*open.sink)
    }

    pub fn sinks_mut(&mut self) -> impl ExactSizeIterator<Item = &mut Box<dyn Sink>> {
        self.open.iter_mut().map(|open| &mut open.sink)
    }

    /// Those of a route.
    pub fn of_route(&mut self, route: Route) -> impl Iterator<Item = &mut Box<dyn Sink>> {
        self.sinks_mut().enumerate().filter(move |(index, _)| route & 1 << index != 0).map(|(_, sink)| sink)
    }
}

/// The numbers of the bits that are set, from the lowest on.
fn each(mut route: Route) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let index = (route != 0).then(|| route.trailing_zeros() as usize);
        route &= route.wrapping_sub(1);
        index
    })
}

fn bits(all: impl Iterator<Item = bool>) -> Route {
    all.enumerate().fold(0, |bits, (index, is_set)| bits | Route::from(is_set) << index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_whose_files_lead_out_of_the_directory_are_none() {
        let read = |name: &str, mode| {
            let file = sink::FileSettings::plain(name, mode);
            let output = Output {
                name: "app".into(),
                select: Selector::default(),
                format: Format::json(),
                to: sink::Settings::File(file),
            };
            let settings = Settings { outputs: vec![output], ..Settings::default() };
            Settings::of_box(&serde_json::to_value(settings.recovered()).unwrap()) == Some(settings)
        };
        assert!(read("app.log", 0o640));
        let long = "x".repeat(256);
        for name in ["", ".", "..", ".hidden", "../app.log", "/etc/passwd", "a/b", "a\\b", "a\0b", &long] {
            assert!(!read(name, 0o640), "{name:?}");
        }
        for mode in [0o4755, 0o666, 0o777, 0o440, 0] {
            assert!(!read("app.log", mode), "{mode:o}");
        }
    }

    #[test]
    fn streams_are_kept_where_there_is_no_file_and_never_beside_files() {
        let output =
            |name: &str, to| Output { name: name.into(), select: Selector::default(), format: Format::json(), to };
        let file = sink::FileSettings::plain("app.log", 0o640);
        let stream = output("console", sink::Settings::Stream(Stream::ConsoleStdout));
        let file = output("app", sink::Settings::File(file));
        let all = |outputs| Settings { outputs, ..Settings::default() };
        let read = |settings: &Settings| Settings::of_box(&serde_json::to_value(settings).unwrap());
        let streams = all(vec![stream.clone()]);
        assert_eq!(streams.recovered(), streams);
        assert_eq!(read(&streams), Some(streams));
        let both = all(vec![stream, file.clone()]);
        assert_eq!(both.recovered(), all(vec![file]));
        assert_eq!(read(&both), None);
    }

    #[test]
    fn bits_are_told_from_the_lowest_on() {
        assert_eq!(each(0b1010_0001).collect::<Vec<_>>(), [0, 5, 7]);
        assert_eq!(each(1 << 63).collect::<Vec<_>>(), [63]);
        assert_eq!(each(0).count(), 0);
    }
}
