//! Records, rewritten in their compact form.

mod context;
mod edit;
mod site;
use std::borrow::Cow;
use std::sync::Arc;

use super::Rules;
use super::keys::Treatment;
use super::scanner::Scanner;
use crate::exception::{self, SourceCache};
use crate::names::Names;
use crate::record::layout::{self, Inline};
use crate::record::{INLINE, InlineSite, Record, Site, flag, set_process};
use crate::table::{Table, View};

use context::{CONTEXTS, CachedContext, cached_context};
use edit::Edit;
use site::{SiteRules, renamed};

/// Rewrites the records of one process, whose names it has.
#[derive(Debug)]
pub struct Redactor {
    scanner: Scanner,
    names: Arc<Names>,
    sites: View<Site, SiteRules>,
    /// Names without secrets. `None` for a name that stays as it is.
    loggers: View<String, Option<String>>,
    threads: View<String, Option<String>>,
    contexts: Box<[CachedContext]>,
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
            contexts: (0..=CONTEXTS).map(|_| CachedContext::default()).collect(),
            sources: SourceCache::default(),
            out: Vec::new(),
            count: 0,
        }
    }

    #[must_use]
    pub fn rules(&self) -> &Arc<Rules> {
        self.scanner.rules()
    }

    /// Returns how many values and texts were replaced, in part or whole, since the last call.
    pub fn take_count(&mut self) -> u64 {
        std::mem::take(&mut self.count)
    }

    /// The record without secrets.
    pub fn redact<'r>(&'r mut self, record: &Record<'r>) -> Record<'r> {
        self.apply(record, true)
    }

    /// A record of the library's own without secrets. Its names are known to be harmless.
    pub fn redact_own<'r>(&'r mut self, record: &Record<'r>) -> Record<'r> {
        self.apply(record, false)
    }

    fn apply<'r>(&'r mut self, record: &Record<'r>, by_name: bool) -> Record<'r> {
        // Most records have no secret. They are searched, and not rewritten.
        if self.is_clean(record, by_name) {
            return *record;
        }
        self.out.clear();
        self.rewrite(record, by_name);
        // SAFETY: written just now, all texts from texts.
        unsafe { Record::read(&self.out) }.unwrap_or_else(|| unreachable!("written whole"))
    }

    /// Whether a record stays as it is. A record with an exception or a stack is always rewritten, with the source
    /// lines that were searched. The encoder then does not look them up.
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
                .is_some_and(|context| cached_context(scanner, contexts, context, by_name).redacted.is_some())
        {
            return false;
        }
        let mut values = record.fields;
        for treatment in site.map_or(&[][..], |(_, rules)| &rules.fields) {
            let Some(value) = values.value() else { return false };
            if !scanner.is_clean_value(value, if by_name { *treatment } else { Treatment::Search }) {
                return false;
            }
        }
        for _ in 0..record.header.extra {
            let (Some(name), Some(value)) = (values.text(), values.value()) else { return false };
            let treatment = if by_name { scanner.field_treatment(name) } else { Treatment::Search };
            if !scanner.is_clean(name) || !scanner.is_clean_value(value, treatment) {
                return false;
            }
        }
        // Rewriting leaves out bytes that no encoder should find there.
        values.is_empty()
    }

    fn rewrite(&mut self, record: &Record<'_>, by_name: bool) {
        let Self { scanner, names, sites, loggers, threads, contexts, sources, out, count } = self;
        let mut header = record.header;
        let site = sites.get(&names.sites, header.site, |site| SiteRules::new(scanner, site));
        let new_names = site.as_ref().and_then(|(_, rules)| rules.names.as_ref());
        let mut edit = Edit { scanner, count };
        let new_site = record.site.and_then(|inline| edit.site(inline.module, inline.function));
        let inline_site = match (record.site, &site) {
            (Some(inline), _) => Some(renamed(inline, new_site.as_ref())),
            (None, Some((site, rules))) if new_names.is_some() => {
                Some(renamed(InlineSite::of(site), rules.site.as_ref()))
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
        // Items of a table may have to become part of the record.
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
        let known: &[Treatment] = site.as_ref().map_or(&[], |(_, rules)| &rules.fields);
        let treatment_of = |treatment| if by_name { treatment } else { Treatment::Search };
        let mut extra = 0_u16;
        let mut named = match new_names {
            None => layout.values(|out| {
                for treatment in known {
                    let Some(value) = values.value() else { break };
                    edit.put_value(out, value, treatment_of(*treatment));
                }
            }),
            Some(names) => {
                *edit.count += 1;
                let mut named = layout.no_values();
                for (treatment, name) in known.iter().zip(names) {
                    let Some(value) = values.value() else { break };
                    named.field(name, |out| edit.put_value(out, value, treatment_of(*treatment)));
                    extra += 1;
                }
                named
            }
        };
        for _ in 0..header.extra {
            let (Some(name), Some(value)) = (values.text(), values.value()) else { break };
            let treatment = if by_name { edit.scanner.field_treatment(name) } else { Treatment::Search };
            let name = edit.text(name);
            named.field(&name, |out| edit.put_value(out, value, treatment));
            extra += 1;
        }
        // The number of fields is known only at the end.
        header.extra = extra;
        layout::set_header(out, &header);
        set_process(out, record.process);
    }
}
