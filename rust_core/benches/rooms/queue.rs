//! Records through the queue, a batch each time: captured, offered, taken and given back; with the sum that a black box wants,
//! and without.

use std::sync::Arc;

use std::time::Duration;

use criterion::{Criterion, Throughput};
use unified_logger_core::queue::{Offered, Queue};
use unified_logger_core::queue::{Overflow, Settings};
use unified_logger_core::slab::{self, Buffer};

use crate::guide::Guide;

const BATCH: usize = 1_024;

pub fn bench(criterion: &mut Criterion) {
    let guide = Guide::new();
    let mut group = criterion.benchmark_group("queue");
    group.throughput(Throughput::Elements(BATCH as u64));
    let mut batch = Vec::with_capacity(BATCH);
    let settings = Settings {
        size: 10 * BATCH as u32,
        bytes: 1 << 20,
        overflow: Overflow::Block,
        overflow_timeout: Duration::ZERO,
    };
    for (name, protected) in [("offer and take", false), ("offer and take, protected", true)] {
        let queue = Queue::new(settings, Arc::default(), protected);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                for _ in 0..BATCH {
                    let mut record = Buffer::alloc();
                    guide.put(&mut record);
                    assert!(matches!(queue.offer(record), Offered::Taken));
                }
                queue.drain(&mut batch, BATCH);
                queue.depart(batch.len());
                slab::give_back(&mut batch);
            });
        });
    }
    group.finish();
}
