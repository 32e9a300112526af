//! A line of 367 bytes with 15 members as each format shows it.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use unified_logger_core::show::{FORMATS, Look, Printer};

const LINE: &str = "{\"timestamp\":\"2026-02-19T10:30:00.123456+00:00\",\"level\":\"INFO\",\"logger\":\"shop.orders\",\"message\":\"order received from the web\",\
    \"module\":\"orders\",\"function\":\"receive\",\"line\":87,\"thread\":\"MainThread\",\"process\":12345,\
    \"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"span_id\":\"00f067aa0ba902b7\",\"order_id\":123456,\
    \"customer\":\"Ann Lee\",\"latency_ms\":234.56,\"endpoint\":\"/orders\"}";

pub fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("show");
    group.throughput(Throughput::Elements(1));
    let mut bench = |name: &str, look: Look| {
        let mut printer = Printer::new(look);
        let mut out = Vec::with_capacity(4_096);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                out.clear();
                printer.put(black_box(LINE.as_bytes()), &mut out);
            });
        });
    };
    for (name, format) in FORMATS {
        bench(name, Look { format, ..Look::default() });
    }
    let columns = Some(200);
    bench("text on a terminal", Look { color: true, is_terminal: true, columns, ..Look::default() });
    group.finish();
}
