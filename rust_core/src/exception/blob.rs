//! The compact form of an exception: written by the binding, read here.

use std::str;

use super::form::Form;
use crate::value::Reader;

/// First byte of every captured exception; another number means another layout.
pub const VERSION: u8 = 2;
/// The layout before, in boxes of earlier versions. Frames have their place and nothing further, and there is no form.
const EARLIER: u8 = 1;

/// Exceptions inside exceptions.
pub const DEPTH: usize = 32;

/// What stands in place of a cause or a context.
pub mod link {
    pub const NONE: u8 = 0;
    pub const FOLLOWS: u8 = 1;
    /// There is one, beyond what is captured.
    pub const LEFT_OUT: u8 = 2;
}

/// A captured exception and what is shown of it.
#[derive(Debug, PartialEq, Eq)]
pub struct Captured<'a> {
    pub form: Form,
    pub exception: Exception<'a>,
}

/// An exception, borrowed from its bytes.
#[derive(Debug, PartialEq, Eq)]
pub struct Exception<'a> {
    pub kind: &'a str,
    pub module: &'a str,
    pub message: &'a str,
    /// The lines after the frames as Python has them, caret lines included, where they are more than type, message and notes.
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

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    pub file: &'a str,
    pub function: &'a str,
    pub line: u32,
    /// Source that the file will not give: there is none, or the statement has several lines. Caret lines stand below the lines they mark.
    pub source: Option<&'a str>,
    /// Whether the code is the application's, and not a library's.
    pub is_application: bool,
    /// Where the expression stands that was evaluated: bytes of the line, indentation included, from and to. The end is
    /// `FURTHER_DOWN` if it is in another line.
    pub columns: Option<(u32, u32)>,
    /// Module and function, `shop.orders:Order.pay`: the same wherever the code is installed. "" in boxes of earlier
    /// versions.
    pub origin: &'a str,
    /// How often the same frame follows itself.
    pub repeated: u32,
    /// Local variables, as texts by name.
    pub variables: Vec<(&'a str, &'a str)>,
}

impl<'a> Frame<'a> {
    /// The outermost package of its module; "" if there is none.
    #[must_use]
    pub fn package(&self) -> &'a str {
        self.origin.split([':', '.']).next().unwrap_or_default()
    }
}

/// Reads an exception; `None` if its bytes are not whole, or not of a known version.
#[must_use]
pub fn decode(blob: &[u8]) -> Option<Captured<'_>> {
    whole(blob).map(|(captured, _)| captured)
}

/// Whether a blob of any origin is an exception to its last byte.
#[must_use]
pub fn is_exception(blob: &[u8]) -> bool {
    whole(blob).is_some_and(|(_, rest)| rest.is_empty())
}

fn whole(blob: &[u8]) -> Option<(Captured<'_>, Reader<'_>)> {
    let mut blob = Blob::begin(blob)?;
    let form = if blob.is_earlier { Form::WHOLE } else { Form::of_byte(blob.reader.u8()?)? };
    let exception = blob.exception(0)?;
    Some((Captured { form, exception }, blob.reader))
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

/// Reads a stack; `None` if its bytes are not whole, or not of a known version.
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
    if let (&TEXT, text) = blob.split_first()? {
        return Some((Stack::Text(str::from_utf8(text).ok()?), Reader::checked(&[])));
    }
    let mut blob = Blob::begin(blob)?;
    Some((Stack::Frames { left_out: blob.reader.u32()?, frames: blob.list(Blob::frame)? }, blob.reader))
}

struct Blob<'a> {
    /// Always a checked one.
    reader: Reader<'a>,
    is_earlier: bool,
}

impl<'a> Blob<'a> {
    fn begin(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::checked(bytes);
        let is_earlier = match reader.u8()? {
            VERSION => false,
            EARLIER => true,
            _ => return None,
        };
        Some(Self { reader, is_earlier })
    }

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
            left_out: self.reader.u32()?,
            frames: self.list(Self::frame)?,
            cause: self.link(depth)?,
            context: self.link(depth)?,
            group: self.optional(|blob| blob.group(depth))?,
        })
    }

    fn link(&mut self, depth: usize) -> Option<Link<'a>> {
        match self.reader.u8()? {
            link::NONE => Some(Link::None),
            link::FOLLOWS => Some(Link::To(Box::new(self.exception(depth + 1)?))),
            link::LEFT_OUT => Some(Link::LeftOut),
            _ => None,
        }
    }

    fn group(&mut self, depth: usize) -> Option<Group<'a>> {
        Some(Group { left_out: self.reader.u32()?, members: self.list(|blob| blob.exception(depth + 1))? })
    }

    fn frame(&mut self) -> Option<Frame<'a>> {
        let (file, function) = (self.text()?, self.text()?);
        let (line, source) = (self.reader.u32()?, self.optional(Self::text)?);
        let mut frame = Frame {
            file,
            function,
            line,
            source,
            is_application: true,
            columns: None,
            origin: "",
            repeated: 0,
            variables: Vec::new(),
        };
        if !self.is_earlier {
            frame.is_application = self.flag()?;
            let (from, to) = (self.reader.u32()?, self.reader.u32()?);
            frame.columns = (from < to).then_some((from, to));
            frame.origin = self.text()?;
        }
        frame.repeated = self.reader.u32()?;
        if !self.is_earlier {
            frame.variables = self.list(|blob| Some((blob.text()?, blob.text()?)))?;
        }
        Some(frame)
    }

    /// As many as the number before them says; nothing is reserved for a number that lies.
    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        (0..self.reader.u32()?).map(|_| item(self)).collect()
    }

    fn optional<T>(&mut self, item: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        Some(if self.flag()? { Some(item(self)?) } else { None })
    }

    fn flag(&mut self) -> Option<bool> {
        match self.reader.u8()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn text(&mut self) -> Option<&'a str> {
        self.reader.text()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::rewrite::Writer;
    use super::*;
    use crate::value::Put;
    use proptest::prelude::*;

    /// Captured bytes, as the binding would write them.
    pub fn encode(exception: &Exception<'_>) -> Vec<u8> {
        encode_as(Form::WHOLE, exception)
    }

    pub fn encode_as(form: Form, exception: &Exception<'_>) -> Vec<u8> {
        let mut out = vec![VERSION, form.to_byte()];
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

    /// A frame of the application.
    pub fn frame(function: &str) -> Frame<'_> {
        Frame {
            file: "/no/such/file.py",
            function,
            line: 7,
            source: Some("f()"),
            is_application: true,
            columns: None,
            origin: "shop.orders:pay",
            repeated: 1,
            variables: Vec::new(),
        }
    }

    /// One of everything.
    pub fn rich() -> Exception<'static> {
        let frame = Frame { repeated: 5, columns: Some((4, 7)), ..frame("f") };
        let variables = vec![("order", "<Order 7>"), ("名", "'é'")];
        let other = Frame { source: None, is_application: false, variables, ..self::frame("g") };
        let member = Exception { notes: vec!["a note"], ..plain("KeyError", "'k'") };
        Exception {
            frames: vec![frame.clone(), other.clone(), frame, other],
            left_out: 3,
            cause: Link::To(Box::new(plain("OSError", "é 你好"))),
            context: Link::LeftOut,
            group: Some(Group { members: vec![member, plain("ValueError", "")], left_out: 2 }),
            ..plain("ExceptionGroup", "several")
        }
    }

    #[test]
    fn an_exception_is_read_back_as_written() {
        for byte in 0..8 {
            let (form, exception) = (Form::of_byte(byte).unwrap(), rich());
            let blob = encode_as(form, &exception);
            assert_eq!(decode(&blob), Some(Captured { form, exception }));
        }
        assert_eq!(Form::of_byte(8), None);
    }

    /// As a process of the version before left it in its box.
    #[test]
    fn an_exception_of_the_layout_before_is_read() {
        let mut out = vec![EARLIER];
        for text in ["ValueError", "builtins", "v"] {
            out.put_text(text);
        }
        out.put(&[0, 1]);
        for number in [0_u32, 0, 1] {
            out.put(&number.to_le_bytes());
        }
        out.put_text("/app/shop.py");
        out.put_text("pay");
        out.put(&7_u32.to_le_bytes());
        out.put_u8(0);
        out.put(&2_u32.to_le_bytes());
        let stack = [&[EARLIER, 0, 0, 0, 0][..], &out[out.len() - 36..]].concat();
        out.put(&[link::NONE, link::NONE, 0]);
        let Captured { form, exception } = decode(&out).unwrap();
        assert!(form == Form::WHOLE && is_exception(&out));
        let [frame] = &exception.frames[..] else { panic!("{exception:?}") };
        assert_eq!((frame.file, frame.function, frame.line, frame.repeated), ("/app/shop.py", "pay", 7, 2));
        assert!(matches!(decode_stack(&stack), Some(Stack::Frames { frames, .. }) if frames == exception.frames));
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
        let mut stack = vec![VERSION, 0, 0, 0, 0, 0, 0, 0, 0];
        assert!(is_stack(b"\0printed") && is_stack(&stack));
        stack.push(0);
        assert!(!is_stack(b"") && !is_stack(b"\0\xff") && !is_stack(&stack));
    }

    proptest! {
        #[test]
        fn bytes_of_any_kind_are_read_without_panic(bytes: Vec<u8>) {
            let _ = decode(&bytes);
            let _ = decode_stack(&bytes);
        }
    }
}
