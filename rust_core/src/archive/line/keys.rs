//! Which members of a line a search asks for.

use crate::encoder::{Process, Shape};
use crate::{checksum, level};

/// The keys of lines in a file. A key of an object inside the line follows a dot: `trace.id` is both a member of that name and the member
/// `id` of an object `trace`. A key that is empty stands for none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    pub time: String,
    pub time_form: TimeForm,
    pub level: String,
    pub logger: String,
    pub trace: String,
    /// Levels that have other names than the standard ones, by these names.
    pub levels: Vec<(String, i32)>,
}

/// How a line tells its time. Each may be a text or a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeForm {
    /// ISO 8601 with an offset or `Z`. A local time tells nothing, because an hour of each year stands for two.
    Iso,
    /// Since 1970 UTC.
    Seconds,
    Milliseconds,
    Microseconds,
    Nanoseconds,
}

impl Default for Keys {
    /// Those of a record.
    fn default() -> Self {
        Self {
            time: "timestamp".into(),
            time_form: TimeForm::Iso,
            level: "level".into(),
            logger: "logger".into(),
            trace: "trace_id".into(),
            levels: Vec::new(),
        }
    }
}

/// Names of levels that other stores and libraries use, in capitals.
const OTHER_NAMES: [(&str, i32); 9] = [
    ("TRACE", 5),
    ("NOTICE", 25),
    ("WARN", level::WARNING),
    ("ERR", level::ERROR),
    ("FATAL", level::CRITICAL),
    ("ALERT", 60),
    ("EMERGENCY", 70),
    ("NOTSET", 0),
    ("DEFAULT", 0),
];

impl Keys {
    /// Those of lines of JSON in a shape. Levels that a program has added are not among them.
    #[must_use]
    pub fn of(shape: &Shape, process: &Process) -> Self {
        let told = shape.told(process);
        Self {
            time: told.time.unwrap_or_default(),
            time_form: if told.is_number { TimeForm::Nanoseconds } else { TimeForm::Iso },
            level: told.level.unwrap_or_default(),
            logger: told.logger.unwrap_or_default(),
            trace: told.trace.unwrap_or_default(),
            levels: Vec::new(),
        }
    }

    /// The number of a level by its name, in any case; `None` if nobody knows.
    #[must_use]
    pub fn level_number(&self, name: &str) -> Option<i32> {
        if let Some((_, number)) = self.levels.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)) {
            return Some(*number);
        }
        if let Some(at) = level::NAMES.iter().position(|standard| standard.eq_ignore_ascii_case(name)) {
            return i32::try_from(10 * (at + 1)).ok();
        }
        if let Some((_, number)) = OTHER_NAMES.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)) {
            return Some(*number);
        }
        let digits = match name.get(..6) {
            Some(start) if start.eq_ignore_ascii_case("level ") => &name[6..],
            _ => name,
        };
        digits.parse().ok()
    }

    /// Equal keys have equal fingerprints: an index that was made with other keys does not answer for these.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        checksum::of(format!("{self:?}").as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::Scanner;
    use crate::encoder::{Keys as ShapeKeys, Whose, preset_names};
    use crate::record::{Header, INLINE, Record, Site, flag, put_context};
    use crate::value::Put;

    #[test]
    fn levels_have_numbers_by_the_names_that_anybody_writes() {
        let keys = Keys { levels: vec![("AUDIT".into(), 25), ("warn".into(), 33)], ..Keys::default() };
        for (name, number) in [
            ("INFO", Some(20)),
            ("error", Some(40)),
            ("Audit", Some(25)),
            ("WARN", Some(33)),
            ("Level 25", Some(25)),
            ("35", Some(35)),
            ("fatal", Some(50)),
            ("loud", None),
            ("", None),
            ("订单是什么", None),
        ] {
            assert_eq!(keys.level_number(name), number, "{name}");
        }
    }

    #[test]
    fn lines_of_every_shape_tell_what_was_logged() {
        const TIME: i64 = 1_771_497_000_123_456_000;
        const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
        let process = Process::here();
        let logger = process.names.logger("shop.orders".into()).unwrap();
        let site =
            process.names.site(Site { module: "shop".into(), function: "pay".into(), ..Site::default() }).unwrap();
        let flags = flag::CONTEXT;
        let header = Header { time: TIME, sequence: 0, level: 40, site, logger, thread: INLINE, flags, extra: 0 };
        let mut record = Vec::new();
        record.put(&header.to_bytes());
        record.put_text("main");
        record.put_text("order refused");
        let mut context = Vec::new();
        put_context(&mut context, Some(TRACE), None);
        record.put(&u32::try_from(context.len()).unwrap().to_le_bytes());
        record.put(&context);
        // SAFETY: built just above.
        let record = unsafe { Record::read(&record) }.unwrap();
        let renamed = ShapeKeys {
            rename: vec![("timestamp".into(), "t".into()), ("trace_id".into(), "id.of.trace".into())],
            first: vec!["message".into()],
            ..ShapeKeys::default()
        };
        let presets = preset_names()
            .map(|name| Shape { preset: serde_json::from_value(name.into()).unwrap(), ..Shape::default() });
        let shapes = presets.chain([Shape::default(), Shape { keys: renamed, ..Shape::default() }]);
        for shape in shapes {
            let mut line = Vec::new();
            shape.encoder(&process).encode(&record, Whose::Application, &mut line);
            let text = String::from_utf8_lossy(&line).into_owned();
            let keys = Keys::of(&shape, &process);
            let mut scanner = Scanner::new(&keys);
            let found = scanner.scan(line.strip_suffix(b"\n").unwrap()).unwrap();
            assert_eq!(scanner.time(&found), Some(TIME), "{text}");
            let mut room = Vec::new();
            let level = String::from_utf8(found.level.bytes(&mut room).unwrap().to_vec()).unwrap();
            assert_eq!(keys.level_number(&level), Some(40), "{text}");
            assert_eq!(found.logger.bytes(&mut room), Some(&b"shop.orders"[..]), "{text}");
            assert!(found.trace.bytes(&mut room).unwrap().ends_with(TRACE.as_bytes()), "{text}");
        }
        let without = ShapeKeys { omit: vec!["trace_id".into()], ..ShapeKeys::default() };
        assert_eq!(Keys::of(&Shape { keys: without, ..Shape::default() }, &process).trace, "");
    }

    #[test]
    fn other_keys_have_another_fingerprint() {
        let other = Keys { time_form: TimeForm::Seconds, ..Keys::default() };
        assert_ne!(other.fingerprint(), Keys::default().fingerprint());
        assert_eq!(Keys::default().fingerprint(), Keys::default().fingerprint());
    }
}
