//! Rotated files: indexing lines, packing with all its steps, reading a part, and asking an index for a trace.

use std::fs;
use std::hint::black_box;
use std::ops::ControlFlow;
use std::path::Path;

use criterion::{BatchSize, Criterion, Throughput};
use unified_logger_core::archive::{
    Archive, Builder, Index, Job, Keys, Kind, Method, Outcome, PART, Packed, Query, pack, packed_name,
};

#[path = "../../src/archive/sample.rs"]
#[allow(dead_code)]
mod sample;

/// Of a packed file: some parts.
const LENGTH: usize = 4 * PART;

pub fn bench(criterion: &mut Criterion) {
    let (text, ids) = sample::lines(LENGTH, 1);
    let keys = Keys::default();
    let mut group = criterion.benchmark_group("archive");

    let end = memchr::memrchr(b'\n', &text[..PART]).map_or(PART, |at| at + 1);
    group.throughput(Throughput::Bytes(end as u64));
    group.bench_function("index", |bencher| {
        let builder = || Builder::new(Kind::Plain, 1, None, &keys);
        bencher.iter_batched_ref(
            builder,
            |builder| builder.add(black_box(&text[..end]), 0, 0),
            BatchSize::PerIteration,
        );
    });

    let directory = tempfile::tempdir().expect("there is room for a directory");
    let source = directory.path().join("app.log.1");
    for kind in [Kind::Zstd, Kind::Gzip] {
        let name = format!("{kind:?}");
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.sample_size(10);
        group.bench_function(format!("pack {name}"), |bencher| {
            bencher.iter_batched(
                || write(&source, kind, &text),
                |()| pack_file(&source, kind, &keys),
                BatchSize::PerIteration,
            );
        });
        write(&source, kind, &text);
        let packed = pack_file(&source, kind, &keys);
        let index = Index::read(&packed.index).expect("it was just made");
        let mut archive = Archive::open(&packed_name(&source, kind), Some(&index)).expect("it was just made");
        let mut part = Vec::new();
        group.throughput(Throughput::Bytes(index.parts()[1].extent.length.into()));
        group.bench_function(format!("read a part of {name}"), |bencher| {
            bencher.iter(|| archive.read_part(black_box(1), &mut part).expect("it is whole"));
        });
        if kind == Kind::Zstd {
            group.throughput(Throughput::Elements(1));
            group.bench_function("read an index", |bencher| bencher.iter(|| Index::read(black_box(&packed.index))));
            group.bench_function("find a trace", |bencher| {
                let query = Query { trace: Some(&ids[7]), ..Query::default() };
                bencher.iter(|| index.find(black_box(&query)));
            });
        }
    }
    group.finish();
}

fn write(source: &Path, kind: Kind, text: &[u8]) {
    let _ = fs::remove_file(packed_name(source, kind));
    fs::write(source, text).expect("there is room for a file");
}

fn pack_file(source: &Path, kind: Kind, keys: &Keys) -> Packed {
    let target = packed_name(source, kind);
    let method = Method::new(kind, None).expect("each has a default");
    let job = Job { source, target: &target, method, generation: 1, first_sequence: None, keys, names: None };
    match pack(&job, &mut |_| ControlFlow::Continue(())) {
        Ok(Outcome::Packed(packed)) => packed,
        other => panic!("{other:?}"),
    }
}
