//! The box of a process that died with a thousand records: read, and written into the log.

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput};
use unified_logger_core::blackbox;
use unified_logger_core::config::Settings;
use unified_logger_core::engine::Engine;
use unified_logger_core::queue::Offered;
use unified_logger_core::queue::{self, Overflow};
use unified_logger_core::recovery;
use unified_logger_core::slab::Buffer;

use crate::guide::Guide;

const RECORDS: u32 = 1_000;

pub fn bench(criterion: &mut Criterion) {
    let bytes = left_behind();
    let mut group = criterion.benchmark_group("recovery");
    group.throughput(Throughput::Elements(u64::from(RECORDS)));
    group.bench_function("read a box", |bencher| {
        bencher.iter(|| {
            let contents = blackbox::read(black_box(&bytes)).expect("a box is read");
            assert_eq!(contents.records.len(), RECORDS as usize);
            contents
        });
    });
    group.bench_function("recover a box", |bencher| {
        // The directory is removed after the measured part.
        bencher.iter_batched(
            || {
                let directory = tempfile::tempdir().expect("there is room for a directory");
                let boxes = directory.path().join(".unified_logger");
                fs::create_dir(&boxes).expect("a directory can be made");
                fs::write(boxes.join("1-dead.box"), &bytes).expect("a file can be written");
                directory
            },
            |directory| {
                let recovered =
                    recovery::sweep(&unified_logger_core::blackbox::Home::Directory(directory.path().to_owned()))
                        .expect("nobody else is at it");
                assert_eq!(recovered.records, u64::from(RECORDS));
                directory
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

/// The box of an engine that never wrote.
fn left_behind() -> Vec<u8> {
    let directory = tempfile::tempdir().expect("there is room for a directory");
    let engine = Engine::open(settings(directory.path()), Arc::default()).expect("an engine opens");
    let guide = Guide::new();
    for _ in 0..RECORDS {
        let mut record = Buffer::alloc();
        guide.put(&mut record);
        assert!(matches!(engine.offer(record), Offered::Taken));
    }
    let boxes = fs::read_dir(directory.path().join(".unified_logger")).expect("the boxes have a directory");
    let paths: Vec<_> = boxes.map(|entry| entry.expect("it can be listed").path()).collect();
    let [path] = &paths[..] else { panic!("there is one box: {paths:?}") };
    fs::read(path).expect("a box can be read")
}

fn settings(directory: &Path) -> Settings {
    let mut settings = Settings::of_test(directory);
    settings.output.to.outputs.truncate(1);
    settings.queue = queue::Settings {
        size: 2 * RECORDS,
        overflow: Overflow::DropNew,
        overflow_timeout: Duration::ZERO,
        ..settings.queue
    };
    settings.black_box.bytes = 4 << 20;
    settings
}
