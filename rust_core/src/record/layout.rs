//! The one writer of a record's sections. Each step gives the next, so they come in this order and in no other.
//!
//! 1. the header
//! 2. the level's name, the call site, and the names of logger and thread, each where the header refers to none of a table
//! 3. the message, unless it is that of the call site
//! 4. context, exception and stack, each with its length before it
//! 5. the values of the call site's fields
//! 6. further fields with their names
//!
//! The header says which sections there are. The caller makes it; it comes first, and is written once.

use super::{HEADER, Header, InlineSite};
use crate::value::{Put, length};

/// Begins a record.
#[inline]
pub fn begin<'o, P: Put>(out: &'o mut P, header: &Header) -> Names<'o, P> {
    out.put(&header.to_bytes());
    Names(out)
}

/// Writes the header of a record anew.
pub fn set_header(record: &mut [u8], header: &Header) {
    if let Some(head) = record.first_chunk_mut::<HEADER>() {
        *head = header.to_bytes();
    }
}

/// What travels inside of a record since no table has it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Inline<'a> {
    pub level_name: Option<&'a str>,
    pub site: Option<InlineSite<'a>>,
    pub logger: Option<&'a str>,
    pub thread: Option<&'a str>,
}

#[must_use]
pub struct Names<'o, P>(&'o mut P);

impl<'o, P: Put> Names<'o, P> {
    /// All of them are in tables.
    #[inline]
    pub fn in_tables(self) -> Message<'o, P> {
        Message(self.0)
    }

    /// Some travel inside.
    pub fn inline(self, inline: &Inline<'_>) -> Message<'o, P> {
        let out = self.0;
        if let Some(name) = inline.level_name {
            out.put_text(name);
        }
        if let Some(site) = &inline.site {
            out.put_text(site.module);
            out.put_text(site.function);
            out.put(&site.line.to_le_bytes());
        }
        for name in [inline.logger, inline.thread].into_iter().flatten() {
            out.put_text(name);
        }
        Message(out)
    }
}

#[must_use]
pub struct Message<'o, P>(&'o mut P);

impl<'o, P: Put> Message<'o, P> {
    /// It is that of the call site.
    #[inline]
    pub fn of_site(self) -> Sections<'o, P> {
        Sections(self.0)
    }

    #[inline]
    pub fn message(self, text: &str) -> Sections<'o, P> {
        self.0.put_text(text);
        Sections(self.0)
    }

    /// A text that `put` puts, with its length before it.
    #[inline]
    pub fn message_by(self, put: impl FnOnce(&mut P)) -> Sections<'o, P> {
        put(self.0);
        Sections(self.0)
    }
}

#[must_use]
pub struct Sections<'o, P>(&'o mut P);

impl<'o, P: Put> Sections<'o, P> {
    /// Those of context, exception and stack that there are, in this order.
    #[inline]
    pub fn sections<'s>(self, sections: impl IntoIterator<Item = &'s [u8]>) -> Values<'o, P> {
        for bytes in sections {
            self.0.put(&length(bytes.len()).to_le_bytes());
            self.0.put(bytes);
        }
        Values(self.0)
    }
}

#[must_use]
pub struct Values<'o, P>(&'o mut P);

impl<'o, P: Put> Values<'o, P> {
    /// The call site names no fields.
    #[inline]
    pub fn no_values(self) -> Named<'o, P> {
        Named(self.0)
    }

    /// `put` puts the value of each field that the call site names.
    #[inline]
    pub fn values(self, put: impl FnOnce(&mut P)) -> Named<'o, P> {
        put(self.0);
        Named(self.0)
    }
}

pub struct Named<'o, P>(&'o mut P);

impl<P: Put> Named<'_, P> {
    /// A field that the call site does not name: `put` puts its value.
    #[inline]
    pub fn field(&mut self, name: &str, put: impl FnOnce(&mut P)) {
        self.0.put_text(name);
        put(self.0);
    }
}

/// The fields that follow a request, captured once when they are set: ids, then named values.
pub fn put_context(out: &mut impl Put, trace_id: Option<&str>, span_id: Option<&str>) {
    for id in [trace_id, span_id] {
        out.put_u8(u8::from(id.is_some()));
        if let Some(id) = id {
            out.put_text(id);
        }
    }
}
