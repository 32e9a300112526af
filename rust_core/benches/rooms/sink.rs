//! A batch of lines to a file, under the directory's lock: appended, and rotated now and then.

use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use unified_logger_core::blackbox::Journal;
use unified_logger_core::catalogue::SharedCatalogue;
use unified_logger_core::encoder::{Encoder, JsonEncoder, Process, Whose};
use unified_logger_core::rotation::Rotation;
use unified_logger_core::sink::Fsync;
use unified_logger_core::sink::{DirectoryLock, FileSink, FileTarget, Origin, Sink};
use unified_logger_core::stats::{FileStats, NamedCounts, Words};

use crate::guide::{Guide, read};

const LINES: u64 = 1_024;

pub fn bench(criterion: &mut Criterion) {
    let mut line = Vec::new();
    JsonEncoder::new(&Process::here()).encode(&read(&Guide::new().bytes()), Whose::Application, &mut line);
    let mut group = criterion.benchmark_group("sink");
    group.throughput(Throughput::Bytes(line.len() as u64 * LINES));
    // Without rotation the file would grow for as long as it is measured: the bound is far.
    for (name, max_bytes) in [("append", 256 << 20), ("append and rotate", 1 << 20)] {
        let directory = tempfile::tempdir().expect("there is room for a directory");
        let mut lock = DirectoryLock::open(directory.path(), 0o640).expect("a lock file can be made");
        let mut sink = FileSink::open(FileTarget {
            path: directory.path().join("app.log"),
            mode: 0o640,
            directory_mode: 0o750,
            current_link: None,
            rotation: Rotation::by_size(max_bytes, 1),
            fsync: Fsync::Never,
            journal: Journal::Off,
            catalogue: SharedCatalogue::of(directory.path()),
            is_start: false,
            stats: Arc::new(FileStats::at(Words::apart(), "app")),
        })
        .expect("a file can be made");
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                (1..=LINES)
                    .for_each(|position| sink.push(&line, Origin { position, time: 0, whose: Whose::Application }));
                lock.hold(Duration::from_secs(1), |held| sink.write(Instant::now(), held)).expect("it can be written");
            });
        });
    }
    group.finish();
}
