//! The traceback of an exception with ten frames in one file that can be read.

use std::fs;
use std::hint::black_box;
use std::path::Path;

use criterion::Criterion;
use unified_logger_core::exception::{self, Form, SourceCache, VERSION, link};
use unified_logger_core::value::Put;

const FRAMES: u32 = 10;

pub fn bench(criterion: &mut Criterion) {
    let directory = tempfile::tempdir().expect("there is room for a directory");
    let source = directory.path().join("app.py");
    fs::write(&source, "    result = handle(request)\n".repeat(1_000)).expect("a file can be written");
    let blob = captured(&source);
    let mut sources = SourceCache::default();
    assert_eq!(exception::text(&blob, &mut sources).matches("result = handle").count(), FRAMES as usize);
    criterion.bench_function("exception/text", |bencher| {
        bencher.iter(|| exception::text(black_box(&blob), &mut sources));
    });
    let mut out = Vec::with_capacity(16_384);
    criterion.bench_function("exception/json", |bencher| {
        bencher.iter(|| {
            out.clear();
            exception::write_json(black_box(&blob), None, &mut sources, &mut out);
        });
    });
}

/// As the binding captures it.
fn captured(source: &Path) -> Vec<u8> {
    let mut out = vec![VERSION, Form { folds: true, ..Form::WHOLE }.to_byte()];
    ["ValueError", "builtins", "there is no such order"].iter().for_each(|text| out.put_text(text));
    // No last lines of its own; notes are shown, and there are none; no frame was left out.
    out.put(&[0, 1]);
    [0, 0, FRAMES].iter().for_each(|count| out.put(&count.to_le_bytes()));
    for number in 0..FRAMES {
        out.put_text(source.to_str().expect("the path is a text"));
        out.put_text("handle");
        out.put(&(number * 97 + 1).to_le_bytes());
        // The file has the source. The frame is of the application, its columns are not known, and it stands once.
        out.put(&[0, 1]);
        out.put(&[0; 8]);
        out.put_text("app:handle");
        out.put(&1_u32.to_le_bytes());
        out.put(&0_u32.to_le_bytes());
    }
    out.put(&[link::NONE, link::NONE, 0]);
    out
}
