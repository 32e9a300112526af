//! The standard streams of the process.

use std::fs::{File, Metadata};
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::FromRawFd;
use std::os::unix::fs::FileTypeExt;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::identity_of;
use crate::platform::{Identity, Standard};

/// What a number led to when this library was loaded, and whether that was a standard stream of the process.
type AtLoad = OnceLock<(Option<Identity>, bool)>;

static OUTPUT: AtLoad = AtLoad::new();
static ERROR: AtLoad = AtLoad::new();

impl Standard {
    const fn at_load(self) -> &'static AtLoad {
        match self {
            Self::Output => &OUTPUT,
            Self::Error => &ERROR,
        }
    }

    /// Remembers what the stream's number leads to. `is_known` says that the interpreter found this stream when it
    /// started.
    pub fn remember(self, is_known: bool) {
        let found = self.probe().ok();
        let is_own = is_known && found.as_ref().is_some_and(|_| is_inheritable(self.number()));
        let _ = self.at_load().set((found.map(|meta| identity_of(&meta)), is_own));
    }

    /// What the stream's number leads to, if that is the process's own stream.
    ///
    /// That is the stream from when this library was loaded, or one that `dup2` has put there since, for children to
    /// inherit. A file that was opened while the number was free is a file or a socket of the program.
    pub(super) fn found(self) -> io::Result<Metadata> {
        let meta = self.probe()?;
        let is_own = match self.at_load().get() {
            Some((Some(known), is_own)) if *known == identity_of(&meta) => *is_own,
            _ => is_inheritable(self.number()) && !meta.file_type().is_socket(),
        };
        if is_own { Ok(meta) } else { Err(io::Error::other(format!("number {} is no standard stream", self.number()))) }
    }

    /// Whether the stream's number leads to something that is no standard stream.
    #[must_use]
    pub fn is_taken(self) -> bool {
        self.probe().is_ok() && self.found().is_err()
    }

    fn probe(self) -> io::Result<Metadata> {
        // SAFETY: only probed, and never closed.
        ManuallyDrop::new(unsafe { File::from_raw_fd(self.number()) }).metadata()
    }

    /// Writes all of it or until it fails, however long it takes.
    ///
    /// # Errors
    /// When the system refuses, or the number is no standard stream.
    pub fn write_patiently(self, bytes: &[u8]) -> io::Result<()> {
        let most = most_at_once(&self.found()?).unwrap_or(usize::MAX);
        pieces(bytes, most).try_for_each(|piece| write_all_to(self.number(), piece))
    }
}

pub(super) const fn number_of(standard: Standard) -> i32 {
    standard.number()
}

/// Whether children inherit a descriptor. They inherit the streams of a process, and no file that the program opens.
fn is_inheritable(descriptor: i32) -> bool {
    // SAFETY: asking touches no memory; a number that is none is refused.
    let flags = unsafe { libc::fcntl(descriptor, libc::F_GETFD) };
    flags != -1 && flags & libc::FD_CLOEXEC == 0
}

/// Writes to the process's own standard error, as far as it takes it within a second.
pub fn write_stderr(bytes: &[u8]) -> io::Result<()> {
    let started = Instant::now();
    // A terminal that is ready may take no more than this.
    let most = most_at_once(&Standard::Error.found()?).unwrap_or(512);
    // What is ready takes so much without blocking.
    for piece in pieces(bytes, most).flat_map(|piece| piece.chunks(most)) {
        while !is_writable(2, Duration::from_millis(100)) {
            if started.elapsed() >= Duration::from_secs(1) {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
        write_all_to(2, piece)?;
    }
    Ok(())
}

/// The columns of the terminal that standard error or standard output is. `None` if neither is one, or it does not tell.
#[must_use]
pub fn terminal_columns() -> Option<usize> {
    [2, 1].into_iter().find_map(|number| {
        // SAFETY: all bits zero are a size, and only the size is written.
        let mut size: libc::winsize = unsafe { std::mem::zeroed() };
        // SAFETY: as above; a number that is no terminal is refused.
        let answer = unsafe { libc::ioctl(number, libc::TIOCGWINSZ, &raw mut size) };
        (answer == 0 && size.ws_col > 0).then_some(size.ws_col.into())
    })
}

/// The most bytes of one write, unless a line is longer. Others who share a pipe or a socket may write between two
/// writes, and in the middle of a write that is larger than `PIPE_BUF`.
fn most_at_once(meta: &Metadata) -> Option<usize> {
    let kind = meta.file_type();
    (kind.is_fifo() || kind.is_socket()).then_some(libc::PIPE_BUF)
}

/// Parts of `bytes`, each of whole lines: as many lines as fit into `most` bytes, or one longer line. If possible, a line that begins with a
/// space stays with the line before it: both are of the same record.
pub(super) fn pieces(mut bytes: &[u8], most: usize) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let end = if bytes.len() <= most {
            bytes.len()
        } else {
            memchr::memrchr_iter(b'\n', &bytes[..most])
                .find(|newline| bytes[newline + 1] != b' ')
                .or_else(|| memchr::memrchr(b'\n', &bytes[..most]))
                .or_else(|| memchr::memchr(b'\n', bytes))
                .map_or(bytes.len(), |newline| newline + 1)
        };
        let (piece, rest) = bytes.split_at(end);
        bytes = rest;
        Some(piece)
    })
}

fn write_all_to(number: i32, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        // SAFETY: the slice is valid for reads of its length.
        let written = unsafe { libc::write(number, bytes.as_ptr().cast(), bytes.len()) };
        if written < 0 {
            let error = io::Error::last_os_error();
            match error.raw_os_error() {
                Some(libc::EINTR) => {}
                Some(libc::EAGAIN) => {
                    is_writable(number, Duration::from_millis(100));
                }
                _ => return Err(error),
            }
        } else {
            bytes = &bytes[written.unsigned_abs()..];
        }
    }
    Ok(())
}

/// Whether a descriptor takes bytes (or fails at once), waiting for it.
pub(super) fn is_writable(descriptor: i32, patience: Duration) -> bool {
    let mut poll = libc::pollfd { fd: descriptor, events: libc::POLLOUT, revents: 0 };
    // SAFETY: one valid pollfd.
    unsafe { libc::poll(&raw mut poll, 1, i32::try_from(patience.as_millis()).unwrap_or(i32::MAX)) > 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(bytes: &[u8], most: usize) -> Vec<usize> {
        pieces(bytes, most).map(<[u8]>::len).collect()
    }

    #[test]
    fn pieces_are_whole_lines_as_many_as_fit() {
        assert_eq!(lengths(b"one\ntwo\nthree\n", 8), [8, 6]);
        assert_eq!(lengths(b"one\ntwo\nthree\n", 7), [4, 4, 6]);
        assert_eq!(lengths(b"one\nmuch longer\ntwo\n", 5), [4, 12, 4]);
        assert_eq!(lengths(b"one\n two\nsix\n ten\n", 16), [9, 9]);
        assert_eq!(lengths(b"one\n two\n three\n", 10), [9, 7]);
        assert_eq!(lengths(b"no end", 3), [6]);
        assert_eq!(lengths(b"one\ntwo\n", usize::MAX), [8]);
        assert!(lengths(b"", 8).is_empty());
    }
}
