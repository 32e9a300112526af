//! Contexts as they stand in lines. The records of one request share a context, so the last contexts are cached.

use std::borrow::Cow;

use crate::record::{Context, Site};
use crate::value::Reader;

use super::naming::Naming;
use super::piece::Piece;
use super::{context_fields, put_fields};

/// Contexts that are cached, each in the slot that its bytes choose.
const KEPT: usize = 64;
/// The most bytes of a context with a slot of its own. Larger contexts share one slot.
const LONGEST: usize = 4_096;
/// Call sites that one context remembers.
const SITES: usize = 32;

/// Puts the ids of a context, each with its key.
pub trait PutIds: FnOnce(&Context<'_>, &mut Vec<u8>) {}

impl<F: FnOnce(&Context<'_>, &mut Vec<u8>)> PutIds for F {}

#[derive(Debug)]
pub struct Contexts(Box<[CachedContext]>);

impl Default for Contexts {
    fn default() -> Self {
        Self((0..=KEPT).map(|_| CachedContext::default()).collect())
    }
}

/// One context.
#[derive(Debug, Default)]
pub struct CachedContext {
    /// As it was captured.
    bytes: Vec<u8>,
    /// `,"trace_id":"…","span_id":"…"`
    pub ids: Piece,
    /// `,"name":value` of each field.
    pub fields: Piece,
    /// Names of the fields, and the keys they have where no other field is in their way.
    names: Vec<String>,
    keys: Vec<String>,
    /// Whether the fields of call sites, by number, go well with these.
    sites: Vec<(u32, bool)>,
}

impl Contexts {
    /// A context, by its bytes in a record.
    #[inline]
    pub fn get(&mut self, bytes: Reader<'_>, naming: &Naming, put_ids: impl PutIds) -> Option<&mut CachedContext> {
        let cached = &mut self.0[slot_of(bytes.rest())];
        if cached.bytes != bytes.rest() {
            cached.learn(bytes, naming, put_ids)?;
        }
        Some(cached)
    }
}

/// Ids are what contexts differ in: the first lies near the front, and of ids alone the second ends them.
#[inline]
fn slot_of(bytes: &[u8]) -> usize {
    if bytes.len() > LONGEST {
        return KEPT;
    }
    let word = |bytes: Option<&[u8; 8]>| bytes.map_or(0, |word| u64::from_le_bytes(*word));
    let mixed = word(bytes.get(5..).and_then(<[u8]>::first_chunk)) ^ word(bytes.last_chunk()).rotate_left(7);
    (mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize % KEPT
}

impl CachedContext {
    #[cold]
    fn learn(&mut self, bytes: Reader<'_>, naming: &Naming, put_ids: impl PutIds) -> Option<()> {
        // Half of one context must never pass for another, should what follows end early.
        self.bytes.clear();
        let context = Context::read(bytes)?;
        self.ids.rewrite(|out| put_ids(&context, out));
        self.sites.clear();
        let (names, values): (Vec<_>, Vec<_>) = context_fields(&context).unzip();
        let keys = naming.keys(&names, &[]);
        self.fields.rewrite(|out| put_fields(&keys, values, out));
        self.keys = keys.into_iter().flatten().map(Cow::into_owned).collect();
        self.names = names.into_iter().map(str::to_owned).collect();
        self.bytes.extend_from_slice(bytes.rest());
        Some(())
    }

    pub fn has_fields(&self) -> bool {
        !self.names.is_empty()
    }

    /// Whether a call site's fields have other names and keys than these: then both stand one after the other.
    #[inline]
    pub fn goes_with(&mut self, number: u32, site: &Site, naming: &Naming) -> bool {
        match self.sites.iter().find(|(site, _)| *site == number) {
            Some((_, goes)) => *goes,
            None => self.compare(number, site, naming),
        }
    }

    #[cold]
    fn compare(&mut self, number: u32, site: &Site, naming: &Naming) -> bool {
        let site_names: Vec<_> = site.fields.iter().map(String::as_str).collect();
        let site_keys: Vec<_> = naming.keys(&site_names, &[]).into_iter().flatten().collect();
        let goes = !self.names.iter().any(|name| site_names.contains(&name.as_str()))
            && !self.keys.iter().any(|key| site_keys.iter().any(|other| other == key));
        if self.sites.len() < SITES {
            self.sites.push((number, goes));
        }
        goes
    }
}
