//! Figures of the archive beside those of `zstd` and `gzip`, on one core; run by hand, on an optimised build:
//! `cargo test --release --test archive_figures -- --ignored --nocapture`.

use std::fs;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use unified_logger_core::archive::{
    Archive, Index, Job, Keys, Kind, Method, Outcome, Query, Scanner, index_file, pack, packed_name,
};

#[path = "../src/archive/sample.rs"]
#[allow(dead_code, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
mod sample;

/// Processor time of this process and of children that ended.
#[cfg(unix)]
fn cpu() -> Duration {
    let of = |who| {
        // SAFETY: an all-zero `rusage` is valid, and outlives the call.
        let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
        unsafe { libc::getrusage(who, &raw mut usage) };
        let time = |time: libc::timeval| {
            Duration::from_secs(time.tv_sec.unsigned_abs()) + Duration::from_micros(time.tv_usec.unsigned_abs())
        };
        time(usage.ru_utime) + time(usage.ru_stime)
    };
    of(libc::RUSAGE_SELF) + of(libc::RUSAGE_CHILDREN)
}

#[cfg(not(unix))]
fn cpu() -> Duration {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

/// The least processor time and clock time of three runs.
fn timed<R>(mut work: impl FnMut() -> R) -> (Duration, Duration, R) {
    let mut best: Option<(Duration, Duration, R)> = None;
    for _ in 0..3 {
        let (cpu_before, started) = (cpu(), Instant::now());
        let result = work();
        let (used, took) = (cpu() - cpu_before, started.elapsed());
        if best.as_ref().is_none_or(|best| used < best.0) {
            best = Some((used, took, result));
        }
    }
    best.unwrap()
}

fn speed(bytes: usize, time: Duration) -> f64 {
    bytes as f64 / 1e6 / time.as_secs_f64()
}

fn go_on(_: u64) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

#[test]
#[ignore = "takes a minute, and tells something only on an optimised build"]
fn figures() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.log.1");
    let given = std::env::var_os("UNIFIED_LOGGER_ARCHIVE_SAMPLE");
    let text = given.map_or_else(|| sample::lines(100 << 20, 1).0, |path| fs::read(path).unwrap());
    let (_, ids) = sample::lines(100 << 20, 1);
    fs::write(&path, &text).unwrap();
    let keys = Keys::default();
    println!("{} MB, {} bytes a line", text.len() / 1_000_000, text.len() / memchr::memchr_iter(b'\n', &text).count());

    let (used, _, index) = timed(|| index_file(&path, 1, None, &keys, &mut go_on).unwrap().unwrap());
    println!("index of the plain file: {:.0} MB/s, {} bytes", speed(text.len(), used), index.len());

    let (used, _, found) = timed(|| {
        let mut scanner = Scanner::new(&keys);
        text.split_inclusive(|byte| *byte == b'\n')
            .filter(|line| scanner.scan(&line[..line.len() - 1]).is_some())
            .count()
    });
    println!("lines alone: {:.0} MB/s, {found} lines", speed(text.len(), used));

    for (kind, levels) in [(Kind::Zstd, &[1, 3, 6][..]), (Kind::Gzip, &[1, 6])] {
        for level in levels {
            let target = packed_name(&path, kind);
            let (program, used_by_program, program_length) = beside(&path, kind, *level);
            let method = Method::new(kind, Some(*level)).unwrap();
            let job = Job {
                source: &path,
                target: &target,
                method,
                generation: 1,
                first_sequence: None,
                keys: &keys,
                names: None,
            };
            let (used, took, packed) = timed(|| {
                let _ = fs::remove_file(&target);
                fs::write(&path, &text).unwrap();
                let before = (cpu(), Instant::now());
                let Outcome::Packed(packed) = pack(&job, &mut go_on).unwrap() else { panic!() };
                (cpu() - before.0, before.1.elapsed(), packed)
            })
            .2;
            fs::write(&path, &text).unwrap();
            let index = Index::read(&packed.index).unwrap();
            let (decoding, _, ()) = timed(|| {
                let mut archive = Archive::open(&target, Some(&index)).unwrap();
                let mut part = Vec::new();
                (0..archive.extents().len()).for_each(|number| archive.read_part(number, &mut part).unwrap());
            });
            let (streaming, _, ()) = timed(|| {
                let mut archive = Archive::open(&target, Some(&index)).unwrap();
                std::io::copy(&mut archive.stream(0).unwrap(), &mut std::io::sink()).unwrap();
            });
            println!(
                "{kind:?} -{level}: {:.0} MB/s ({:.0} by the clock), {program} {:.0} MB/s; ratio {:.3}, with the index {:.3}, {program} {:.3}; \
                 index {} bytes, {:.2} %; parts read {:.0} MB/s, streamed {:.0} MB/s",
                speed(text.len(), used),
                speed(text.len(), took),
                speed(text.len(), used_by_program),
                text.len() as f64 / packed.packed_length as f64,
                text.len() as f64 / (packed.packed_length + packed.index.len() as u64) as f64,
                text.len() as f64 / program_length as f64,
                packed.index.len(),
                100.0 * packed.index.len() as f64 / packed.packed_length as f64,
                speed(text.len(), decoding),
                speed(text.len(), streaming),
            );
            let (finding, _, parts) = timed(|| {
                let queries = ids.iter().step_by(100).map(|id| Query { trace: Some(id), ..Query::default() });
                queries.map(|query| index.find(&query).len()).sum::<usize>()
            });
            let count = ids.len().div_ceil(100);
            println!(
                "    a trace: {:?} of the index, {:.2} parts of {}",
                finding / count as u32,
                parts as f64 / count as f64,
                index.parts().len()
            );
            fs::remove_file(&target).unwrap();
        }
    }
}

/// What the program of the format takes for the same file, and how long its file is.
fn beside(path: &Path, kind: Kind, level: i32) -> (&'static str, Duration, u64) {
    let program = if kind == Kind::Zstd { "zstd" } else { "gzip" };
    let (used, _, length) = timed(|| {
        let mut command = Command::new(program);
        command.arg(format!("-{level}")).arg("-c").arg(path).stdout(Stdio::piped());
        if kind == Kind::Zstd {
            command.args(["-T1", "-q", "--single-thread"]);
        }
        let Ok(mut child) = command.spawn() else { return 0 };
        let mut packed = Vec::new();
        child.stdout.take().unwrap().read_to_end(&mut packed).unwrap();
        assert!(child.wait().unwrap().success());
        packed.len() as u64
    });
    (program, used, length)
}

#[test]
#[ignore = "takes a minute, and tells something only on an optimised build"]
fn one_trace_among_many_files() {
    const FILES: u64 = 50;
    let directory = tempfile::tempdir().unwrap();
    let keys = Keys::default();
    let (mut targets, mut indices, mut wanted, mut lines) = (Vec::new(), Vec::new(), String::new(), 0);
    for number in 0..FILES {
        let path = directory.path().join(format!("app.log.{number}"));
        let (text, ids) = sample::lines(10_000_000, number);
        if number == 31 {
            wanted.clone_from(&ids[ids.len() / 2]);
            lines = memchr::memmem::find_iter(&text, &wanted).count();
        }
        fs::write(&path, text).unwrap();
        let target = packed_name(&path, Kind::Zstd);
        let method = Method::new(Kind::Zstd, None).unwrap();
        let job = Job {
            source: &path,
            target: &target,
            method,
            generation: number,
            first_sequence: None,
            keys: &keys,
            names: None,
        };
        let Outcome::Packed(packed) = pack(&job, &mut go_on).unwrap() else { panic!() };
        let index = directory.path().join(format!("{number}.idx"));
        fs::write(&index, packed.index).unwrap();
        targets.push(target);
        indices.push(index);
    }
    let query = Query { trace: Some(&wanted), ..Query::default() };
    let search = |index: &Index, target: &Path| {
        let found = index.find(&query);
        if found.is_empty() {
            return 0;
        }
        let mut archive = Archive::open(target, Some(index)).unwrap();
        let mut part = Vec::new();
        let count = |number: &usize| {
            archive.read_part(*number, &mut part).unwrap();
            memchr::memmem::find_iter(&part, &wanted).count()
        };
        found.iter().map(count).sum::<usize>()
    };
    let (cold, _, found) = timed(|| {
        let read = |path: &Path| Index::read(&fs::read(path).unwrap()).unwrap();
        indices.iter().zip(&targets).map(|(index, target)| search(&read(index), target)).sum::<usize>()
    });
    assert_eq!(found, lines);
    let read: Vec<Index> = indices.iter().map(|path| Index::read(&fs::read(path).unwrap()).unwrap()).collect();
    let (warm, _, found) =
        timed(|| read.iter().zip(&targets).map(|(index, target)| search(index, target)).sum::<usize>());
    assert_eq!(found, lines);
    println!("a trace of {lines} lines in {FILES} files of 10 MB: {cold:?} with indices to read, {warm:?} without");
    for program in [&["rg", "-z", "-j1", "-c", "-F"][..], &["zstdgrep", "-c", "-F"]] {
        let mut command = Command::new(program[0]);
        command.args(&program[1..]);
        command.arg(&wanted).args(&targets);
        let started = (cpu(), Instant::now());
        let Ok(output) = command.stdin(Stdio::null()).output() else { continue };
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let shown: usize = text.lines().filter_map(|line| line.rsplit(':').next()?.trim().parse::<usize>().ok()).sum();
        println!("{}: {:?} ({:?} by the clock), {shown} lines", program[0], cpu() - started.0, started.1.elapsed());
    }
}
