//! Which files a record goes to: the guide's, whose logger and call site were seen before, and an error.

use std::hint::black_box;
use std::sync::Arc;

use criterion::Criterion;
use unified_logger_core::level;
use unified_logger_core::names;
use unified_logger_core::outputs::{AiLoggers, FileKind, FileSettings};
use unified_logger_core::router::Router;

use crate::guide::{Guide, read};

pub fn bench(criterion: &mut Criterion) {
    let file = |kind, name: &str, level| FileSettings { kind, name: name.into(), level, max_bytes: 0, backup_count: 0 };
    let files = [
        file(FileKind::App, "app.log", level::DEBUG),
        file(FileKind::Errors, "errors.log", level::ERROR),
        file(FileKind::Ai, "ai_responses.log", level::DEBUG),
    ];
    let mut router = Router::new(Arc::clone(names::here()), &files, None, AiLoggers::default());
    for (name, guide) in [("router/info", Guide::new()), ("router/error", Guide::new().at_level(level::ERROR))] {
        let bytes = guide.bytes();
        let record = read(&bytes);
        criterion.bench_function(name, |bencher| bencher.iter(|| router.route(black_box(&record))));
    }
}
