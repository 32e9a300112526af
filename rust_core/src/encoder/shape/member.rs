//! What a line can be made of. A preset is a table of these.

/// A key of an object, and what stands there.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    pub key: &'static str,
    pub is: Is,
}

/// What stands at a key. A member without a value is absent.
#[derive(Clone, Copy, Debug)]
pub enum Is {
    /// A value that is always the same, as JSON.
    Constant(&'static str),
    /// The time, ISO 8601 with microseconds and offset.
    Time,
    /// Nanoseconds since the epoch, as a text: readers of JSON have no integer of this size.
    Nanoseconds,
    Level(OfLevel),
    Logger,
    Message,
    Site(OfSite),
    Thread,
    Process,
    Id(Id),
    /// True in records that were written after the death of their process.
    Recovered,
    /// The whole exception, as the page on records has it.
    Exception,
    /// A part of an exception as a flat value.
    Error(OfError),
    Stack,
    /// A field of the process, by its short name, and a text that follows it.
    OfProcess(&'static str, &'static str),
    /// The other fields of the process.
    ProcessFields,
    /// The same as texts.
    ProcessTexts,
    /// The fields of the context and of the call.
    Fields,
    /// Absent if it has no members.
    Object(&'static [Member]),
}

#[derive(Clone, Copy, Debug)]
pub enum OfLevel {
    Name,
    LowerName,
    /// The text of the highest bound that is not above the level.
    Severity(&'static [(i32, &'static str)]),
    /// The number that OpenTelemetry gives it.
    OpenTelemetry,
    /// The name, where the level is none of the standard ones: severities do not tell it.
    OtherName,
}

#[derive(Clone, Copy, Debug)]
pub enum OfSite {
    Module,
    /// The name of the file.
    File,
    Function,
    Line,
}

#[derive(Clone, Copy, Debug)]
pub enum Id {
    Trace,
    Span,
    /// `projects/…/traces/…`, where the project is known.
    TraceOfProject,
    /// The lower 64 bits as a decimal number.
    DecimalTrace,
    DecimalSpan,
}

#[derive(Clone, Copy, Debug)]
pub enum OfError {
    Type,
    /// The type with its module.
    QualifiedType,
    Message,
    /// The whole text, as Python prints it.
    Traceback,
    /// By which equal errors are counted.
    Fingerprint,
    /// A value that stands in records with an exception only, as JSON.
    Constant(&'static str),
}

pub const fn member(key: &'static str, is: Is) -> Member {
    Member { key, is }
}
