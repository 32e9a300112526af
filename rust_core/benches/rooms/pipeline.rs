//! Batches from the queue into the three files: routed, encoded once, written under the directory's lock. The way of every record behind the
//! queue, with nobody beside it.

use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput};
use unified_logger_core::config::Settings;
use unified_logger_core::error_handler::ErrorHandler;
use unified_logger_core::level;
use unified_logger_core::pipeline::{Batch, Pipeline};
use unified_logger_core::queue::{Offered, Queue};
use unified_logger_core::slab::Buffer;
use unified_logger_core::stats::Stats;

use crate::guide::Guide;

const RECORDS: u32 = 1_024;

pub fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pipeline");
    group.throughput(Throughput::Elements(u64::from(RECORDS)));
    for (name, guide) in [("a batch", Guide::new()), ("a batch of errors", Guide::new().at_level(level::ERROR))] {
        let directory = tempfile::tempdir().expect("there is room for a directory");
        let mut settings = Settings::of_test(directory.path());
        settings.queue.size = 2 * RECORDS;
        let stats = Arc::<Stats>::default();
        let errors = Arc::new(ErrorHandler::new(Arc::clone(&stats)));
        let queue = Queue::new(settings.queue, Arc::clone(&stats), false);
        let mut pipeline = Pipeline::open(&settings.output, None, &stats, &errors).expect("files can be made");
        let mut batch = Batch::default();
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || {
                    for _ in 0..RECORDS {
                        let mut record = Buffer::alloc();
                        guide.put(&mut record);
                        assert!(matches!(queue.offer(record), Offered::Taken));
                    }
                    // What was measured before need not be kept.
                    let app = directory.path().join("app.log");
                    if app.metadata().is_ok_and(|meta| meta.len() > 256 << 20) {
                        let _ = std::fs::remove_file(app);
                    }
                },
                |()| {
                    assert_eq!(pipeline.drain(&queue, &mut batch), RECORDS as usize);
                    pipeline.deliver(&mut batch);
                    assert!(pipeline.commit());
                    let count = pipeline.release(&mut batch);
                    queue.depart(count);
                },
                BatchSize::PerIteration,
            );
        });
        assert_eq!(stats.failed.get(), 0);
    }
    group.finish();
}
