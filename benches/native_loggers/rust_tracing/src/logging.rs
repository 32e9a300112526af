//! tracing as it is set up for JSON in files: formatted by the caller, written by a thread of tracing-appender.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use tracing::span::EnteredSpan;
use tracing::{Level, debug, info, info_span};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};

/// The file, with a count of the lines in it: tracing-appender cannot be asked whether it has written everything.
///
/// With a buffer, which the files of tracing-appender itself have not: it makes it faster.
struct Counted {
    file: BufWriter<File>,
    taken: u64,
    written: Arc<AtomicU64>,
}

impl Write for Counted {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.file.write_all(line)?;
        self.taken += 1;
        Ok(line.len())
    }

    /// Called whenever the queue is empty.
    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()?;
        // Release: whoever sees the count sees the lines.
        self.written.store(self.taken, Ordering::Release);
        Ok(())
    }
}

/// Logging that was started.
pub struct Logging {
    written: Arc<AtomicU64>,
    _guard: WorkerGuard,
}

impl Logging {
    /// Logs to `app.log` in `folder`, losing nothing: a caller waits where the queue is full.
    pub fn start(folder: &Path) -> io::Result<Self> {
        let written = Arc::new(AtomicU64::new(0));
        let file = BufWriter::with_capacity(64 << 10, File::create(folder.join("app.log"))?);
        let counted = Counted { file, taken: 0, written: Arc::clone(&written) };
        let (writer, guard) = NonBlockingBuilder::default().lossy(false).finish(counted);
        tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .with_file(true)
            .with_line_number(true)
            .with_thread_names(true)
            .with_max_level(Level::INFO)
            .with_writer(writer)
            .init();
        Ok(Self { written, _guard: guard })
    }

    /// Waits until so many lines are in the file.
    pub fn wait(&self, lines: u64) {
        while self.written.load(Ordering::Acquire) < lines {
            thread::sleep(Duration::from_micros(20));
        }
    }
}

/// What surrounds the calls of a thread: the span that a request has, which gives function, trace and process.
pub fn context() -> EnteredSpan {
    info_span!("handle_request", trace_id = "abc-123-xyz", span_id = "def-456", process = std::process::id()).entered()
}

/// So many calls.
pub fn calls(count: u64) {
    for _ in 0..count {
        info!(
            target: "wechat_backend.api",
            endpoint = "/api/ai/chat",
            method = "POST",
            user_id = "user_001",
            latency_ms = 234,
            status_code = 200,
            "API 请求处理"
        );
    }
}

/// So many calls below the level.
pub fn disabled(count: u64) {
    for _ in 0..count {
        debug!(
            target: "wechat_backend.api",
            endpoint = "/api/ai/chat",
            method = "POST",
            user_id = "user_001",
            latency_ms = 234,
            status_code = 200,
            "API 请求处理"
        );
    }
}
