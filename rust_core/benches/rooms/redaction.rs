//! What redaction adds to a record on the writer's side: the guide's record, which has nothing to redact, and one that has.

use std::hint::black_box;
use std::sync::Arc;

use criterion::Criterion;
use unified_logger_core::encoder::{Encoder, JsonEncoder, Process, Whose};
use unified_logger_core::names;
use unified_logger_core::record::{Builder, Record};
use unified_logger_core::redaction::{Redactor, Rules, Spec, pattern_names};
use unified_logger_core::value::Value;

use crate::guide::{Guide, read};

pub fn bench(criterion: &mut Criterion) {
    let guide = Guide::new().bytes();
    let mut secret = Vec::new();
    Builder { time: 1, level: 20, logger: "app", function: "f", message: "sent to alice@example.com" }.put(
        &mut secret,
        &[("password", Value::Text("hunter2")), ("card", Value::Text("4111 1111 1111 1111")), ("n", Value::Integer(7))],
    );
    let all = || pattern_names().map(str::to_owned).collect();
    for (rules, spec) in [
        ("off", None),
        ("keys", Some(Spec::default())),
        ("all patterns", Some(Spec { patterns: all(), ..Spec::default() })),
        (
            "an expression more",
            Some(Spec { patterns: all(), custom: vec![("id".into(), r"EMP-\d{6}".into())], ..Spec::default() }),
        ),
    ] {
        let rules_of = spec.map(|spec| Rules::new(spec).expect("rules are whole"));
        for (name, bytes) in [("nothing to redact", &guide), ("secrets", &secret)] {
            let mut redactor = rules_of.clone().map(|rules| Redactor::new(rules, Arc::clone(names::here())));
            let mut json = JsonEncoder::new(&Process::here());
            let mut out = Vec::with_capacity(4_096);
            criterion.bench_function(&format!("redaction/{rules}, {name}"), |bencher| {
                bencher.iter(|| {
                    out.clear();
                    encode(&mut redactor, &mut json, black_box(&read(bytes)), &mut out);
                });
            });
        }
    }
    criterion.bench_function("redaction/compile", |bencher| {
        bencher.iter(|| Rules::new(Spec { patterns: all(), ..Spec::default() }).map(|rules| Arc::strong_count(&rules)));
    });
}

/// As the pipeline does.
fn encode(redactor: &mut Option<Redactor>, json: &mut JsonEncoder, record: &Record<'_>, out: &mut Vec<u8>) {
    match redactor {
        None => json.encode(record, Whose::Application, out),
        Some(redactor) => json.encode(&redactor.redact(record), Whose::Application, out),
    }
}
