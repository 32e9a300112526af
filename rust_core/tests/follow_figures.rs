//! Figures of readers beside those of `rg`, `zstdgrep` and `zstd`, where these are installed; run by hand, on an optimised build:
//! `cargo test --release --test follow_figures -- --ignored --nocapture`. `UNIFIED_LOGGER_FILES` says of how many packed files (200).

use std::fs::{self, File};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use unified_logger_core::archive::{Job, Keys, Kind, Method, Outcome, pack, packed_name};
use unified_logger_core::catalogue::{Catalogue, Change, Closed, Entry, Mark};
use unified_logger_core::follow::{Filter, Options, Reader};
use unified_logger_core::platform;
use unified_logger_core::upkeep::index_path;

#[path = "../src/archive/sample.rs"]
#[allow(dead_code, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
mod sample;

/// Of a file before it is packed.
const FILE: usize = 10 << 20;

/// Processor time of this process.
#[cfg(unix)]
fn cpu() -> Duration {
    // SAFETY: an all-zero `rusage` is valid, and outlives the call.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut usage) };
    let time = |time: libc::timeval| {
        Duration::from_secs(time.tv_sec.unsigned_abs()) + Duration::from_micros(time.tv_usec.unsigned_abs())
    };
    time(usage.ru_utime) + time(usage.ru_stime)
}

#[cfg(not(unix))]
fn cpu() -> Duration {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

/// The least time of some runs by the clock, and by this process's processor time.
fn best<R>(runs: usize, mut prepare: impl FnMut(), mut work: impl FnMut() -> R) -> (Duration, Duration, R) {
    let mut best: Option<(Duration, Duration, R)> = None;
    for _ in 0..runs {
        prepare();
        let (started, before) = (Instant::now(), cpu());
        let result = work();
        let (took, used) = (started.elapsed(), cpu() - before);
        best = Some(match best {
            Some((least, least_used, _)) => (took.min(least), used.min(least_used), result),
            None => (took, used, result),
        });
    }
    best.unwrap()
}

fn count(directory: &Path, filter: Filter) -> usize {
    let mut reader = Reader::open(Options { directory: directory.to_owned(), filter, ..Options::default() }).unwrap();
    let mut count = 0;
    while reader.read().unwrap().is_some() {
        count += 1;
    }
    let remarks = reader.remarks();
    assert!(remarks.is_empty(), "{remarks:?}");
    count
}

/// The time of a program with its words, and how many lines it prints; `None` if it is not installed.
fn program(words: &str, directory: &Path, prepare: impl FnMut()) -> Option<(Duration, Duration, usize)> {
    let name = words.split_whitespace().next()?;
    Command::new("sh")
        .args(["-c", &format!("command -v {name}")])
        .stdout(Stdio::null())
        .status()
        .ok()
        .filter(|it| it.success())?;
    let run = || {
        let output = Command::new("sh").args(["-c", words]).current_dir(directory).output().unwrap();
        output.stdout.iter().filter(|byte| **byte == b'\n').count()
    };
    Some(best(2, prepare, run))
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn forget(directory: &Path) {
    for entry in fs::read_dir(directory).unwrap().map(|entry| entry.unwrap()) {
        if entry.file_type().unwrap().is_file() {
            let file = File::open(entry.path()).unwrap();
            let _ = file.sync_all();
            platform::forget_pages(&file);
        }
    }
}

/// Makes packed files with their indices and their catalogue. Returns an id of a trace that is in one of them.
fn make(directory: &Path, files: usize) -> String {
    let mut catalogue = Catalogue::of(directory);
    catalogue.look();
    let mut changes = Vec::new();
    let mut wanted = String::new();
    let mut first = 0;
    platform::private_directory(&directory.join(".unified_logger")).unwrap();
    for number in 0..files {
        let (text, ids) = sample::lines(FILE, number as u64 + 1);
        let generation = number as u64 + 1;
        let path = directory.join(format!("app.log.{}", files - number));
        fs::write(&path, &text).unwrap();
        let target = packed_name(&path, Kind::Zstd);
        let (method, keys) = (Method::new(Kind::Zstd, None).unwrap(), Keys::default());
        let job = Job {
            source: &path,
            target: &target,
            method,
            generation,
            first_sequence: Some(first),
            keys: &keys,
            names: None,
        };
        let Outcome::Packed(packed) = pack(&job, &mut |_| ControlFlow::Continue(())).unwrap() else { panic!() };
        fs::write(index_path(directory, generation), &packed.index).unwrap();
        if number == files / 3 {
            wanted = ids[ids.len() / 2].clone();
        }
        let sequence = Some((first, first + packed.lines));
        first += packed.lines;
        changes.push(Change::File(Entry {
            generation,
            set: "app.log".to_owned(),
            name: target.file_name().unwrap().to_str().unwrap().to_owned(),
            mark: Mark::of(generation, &text),
            made: 1,
            period: None,
            closed: Some(Closed { at: 2, bytes: packed.length, sequence }),
        }));
    }
    catalogue.change(changes);
    wanted
}

#[test]
#[ignore = "takes minutes, and tells something only on an optimised build"]
fn one_trace_in_many_packed_files() {
    let files = std::env::var("UNIFIED_LOGGER_FILES").map_or(200, |files| files.parse().unwrap());
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let id = make(path, files);
    let filter = || Filter { trace: Some(id.clone()), ..Filter::default() };
    let cold = || {
        forget(path);
        forget(&path.join(".unified_logger"));
    };
    let (in_cold, _, found) = best(5, cold, || count(path, filter()));
    let (warm, used, _) = best(10, || (), || count(path, filter()));
    println!(
        "{files} files of {} MB: {found} lines of a trace, {:.1} ms cold, {:.1} ms warm ({:.1} ms of a processor)",
        FILE / 1_000_000,
        milliseconds(in_cold),
        milliseconds(warm),
        milliseconds(used)
    );
    for words in
        [format!("rg -z -c {id} ."), format!("zstdgrep -h {id} app.log*"), format!("zstdcat app.log* | grep {id}")]
    {
        let name = words.split(&id).next().unwrap().to_owned();
        match program(&words, path, cold) {
            Some((took, _, lines)) => println!(
                "{name}: {:.0} ms cold, {:.0} times as long; {lines} lines",
                milliseconds(took),
                took.as_secs_f64() / in_cold.as_secs_f64()
            ),
            None => println!("{name}: not installed"),
        }
    }
}

#[test]
#[ignore = "takes a minute, and tells something only on an optimised build"]
fn a_scan_of_plain_lines() {
    let directory = tempfile::tempdir().unwrap();
    let path: PathBuf = directory.path().join("app.log");
    let (text, ids) = sample::lines(400 << 20, 1);
    fs::write(&path, &text).unwrap();
    let length = text.len() as f64 / 1e9;
    drop(text);
    let time = |seconds: i64| Some(sample::START + seconds * 1_000_000_000);
    let cases = [
        ("level ERROR", Filter { level: Some(40), ..Filter::default() }, "\"level\":\"ERROR\""),
        ("level CRITICAL", Filter { level: Some(50), ..Filter::default() }, "\"level\":\"CRITICAL\""),
        ("ten seconds", Filter { from: time(100), until: time(110), ..Filter::default() }, "T10:31:4"),
        ("a text", Filter { text: Some("order_id\":1077777".into()), ..Filter::default() }, "order_id\":1077777"),
        ("a trace", Filter { trace: Some(ids[ids.len() / 2].clone()), ..Filter::default() }, &*ids[ids.len() / 2]),
    ];
    for (name, filter, text) in cases {
        let (took, used, found) = best(7, || (), || count(directory.path(), filter.clone()));
        print!(
            "{name}: {:.2} GB/s ({:.2} by processor time), {found} lines",
            length / took.as_secs_f64(),
            length / used.as_secs_f64()
        );
        match program(&format!("rg -j1 --no-mmap -c -F '{text}' app.log"), directory.path(), || ()) {
            Some((by_rg, _, _)) => println!(
                "; rg of the bare text {:.2} GB/s, {:.2} times as fast",
                length / by_rg.as_secs_f64(),
                took.as_secs_f64() / by_rg.as_secs_f64()
            ),
            None => println!("; rg is not installed"),
        }
    }
}
