//! Functions of the program that get lines. The engine knows each by the name of its output. A thread of the program asks for the lines and
//! calls the function, so nothing here knows what a function is.

use std::io;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::Target;
use crate::additions::Additions;
use crate::forks;

/// The beginning of the names of threads that call functions. What they log goes to no function, which might have no end.
pub const THREADS: &str = "unified_sink";

/// One function, as a sink behind a thread sees it.
#[derive(Clone, Debug)]
pub struct Function(String);

/// Lines on their way to a function. Whoever has them drops this when the function has returned.
#[derive(Debug)]
pub struct Handed {
    /// Whole lines, newlines included. None for a call that only wakes the thread.
    pub lines: Vec<u8>,
    _done: Option<Sender<()>>,
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
    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        let (done, returned) = bounded(1);
        let handed = Handed { lines: lines.to_vec(), _done: Some(done) };
        way(&self.0).sender.send(handed).map_err(|_| io::ErrorKind::BrokenPipe)?;
        // Nothing is ever sent: the other end goes.
        let _ = returned.recv();
        Ok(())
    }

    fn complaint(&self) -> Option<String> {
        None
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
    let _ = way(name).sender.try_send(Handed { lines: Vec::new(), _done: None });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn lines_are_written_when_the_function_has_returned() {
        let mut target = Function::named("one");
        let writing = thread::spawn(move || target.write(b"a\nb\n"));
        let handed = next("one", Duration::from_secs(10)).unwrap();
        assert_eq!(handed.lines, b"a\nb\n");
        assert!(!writing.is_finished());
        drop(handed);
        writing.join().unwrap().unwrap();
    }

    #[test]
    fn a_thread_that_waits_can_be_woken() {
        assert!(next("two", Duration::ZERO).is_none());
        wake("two");
        wake("two");
        assert!(next("two", Duration::from_secs(10)).unwrap().lines.is_empty());
        assert!(next("two", Duration::ZERO).is_none());
    }
}
