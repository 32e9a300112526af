//! The sum over a record, at sizes of a short one, the guide's, and one of the largest slots.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput};
use unified_logger_core::checksum;

pub fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("checksum");
    for size in [64, 200, 4_096, 65_536] {
        let bytes = vec![7; size];
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter(|| checksum::of(black_box(&bytes)));
        });
    }
    group.finish();
}
