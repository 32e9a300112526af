//! Times as lines have them, in nanoseconds since 1970.

use super::TimeForm;

const SECOND: i64 = 1_000_000_000;

/// The time that a text or a number tells, in nanoseconds since 1970 UTC. `None` if it is no time of this form.
#[must_use]
pub fn parse_time(text: &[u8], form: TimeForm) -> Option<i64> {
    TimeReader::default().read(text, form)
}

/// Reads times of which many are of the same second.
#[derive(Clone, Debug, Default)]
pub struct TimeReader {
    /// Date and time of the last one, to the second, and its offset.
    head: [u8; 19],
    offset: Vec<u8>,
    seconds: i64,
}

impl TimeReader {
    /// As `parse_time`.
    pub fn read(&mut self, text: &[u8], form: TimeForm) -> Option<i64> {
        match form {
            TimeForm::Iso => self.iso(text),
            TimeForm::Seconds => since_epoch(text, SECOND),
            TimeForm::Milliseconds => since_epoch(text, 1_000_000),
            TimeForm::Microseconds => since_epoch(text, 1_000),
            TimeForm::Nanoseconds => since_epoch(text, 1),
        }
    }

    /// `2026-02-19T10:30:00.123456+01:00`, with a space in place of the `T`, a comma in place of the point, and any digits of the second.
    fn iso(&mut self, text: &[u8]) -> Option<i64> {
        let (head, rest) = text.split_first_chunk()?;
        let (nanoseconds, offset) = fraction(rest)?;
        if self.head != *head || self.offset != offset {
            self.seconds = seconds(head)? - seconds_ahead(offset)?;
            self.head = *head;
            self.offset.clear();
            self.offset.extend_from_slice(offset);
        }
        self.seconds.checked_mul(SECOND)?.checked_add(nanoseconds)
    }
}

/// The nanoseconds of a second, and what follows them.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let Some((b'.' | b',', digits)) = text.split_first() else { return Some((0, text)) };
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (mut nanoseconds, mut worth) = (0, SECOND);
    for digit in digits.iter().take(count.min(9)) {
        worth /= 10;
        nanoseconds += worth * i64::from(digit - b'0');
    }
    (count > 0).then_some((nanoseconds, &digits[count..]))
}

/// A decimal number of units. What is smaller than a nanosecond is left out.
fn since_epoch(text: &[u8], unit: i64) -> Option<i64> {
    let (is_negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let point = digits.iter().position(|byte| *byte == b'.');
    let (whole, fraction) = point.map_or((digits, None), |at| (&digits[..at], Some(&digits[at + 1..])));
    let mut time = number(whole)?.checked_mul(unit)?;
    if let Some(fraction) = fraction {
        if fraction.is_empty() || !fraction.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let mut worth = unit;
        for digit in fraction {
            worth /= 10;
            time = time.checked_add(worth * i64::from(digit - b'0'))?;
        }
    }
    Some(if is_negative { -time } else { time })
}

fn number(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() || digits.len() > 19 {
        return None;
    }
    digits.iter().try_fold(0_i64, |number, digit| {
        digit.is_ascii_digit().then_some(())?;
        number.checked_mul(10)?.checked_add(i64::from(digit - b'0'))
    })
}

fn two(text: &[u8], at: usize) -> Option<i64> {
    let (tens, ones) = (text.get(at)?.wrapping_sub(b'0'), text.get(at + 1)?.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| i64::from(tens) * 10 + i64::from(ones))
}

/// The seconds from 1970 to a date and a time.
fn seconds(head: &[u8; 19]) -> Option<i64> {
    if !matches!([head[4], head[7], head[10], head[13], head[16]], [b'-', b'-', b'T' | b't' | b' ', b':', b':']) {
        return None;
    }
    let (year, month, day) = (two(head, 0)? * 100 + two(head, 2)?, two(head, 5)?, two(head, 8)?);
    let (hour, minute, second) = (two(head, 11)?, two(head, 14)?, two(head, 17)?);
    // A leap second is the first of the next minute.
    if !(1..=12).contains(&month)
        || !(1..=days_of(year, month)).contains(&day)
        || hour > 23
        || minute > 59
        || second > 60
    {
        return None;
    }
    Some(((days_since_epoch(year, month, day) * 24 + hour) * 60 + minute) * 60 + second)
}

/// The seconds by which local time is ahead of UTC.
fn seconds_ahead(text: &[u8]) -> Option<i64> {
    let sign = match text {
        b"Z" | b"z" => return Some(0),
        [b'+', ..] => 1,
        [b'-', ..] => -1,
        _ => return None,
    };
    let hours = two(text, 1)?;
    let minutes = match text.len() {
        3 => 0,
        5 => two(text, 3)?,
        6 if text[3] == b':' => two(text, 4)?,
        _ => return None,
    };
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes) * 60)
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01, in the calendar of today at all times. Years begin in March, so that the day of a leap year is their last.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    365 * year + year / 4 - year / 100 + year / 400 + (month * 306 + 5) / 10 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use proptest::prelude::*;

    #[test]
    fn each_form_tells_its_time() {
        let expected = 1_771_493_400_123_000_000;
        for (text, form) in [
            ("2026-02-19T09:30:00.123Z", TimeForm::Iso),
            ("2026-02-19 10:30:00,123000+01:00", TimeForm::Iso),
            ("2026-02-19t05:00:00.123-0430", TimeForm::Iso),
            ("2026-02-19T11:30:00.1230000009+02", TimeForm::Iso),
            ("1771493400.123", TimeForm::Seconds),
            ("1771493400123", TimeForm::Milliseconds),
            ("1771493400123000.0", TimeForm::Microseconds),
            ("1771493400123000000", TimeForm::Nanoseconds),
        ] {
            assert_eq!(parse_time(text.as_bytes(), form), Some(expected), "{text}");
        }
        assert_eq!(parse_time(b"-1.5", TimeForm::Seconds), Some(-1_500_000_000));
    }

    #[test]
    fn what_is_no_time_tells_none() {
        for text in [
            "",
            "2026-02-19T09:30:00",
            "2026-02-19T09:30:00.Z",
            "2026-02-30T09:30:00Z",
            "2026-13-01T09:30:00Z",
            "2026-02-19T24:30:00Z",
            "2026-02-19\u{14}09:30:00Z",
            "2026-02-19T09:30:00+25:00",
            "2026-02-19T09:30:00Z ",
            "9999-12-31T00:00:00Z",
            "1771493400",
        ] {
            assert_eq!(parse_time(text.as_bytes(), TimeForm::Iso), None, "{text}");
        }
        for text in ["", "-", "1.", ".5", "1e9", "99999999999999999999", "9223372036854775807", "soon"] {
            assert_eq!(parse_time(text.as_bytes(), TimeForm::Seconds), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_time_is_that_of_a_calendar(nanoseconds in 0..8_000_000_000_000_000_000_i64) {
            let time = Timestamp::from_nanosecond(i128::from(nanoseconds)).unwrap();
            prop_assert_eq!(parse_time(time.to_string().as_bytes(), TimeForm::Iso), Some(nanoseconds));
        }

        #[test]
        fn no_text_is_too_odd(text in "[0-9TZ:+.,-]{0,40}", form in 0..2) {
            let form = [TimeForm::Iso, TimeForm::Nanoseconds][form as usize];
            let _ = parse_time(text.as_bytes(), form);
        }
    }
}
