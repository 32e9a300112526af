//! Lines of a shape.

use std::borrow::Cow;
use std::sync::Arc;

use serde::de::IgnoredAny;

use super::member::{Id, OfError};
use super::plan::{Keyed, Named, Op, Processes, Sites, Step, Threads, plan};
use super::put::{bare, put_ids, put_names, put_site_members};
use super::runs::{Run, Runs};
use super::{Shape, error};
use crate::clock;
use crate::encoder::fields::short_name;
use crate::encoder::json::context::{CachedContext, Contexts};
use crate::encoder::json::naming::Naming;
use crate::encoder::json::piece::Piece;
use crate::encoder::json::{escaped, put_key, put_mixed_fields, put_number, put_own_value, put_text};
use crate::encoder::{Encoder, Process, UNKNOWN, Whose, call_site};
use crate::exception::{self, SourceCache};
use crate::names::Names;
use crate::record::{Context, Record, Site};
use crate::table::View;
use crate::value::put_quoted;

#[derive(Debug)]
pub struct ShapedEncoder {
    steps: Vec<Step>,
    contexts: Contexts,
    runs: Runs,
    lines: LineParts,
}

/// What the steps use.
#[derive(Debug)]
struct LineParts {
    names: Arc<Names>,
    level_names: u64,
    times: clock::Formatter,
    sites: View<Site, SitePieces>,
    sources: SourceCache,
    naming: Naming,
    /// The ids that are cached with a context.
    ids: Vec<Keyed<Id>>,
    /// `projects/…/traces/`, where the project is known.
    before_trace: String,
    recovered: bool,
    /// Where objects that may be empty have begun: before their key, and after their brace.
    open: Vec<(usize, usize)>,
    /// Where values lie that may differ when the record is encoded again. Noted only while a record is searched.
    volatile: Option<Vec<(usize, usize)>>,
}

/// What a call site adds to each of its lines.
#[derive(Debug)]
struct SitePieces {
    /// The message, where it stands in the code.
    message: Option<Piece>,
    /// `,"name":` of each field. `None` for a field that is left out.
    fields: Vec<Option<Piece>>,
}

impl SitePieces {
    fn new(site: &Site, naming: &Naming) -> Self {
        let names: Vec<_> = site.fields.iter().map(String::as_str).collect();
        let key = |key: Option<Cow<'_, str>>| key.map(|key| Piece::new(|out| put_key(out, &key)));
        Self {
            message: site.message.as_ref().map(|message| Piece::new(|out| put_quoted(message, out))),
            fields: naming.keys(&names, &[]).into_iter().map(key).collect(),
        }
    }
}

impl Encoder for ShapedEncoder {
    fn encode(&mut self, record: &Record<'_>, whose: Whose, out: &mut Vec<u8>) {
        let Self { steps, contexts, runs, lines } = self;
        if lines.level_names != lines.names.level_generation() {
            lines.follow_level_names(steps);
            *runs = Runs::default();
        }
        let mut runs = runs.get(record, || lines.make_runs(steps, record)).unwrap_or_default().iter();
        let put_ids = |context: &Context<'_>, out: &mut Vec<u8>| put_ids(&lines.ids, &lines.before_trace, context, out);
        let mut context = record.context.and_then(|bytes| contexts.get(bytes, &lines.naming, put_ids));
        let is_rare = record.exception.is_some() || record.stack.is_some() || lines.recovered;
        for step in steps {
            let start = out.len();
            match &mut step.op {
                // What every line has is done in place.
                Op::Put(piece) => piece.put(out),
                Op::Time => lines.times.write(record.header.time, out),
                Op::Fields => lines.put_fields(record, context.as_deref_mut(), out),
                Op::Rare(_) if !is_rare => {}
                Op::Joined(ops) => match runs.next() {
                    Some(run) => run.put(out, |out| lines.put_message(record, out)),
                    None => ops.iter_mut().for_each(|op| lines.put(op, record, whose, None, out)),
                },
                op => lines.put(op, record, whose, context.as_deref_mut(), out),
            }
            if step.may_be_first && out.len() > start && out[start - 1] == b'{' && out[start] == b',' {
                out.remove(start);
            }
        }
    }

    /// Compares the whole line, but for values that hold lines of source. In their place any value may stand.
    #[cold]
    fn find(&mut self, record: &Record<'_>, text: &[u8], line: &mut Vec<u8>) -> Option<usize> {
        line.clear();
        self.lines.volatile = Some(Vec::new());
        // As it was written by the process itself, which did not know that the record would be recovered.
        self.encode(record, Whose::Library, line);
        let volatile = self.lines.volatile.take().unwrap_or_default();
        let found = &text[..=memchr::memchr(b'\n', text)?];
        let (mut rest, mut before) = (found, 0);
        for (start, end) in volatile {
            rest = rest.strip_prefix(&line[before..start])?;
            let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<IgnoredAny>();
            values.next()?.ok()?;
            rest = &rest[values.byte_offset()..];
            before = end;
        }
        (rest == &line[before..]).then_some(found.len())
    }
}

impl ShapedEncoder {
    #[must_use]
    pub fn new(shape: &Shape, of: &Process) -> Self {
        let members = shape.members(of);
        let mut naming = Naming::beside(shape.reserved(&members).iter().map(String::as_str));
        let of_preset = shape.preset().fields.iter().map(|(old, new)| ((*old).to_owned(), (*new).to_owned()));
        naming.rename = of_preset.chain(shape.keys.rename.iter().cloned()).collect();
        naming.omit = shape.keys.omit.iter().cloned().collect();
        let project = shape.project.as_deref().or_else(|| {
            let field = of.fields.0.iter().find(|(name, _)| short_name(name) == "project");
            field.and_then(|(_, value)| value.as_str())
        });
        let mut steps = plan(&members, of.id);
        let ids = steps.iter_mut().find_map(|step| match &mut step.op {
            Op::Ids { ids, is_cached: true } => Some(std::mem::take(ids)),
            _ => None,
        });
        let names = Arc::clone(&of.names);
        let lines = LineParts {
            level_names: names.level_generation(),
            names,
            times: clock::Formatter::new(&shape.zone),
            sites: View::new(),
            sources: SourceCache::default(),
            naming,
            ids: ids.unwrap_or_default(),
            before_trace: project.map_or_else(String::new, |project| format!("projects/{project}/traces/")),
            recovered: of.is_dead,
            open: Vec::new(),
            volatile: None,
        };
        Self { steps, contexts: Contexts::default(), runs: Runs::default(), lines }
    }
}

impl LineParts {
    fn put(
        &mut self,
        op: &mut Op,
        record: &Record<'_>,
        whose: Whose,
        context: Option<&mut CachedContext>,
        out: &mut Vec<u8>,
    ) {
        match op {
            Op::Put(piece) => piece.put(out),
            Op::Time => self.times.write(record.header.time, out),
            Op::Nanoseconds => put_number(out, record.header.time),
            Op::Message => self.put_message(record, out),
            Op::Process(Processes { around, own, .. }) => match record.process {
                0 => own.put(out),
                other => escaped(out, |out| around.put(out, |out| put_number(out, other))),
            },
            Op::Named(named) => self.put_named(named, record, out),
            Op::Site(sites) => self.put_site(sites, record, out),
            Op::Thread(threads) => self.put_thread(threads, record, out),
            Op::Ids { is_cached: true, .. } => {
                if let Some(context) = context {
                    context.ids.put(out);
                }
            }
            Op::Ids { ids, .. } => {
                if let Some(context) = record.context.and_then(Context::read) {
                    escaped(out, |out| put_ids(ids, &self.before_trace, &context, out));
                }
            }
            Op::Recovered(member) => {
                if self.recovered && whose == Whose::Application {
                    put_member(member, out);
                }
            }
            Op::Exception(key) => {
                if let Some(blob) = record.exception {
                    put_member(key, out);
                    let names = Arc::clone(&self.names);
                    let call_site = call_site(&names, record);
                    self.put_volatile(out, |sources, out| exception::write_json(blob, call_site, sources, out));
                }
            }
            Op::Error(key, OfError::Fingerprint) => {
                let fingerprint =
                    record.exception.and_then(|blob| exception::fingerprint(blob, call_site(&self.names, record)));
                if let Some(fingerprint) = fingerprint {
                    put_member(key, out);
                    put_quoted(&fingerprint, out);
                }
            }
            Op::Error(key, of) => {
                if let Some(blob) = record.exception {
                    put_member(key, out);
                    if error::is_volatile(*of) {
                        self.put_volatile(out, |sources, out| error::put(*of, blob, sources, out));
                    } else {
                        escaped(out, |out| error::put(*of, blob, &mut self.sources, out));
                    }
                }
            }
            Op::Stack(key) => {
                if let Some(blob) = record.stack {
                    put_member(key, out);
                    self.put_volatile(out, |sources, out| exception::write_stack_json(blob, sources, out));
                }
            }
            Op::Fields => self.put_fields(record, context, out),
            Op::Joined(ops) | Op::Rare(ops) => ops.iter_mut().for_each(|op| self.put(op, record, whose, None, out)),
            Op::Open(key) => {
                let start = out.len();
                put_member(key, out);
                self.open.push((start, out.len()));
            }
            Op::Close => match self.open.pop() {
                Some((start, inside)) if inside == out.len() => out.truncate(start),
                _ => out.push(b'}'),
            },
        }
    }

    fn put_volatile(&mut self, out: &mut Vec<u8>, put: impl FnOnce(&mut SourceCache, &mut Vec<u8>)) {
        let start = out.len();
        escaped(out, |out| put(&mut self.sources, out));
        if let Some(volatile) = &mut self.volatile {
            volatile.push((start, out.len()));
        }
    }

    /// The runs of the joined steps for records like this one. `None` if one of its names is in no table, as in the box of a dead process.
    fn make_runs(&mut self, steps: &mut [Step], record: &Record<'_>) -> Option<Vec<Run>> {
        let (names, header) = (&self.names, &record.header);
        names.sites.get(header.site)?;
        names.loggers.get(header.logger)?;
        names.threads.get(header.thread)?;
        let mut runs = Vec::new();
        for step in steps {
            if let Op::Joined(ops) = &mut step.op {
                runs.push(Run::of(ops, record, |op, out| self.put(op, record, Whose::Application, None, out)));
            }
        }
        Some(runs)
    }

    /// Forgets what was made with other names of levels.
    fn follow_level_names(&mut self, steps: &mut [Step]) {
        self.level_names = self.names.level_generation();
        for step in steps {
            let ops = if let Op::Joined(ops) = &mut step.op { ops } else { std::slice::from_mut(&mut step.op) };
            for op in ops {
                if let Op::Named(named) = op {
                    named.cache = View::new();
                }
            }
        }
    }

    fn put_message(&mut self, record: &Record<'_>, out: &mut Vec<u8>) {
        match (record.message, record.site) {
            (Some(message), _) => put_text(message, out),
            (None, None) => {
                let Self { sites, names, naming, .. } = self;
                let site = sites.get(&names.sites, record.header.site, |site| SitePieces::new(site, naming));
                match site.and_then(|(_, pieces)| pieces.message.as_ref()) {
                    Some(message) => message.put(out),
                    // The box of a dead process may name a call site that has no message.
                    None => put_quoted(UNKNOWN, out),
                }
            }
            (None, Some(_)) => put_quoted(UNKNOWN, out),
        }
    }

    fn put_named(&self, named: &mut Named, record: &Record<'_>, out: &mut Vec<u8>) {
        let Named { around, members, is_bare, cache } = named;
        let number = record.header.level;
        let put = |out: &mut Vec<u8>, logger: &str| {
            let level = record.level_name.map_or_else(|| self.names.level_name(number), Cow::Borrowed);
            around.put(out, |out| put_names(members, *is_bare, (number, &level), logger, out));
        };
        let known = match record.logger {
            Some(name) => return escaped(out, |out| put(out, name)),
            None => cache.get(&self.names.loggers, record.header.logger, |_| Vec::new()),
        };
        let Some((name, pieces)) = known else { return escaped(out, |out| put(out, UNKNOWN)) };
        if record.level_name.is_some() {
            return escaped(out, |out| put(out, name));
        }
        if let Some((_, piece)) = pieces.iter().find(|(level, _)| *level == number) {
            return piece.put(out);
        }
        let piece = Piece::new(|out| put(out, name));
        piece.put(out);
        // Any number is a level; only so many are worth keeping.
        if pieces.len() < 8 {
            pieces.push((number, piece));
        }
    }

    fn put_site(&self, sites: &mut Sites, record: &Record<'_>, out: &mut Vec<u8>) {
        let Sites { around, members, is_bare, cache } = sites;
        let put = |out: &mut Vec<u8>, module: &str, function: &str, line| {
            let put = |out: &mut Vec<u8>| put_site_members(members, module, function, line, out);
            around.put(out, |out| bare(*is_bare, out, put));
        };
        if let Some(site) = record.site {
            return escaped(out, |out| put(out, site.module, site.function, site.line));
        }
        let derive = |site: &Site| Piece::new(|out| put(out, &site.module, &site.function, site.line));
        match cache.get(&self.names.sites, record.header.site, derive) {
            Some((_, piece)) => piece.put(out),
            None => escaped(out, |out| put(out, UNKNOWN, UNKNOWN, 0)),
        }
    }

    fn put_thread(&self, threads: &mut Threads, record: &Record<'_>, out: &mut Vec<u8>) {
        let Threads { around, key, is_bare, cache } = threads;
        let put = |out: &mut Vec<u8>, name: &str| {
            around.put(out, |out| {
                out.extend_from_slice(if *is_bare { &key[1..] } else { key });
                put_quoted(name, out);
            });
        };
        match record.thread {
            Some(name) => escaped(out, |out| put(out, name)),
            None => match cache.get(&self.names.threads, record.header.thread, |name| Piece::new(|out| put(out, name)))
            {
                Some((_, piece)) => piece.put(out),
                None => escaped(out, |out| put(out, UNKNOWN)),
            },
        }
    }

    /// The context's fields, then the call's.
    fn put_fields(&mut self, record: &Record<'_>, context: Option<&mut CachedContext>, out: &mut Vec<u8>) {
        let Self { sites, names, naming, .. } = self;
        let naming = &*naming;
        let site = sites.get(&names.sites, record.header.site, |site| SitePieces::new(site, naming));
        let mixes = record.header.extra != 0
            || context.filter(|context| context.has_fields()).is_some_and(|context| {
                let goes = site.as_ref().is_none_or(|(site, _)| context.goes_with(record.header.site, site, naming));
                if goes {
                    context.fields.put(out);
                }
                !goes
            });
        if mixes {
            escaped(out, |out| put_mixed_fields(record, site.map(|(site, _)| &**site), naming, out));
        } else if let Some((_, pieces)) = site {
            let mut values = record.fields;
            for key in &pieces.fields {
                let Some(value) = values.value() else { return };
                if let Some(key) = key {
                    key.put(out);
                    put_own_value(value, out);
                }
            }
        }
    }
}

/// Puts a member, or its key, that is made without its comma.
fn put_member(member: &Piece, out: &mut Vec<u8>) {
    if out.last() != Some(&b'{') {
        out.push(b',');
    }
    member.put(out);
}
