//! A record to its line: JSON, JSON with a field that follows the request, with fields of the process and in the shape of each preset, and the
//! console's text.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use unified_logger_core::encoder::{
    Encoder, Fields, Format, JsonEncoder, Process, Text, TextEncoder, Whose, preset_names,
};
use unified_logger_core::record::Record;

use crate::guide::{Guide, read};

pub fn bench(criterion: &mut Criterion) {
    let (plain, mixed) = (Guide::new().bytes(), Guide::new().with_context_field().bytes());
    let mut json = JsonEncoder::new(&Process::here());
    bench_one(criterion, "json", &plain, |record, out| json.encode(record, Whose::Application, out));
    bench_one(criterion, "json, context field", &mixed, |record, out| json.encode(record, Whose::Application, out));
    let fields = [("service", "orders"), ("version", "1.2"), ("env", "prod")];
    let fields = Fields(fields.map(|(name, value)| (name.to_owned(), value.into())).to_vec());
    let process = Process::here().with_fields(&fields);
    let mut json = JsonEncoder::new(&process);
    bench_one(criterion, "json, process fields", &plain, |record, out| json.encode(record, Whose::Application, out));
    for preset in preset_names() {
        let format: Format =
            serde_json::from_value(serde_json::json!({"name": "json", "preset": preset})).expect("listed");
        let mut encoder = format.encoder(&process);
        bench_one(criterion, preset, &plain, |record, out| encoder.encode(record, Whose::Application, out));
    }
    let mut text = TextEncoder::new(&Process::here(), &Text { color: true, ..Text::PLAIN });
    bench_one(criterion, "console", &plain, |record, out| text.encode(record, Whose::Application, out));
}

fn bench_one(criterion: &mut Criterion, name: &str, bytes: &[u8], mut encode: impl FnMut(&Record<'_>, &mut Vec<u8>)) {
    let record = read(bytes);
    let mut out = Vec::with_capacity(4_096);
    encode(&record, &mut out);
    let mut group = criterion.benchmark_group("encoder");
    group.throughput(Throughput::Bytes(out.len() as u64));
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            out.clear();
            encode(black_box(&record), &mut out);
        });
    });
    group.finish();
}
