//! Records, rewritten in their compact form.

use std::borrow::Cow;
use std::sync::Arc;

use super::Rules;
use super::keys::Verdict;
use super::scanner::{Replaced, Scanner};
use crate::exception::{self, Part, SourceCache};
use crate::names::Names;
use crate::record::layout::{self, Inline};
use crate::record::{Context, INLINE, InlineSite, Record, Site, flag, put_context, set_process};
use crate::table::{Table, View};
use crate::value::{Put, Reader, Value};

/// Contexts that are kept, each in a place that its bytes tell, and bytes of one. Larger ones share one place.
const CONTEXTS: usize = 64;
const LONGEST: usize = 4_096;

/// What a call site adds to each of its records.
#[derive(Debug)]
struct SiteRules {
    /// The message, if it does not stay as it is.
    message: Option<String>,
    fields: Vec<Verdict>,
    /// The names of the fields, if one of them or the place does not stay as it is.
    names: Option<Vec<String>>,
    /// Module and function, if one of them does not: they may have been given by another program.
    place: Option<(String, String)>,
}

#[derive(Debug, Default)]
struct KnownContext {
    bytes: Vec<u8>,
    /// What becomes of it, and of how many values in it, if it does not stay as it is.
    redacted: Option<(Vec<u8>, u64)>,
}

/// Rewrites the records of one process, whose names these are.
#[derive(Debug)]
pub struct Redactor {
    scanner: Scanner,
    names: Arc<Names>,
    sites: View<Site, SiteRules>,
    /// What becomes of a name, if it does not stay as it is.
    loggers: View<String, Option<String>>,
    threads: View<String, Option<String>>,
    contexts: Box<[KnownContext]>,
    sources: SourceCache,
    out: Vec<u8>,
    count: u64,
}

impl Redactor {
    #[must_use]
    pub fn new(rules: Arc<Rules>, names: Arc<Names>) -> Self {
        Self {
            scanner: Scanner::new(rules),
            names,
            sites: View::new(),
            loggers: View::new(),
            threads: View::new(),
            contexts: (0..=CONTEXTS).map(|_| KnownContext::default()).collect(),
            sources: SourceCache::default(),
            out: Vec::new(),
            count: 0,
        }
    }

    #[must_use]
    pub fn rules(&self) -> &Arc<Rules> {
        self.scanner.rules()
    }

    /// How many values and texts were replaced, in part or whole, since this was last asked.
    pub fn take_count(&mut self) -> u64 {
        std::mem::take(&mut self.count)
    }

    /// The record without secrets.
    pub fn redact<'r>(&'r mut self, record: &Record<'r>) -> Record<'r> {
        self.apply(record, true)
    }

    /// A record of the library's own without secrets: its names are ours.
    pub fn redact_own<'r>(&'r mut self, record: &Record<'r>) -> Record<'r> {
        self.apply(record, false)
    }

    fn apply<'r>(&'r mut self, record: &Record<'r>, by_name: bool) -> Record<'r> {
        // Most records have no secret: they are looked at and not written anew.
        if self.is_clean(record, by_name) {
            return *record;
        }
        self.out.clear();
        self.rewrite(record, by_name);
        // SAFETY: written just now, all texts from texts.
        unsafe { Record::read(&self.out) }.unwrap_or_else(|| unreachable!("written whole"))
    }

    /// Whether a record stays as it is. One with an exception or a stack is written anew with its source lines, which the encoder looks
    /// up no more: they have been looked at.
    fn is_clean(&mut self, record: &Record<'_>, by_name: bool) -> bool {
        if record.exception.is_some()
            || record.stack.is_some()
            || record.level_name.is_some_and(|name| !self.scanner.is_clean(name))
        {
            return false;
        }
        let Self { scanner, names, sites, loggers, threads, contexts, .. } = self;
        let site = sites.get(&names.sites, record.header.site, |site| SiteRules::new(scanner, site));
        if site
            .as_ref()
            .is_some_and(|(_, rules)| rules.names.is_some() || record.message.is_none() && rules.message.is_some())
            || record.site.is_some_and(|site| !scanner.is_clean(site.module) || !scanner.is_clean(site.function))
        {
            return false;
        }
        let mut is_clean_name =
            |inline: Option<&str>, number, table: &Table<String>, view: &mut View<String, Option<String>>| match inline
            {
                Some(name) => scanner.is_clean(name),
                None => view.get(table, number, |name| scanner.text(name)).is_none_or(|(_, new)| new.is_none()),
            };
        if !is_clean_name(record.logger, record.header.logger, &names.loggers, loggers)
            || !is_clean_name(record.thread, record.header.thread, &names.threads, threads)
            || record.message.is_some_and(|message| !scanner.is_clean(message))
            || record
                .context
                .is_some_and(|context| known_context(scanner, contexts, context, by_name).redacted.is_some())
        {
            return false;
        }
        let mut values = record.fields;
        for verdict in site.map_or(&[][..], |(_, rules)| &rules.fields) {
            let Some(value) = values.value() else { return false };
            if !scanner.is_clean_value(value, if by_name { *verdict } else { Verdict::Search }) {
                return false;
            }
        }
        for _ in 0..record.header.extra {
            let (Some(name), Some(value)) = (values.text(), values.value()) else { return false };
            let verdict = if by_name { scanner.field_verdict(name) } else { Verdict::Search };
            if !scanner.is_clean(name) || !scanner.is_clean_value(value, verdict) {
                return false;
            }
        }
        // What no encoder should find there is left out when it is written anew.
        values.is_empty()
    }

    fn rewrite(&mut self, record: &Record<'_>, by_name: bool) {
        let Self { scanner, names, sites, loggers, threads, contexts, sources, out, count } = self;
        let mut header = record.header;
        let site = sites.get(&names.sites, header.site, |site| SiteRules::new(scanner, site));
        let new_names = site.as_ref().and_then(|(_, rules)| rules.names.as_ref());
        let mut edit = Edit { scanner, count };
        let new_place = record.site.and_then(|inline| edit.place(inline.module, inline.function));
        let inline_site = match (record.site, &site) {
            (Some(inline), _) => Some(renamed(inline, new_place.as_ref())),
            (None, Some((site, rules))) if new_names.is_some() => {
                Some(renamed(InlineSite::of(site), rules.place.as_ref()))
            }
            _ => None,
        };
        let logger = edit.name(record.logger, header.logger, &names.loggers, loggers);
        let thread = edit.name(record.thread, header.thread, &names.threads, threads);
        let level_name = record.level_name.map(|name| edit.text(name));
        let of_site =
            site.as_ref().and_then(|(site, rules)| Some((site.message.as_deref()?, rules.message.as_deref())));
        let message = match (record.message, of_site) {
            (Some(message), _) => Some(edit.text(message)),
            (None, Some((_, Some(new)))) => {
                *edit.count += 1;
                Some(Cow::Borrowed(new))
            }
            (None, Some((message, None))) if new_names.is_some() => Some(Cow::Borrowed(message)),
            (None, _) => None,
        };
        // What was in a table may have to travel inside from now on.
        for (number, is_inline) in [
            (&mut header.site, inline_site.is_some()),
            (&mut header.logger, logger.is_some()),
            (&mut header.thread, thread.is_some()),
        ] {
            if is_inline {
                *number = INLINE;
            }
        }
        if message.is_some() {
            header.flags &= !flag::SITE_MESSAGE;
        }
        let context = record.context.map(|context| edit.context(contexts, context, by_name));
        let exception = record.exception.map(|blob| edit.blob(blob, exception::rewrite, sources));
        let stack = record.stack.map(|blob| edit.blob(blob, exception::rewrite_stack, sources));
        let inline = Inline {
            level_name: level_name.as_deref(),
            site: inline_site,
            logger: logger.as_deref(),
            thread: thread.as_deref(),
        };
        let layout = layout::begin(out, &header).inline(&inline);
        let layout = match &message {
            Some(message) => layout.message(message),
            None => layout.of_site(),
        };
        let layout = layout.sections([context, exception.as_deref(), stack.as_deref()].into_iter().flatten());
        let mut values = record.fields;
        let known: &[Verdict] = site.as_ref().map_or(&[], |(_, rules)| &rules.fields);
        let verdict_of = |verdict| if by_name { verdict } else { Verdict::Search };
        let mut extra = 0_u16;
        let mut named = match new_names {
            None => layout.values(|out| {
                for verdict in known {
                    let Some(value) = values.value() else { break };
                    edit.put_value(out, value, verdict_of(*verdict));
                }
            }),
            Some(names) => {
                *edit.count += 1;
                let mut named = layout.no_values();
                for (verdict, name) in known.iter().zip(names) {
                    let Some(value) = values.value() else { break };
                    named.field(name, |out| edit.put_value(out, value, verdict_of(*verdict)));
                    extra += 1;
                }
                named
            }
        };
        for _ in 0..header.extra {
            let (Some(name), Some(value)) = (values.text(), values.value()) else { break };
            let verdict = if by_name { edit.scanner.field_verdict(name) } else { Verdict::Search };
            let name = edit.text(name);
            named.field(&name, |out| edit.put_value(out, value, verdict));
            extra += 1;
        }
        // How many fields there are is only known at the end.
        header.extra = extra;
        layout::set_header(out, &header);
        set_process(out, record.process);
    }
}

impl SiteRules {
    fn new(scanner: &mut Scanner, site: &Site) -> Self {
        let new: Vec<_> = site.fields.iter().map(|name| scanner.text(name)).collect();
        let place = new_place(scanner, &site.module, &site.function);
        let names = place.is_some() || new.iter().any(Option::is_some);
        Self {
            message: site.message.as_deref().and_then(|message| scanner.text(message)),
            fields: site.fields.iter().map(|name| scanner.field_verdict(name)).collect(),
            names: names.then(|| {
                new.into_iter().zip(&site.fields).map(|(new, old)| new.unwrap_or_else(|| old.clone())).collect()
            }),
            place,
        }
    }
}

/// Module and function without secrets, if one of them has any.
fn new_place(scanner: &mut Scanner, module: &str, function: &str) -> Option<(String, String)> {
    let new = (scanner.text(module), scanner.text(function));
    match new {
        (None, None) => None,
        (new_module, new_function) => {
            Some((new_module.unwrap_or_else(|| module.to_owned()), new_function.unwrap_or_else(|| function.to_owned())))
        }
    }
}

/// A call site with the names that it is to have.
fn renamed<'a>(site: InlineSite<'a>, new: Option<&'a (String, String)>) -> InlineSite<'a> {
    new.map_or(site, |(module, function)| InlineSite { module, function, line: site.line })
}

/// Texts and values without secrets, and how many of them are others.
struct Edit<'a> {
    scanner: &'a mut Scanner,
    count: &'a mut u64,
}

impl Edit<'_> {
    #[inline]
    fn text<'t>(&mut self, text: &'t str) -> Cow<'t, str> {
        match self.scanner.text(text) {
            None => Cow::Borrowed(text),
            Some(new) => {
                *self.count += 1;
                Cow::Owned(new)
            }
        }
    }

    /// Module and function without secrets, if one of them has any.
    fn place(&mut self, module: &str, function: &str) -> Option<(String, String)> {
        new_place(self.scanner, module, function).inspect(|_| *self.count += 1)
    }

    /// A name that travels in the record, or has to from now on; `None` for one that stays in its table.
    fn name<'t>(
        &mut self,
        inline: Option<&'t str>,
        number: u32,
        table: &Table<String>,
        view: &mut View<String, Option<String>>,
    ) -> Option<Cow<'t, str>> {
        match inline {
            Some(name) => Some(self.text(name)),
            None => {
                let (_, new) = view.get(table, number, |name| self.scanner.text(name))?;
                *self.count += u64::from(new.is_some());
                new.clone().map(Cow::Owned)
            }
        }
    }

    #[inline]
    fn put_value(&mut self, out: &mut Vec<u8>, value: Value<'_>, verdict: Verdict) {
        let new = self.scanner.value(value, verdict);
        *self.count += u64::from(new.is_some());
        match &new {
            None => out.put_value(value),
            Some(Replaced::Text(new)) => out.put_value(Value::Text(new)),
            Some(Replaced::Json(new)) => out.put_value(Value::Json(new)),
        }
    }

    /// An exception or a stack.
    fn blob(&mut self, blob: &[u8], rewrite: exception::Rewrite, sources: &mut SourceCache) -> Vec<u8> {
        let Self { scanner, count } = self;
        let mut edit = |part, text: &str| {
            let new = if part == Part::Source { scanner.source(text) } else { scanner.text(text) };
            new.inspect(|_| **count += 1)
        };
        let mut out = Vec::new();
        rewrite(blob, sources, &mut edit, &mut out);
        out
    }

    #[inline]
    fn context<'c>(&mut self, known: &'c mut [KnownContext], context: Reader<'c>, by_name: bool) -> &'c [u8] {
        let known = known_context(self.scanner, known, context, by_name);
        let (bytes, count) = known.redacted.as_ref().map_or((context.rest(), 0), |(bytes, count)| (bytes, *count));
        *self.count += count;
        bytes
    }
}

/// What is known of a context.
#[inline]
fn known_context<'k>(
    scanner: &mut Scanner,
    known: &'k mut [KnownContext],
    context: Reader<'_>,
    by_name: bool,
) -> &'k KnownContext {
    let bytes = context.rest();
    let index = if bytes.len() > LONGEST { CONTEXTS } else { crate::checksum::of(bytes) as usize % CONTEXTS };
    let known = &mut known[index];
    // What the library says itself has no context.
    if known.bytes != bytes || !by_name {
        known.bytes.clear();
        known.redacted = redacted_context(scanner, context, by_name);
        known.bytes.extend_from_slice(bytes);
    }
    known
}

/// What becomes of a context, and of how many values in it; `None` if it stays as it is.
#[cold]
fn redacted_context(scanner: &mut Scanner, bytes: Reader<'_>, by_name: bool) -> Option<(Vec<u8>, u64)> {
    let (mut out, mut count) = (Vec::new(), 0);
    // One that cannot be read is shown by no encoder.
    let context = Context::read(bytes)?;
    // Ids of the form of W3C Trace Context are random digits, and may look like anything.
    let mut id = |text: Option<&str>, digits: usize| {
        text.filter(|id| id.len() != digits || !id.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .and_then(|id| scanner.text(id))
    };
    let (trace_id, span_id) = (id(context.trace_id, 32), id(context.span_id, 16));
    count += u64::from(trace_id.is_some()) + u64::from(span_id.is_some());
    put_context(&mut out, trace_id.as_deref().or(context.trace_id), span_id.as_deref().or(context.span_id));
    let mut fields = context.fields;
    while let (Some(name), Some(value)) = (fields.text(), fields.value()) {
        let verdict = if by_name { scanner.field_verdict(name) } else { Verdict::Search };
        let mut edit = Edit { scanner, count: &mut count };
        out.put_text(&edit.text(name));
        edit.put_value(&mut out, value, verdict);
    }
    (count > 0).then_some((out, count))
}

#[cfg(test)]
mod tests {
    use super::super::Spec;
    use super::*;

    /// Seen to keep one in each place.
    #[test]
    fn of_large_contexts_only_the_last_is_kept() {
        let mut redactor = Redactor::new(Rules::new(Spec::default()).unwrap(), Arc::default());
        let text = "x".repeat(100_000);
        for trace_id in 0..200 {
            let mut bytes = Vec::new();
            put_context(&mut bytes, Some(&trace_id.to_string()), None);
            bytes.put_text("prompt");
            bytes.put_value(Value::Text(&text));
            let context = Reader::checked(&bytes);
            let known = known_context(&mut redactor.scanner, &mut redactor.contexts, context, true);
            assert!(known.bytes == bytes && known.redacted.is_none());
        }
        assert!(redactor.contexts.iter().map(|known| known.bytes.capacity()).sum::<usize>() < 1 << 20);
    }
}
