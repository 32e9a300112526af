//! Buffers: taken and given back one by one, a batch at once as the writer does, and grown from slot to slot.

use criterion::{Criterion, Throughput};
use unified_logger_core::slab::{self, Buffer};
use unified_logger_core::value::Put;

/// As many as the writer takes at once.
const BATCH: usize = 1_024;

pub fn bench(criterion: &mut Criterion) {
    criterion.bench_function("slab/take and drop", |bencher| bencher.iter(Buffer::alloc));
    let long = [7; 2_000];
    criterion.bench_function("slab/take and grow", |bencher| {
        bencher.iter(|| {
            let mut buffer = Buffer::alloc();
            buffer.put(&long[..200]);
            buffer.put(&long);
            buffer
        });
    });
    let mut group = criterion.benchmark_group("slab");
    group.throughput(Throughput::Elements(BATCH as u64));
    let mut batch = Vec::with_capacity(BATCH);
    group.bench_function("take and give back a batch", |bencher| {
        bencher.iter(|| {
            batch.extend((0..BATCH).map(|_| Buffer::alloc()));
            slab::give_back(&mut batch);
        });
    });
    group.finish();
}
