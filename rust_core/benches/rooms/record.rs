//! A captured record: written as a call does, and read as the writer and the recovery do.

use std::hint::black_box;

use criterion::Criterion;
use unified_logger_core::record::Record;

use crate::guide::{Guide, read};

pub fn bench(criterion: &mut Criterion) {
    let guide = Guide::new();
    let mut out = Vec::with_capacity(4_096);
    criterion.bench_function("record/write", |bencher| {
        bencher.iter(|| {
            out.clear();
            black_box(&guide).put(&mut out);
        });
    });
    let bytes = guide.bytes();
    criterion.bench_function("record/read", |bencher| bencher.iter(|| read(black_box(&bytes))));
    criterion.bench_function("record/read_checked", |bencher| {
        bencher.iter(|| Record::read_checked(black_box(&bytes), |_| Some((5, false))).expect("it is whole"));
    });
}
