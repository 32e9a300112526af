//! The compact form of an exception: written by the binding, read here.

use crate::value::Reader;

/// Exceptions inside exceptions; what is deeper was not captured.
pub const DEPTH: usize = 32;

/// An exception, borrowed from its bytes.
#[derive(Debug, Default)]
pub struct Exception<'a> {
    pub kind: &'a str,
    pub module: &'a str,
    pub message: &'a str,
    /// The lines after the frames as Python has them, where they are more than type and message.
    pub last_lines: Option<&'a str>,
    pub notes: Vec<&'a str>,
    /// Whether this version of Python prints notes.
    pub shows_notes: bool,
    pub frames: Vec<Frame<'a>>,
    /// Frames not captured, after the first half of those that were.
    pub left_out: u32,
    pub cause: Option<Box<Exception<'a>>>,
    pub context: Option<Box<Exception<'a>>>,
    pub group: Option<Vec<Exception<'a>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    pub file: &'a str,
    pub function: &'a str,
    pub line: u32,
    /// Source that the file will not give: there is none, or the statement has several lines.
    pub source: Option<&'a str>,
    /// How often the same frame follows itself.
    pub repeated: u32,
}

/// Reads an exception; `None` if its bytes are not whole.
#[must_use]
pub fn decode(blob: &[u8]) -> Option<Exception<'_>> {
    // SAFETY: texts in records are UTF-8, as capture writes them.
    read(&mut unsafe { Reader::new(blob) }, 0)
}

fn read<'a>(reader: &mut Reader<'a>, depth: usize) -> Option<Exception<'a>> {
    if depth > DEPTH {
        return None;
    }
    let (kind, module, message) = (reader.text()?, reader.text()?, reader.text()?);
    let last_lines = if reader.u8()? == 1 { Some(reader.text()?) } else { None };
    let shows_notes = reader.u8()? == 1;
    let notes = (0..reader.u32()?).map(|_| reader.text()).collect::<Option<_>>()?;
    let left_out = reader.u32()?;
    let frames = read_frames(reader)?;
    let mut other = || -> Option<Option<Box<Exception<'a>>>> {
        Some(if reader.u8()? == 1 { Some(Box::new(read(reader, depth + 1)?)) } else { None })
    };
    let (cause, context) = (other()?, other()?);
    let group = if reader.u8()? == 1 {
        Some((0..reader.u32()?).map(|_| read(reader, depth + 1)).collect::<Option<_>>()?)
    } else {
        None
    };
    Some(Exception { kind, module, message, last_lines, notes, shows_notes, frames, left_out, cause, context, group })
}

fn read_frames<'a>(reader: &mut Reader<'a>) -> Option<Vec<Frame<'a>>> {
    (0..reader.u32()?)
        .map(|_| {
            Some(Frame {
                file: reader.text()?,
                function: reader.text()?,
                line: reader.u32()?,
                source: if reader.u8()? == 1 { Some(reader.text()?) } else { None },
                repeated: reader.u32()?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bytes_of_any_kind_are_read_without_panic(bytes in prop::collection::vec(0_u8..0x80, 0..200)) {
            let _ = decode(&bytes);
        }
    }
}
