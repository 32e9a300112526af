//! Times in the formats of templates.

use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

use super::template::{Time, TimePiece, time_pieces};
use crate::clock::Zone;

/// Writes times in one format. It keeps the texts of the second last written.
#[derive(Debug)]
pub struct TimeWriter {
    rules: TimeZone,
    pieces: Vec<TimePiece>,
    second: Option<i64>,
    texts: Vec<String>,
    /// Where the format has no date: the day last written, and whether it is another one than before. Then the times of this second are
    /// shown with it.
    day: Option<(bool, String)>,
    shows_days: bool,
}

impl TimeWriter {
    /// `is_live`: for people who read the lines as they come. They get local times, without a date unless it changes.
    pub fn new(time: &Time, is_live: bool) -> Self {
        let zone = time.zone.clone().unwrap_or(if is_live { Zone::Local } else { Zone::Utc });
        let format = match (is_live, &zone) {
            (true, Zone::Utc) => "%H:%M:%S.%3fZ",
            (true, _) => "%H:%M:%S.%3f",
            (false, Zone::Utc) => "%Y-%m-%dT%H:%M:%S.%3fZ",
            (false, _) => "%Y-%m-%dT%H:%M:%S.%3f%:z",
        };
        let is_default = time.format.is_empty();
        let pieces = if is_default { time_pieces(format) } else { time.format.clone() };
        Self {
            rules: zone.rules(),
            pieces,
            second: None,
            texts: Vec::new(),
            day: None,
            shows_days: is_default && is_live,
        }
    }

    /// Counts today as the day last written.
    pub fn begin_today(&mut self) {
        if self.shows_days {
            let now = Timestamp::now().to_zoned_datetime(self.rules.clone());
            self.day = Some((false, strtime::format("%Y-%m-%d", &now).unwrap_or_default()));
        }
    }

    /// Appends a time, in nanoseconds since the epoch.
    pub fn write(&mut self, time: i64, out: &mut String) {
        let second = time.div_euclid(1_000_000_000);
        if self.second != Some(second) {
            self.begin(second);
        }
        if let Some((true, day)) = &self.day {
            out.push_str(day);
            out.push(' ');
        }
        let mut texts = self.texts.iter();
        for piece in &self.pieces {
            match piece {
                TimePiece::Second(_) => out.push_str(texts.next().map_or("", String::as_str)),
                TimePiece::Fraction(digits) => {
                    let mut left = time.rem_euclid(1_000_000_000);
                    let mut scale = 100_000_000;
                    for _ in 0..*digits {
                        out.push(char::from(b'0' + (left / scale) as u8));
                        left %= scale;
                        scale = (scale / 10).max(1);
                    }
                }
            }
        }
    }

    fn begin(&mut self, second: i64) {
        let time = Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH);
        let time = time.to_zoned_datetime(self.rules.clone());
        let text = |format: &str| strtime::format(format, &time).unwrap_or_default();
        self.texts.clear();
        for piece in &self.pieces {
            if let TimePiece::Second(format) = piece {
                self.texts.push(text(format));
            }
        }
        if self.shows_days {
            let day = text("%Y-%m-%d");
            let is_new = self.day.as_ref().is_some_and(|(_, known)| *known != day);
            self.day = Some((is_new, day));
        }
        self.second = Some(second);
    }
}
