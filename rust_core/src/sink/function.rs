//! Functions of the program that get lines. The engine knows each by the name of its output. A thread of the program asks for the lines and
//! calls the function, so nothing here knows what a function is.

use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::{Batch, Target};
use crate::additions::Additions;
use crate::forks;

/// The beginning of the names of threads that call functions. What they log goes to no function, which might have no end.
pub const THREADS: &str = "unified_sink";

thread_local! {
    /// Whether this thread calls functions, by the number of forks when it began. A child that is forked inside a function does not.
    static CALLS: Cell<Option<u32>> = const { Cell::new(None) };
}

/// To be called by a thread that calls functions: it never waits for them.
pub fn begin_to_call() {
    CALLS.set(Some(forks::count()));
}

/// One function, as a sink behind a thread sees it.
#[derive(Clone, Debug)]
pub struct Function(String);

/// Records on their way to a function. The sink goes on when this is dropped: what the function has not had by then is lost.
#[derive(Debug)]
pub struct Handed {
    /// None for a call that only wakes the thread.
    batch: Option<Arc<Batch>>,
    /// How many records were given out.
    given: usize,
    /// A child that was forked inside the function leaves the records to its parent.
    forks: u32,
    _done: Option<Sender<()>>,
}

impl Handed {
    /// The lines of the next record, newlines included. The function has returned from the call with the one before.
    pub fn next_record(&mut self) -> Option<&[u8]> {
        let batch = self.batch.as_ref().filter(|_| self.forks == forks::count())?;
        if self.given > 0 && self.given <= batch.records().count() {
            batch.count_written();
        }
        self.given += 1;
        batch.records().of(self.given - 1)
    }
}

impl Drop for Handed {
    fn drop(&mut self) {
        if let Some(batch) = self.batch.take()
            && self.forks == forks::count()
        {
            batch.count_dropped();
        }
    }
}

/// The way from a sink to the thread that calls the function. There is one for each name and process: a fork may come while it is in use.
#[derive(Debug)]
struct Way {
    name: String,
    forks: u32,
    sender: Sender<Handed>,
    receiver: Receiver<Handed>,
}

static WAYS: Additions<Way> = Additions::new();

fn way(name: &str) -> &'static Way {
    let forks = forks::count();
    WAYS.find_or_add(
        |way| way.forks == forks && way.name == name,
        || {
            let (sender, receiver) = bounded(1);
            Way { name: name.to_owned(), forks, sender, receiver }
        },
    )
}

impl Function {
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self(name.to_owned())
    }
}

impl Target for Function {
    const THREAD: &'static str = "unified_handing";
    /// Python takes longer than a terminal, and a batch may be a single line.
    const BATCHES: usize = 8_192;
    const BYTES: u64 = 16 << 20;

    /// Waits until the function has returned.
    fn write(&mut self, batch: &Arc<Batch>) -> io::Result<()> {
        let (done, returned) = bounded(1);
        let handed = Handed { batch: Some(Arc::clone(batch)), given: 0, forks: forks::count(), _done: Some(done) };
        way(&self.0).sender.send(handed).map_err(|_| io::ErrorKind::BrokenPipe)?;
        // Nothing is ever sent: the other end goes.
        let _ = returned.recv();
        Ok(())
    }

    fn complaint(&self) -> Option<String> {
        None
    }

    fn is_waiting_for_this_thread() -> bool {
        CALLS.get() == Some(forks::count())
    }
}

/// Waits for lines for the function of this name. `None` when there are none within `timeout`.
#[must_use]
pub fn next(name: &str, timeout: Duration) -> Option<Handed> {
    way(name).receiver.recv_timeout(timeout).ok()
}

/// Lets `next` return at once.
pub fn wake(name: &str) {
    // Where there are lines, it does so anyway.
    let _ = way(name).sender.try_send(Handed { batch: None, given: 0, forks: forks::count(), _done: None });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoder::Whose;
    use crate::sink::{Behind, Held, Origin, Sink};
    use crate::stats::{NamedCounts, StreamStats, Words};
    use std::time::Instant;

    fn of(position: u64) -> Origin {
        Origin { position, time: 0, whose: Whose::Application }
    }

    fn handed(name: &str) -> Handed {
        next(name, Duration::from_secs(10)).unwrap()
    }

    fn sink(name: &str) -> (Behind<Function>, Arc<StreamStats>) {
        let stats = Arc::new(StreamStats::at(Words::apart(), name));
        (Behind::new(Function::named(name), Arc::clone(&stats)), stats)
    }

    #[test]
    fn each_record_is_given_with_all_its_lines_and_counted_when_the_function_has_returned() {
        let (mut sink, stats) = sink("one");
        sink.push(b"a\nb\n", of(1));
        sink.push(b"c\n", of(2));
        sink.write(Instant::now(), Held::Yes).unwrap();
        let counts = || (stats.written.get(), stats.dropped.get(), stats.waiting.get());
        let mut handed = handed("one");
        assert_eq!(handed.next_record(), Some(&b"a\nb\n"[..]));
        assert_eq!(counts(), (0, 0, 2));
        assert_eq!(handed.next_record(), Some(&b"c\n"[..]));
        assert_eq!(counts(), (1, 0, 1));
        assert!(!sink.progress().unwrap().wait(Duration::from_millis(1)));
        assert_eq!(handed.next_record(), None);
        assert_eq!(handed.next_record(), None);
        drop(handed);
        assert!(sink.progress().unwrap().wait(Duration::from_secs(10)));
        assert_eq!(counts(), (2, 0, 0));
    }

    #[test]
    fn what_a_function_never_had_is_dropped() {
        let (mut sink, stats) = sink("gone");
        sink.push(b"a\n", of(1));
        sink.push(b"b\n", of(2));
        sink.write(Instant::now(), Held::Yes).unwrap();
        let mut handed = handed("gone");
        handed.next_record();
        drop(handed);
        assert!(sink.progress().unwrap().wait(Duration::from_secs(10)));
        assert_eq!((stats.written.get(), stats.dropped.get()), (0, 2));
    }

    #[test]
    fn a_thread_that_waits_can_be_woken() {
        assert!(next("two", Duration::ZERO).is_none());
        wake("two");
        wake("two");
        assert!(next("two", Duration::from_secs(10)).unwrap().next_record().is_none());
        assert!(next("two", Duration::ZERO).is_none());
    }
}
