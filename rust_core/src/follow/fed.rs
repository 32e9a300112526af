//! Lines that come as a stream of bytes, such as those of standard input.

use std::collections::VecDeque;
use std::sync::Arc;

use memchr::{memchr, memrchr};

use super::cut::mended;
use super::filter::Filter;
use super::form::Form;
use super::matcher::Matcher;
use crate::archive::Keys;

/// Bytes of lines that are kept at most to give the last of them.
const MOST_KEPT: usize = 16 << 20;

/// The wanted lines of a stream.
#[derive(Debug)]
pub struct Fed {
    filter: Arc<Filter>,
    keys: Option<Keys>,
    matcher: Option<Matcher>,
    /// Bytes of a line whose end has not come.
    rest: Vec<u8>,
    longest: usize,
    /// Bytes of a line that is too long, of which `rest` has the beginning.
    passed: usize,
    /// So many of the last lines are given at the end.
    last: Option<usize>,
    kept: VecDeque<Vec<u8>>,
    bytes: usize,
    remarks: Vec<String>,
    has_dropped: bool,
}

impl Fed {
    /// Without `last`, lines are given as they come. Of a line of more than `longest` bytes, the beginning is given, made whole.
    #[must_use]
    pub fn new(filter: Filter, keys: Option<Keys>, last: Option<usize>, longest: usize) -> Self {
        Self {
            filter: Arc::new(filter),
            keys,
            matcher: None,
            rest: Vec::new(),
            longest,
            passed: 0,
            last,
            kept: VecDeque::new(),
            bytes: 0,
            remarks: Vec::new(),
            has_dropped: false,
        }
    }

    /// Takes bytes, and gives the wanted lines that have ended.
    pub fn feed(&mut self, mut bytes: &[u8], give: &mut impl FnMut(&[u8])) {
        if self.passed > 0 {
            let Some(end) = memchr(b'\n', bytes) else {
                self.passed += bytes.len();
                return;
            };
            self.passed += end;
            self.end_long(give);
            bytes = &bytes[end + 1..];
        }
        let Some(end) = memrchr(b'\n', bytes) else {
            self.rest.extend_from_slice(bytes);
            if self.rest.len() > self.longest {
                self.passed = self.rest.len();
                self.rest.truncate(self.longest);
            }
            return;
        };
        let whole = if self.rest.is_empty() {
            std::borrow::Cow::Borrowed(&bytes[..=end])
        } else {
            let mut whole = std::mem::take(&mut self.rest);
            whole.extend_from_slice(&bytes[..=end]);
            std::borrow::Cow::Owned(whole)
        };
        self.lines(&whole, give);
        self.rest.clear();
        self.feed(&bytes[end + 1..], give);
    }

    /// The stream has ended: gives what was kept, and the last line though it has no newline.
    pub fn end(&mut self, give: &mut impl FnMut(&[u8])) {
        if self.passed > 0 {
            self.end_long(give);
        }
        let rest = std::mem::take(&mut self.rest);
        if !rest.is_empty() {
            self.lines(&rest, give);
        }
        for line in self.kept.drain(..) {
            give(&line);
        }
        if self.has_dropped {
            let mebibytes = MOST_KEPT >> 20;
            self.remarks.push(format!("the last lines have more than {mebibytes} MiB: only as many are shown"));
        }
    }

    /// What was noticed since the last call.
    pub fn remarks(&mut self) -> Vec<String> {
        std::mem::take(&mut self.remarks)
    }

    fn end_long(&mut self, give: &mut impl FnMut(&[u8])) {
        let start = std::mem::take(&mut self.rest);
        let (length, longest) = (std::mem::take(&mut self.passed), self.longest);
        self.remarks.push(format!("a line has {length} bytes: its first {longest} are shown"));
        self.lines(&mended(&start), give);
    }

    fn lines(&mut self, lines: &[u8], give: &mut impl FnMut(&[u8])) {
        let mut matcher = self
            .matcher
            .take()
            .unwrap_or_else(|| Matcher::new(&self.filter, Form::of(lines, self.keys.as_ref()), self.keys.is_some()));
        let mut at = 0;
        while at < lines.len()
            && let Some(line) = matcher.next(&lines[at..])
        {
            let found = &lines[at + line.range.start..at + line.range.end];
            at += line.range.end + 1;
            let Some(last) = self.last else {
                give(found);
                continue;
            };
            self.bytes += found.len();
            self.kept.push_back(found.to_vec());
            while self.kept.len() > last || self.bytes > MOST_KEPT && self.kept.len() > 1 {
                self.has_dropped |= self.kept.len() <= last;
                self.bytes -= self.kept.pop_front().map_or(0, |line| line.len());
            }
        }
        self.matcher = Some(matcher);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fed(text: &[u8], pieces: &[usize], last: Option<usize>, longest: usize) -> (Vec<String>, Vec<String>) {
        let mut fed = Fed::new(Filter::default(), None, last, longest);
        let mut given = Vec::new();
        let mut give = |line: &[u8]| given.push(String::from_utf8(line.to_vec()).unwrap());
        let mut rest = text;
        for piece in pieces.iter().chain([&text.len()]) {
            let (now, later) = rest.split_at((*piece).min(rest.len()));
            fed.feed(now, &mut give);
            rest = later;
        }
        fed.end(&mut give);
        (given, fed.remarks())
    }

    proptest! {
        #[test]
        fn lines_are_given_however_they_come(text in "([a-z]{0,9}\n){0,9}[a-z]{0,4}", pieces in prop::collection::vec(0..9_usize, 0..20), last in prop::option::of(0..5_usize)) {
            let mut expected: Vec<String> = text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
            expected.drain(..expected.len() - last.unwrap_or(100).min(expected.len()));
            prop_assert_eq!(fed(text.as_bytes(), &pieces, last, 100), (expected, vec![]));
        }
    }

    #[test]
    fn a_long_line_is_cut() {
        let text = format!("{{\"a\":\"{}\"}}\nnext\n", "x".repeat(1_000));
        for pieces in [vec![], vec![1; 700], vec![1_008, 1]] {
            let (lines, remarks) = fed(text.as_bytes(), &pieces, None, 10);
            // One that came whole needs no cutting.
            if !pieces.is_empty() {
                assert_eq!(lines, ["{\"a\":\"xxxx…\"}", "next"]);
                assert_eq!(remarks, ["a line has 1008 bytes: its first 10 are shown"]);
            }
            assert_eq!(lines.len(), 2);
        }
    }
}
