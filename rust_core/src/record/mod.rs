//! A record in its compact form: what a call said, owning every byte of it.
//!
//! First comes a header of fixed size. It ends with the process, if another process captured the record.
//!
//! Then come sections, each only where the header says so: see `layout`, which alone writes them.

mod builder;
mod fields;
mod keys;
pub mod layout;

pub use builder::Builder;
pub use fields::{call_fields, context_fields};
pub use keys::{RESERVED, keys};
pub use layout::put_context;

use crate::exception;
use crate::value::{Reader, Value, length};

/// A call site of the application, with the names of the fields it gives.
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
    /// A call site that is not known.
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
    /// A field tells of calls that were left out.
    pub const SUPPRESSED: u16 = 1 << 7;
    /// Sampling has left the call out: metrics count the record, and it is written nowhere.
    pub const ASIDE: u16 = 1 << 8;
    /// Metrics have counted the call already, by a record of its own.
    pub const COUNTED: u16 = 1 << 9;
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
const EXTRA: usize = 34;
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

/// Reads a number of the header. Every captured record has a header, so one check of the length is enough.
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

/// The highest bit of the number of a record that waits outside of the queue.
const WAITS: u64 = 1 << 63;
/// Bits of such a number that tell these records apart.
const OWN: u32 = 20;

/// The number of the record that is the `own`-th to wait outside of the queue, while `next` is the number of the next record that is queued.
#[must_use]
pub const fn waiting_sequence(next: u64, own: u64) -> u64 {
    WAITS | next << OWN | own & ((1 << OWN) - 1)
}

/// By which records that were accepted are sorted: those that waited come before the next that was queued. Among a million that have waited for
/// one and the same, the order may begin anew.
#[must_use]
pub const fn order_of(sequence: u64) -> (u64, u64) {
    if sequence & WAITS == 0 { (sequence, u64::MAX) } else { ((sequence & !WAITS) >> OWN, sequence & ((1 << OWN) - 1)) }
}

/// Flags of a captured record.
#[must_use]
pub fn flags_of(record: &[u8]) -> u16 {
    head(record, |head| u16::from_le_bytes([head[FLAGS], head[FLAGS + 1]]))
}

/// Whether a captured record is for metrics alone.
#[inline]
#[must_use]
pub fn is_aside(record: &[u8]) -> bool {
    flags_of(record) & flag::ASIDE != 0
}

/// Adds flags to a captured record.
#[inline]
pub fn add_flags(record: &mut [u8], flags: u16) {
    let old = u16::from_le_bytes([record[FLAGS], record[FLAGS + 1]]);
    record[FLAGS..FLAGS + 2].copy_from_slice(&(old | flags).to_le_bytes());
}

/// Notes the process that made a captured record, if another process captured it.
pub fn set_process(record: &mut [u8], process: u32) {
    if let Some(head) = record.first_chunk_mut::<HEADER>() {
        head[PROCESS..].copy_from_slice(&process.to_le_bytes());
    }
}

/// Counts one more field behind all others of a captured record. False for a record that has as many as it can have.
#[must_use]
pub fn count_field(record: &mut [u8]) -> bool {
    let extra = head(record, |head| u16::from_le_bytes([head[EXTRA], head[EXTRA + 1]]));
    let Some(more) = extra.checked_add(1) else { return false };
    record[EXTRA..EXTRA + 2].copy_from_slice(&more.to_le_bytes());
    true
}

/// The name of the field that tells of calls that were left out.
pub const SUPPRESSED: &str = "suppressed";

/// How many calls a captured record tells of that were left out.
#[inline]
#[must_use]
pub fn suppressed_of(record: &[u8]) -> u64 {
    if flags_of(record) & flag::SUPPRESSED == 0 { 0 } else { read_suppressed(record).unwrap_or(0) }
}

/// It is behind the call's own fields.
#[cold]
fn read_suppressed(record: &[u8]) -> Option<u64> {
    // The name and the kind, then the number: the field is added last but for others of sampling.
    let pattern: Vec<u8> = length(SUPPRESSED.len()).to_le_bytes().into_iter().chain(SUPPRESSED.bytes()).collect();
    let at = memchr::memmem::rfind(record, &pattern)? + pattern.len();
    match Reader::checked(&record[at..]).value()? {
        Value::Integer(count) => u64::try_from(count).ok(),
        _ => None,
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
    /// A call site that is not known.
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
    /// The process that made the record, if another process captured it, otherwise 0.
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
    /// `site_of` takes the number of a call site, and tells how many fields it has and whether it has a message. A record
    /// of a site that it does not know is refused, unless the site travels inside the record.
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
mod tests;
