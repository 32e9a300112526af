//! The compact form of an exception: written by the binding, read here.

use std::str;

use crate::value::Reader;

/// First byte of every captured exception; another number means another layout.
pub const VERSION: u8 = 1;

/// Exceptions inside exceptions.
pub const DEPTH: usize = 32;

/// What stands in place of a cause or a context.
pub mod link {
    pub const NONE: u8 = 0;
    pub const FOLLOWS: u8 = 1;
    /// There is one, beyond what is captured.
    pub const LEFT_OUT: u8 = 2;
}

/// An exception, borrowed from its bytes.
#[derive(Debug, PartialEq, Eq)]
pub struct Exception<'a> {
    pub kind: &'a str,
    pub module: &'a str,
    pub message: &'a str,
    /// The lines after the frames as Python has them, where they are more than type, message and notes.
    pub last_lines: Option<&'a str>,
    pub notes: Vec<&'a str>,
    /// Whether this version of Python prints notes.
    pub shows_notes: bool,
    pub frames: Vec<Frame<'a>>,
    /// Frames not captured, after the first half of those that were.
    pub left_out: u32,
    pub cause: Link<'a>,
    pub context: Link<'a>,
    pub group: Option<Group<'a>>,
}

/// Another exception that an exception refers to.
#[derive(Debug, PartialEq, Eq)]
pub enum Link<'a> {
    None,
    To(Box<Exception<'a>>),
    LeftOut,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Group<'a> {
    /// The first of them.
    pub members: Vec<Exception<'a>>,
    /// Members not captured.
    pub left_out: u32,
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

/// Reads an exception; `None` if its bytes are not whole, or not of this version.
#[must_use]
pub fn decode(blob: &[u8]) -> Option<Exception<'_>> {
    whole(blob).map(|(exception, _)| exception)
}

/// Whether a blob of any origin is an exception to its last byte.
#[must_use]
pub fn is_exception(blob: &[u8]) -> bool {
    whole(blob).is_some_and(|(_, rest)| rest.is_empty())
}

fn whole(blob: &[u8]) -> Option<(Exception<'_>, Reader<'_>)> {
    let mut blob = Blob(Reader::checked(blob));
    if blob.0.u8()? != VERSION {
        return None;
    }
    Some((blob.exception(0)?, blob.0))
}

/// A captured stack.
#[derive(Debug, PartialEq, Eq)]
pub enum Stack<'a> {
    /// The outermost frame first.
    Frames { frames: Vec<Frame<'a>>, left_out: u32 },
    /// As somebody else has printed it.
    Text(&'a str),
}

/// First byte of a stack that is a text.
pub const TEXT: u8 = 0;

/// Reads a stack; `None` if its bytes are not whole, or not of this version.
#[must_use]
pub fn decode_stack(blob: &[u8]) -> Option<Stack<'_>> {
    whole_stack(blob).map(|(stack, _)| stack)
}

/// Whether a blob of any origin is a stack to its last byte.
#[must_use]
pub fn is_stack(blob: &[u8]) -> bool {
    whole_stack(blob).is_some_and(|(_, rest)| rest.is_empty())
}

fn whole_stack(blob: &[u8]) -> Option<(Stack<'_>, Reader<'_>)> {
    match blob.split_first()? {
        (&TEXT, text) => Some((Stack::Text(str::from_utf8(text).ok()?), Reader::checked(&[]))),
        (&VERSION, frames) => {
            let mut blob = Blob(Reader::checked(frames));
            Some((Stack::Frames { left_out: blob.0.u32()?, frames: blob.list(Blob::frame)? }, blob.0))
        }
        _ => None,
    }
}

/// Always over a checked reader.
struct Blob<'a>(Reader<'a>);

impl<'a> Blob<'a> {
    fn exception(&mut self, depth: usize) -> Option<Exception<'a>> {
        if depth > DEPTH {
            return None;
        }
        Some(Exception {
            kind: self.text()?,
            module: self.text()?,
            message: self.text()?,
            last_lines: self.optional(Self::text)?,
            shows_notes: self.flag()?,
            notes: self.list(Self::text)?,
            left_out: self.0.u32()?,
            frames: self.list(Self::frame)?,
            cause: self.link(depth)?,
            context: self.link(depth)?,
            group: self.optional(|blob| blob.group(depth))?,
        })
    }

    fn link(&mut self, depth: usize) -> Option<Link<'a>> {
        match self.0.u8()? {
            link::NONE => Some(Link::None),
            link::FOLLOWS => Some(Link::To(Box::new(self.exception(depth + 1)?))),
            link::LEFT_OUT => Some(Link::LeftOut),
            _ => None,
        }
    }

    fn group(&mut self, depth: usize) -> Option<Group<'a>> {
        Some(Group { left_out: self.0.u32()?, members: self.list(|blob| blob.exception(depth + 1))? })
    }

    fn frame(&mut self) -> Option<Frame<'a>> {
        Some(Frame {
            file: self.text()?,
            function: self.text()?,
            line: self.0.u32()?,
            source: self.optional(Self::text)?,
            repeated: self.0.u32()?,
        })
    }

    /// As many as the number before them says; nothing is reserved for a number that lies.
    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        (0..self.0.u32()?).map(|_| item(self)).collect()
    }

    fn optional<T>(&mut self, item: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        Some(if self.flag()? { Some(item(self)?) } else { None })
    }

    fn flag(&mut self) -> Option<bool> {
        match self.0.u8()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn text(&mut self) -> Option<&'a str> {
        self.0.text()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::rewrite::Writer;
    use super::*;
    use proptest::prelude::*;

    /// Captured bytes, as the binding would write them.
    pub fn encode(exception: &Exception<'_>) -> Vec<u8> {
        let mut out = vec![VERSION];
        Writer { out: &mut out, edit: &mut |_, _| None, source: &mut |_, frame| frame.source.map(str::to_owned) }
            .exception(exception);
        out
    }

    pub fn put_frame(frame: &Frame<'_>, out: &mut Vec<u8>) {
        Writer { out, edit: &mut |_, _| None, source: &mut |_, frame| frame.source.map(str::to_owned) }.frame(frame);
    }

    pub fn plain<'a>(kind: &'a str, message: &'a str) -> Exception<'a> {
        Exception {
            kind,
            module: "builtins",
            message,
            last_lines: None,
            notes: Vec::new(),
            shows_notes: true,
            frames: Vec::new(),
            left_out: 0,
            cause: Link::None,
            context: Link::None,
            group: None,
        }
    }

    /// One of everything.
    pub fn rich() -> Exception<'static> {
        let frame = Frame { file: "/no/such/file.py", function: "f", line: 7, source: Some("f()"), repeated: 5 };
        let other = Frame { function: "g", source: None, repeated: 1, ..frame };
        let member = Exception { notes: vec!["a note"], ..plain("KeyError", "'k'") };
        Exception {
            frames: vec![frame, other, frame, other],
            left_out: 3,
            cause: Link::To(Box::new(plain("OSError", "é 你好"))),
            context: Link::LeftOut,
            group: Some(Group { members: vec![member, plain("ValueError", "")], left_out: 2 }),
            ..plain("ExceptionGroup", "several")
        }
    }

    #[test]
    fn an_exception_is_read_back_as_written() {
        let exception = rich();
        assert_eq!(decode(&encode(&exception)), Some(exception));
    }

    #[test]
    fn another_version_is_not_read() {
        let mut blob = encode(&rich());
        blob[0] = VERSION + 1;
        assert_eq!(decode(&blob), None);
    }

    #[test]
    fn bytes_that_end_early_are_not_read() {
        let blob = encode(&rich());
        for end in 0..blob.len() {
            assert_eq!(decode(&blob[..end]), None, "cut at {end}");
        }
    }

    #[test]
    fn a_whole_one_ends_with_its_last_byte() {
        let mut blob = encode(&rich());
        assert!(is_exception(&blob));
        blob.push(0);
        assert!(!is_exception(&blob));
        assert!(is_stack(b"\0printed") && is_stack(&[VERSION, 0, 0, 0, 0, 0, 0, 0, 0]));
        assert!(!is_stack(b"") && !is_stack(b"\0\xff") && !is_stack(&[VERSION, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
    }

    proptest! {
        #[test]
        fn bytes_of_any_kind_are_read_without_panic(bytes: Vec<u8>) {
            let _ = decode(&bytes);
            let _ = decode_stack(&bytes);
        }
    }
}
