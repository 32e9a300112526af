//! Writing to a standard stream without waiting for its reader.

use std::cell::Cell;
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::fs::FileTypeExt;
use std::time::Duration;

use super::streams::{is_writable, pieces};
use crate::platform::Standard;

impl Standard {
    /// Finds out what the stream leads to now, to write to it without waiting.
    ///
    /// # Errors
    /// When the stream is closed, or the number is no standard stream.
    pub fn open(self) -> io::Result<OpenStream> {
        let kind = self.found()?.file_type();
        let number = self.number();
        let kind = if kind.is_fifo() {
            Kind::Pipe
        } else if kind.is_socket() {
            Kind::Socket
        } else if kind.is_char_device() && is_terminal(number) {
            Kind::Terminal
        } else {
            Kind::Other
        };
        Ok(OpenStream {
            number,
            kind,
            must_ask: Cell::new(kind == Kind::Terminal || kind == Kind::Pipe && !cfg!(target_os = "linux")),
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Pipe,
    Socket,
    Terminal,
    /// A file or a device, which takes everything.
    Other,
}

/// A standard stream, written to without waiting.
#[derive(Debug)]
pub struct OpenStream {
    number: i32,
    kind: Kind,
    /// Whether the system must be asked if the stream is ready, because it cannot write without waiting.
    must_ask: Cell<bool>,
}

impl OpenStream {
    /// The most bytes of one write, unless a line is longer: as in `most_at_once`, and what a terminal that is ready may take.
    #[must_use]
    pub const fn most(&self) -> usize {
        match self.kind {
            Kind::Pipe | Kind::Socket => libc::PIPE_BUF,
            Kind::Terminal => 512,
            Kind::Other => 1 << 20,
        }
    }

    /// What is to be written first of some lines: as many whole lines as may be written at once, or a part of a longer line.
    #[must_use]
    pub fn piece<'a>(&self, lines: &'a [u8]) -> &'a [u8] {
        let piece = pieces(lines, self.most()).next().unwrap_or_default();
        &piece[..piece.len().min(self.most())]
    }

    /// Writes a piece, or what the stream takes of it now. 0 if it takes nothing.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn write(&self, piece: &[u8]) -> io::Result<usize> {
        loop {
            if self.must_ask.get() && !is_writable(self.number, Duration::ZERO) {
                return Ok(0);
            }
            let written = match self.kind {
                Kind::Pipe if !self.must_ask.get() => write_without_waiting(self.number, piece),
                Kind::Socket => send_without_waiting(self.number, piece),
                // SAFETY: the slice is valid for reads of its length.
                _ => unsafe { libc::write(self.number, piece.as_ptr().cast(), piece.len()) },
            };
            if written >= 0 {
                return Ok(written.unsigned_abs());
            }
            let error = io::Error::last_os_error();
            match error.raw_os_error() {
                Some(libc::EINTR) => {}
                Some(libc::EAGAIN) => return Ok(0),
                // This kind of pipe, this system or its guards have no such write.
                Some(libc::EOPNOTSUPP | libc::ENOSYS | libc::EINVAL | libc::EPERM)
                    if self.kind == Kind::Pipe && !self.must_ask.replace(true) => {}
                _ => return Err(error),
            }
        }
    }

    /// Whether the stream takes something (or fails at once), waiting for it.
    #[must_use]
    pub fn is_ready(&self, patience: Duration) -> bool {
        !patience.is_zero() && is_writable(self.number, patience.max(Duration::from_millis(1)))
    }
}

/// A write that fails with EAGAIN where it would wait, though the pipe has others wait. Called by its number: older C libraries have no name
/// for it.
#[cfg(target_os = "linux")]
fn write_without_waiting(number: i32, piece: &[u8]) -> isize {
    let part = libc::iovec { iov_base: piece.as_ptr().cast_mut().cast(), iov_len: piece.len() };
    // SAFETY: one part, valid for reads of its length, which is not written to. Both halves of the position say "where it is".
    let written = unsafe {
        libc::syscall(
            libc::SYS_pwritev2,
            libc::c_long::from(number),
            &raw const part,
            1 as libc::c_long,
            -1 as libc::c_long,
            -1 as libc::c_long,
            libc::c_long::from(libc::RWF_NOWAIT),
        )
    };
    isize::try_from(written).unwrap_or(-1)
}

#[cfg(not(target_os = "linux"))]
fn write_without_waiting(_number: i32, _piece: &[u8]) -> isize {
    unreachable!("the system is asked first")
}

fn send_without_waiting(number: i32, piece: &[u8]) -> isize {
    // SAFETY: the slice is valid for reads of its length.
    unsafe { libc::send(number, piece.as_ptr().cast(), piece.len(), libc::MSG_DONTWAIT) }
}

fn is_terminal(number: i32) -> bool {
    // SAFETY: asks about a number; one that is none is refused.
    unsafe { libc::isatty(number) == 1 }
}

/// Whether an error means that there is no room at the moment, as on a full disk. Others stay.
#[must_use]
pub fn is_want_of_room(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOSPC | libc::EDQUOT | libc::ENOMEM | libc::ENOBUFS))
}

/// Does work that may write to a pipe that nobody reads. The signal for that, which could end the process, does not reach this thread.
pub fn without_sigpipe<R>(work: impl FnOnce() -> R) -> R {
    /// Takes back the signal, and lets later ones through. None was on its way before, because this thread did not hold it back.
    struct LetThrough(libc::sigset_t);
    impl Drop for LetThrough {
        fn drop(&mut self) {
            let mut taken = 0;
            // SAFETY: the set of the signal alone, and a number that the call fills.
            unsafe {
                if is_pending() {
                    libc::sigwait(&raw const self.0, &raw mut taken);
                }
                libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const self.0, std::ptr::null_mut());
            }
        }
    }
    fn is_pending() -> bool {
        let mut pending = MaybeUninit::uninit();
        // SAFETY: filled by the call before it is read.
        unsafe {
            libc::sigpending(pending.as_mut_ptr()) == 0 && libc::sigismember(pending.as_ptr(), libc::SIGPIPE) == 1
        }
    }
    let (mut set, mut before) = (MaybeUninit::uninit(), MaybeUninit::uninit());
    // SAFETY: the first set is filled before it is read; the second is filled where the call succeeds.
    let let_through = unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), libc::SIGPIPE);
        let is_blocked_here = libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), before.as_mut_ptr()) == 0
            && libc::sigismember(before.as_ptr(), libc::SIGPIPE) == 0;
        is_blocked_here.then(|| LetThrough(set.assume_init()))
    };
    let result = work();
    drop(let_through);
    result
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read;
    use std::os::fd::{AsRawFd, FromRawFd};

    use super::*;

    fn pipe() -> (File, File) {
        let mut ends = [0; 2];
        // SAFETY: room for two numbers, which are this test's from then on.
        unsafe {
            assert_eq!(libc::pipe(ends.as_mut_ptr()), 0);
            (File::from_raw_fd(ends[0]), File::from_raw_fd(ends[1]))
        }
    }

    fn open(file: &File, kind: Kind, must_ask: bool) -> OpenStream {
        OpenStream { number: file.as_raw_fd(), kind, must_ask: Cell::new(must_ask) }
    }

    /// Writes until nothing more is taken. Returns how many bytes that were.
    fn fill(stream: &OpenStream) -> usize {
        let piece = [b'x'; 4_096];
        std::iter::from_fn(|| Some(stream.write(&piece).unwrap()).filter(|written| *written > 0)).sum()
    }

    #[test]
    fn a_full_pipe_takes_nothing_and_nobody_waits() {
        for must_ask in [false, true] {
            let (mut reading, writing) = pipe();
            let stream = open(&writing, Kind::Pipe, must_ask);
            let full = fill(&stream);
            assert!(full >= 4_096);
            assert!(!stream.is_ready(Duration::ZERO) && !stream.is_ready(Duration::from_millis(1)));
            reading.read_exact(&mut vec![0; full]).unwrap();
            assert!(stream.is_ready(Duration::from_secs(60)));
            assert_eq!(fill(&stream), full);
        }
    }

    #[test]
    fn a_full_socket_takes_nothing_and_nobody_waits() {
        let (mut reading, writing) = std::os::unix::net::UnixStream::pair().unwrap();
        let stream = OpenStream { number: writing.as_raw_fd(), kind: Kind::Socket, must_ask: Cell::new(false) };
        let full = fill(&stream);
        reading.read_exact(&mut vec![0; full]).unwrap();
        assert!(stream.is_ready(Duration::from_secs(60)));
        assert!(fill(&stream) > 0);
    }

    #[test]
    fn a_pipe_that_nobody_reads_is_broken_and_sends_no_signal() {
        let (reading, writing) = pipe();
        drop(reading);
        let stream = open(&writing, Kind::Pipe, false);
        // SAFETY: the action is put back; other tests of this process write to no such pipe.
        let before = unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
        let error = without_sigpipe(|| stream.write(b"line\n").unwrap_err());
        // SAFETY: as above.
        unsafe { libc::signal(libc::SIGPIPE, before) };
        assert_eq!(error.raw_os_error(), Some(libc::EPIPE));
        assert!(!is_want_of_room(&error));
    }

    #[test]
    fn pieces_are_whole_lines_or_a_part_of_a_longer_line() {
        let (_reading, writing) = pipe();
        let stream = open(&writing, Kind::Pipe, false);
        let mut lines = vec![b'x'; 3_000];
        lines.push(b'\n');
        lines.extend(vec![b'y'; 10_000]);
        lines.push(b'\n');
        assert_eq!(stream.piece(&lines).len(), 3_001);
        assert_eq!(stream.piece(&lines[3_001..]).len(), 4_096);
        assert_eq!(stream.piece(&lines[3_001 + 8_192..]).len(), 10_001 - 8_192);
    }
}
