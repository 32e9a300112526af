//! Fuzz targets: functions that take bytes of any kind and panic on what must never be. A new one is a function here, a line
//! in `TARGETS` and a folder of seeds.

use std::fs;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use serde::de::IgnoredAny;
use unified_logger_core::blackbox;
use unified_logger_core::config::Settings;
use unified_logger_core::encoder::{Encoder, JsonEncoder, Process, Text, TextEncoder, Whose};
use unified_logger_core::engine::Engine;
use unified_logger_core::escape;
use unified_logger_core::exception::{self, SourceCache};
use unified_logger_core::level;
use unified_logger_core::names;
use unified_logger_core::outputs;
use unified_logger_core::queue::Offered;
use unified_logger_core::queue::{self, Overflow};
use unified_logger_core::record::{Builder, Record, Site};
use unified_logger_core::redaction::{Redactor, Rules, Scanner, Spec, pattern_names};
use unified_logger_core::router::Router;
use unified_logger_core::slab::Buffer;
use unified_logger_core::value::Value;

pub mod recipe;

pub type Target = fn(&[u8]);

/// By name; seeds lie in `seeds/<name>/`.
pub const TARGETS: &[(&str, Target)] = &[
    ("record", record),
    ("trusted_record", trusted_record),
    ("exception", exception),
    ("escape", escape),
    ("redaction", redaction),
    ("box", black_box),
];

/// Call sites that records may name: their numbers, how many fields each has, and whether it has a message. With them come all other names there are: one
/// that came later would change what a record says between two looks.
pub static KNOWN: LazyLock<Vec<(u32, (usize, bool))>> = LazyLock::new(|| {
    names::here().logger("logger".into());
    names::here().thread("thread".into());
    names::here().set_level_name(21, "NOTICE");
    let site = |fields: &[&str]| Site {
        module: "module".into(),
        function: format!("with_{}", fields.len()),
        line: 7,
        fields: fields.iter().map(|name| (*name).to_owned()).collect(),
        message: (fields.len() > 1).then(|| "message\u{202e}".into()),
    };
    [&[][..], &["one"], &["level", "two", "two"]]
        .iter()
        .map(|fields| {
            let number = names::here().site(site(fields)).expect("an empty table has room");
            (number, (fields.len(), fields.len() > 1))
        })
        .collect()
});

/// A record of any origin is refused, or is one line in every format.
fn record(bytes: &[u8]) {
    LazyLock::force(&KNOWN);
    let known = |number| KNOWN.iter().find(|(known, _)| *known == number).map(|(_, site)| *site);
    if let Some(record) = Record::read_checked(bytes, known) {
        // SAFETY: every text has just been looked at.
        let trusted = unsafe { Record::read(bytes) }.expect("what is whole is read");
        assert_eq!((record.header, record.message, record.stack), (trusted.header, trusted.message, trusted.stack));
        let line = assert_one_line(&record);
        let again = assert_one_line(&trusted);
        assert_eq!(line, again, "the checked reading is the same record");
    }
    // Whoever misremembers the call sites of a box gets wrong fields, and nothing worse.
    if let Some(record) = Record::read_checked(bytes, |number| Some((number as usize % 5, true))) {
        assert_one_line(&record);
    }
}

fn assert_one_line(record: &Record<'_>) -> String {
    let line = assert_json_line(&mut JsonEncoder::new(&Process::here()), record);
    for (color, columns) in [(false, None), (true, None), (true, Some(20))] {
        let mut shown = Vec::new();
        let text = Text { color, columns, is_live: color, ..Text::PLAIN };
        TextEncoder::new(&Process::here(), &text).encode(record, Whose::Application, &mut shown);
        let shown = String::from_utf8(shown).expect("the console's text is UTF-8");
        let below = shown.strip_suffix('\n').expect("the last line ends").split('\n').skip(1);
        for line in below {
            let line = line.strip_prefix("\x1b[2m").unwrap_or(line);
            assert!(line.starts_with("  │"), "what belongs to a record stands marked below it: {line}");
        }
        let acting = |character: char| character != '\n' && escape::acts(character) && !(color && character == '\x1b');
        assert!(!shown.chars().any(acting), "nothing shown acts: {shown}");
    }
    line
}

fn assert_json_line(encoder: &mut JsonEncoder, record: &Record<'_>) -> String {
    let mut line = Vec::new();
    encoder.encode(record, Whose::Application, &mut line);
    let line = String::from_utf8(line).expect("a line is UTF-8");
    let json = line.strip_suffix('\n').expect("a line ends");
    assert!(!json.chars().any(escape::acts), "nothing in a line acts: {json}");
    serde_json::from_str::<IgnoredAny>(json).expect("a line is JSON");
    line
}

/// The decoder of the queue, which trusts texts to be UTF-8, never reads beyond its bytes. All bytes are made ASCII, so that
/// its condition holds wherever a text begins or ends.
fn trusted_record(bytes: &[u8]) {
    let ascii: Vec<u8> = bytes.iter().map(|byte| byte & 0x7f).collect();
    // SAFETY: ASCII is UTF-8 wherever it is cut.
    let Some(record) = (unsafe { Record::read(&ascii) }) else { return };
    let mut out = Vec::new();
    JsonEncoder::new(&Process::here()).encode(&record, Whose::Application, &mut out);
    TextEncoder::new(&Process::here(), &Text { color: true, ..Text::PLAIN }).encode(
        &record,
        Whose::Application,
        &mut out,
    );
}

/// A captured exception or stack of any bytes is rendered within bounds, and as JSON.
fn exception(bytes: &[u8]) {
    let mut sources = SourceCache::default();
    assert!(!exception::is_exception(bytes) || exception::decode(bytes).is_some());
    assert!(!exception::is_stack(bytes) || exception::decode_stack(bytes).is_some());
    let (text, stack) = (exception::text(bytes, &mut sources), exception::stack_text(bytes, &mut sources));
    for (bound, rendered) in [(2 << 20, &text), (64 << 20, &stack)] {
        assert!(rendered.len() <= bound + 8 * bytes.len(), "{} bytes of {}", rendered.len(), bytes.len());
    }
    let mut json = Vec::new();
    exception::write_json(bytes, None, &mut sources, &mut json);
    serde_json::from_slice::<IgnoredAny>(&json).expect("an exception is JSON");
    json.clear();
    exception::write_stack_json(bytes, &mut sources, &mut json);
    serde_json::from_slice::<String>(&json).expect("a stack is a text");
}

/// No text comes through an escape with anything that acts, and JSON stays what it was.
fn escape(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    assert!(!escape::shown(&text).chars().any(escape::acts));
    let mut line = serde_json::to_vec(&text).expect("a text has JSON");
    escape::json_line(&mut line, 0);
    let line = String::from_utf8(line).expect("escaping keeps UTF-8");
    assert!(!line.chars().any(escape::acts));
    assert_eq!(serde_json::from_str::<String>(&line).expect("escaping keeps JSON"), text);
}

/// All patterns, and an expression of an application.
static RULES: LazyLock<Arc<Rules>> = LazyLock::new(|| {
    let patterns = pattern_names().map(str::to_owned).collect();
    Rules::new(Spec { patterns, custom: vec![("digits".into(), r"\d{6,}".into())], ..Spec::default() })
        .expect("rules are whole")
});

static REDACTING: LazyLock<Mutex<(Scanner, Redactor)>> = LazyLock::new(|| {
    LazyLock::force(&KNOWN);
    Mutex::new((Scanner::new(Arc::clone(&RULES)), Redactor::new(Arc::clone(&RULES), Arc::clone(names::here()))))
});

/// Whatever stands around a secret, it is found; what was JSON stays JSON, and a record stays a record.
fn redaction(bytes: &[u8]) {
    let secret = format!("{}_{}", "ghp", "a1B2".repeat(9));
    // What searches remember takes longer to make than a search.
    let mut redacting = REDACTING.lock().unwrap_or_else(PoisonError::into_inner);
    let (scanner, redactor) = &mut *redacting;
    let text = String::from_utf8_lossy(bytes);
    for planted in
        [format!("{text} {secret} {text}"), format!("password=\"{text}\"{secret}"), format!("{text}\n{secret}")]
    {
        let redacted = scanner.text(&planted).expect("there is a secret");
        assert!(!redacted.contains(&secret), "{redacted}");
        let json = serde_json::to_string(&[(&planted, &text)]).expect("texts have JSON");
        let redacted = scanner.json(&json, true).expect("there is a secret");
        assert!(!redacted.contains(&secret), "{redacted}");
        serde_json::from_str::<IgnoredAny>(&redacted).expect("JSON stays JSON");
    }
    let redacted = scanner.json(&text, true);
    if serde_json::from_str::<IgnoredAny>(&text).is_ok() {
        serde_json::from_str::<IgnoredAny>(redacted.as_deref().unwrap_or(&text)).expect("JSON stays JSON");
    }
    let known = |number| KNOWN.iter().find(|(known, _)| *known == number).map(|(_, site)| *site);
    if let Some(record) = Record::read_checked(bytes, known) {
        let line = assert_one_line(&redactor.redact(&record));
        assert_eq!(line, assert_one_line(&redactor.redact(&record)), "the second time it is the same");
    }
}

/// A box with records of every size of slot. `None` where there are no boxes: under miri, which maps no files, too.
pub static BASE: LazyLock<Option<recipe::Base>> = LazyLock::new(|| {
    let made = cfg!(all(unix, not(miri))).then(left_behind);
    made.map(recipe::Base::new)
});

/// The box of an engine that never wrote.
fn left_behind() -> Vec<u8> {
    let directory = tempfile::tempdir().expect("there is room for a directory");
    let mut settings = Settings::of_test(directory.path());
    settings.output.to.outputs.pop();
    settings.output.to.files_mut().for_each(|file| file.backup_count = 1);
    settings.queue =
        queue::Settings { overflow: Overflow::DropNew, overflow_timeout: Duration::ZERO, ..settings.queue };
    settings.black_box.bytes = blackbox::SMALLEST;
    LazyLock::force(&KNOWN);
    let engine = Engine::open(settings, Arc::default()).expect("an engine opens");
    for (number, length) in [1, 2, 3, 400, 2_000, 20_000].into_iter().enumerate() {
        let text = "x".repeat(length);
        let mut record = Buffer::alloc();
        Builder { time: 0, level: level::ERROR, logger: "l", function: "f", message: "m" }
            .put(&mut record, &[("n", Value::Integer(number as i64)), ("text", Value::Text(&text))]);
        assert!(matches!(engine.offer(record), Offered::Taken));
    }
    let boxes = fs::read_dir(directory.path().join(".unified_logger")).expect("the boxes have a directory");
    let paths: Vec<_> = boxes.map(|entry| entry.expect("it can be listed").path()).collect();
    assert_eq!(paths.len(), 1);
    fs::read(&paths[0]).expect("a box can be read")
}

/// A box changed in any way is refused, or what is found in it lies within it and is one line.
fn black_box(bytes: &[u8]) {
    assert!(blackbox::read(bytes).is_err(), "no box is as small");
    let Some(base) = &*BASE else { return };
    let bytes = base.changed(bytes);
    let Ok(contents) = blackbox::read(&bytes) else { return };
    let Some(settings) = outputs::Settings::of_box(&contents.settings.outputs) else { return };
    let names = Arc::new(contents.names);
    let selectors: Vec<_> = settings.outputs.iter().map(|output| output.select.clone()).collect();
    let mut router = Router::new(Arc::clone(&names), selectors, settings.ai);
    let mut encoder = JsonEncoder::new(&Process { names, id: contents.process, is_dead: true, fields: Arc::default() });
    for found in &contents.records {
        let record = bytes.get(found.bytes.clone()).expect("a record lies within its box");
        // SAFETY: the reader has checked every record that it found.
        let record = unsafe { Record::read(record) }.expect("what is found is whole");
        assert!(router.route(&record) < 1 << settings.outputs.len(), "a record goes to files that there are");
        assert!(found.position < 1 << 63, "there is room after a position");
        assert_json_line(&mut encoder, &record);
    }
}
