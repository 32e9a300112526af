//! The time of a line, whatever form it has there.

use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

use super::layout::Slot;
use super::line::{Kind, Line};
use crate::archive::{TimeForm, TimeReader};
use crate::clock::Zone;

/// Reads times of lines, and writes them for tables.
#[derive(Debug)]
pub struct Moments {
    reader: TimeReader,
    rules: TimeZone,
    utc: bool,
}

/// Below these, a number of a unit is a time of this century; above, it is of a smaller unit.
const UNITS: [(f64, TimeForm); 3] =
    [(1e11, TimeForm::Seconds), (1e14, TimeForm::Milliseconds), (1e17, TimeForm::Microseconds)];

impl Moments {
    pub fn new(utc: bool) -> Self {
        let zone = if utc { Zone::Utc } else { Zone::Local };
        Self { reader: TimeReader::default(), rules: zone.rules(), utc }
    }

    /// The time of a line in nanoseconds since 1970 UTC. `None` if it tells none.
    pub fn read(&mut self, read: &Line, line: &str) -> Option<i64> {
        if let Some((text, kind)) = read.get(Slot::Time, line) {
            let iso = if kind == Kind::Text { self.reader.read(text.as_bytes(), TimeForm::Iso) } else { None };
            return iso.or_else(|| self.number(text)).or_else(|| self.local(text));
        }
        let (text, _) = read.get(Slot::Nanoseconds, line)?;
        self.reader.read(text.as_bytes(), TimeForm::Nanoseconds)
    }

    /// A number since 1970, whose unit shows in its size.
    fn number(&mut self, text: &str) -> Option<i64> {
        let number: f64 = text.parse().ok()?;
        let form = UNITS.iter().find(|(most, _)| number.abs() < *most).map_or(TimeForm::Nanoseconds, |(_, form)| *form);
        self.reader.read(text.as_bytes(), form)
    }

    /// A time without an offset is local.
    fn local(&mut self, text: &str) -> Option<i64> {
        let utc = self.reader.read(format!("{}Z", text.trim()).as_bytes(), TimeForm::Iso)?;
        let there = TimeZone::UTC.to_datetime(Timestamp::from_nanosecond(utc.into()).ok()?);
        let time = TimeZone::try_system().ok()?.to_timestamp(there).ok()?;
        i64::try_from(time.as_nanosecond()).ok()
    }

    /// The text of a time for tables: ISO 8601 with microseconds.
    pub fn text(&self, time: i64) -> String {
        let format = if self.utc { "%Y-%m-%dT%H:%M:%S.%6fZ" } else { "%Y-%m-%dT%H:%M:%S.%6f%:z" };
        let time = Timestamp::from_nanosecond(time.into()).unwrap_or(Timestamp::UNIX_EPOCH);
        strtime::format(format, &time.to_zoned_datetime(self.rules.clone())).unwrap_or_default()
    }
}
