//! The values at the beginning of a line, for a search that may know by them that the line is not wanted.

use super::{Found, Scan, Scanner, Value, WANTED};

impl Scanner {
    /// The time and the level of the first of some lines, without what stands behind them. `None` if that takes a look at all of the line: then
    /// `scan` tells, which also learns what lines look like.
    ///
    /// A line that has a second member of such a name, or is not whole, is not told from others.
    #[must_use]
    pub fn scan_head<'l>(&self, lines: &'l [u8], needs_time: bool, needs_level: bool) -> Option<Found<'l>> {
        let mut scan = Scan { paths: &self.paths, line: lines, at: 0, found: [Value::Absent; WANTED] };
        scan.pass(b'{')?;
        for expected in &self.expected {
            if !expected.is_at(&lines[scan.at..]) {
                return None;
            }
            scan.at += expected.length;
            scan.member(&expected.leads)?;
            let [time, level, ..] = scan.found;
            if (!needs_time || time != Value::Absent) && (!needs_level || level != Value::Absent) {
                return Some(Found { time, level, ..Found::default() });
            }
            if scan.is_last()? {
                return None;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::Keys;

    #[test]
    fn what_stands_first_is_known_without_the_rest_of_the_line() {
        let mut scanner = Scanner::new(&Keys::default());
        let line =
            |level| format!("{{\"timestamp\":\"2026-02-19T10:30:00Z\",\"level\":\"{level}\",\"message\":\"x\"}}\n");
        let first = line("INFO");
        assert_eq!(scanner.scan_head(first.as_bytes(), true, true), None);
        assert!(scanner.scan(first.trim_end().as_bytes()).is_some());
        let other = line("ERROR") + &first;
        let found = scanner.scan_head(other.as_bytes(), true, true).unwrap();
        assert_eq!(found.level, Value::Plain(b"ERROR"));
        assert_eq!(found.time, Value::Plain(b"2026-02-19T10:30:00Z"));
        for odd in ["", "{}", "{\"level\":\"ERROR\"}", "{\"timestamp\":\"2026", "[1]", "text"] {
            assert_eq!(scanner.scan_head(odd.as_bytes(), true, true), None, "{odd}");
        }
    }
}
