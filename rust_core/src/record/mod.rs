//! A record in its compact form: what a call said, owning every byte of it.
//!
//! First comes a header of fixed size. It ends with the process, where that is not the one that captured the record.
//!
//! Then come sections, each only where the header says so: see `layout`, which alone writes them.

mod builder;
mod keys;
pub mod layout;

pub use builder::Builder;
pub use keys::{RESERVED, keys};
pub use layout::put_context;

use crate::exception;
use crate::value::Reader;

/// A place in the application that logs, with the names of the fields it gives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Site {
    pub module: String,
    pub function: String,
    pub line: u32,
    pub fields: Vec<String>,
    /// The message, where it stands in the code: such records do without it.
    pub message: Option<String>,
}

impl Site {
    /// A place that cannot be told.
    #[must_use]
    pub fn unknown() -> Self {
        Self { module: "unknown".into(), function: "unknown".into(), ..Self::default() }
    }
}

/// In place of a number: the item travels inside the record.
pub const INLINE: u32 = u32::MAX;

pub mod flag {
    /// The record goes to the AI file whatever its logger.
    pub const AI: u16 = 1;
    pub const EXCEPTION: u16 = 1 << 1;
    pub const STACK: u16 = 1 << 2;
    pub const CONTEXT: u16 = 1 << 3;
    /// The console has it already (a replaced `sys.stderr` is written on the caller's thread).
    pub const CONSOLE_DONE: u16 = 1 << 4;
    /// The message is that of the call site.
    pub const SITE_MESSAGE: u16 = 1 << 5;
    /// The level has another name in this record than in this process.
    pub const LEVEL_NAME: u16 = 1 << 6;
}

/// The part of fixed size. Times are nanoseconds since the epoch, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub time: i64,
    pub sequence: u64,
    pub level: i32,
    pub site: u32,
    pub logger: u32,
    pub thread: u32,
    pub flags: u16,
    /// Fields after those of the call site, with their names.
    pub extra: u16,
}

pub const HEADER: usize = 40;
const SEQUENCE: usize = 8;
const FLAGS: usize = 32;
/// The last four bytes of the header: the process, in records that another one than their writer has made, else 0.
const PROCESS: usize = 36;

impl Header {
    #[inline]
    #[must_use]
    pub fn to_bytes(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[0..8].copy_from_slice(&self.time.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.level.to_le_bytes());
        bytes[20..24].copy_from_slice(&self.site.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.logger.to_le_bytes());
        bytes[28..32].copy_from_slice(&self.thread.to_le_bytes());
        bytes[32..34].copy_from_slice(&self.flags.to_le_bytes());
        bytes[34..36].copy_from_slice(&self.extra.to_le_bytes());
        bytes
    }

    #[inline]
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let header = Self {
            time: i64::from_le_bytes(reader.array()?),
            sequence: u64::from_le_bytes(reader.array()?),
            level: i32::from_le_bytes(reader.array()?),
            site: reader.u32()?,
            logger: reader.u32()?,
            thread: reader.u32()?,
            flags: u16::from_le_bytes(reader.array()?),
            extra: u16::from_le_bytes(reader.array()?),
        };
        Some(header)
    }
}

/// Something of the header. Every captured record has one, so a single look at the length will do.
#[inline]
fn head<R>(record: &[u8], read: impl FnOnce(&[u8; HEADER]) -> R) -> R {
    read(record.first_chunk().unwrap_or(&[0; HEADER]))
}

/// Numbers a captured record.
#[inline]
pub fn set_sequence(record: &mut [u8], sequence: u64) {
    if let Some(head) = record.first_chunk_mut::<HEADER>() {
        head[SEQUENCE..SEQUENCE + 8].copy_from_slice(&sequence.to_le_bytes());
    }
}

/// Adds flags to a captured record.
#[inline]
pub fn add_flags(record: &mut [u8], flags: u16) {
    let old = u16::from_le_bytes([record[FLAGS], record[FLAGS + 1]]);
    record[FLAGS..FLAGS + 2].copy_from_slice(&(old | flags).to_le_bytes());
}

/// Names the process that made a captured record, where that is another than the one that captured it.
pub fn set_process(record: &mut [u8], process: u32) {
    if let Some(head) = record.first_chunk_mut::<HEADER>() {
        head[PROCESS..].copy_from_slice(&process.to_le_bytes());
    }
}

/// Time of a captured record, in nanoseconds since the epoch.
#[inline]
#[must_use]
pub fn time_of(record: &[u8]) -> i64 {
    head(record, |head| i64::from_le_bytes(*head.first_chunk().unwrap_or(&[0; 8])))
}

/// Level of a captured record.
#[inline]
#[must_use]
pub fn level_of(record: &[u8]) -> i32 {
    head(record, |head| i32::from_le_bytes([head[16], head[17], head[18], head[19]]))
}

#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    pub trace_id: Option<&'a str>,
    pub span_id: Option<&'a str>,
    /// Names and values, one after the other.
    pub fields: Reader<'a>,
}

impl<'a> Context<'a> {
    /// Reads a record's context; `None` if its bytes are not whole.
    #[must_use]
    pub fn read(mut reader: Reader<'a>) -> Option<Self> {
        let mut ids = [None; 2];
        for id in &mut ids {
            match reader.u8()? {
                0 => {}
                1 => *id = Some(reader.text()?),
                _ => return None,
            }
        }
        Some(Self { trace_id: ids[0], span_id: ids[1], fields: reader })
    }
}

/// Where a record came from, when it is not in the table.
#[derive(Clone, Copy, Debug)]
pub struct InlineSite<'a> {
    pub module: &'a str,
    pub function: &'a str,
    pub line: u32,
}

impl<'a> InlineSite<'a> {
    /// A place that cannot be told.
    pub const UNKNOWN: Self = Self { module: "unknown", function: "unknown", line: 0 };

    #[must_use]
    pub fn of(site: &'a Site) -> Self {
        Self { module: &site.module, function: &site.function, line: site.line }
    }
}

/// A captured record, read.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    pub header: Header,
    /// The one that made it, where that is another than the one that captured it, else 0.
    pub process: u32,
    /// `None` where it is that of the level's number.
    pub level_name: Option<&'a str>,
    pub site: Option<InlineSite<'a>>,
    pub logger: Option<&'a str>,
    pub thread: Option<&'a str>,
    /// `None` where it is that of the call site.
    pub message: Option<&'a str>,
    /// The bytes of the context, for `Context::read`.
    pub context: Option<Reader<'a>>,
    pub exception: Option<&'a [u8]>,
    pub stack: Option<&'a [u8]>,
    /// The call site's values, then names and values of further fields.
    pub fields: Reader<'a>,
}

impl<'a> Record<'a> {
    /// Reads a captured record; `None` if its bytes are not whole.
    ///
    /// # Safety
    /// Texts in `bytes` must be UTF-8, as capture writes them.
    #[inline]
    #[must_use]
    pub unsafe fn read(bytes: &'a [u8]) -> Option<Self> {
        // SAFETY: promised by the caller.
        Self::parse(unsafe { Reader::new(bytes) })
    }

    /// Reads bytes of any origin: `None` unless all of them, to the last, are a record as capture writes it. What passes
    /// is encoded to one line.
    ///
    /// `site_of` tells of the call site of a number how many fields it has, and whether it has a message; a record of a site
    /// that it does not know is refused, unless the site travels inside the record.
    #[must_use]
    pub fn read_checked(bytes: &'a [u8], site_of: impl Fn(u32) -> Option<(usize, bool)>) -> Option<Self> {
        let record = Self::parse(Reader::checked(bytes))?;
        let (fields, has_message) =
            if record.header.site == INLINE { (0, false) } else { site_of(record.header.site)? };
        (record.is_whole(fields) && (record.message.is_some() || has_message)).then_some(record)
    }

    /// Whether what `parse` left unread is as it must be, with nothing behind it.
    fn is_whole(&self, site_fields: usize) -> bool {
        let named = |reader: &mut Reader<'a>| reader.text().is_some() && reader.value().is_some();
        let context = self.context.is_none_or(|context| {
            let Some(Context { mut fields, .. }) = Context::read(context) else { return false };
            while !fields.is_empty() {
                if !named(&mut fields) {
                    return false;
                }
            }
            true
        });
        let mut fields = self.fields;
        context
            && self.exception.is_none_or(exception::is_exception)
            && self.stack.is_none_or(exception::is_stack)
            && (0..site_fields).all(|_| fields.value().is_some())
            && (0..self.header.extra).all(|_| named(&mut fields))
            && fields.is_empty()
    }

    #[inline]
    fn parse(mut reader: Reader<'a>) -> Option<Self> {
        let whole = reader;
        let header = Header::read(&mut reader)?;
        let process = reader.u32()?;
        let level_name = if header.flags & flag::LEVEL_NAME == 0 { None } else { Some(reader.text()?) };
        let site = if header.site == INLINE {
            Some(InlineSite { module: reader.text()?, function: reader.text()?, line: reader.u32()? })
        } else {
            None
        };
        let logger = if header.logger == INLINE { Some(reader.text()?) } else { None };
        let thread = if header.thread == INLINE { Some(reader.text()?) } else { None };
        let message = if header.flags & flag::SITE_MESSAGE == 0 { Some(reader.text()?) } else { None };
        let mut section = |wanted: u16| -> Option<Option<&'a [u8]>> {
            if header.flags & wanted == 0 { Some(None) } else { reader.bytes().map(Some) }
        };
        let context = section(flag::CONTEXT)?.map(|bytes| whole.of_part(bytes));
        let exception = section(flag::EXCEPTION)?;
        let stack = if header.flags & flag::STACK == 0 { None } else { Some(reader.bytes()?) };
        Some(Self {
            header,
            process,
            level_name,
            site,
            logger,
            thread,
            message,
            context,
            exception,
            stack,
            fields: reader,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{Put, Value};

    /// The thread seen to fail (that of the test) with the name that the thread has.
    #[test]
    fn a_record_is_read_back_as_built() {
        let mut bytes = Vec::new();
        let builder = Builder { time: 7, level: 30, logger: "l", function: "f", message: "m" };
        builder.put(&mut bytes, &[("n", Value::Integer(3))]);
        set_sequence(&mut bytes, 9);
        add_flags(&mut bytes, flag::AI);
        // SAFETY: built just above.
        let mut record = unsafe { Record::read(&bytes) }.unwrap();
        assert_eq!((record.header.time, record.header.sequence, level_of(&bytes)), (7, 9, 30));
        assert_eq!((record.logger, record.thread, record.message), (Some("l"), Some("unified_logger"), Some("m")));
        assert_eq!(record.header.flags, flag::AI);
        assert_eq!(record.fields.text(), Some("n"));
        assert_eq!(record.fields.value(), Some(Value::Integer(3)));
        assert!(record.fields.is_empty());
    }

    /// A record with all there can be, of the call site `number`, which has one field.
    fn rich(number: u32) -> Vec<u8> {
        let flags = flag::LEVEL_NAME | flag::CONTEXT | flag::EXCEPTION | flag::STACK;
        let header =
            Header { time: 7, sequence: 1, level: 30, site: number, logger: INLINE, thread: INLINE, flags, extra: 1 };
        let mut out = header.to_bytes().to_vec();
        out.put_text("LEVEL");
        if number == INLINE {
            ["m", "f"].iter().for_each(|text| out.put_text(text));
            out.put(&3_u32.to_le_bytes());
        }
        ["logger", "thread", "message"].iter().for_each(|text| out.put_text(text));
        let mut context = Vec::new();
        put_context(&mut context, Some("trace"), None);
        context.put_text("user");
        context.put_value(Value::Text("é"));
        let exception = b"\x01\x01\0\0\0E\0\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
        for section in [&context[..], exception, b"\0stack"] {
            out.put(&u32::try_from(section.len()).unwrap().to_le_bytes());
            out.put(section);
        }
        if number != INLINE {
            out.put_value(Value::Float(f64::MAX));
        }
        out.put_text("json");
        out.put_value(Value::Json("[1]"));
        out
    }

    fn one_field(number: u32) -> Option<(usize, bool)> {
        (number == 5).then_some((1, false))
    }

    #[test]
    fn a_checked_record_is_whole_to_its_last_byte() {
        for number in [5, INLINE] {
            let mut bytes = rich(number);
            assert_eq!(Record::read_checked(&bytes, one_field).unwrap().process, 0);
            set_process(&mut bytes, 4_242);
            let record = Record::read_checked(&bytes, one_field).unwrap();
            assert_eq!((record.process, record.header.extra), (4_242, 1));
            assert_eq!(
                (record.level_name, record.message, Context::read(record.context.unwrap()).unwrap().trace_id),
                (Some("LEVEL"), Some("message"), Some("trace"))
            );
            for end in 0..bytes.len() {
                assert!(Record::read_checked(&bytes[..end], one_field).is_none(), "cut at {end}");
            }
            bytes.push(0);
            assert!(Record::read_checked(&bytes, one_field).is_none(), "with a byte more");
        }
    }

    #[test]
    fn a_checked_record_has_a_call_site_that_is_known() {
        assert!(Record::read_checked(&rich(6), one_field).is_none());
        assert!(Record::read_checked(&rich(5), |_| Some((2, false))).is_none());
        assert!(Record::read_checked(&rich(5), |_| Some((usize::MAX, false))).is_none());
    }

    #[test]
    fn a_checked_record_does_without_a_message_only_where_its_site_has_one() {
        let header = Header {
            time: 7,
            sequence: 0,
            level: 20,
            site: 5,
            logger: 0,
            thread: 0,
            flags: flag::SITE_MESSAGE,
            extra: 0,
        };
        let mut bytes = header.to_bytes().to_vec();
        bytes.put_value(Value::Null);
        assert!(Record::read_checked(&bytes, one_field).is_none());
        assert!(Record::read_checked(&bytes, |_| Some((1, true))).unwrap().message.is_none());
    }

    #[test]
    fn a_checked_record_has_nothing_that_capture_does_not_write() {
        let good = rich(5);
        let find = |part: &[u8]| good.windows(part.len()).position(|window| window == part).unwrap();
        for (what, at, byte) in [
            ("a message that is no UTF-8", find(b"message"), 0xff),
            ("a field's name that is no UTF-8", find(b"json"), 0xff),
            ("a context's value that is no UTF-8", find("é".as_bytes()) + 1, b'!'),
            ("an id that is neither there nor not", find(b"\x01\x05\0\0\0trace"), 2),
            ("an exception of another layout", find(b"\x01\x01\0\0\0E"), 2),
            ("a stack that is no UTF-8", find(b"stack"), 0x80),
            ("JSON that is none", find(b"[1]") + 2, b'}'),
            // The exponent of the largest number, all ones.
            ("an infinite number", find(&f64::MAX.to_le_bytes()) + 6, 0xf0),
            ("more fields than there are", 34, 2),
            ("fewer fields than there are", 34, 0),
        ] {
            let mut bytes = good.clone();
            bytes[at] = byte;
            assert!(Record::read_checked(&bytes, one_field).is_none(), "{what}");
        }
    }

    #[test]
    fn a_record_cut_short_is_refused() {
        let mut bytes = Vec::new();
        Builder { time: 7, level: 30, logger: "l", function: "f", message: "m" }.put(&mut bytes, &[]);
        for end in 0..bytes.len() {
            // SAFETY: a prefix of a record of ASCII texts.
            assert!(unsafe { Record::read(&bytes[..end]) }.is_none());
        }
    }
}
