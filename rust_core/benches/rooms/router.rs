//! Which files a record goes to: the guide's, whose logger and call site were seen before, and an error.

use std::hint::black_box;
use std::sync::Arc;

use criterion::Criterion;
use unified_logger_core::level;
use unified_logger_core::names;
use unified_logger_core::router::{AiLoggers, Router, Selector};

use crate::guide::{Guide, read};

pub fn bench(criterion: &mut Criterion) {
    let selectors = vec![
        Selector::from_level(level::DEBUG),
        Selector::from_level(level::ERROR),
        Selector { ai: Some(true), ..Selector::from_level(level::DEBUG) },
    ];
    let mut router = Router::new(Arc::clone(names::here()), selectors, AiLoggers::default());
    for (name, guide) in [("router/info", Guide::new()), ("router/error", Guide::new().at_level(level::ERROR))] {
        let bytes = guide.bytes();
        let record = read(&bytes);
        criterion.bench_function(name, |bencher| bencher.iter(|| router.route(black_box(&record))));
    }
}
