//! Cuts a file into parts at line ends.

use std::io::{self, Read};

use super::PART;

/// The parts of what is read. Together they are all of it.
#[derive(Debug)]
pub struct Cut<R> {
    from: R,
    buffer: Vec<u8>,
    /// Where the last part ended in the buffer.
    used: usize,
}

impl<R: Read> Cut<R> {
    pub fn new(from: R) -> Self {
        Self { from, buffer: Vec::new(), used: 0 }
    }

    /// The next part: as many whole lines as there is room for. `None` at the end.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn next(&mut self) -> io::Result<Option<&[u8]>> {
        self.buffer.drain(..self.used);
        self.used = 0;
        let room = PART - self.buffer.len();
        self.buffer.reserve_exact(room);
        let is_full = self.from.by_ref().take(room as u64).read_to_end(&mut self.buffer)? == room;
        let whole = if is_full { memchr::memrchr(b'\n', &self.buffer).map(|at| at + 1) } else { None };
        self.used = whole.unwrap_or(self.buffer.len());
        Ok((self.used > 0).then(|| &self.buffer[..self.used]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &[u8]) -> Vec<Vec<u8>> {
        let mut cut = Cut::new(text);
        std::iter::from_fn(|| cut.next().unwrap().map(<[u8]>::to_vec)).collect()
    }

    #[test]
    fn parts_end_with_a_line_wherever_lines_are_short() {
        for length in [1, 99, 4_000, PART - 1, PART, PART + 1, 3 * PART] {
            let mut text = Vec::new();
            while text.len() < 3 * PART {
                text.extend(std::iter::repeat_n(b'x', length - 1));
                text.push(b'\n');
            }
            text.extend(b"torn");
            let parts = parts(&text);
            assert_eq!(parts.concat(), text, "{length}");
            assert!(parts.iter().all(|part| part.len() <= PART));
            if length <= PART {
                assert!(parts[..parts.len() - 1].iter().all(|part| part.ends_with(b"\n")), "{length}");
            }
            if length < 5_000 {
                assert!(parts[0].len() > PART - length, "{length}");
            }
        }
        assert!(parts(b"").is_empty());
        assert_eq!(parts(&[b'\n'; PART]), [[b'\n'; PART]]);
    }
}
