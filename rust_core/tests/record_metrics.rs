//! Metrics that records make, of processes that died: each record is counted once, whether its writer had come to it or not.
#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use unified_logger_core::blackbox::Home;
use unified_logger_core::config::Settings;
use unified_logger_core::engine::Engine;
use unified_logger_core::level;
use unified_logger_core::metrics::{self, Format};
use unified_logger_core::queue::Offered;
use unified_logger_core::record::Builder;
use unified_logger_core::record_metrics::{Kind, Label, Rule};
use unified_logger_core::recovery;
use unified_logger_core::redaction::{Rules, Spec};
use unified_logger_core::router::Selector;
use unified_logger_core::slab::Buffer;
use unified_logger_core::value::Value;

fn rule(name: &str, kind: Kind, field: Option<&str>, label: Label) -> Rule {
    Rule {
        name: name.into(),
        kind,
        help: String::new(),
        select: Selector::default(),
        field: field.map(str::to_owned),
        scale: 1.0,
        labels: vec![label],
        buckets: if kind == Kind::Histogram { vec![5.0] } else { vec![] },
        bound: 2,
    }
}

fn engine(directory: &Path) -> Engine {
    let label = |field: &str, values: Option<&[&str]>| Label {
        name: "of".into(),
        field: field.into(),
        values: values.map(|values| values.iter().map(|value| (*value).to_owned()).collect()),
        bound: None,
    };
    let mut settings = Settings::of_test(directory);
    settings.output.to.metrics = vec![
        rule("sizes", Kind::Histogram, Some("n"), label("who", None)),
        rule("hits", Kind::Count, None, label("even", Some(&["true", "false"]))),
    ];
    let spec = Spec { patterns: vec!["email".into()], ..Spec::default() };
    settings.output.redaction = Some(Rules::new(spec).unwrap());
    Engine::open(settings, Arc::default()).unwrap()
}

fn offer(engine: &Engine, numbers: std::ops::Range<i64>) {
    for number in numbers {
        let who = ["alice@example.com", "b", "c"][usize::try_from(number % 3).unwrap()];
        let mut record = Buffer::alloc();
        Builder { time: number, level: level::INFO, logger: "l", function: "f", message: "m" }.put(
            &mut record,
            &[("n", Value::Integer(number)), ("who", Value::Text(who)), ("even", Value::Bool(number % 2 == 0))],
        );
        assert!(matches!(engine.offer(record), Offered::Taken));
    }
}

/// The engine dies: its box is left as it is, without an owner.
fn die(engine: Engine, directory: &Path, name: &str) {
    let home = directory.join(".unified_logger");
    let is_box = |path: &Path| path.extension().is_some_and(|end| end == "box");
    let path = fs::read_dir(&home).unwrap().map(|entry| entry.unwrap().path()).find(|path| is_box(path)).unwrap();
    // A copy has another inode, so that the lock of the one that lives does not count.
    fs::copy(&path, home.join(name)).unwrap();
    fs::remove_file(path).unwrap();
    std::mem::forget(engine);
    let recovered = recovery::sweep(&Home::Directory(directory.to_owned())).unwrap();
    assert_eq!((recovered.boxes, recovered.aside), (1, vec![]));
}

fn text(directory: &Path) -> String {
    metrics::write(&metrics::scrape(directory, None), Format::Prometheus)
}

#[test]
fn each_record_of_a_process_that_died_is_counted_once() {
    let directory = tempfile::tempdir().unwrap();
    // Its writer has come to none of its records.
    let first = engine(directory.path());
    offer(&first, 0..9);
    die(first, directory.path(), "1-dead.box");
    let found = text(directory.path());
    for line in [
        "hits_total{of=\"true\"} 5\n",
        "hits_total{of=\"false\"} 4\n",
        "hits_total{of=\"__other__\"} 0\n",
        "sizes_bucket{of=\"b\",le=\"5.0\"} 2\n",
        "sizes_bucket{of=\"b\",le=\"+Inf\"} 3\n",
        "sizes_sum{of=\"b\"} 12\n",
        // There is no room for a third series.
        "sizes_sum{of=\"__other__\"} 15\n",
        "unified_logger_record_metric_records_total{metric=\"hits\"} 9\n",
        "unified_logger_record_metric_records_folded_total{metric=\"sizes\"} 3\n",
    ] {
        assert!(found.contains(line), "{line} in {found}");
    }
    assert!(found.contains("sizes_count{of=\"[REDACTED") && !found.contains("alice"), "{found}");
    // Its writer has come to all of them, and then to no more.
    let second = engine(directory.path());
    second.start().unwrap();
    offer(&second, 0..6);
    assert!(second.request_flush(true).wait(Duration::from_secs(60)).unwrap());
    die(second, directory.path(), "2-dead.box");
    let found = text(directory.path());
    for line in ["hits_total{of=\"true\"} 8\n", "hits_total{of=\"false\"} 7\n", "sizes_sum{of=\"b\"} 17\n"] {
        assert!(found.contains(line), "{line} in {found}");
    }
}
