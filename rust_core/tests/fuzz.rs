//! The fuzz targets on stable Rust: every kept seed, then what lies near the seeds, then anything.
//!
//! A short round by default; `UNIFIED_LOGGER_FUZZ_SECONDS` says for how many seconds in all. What makes a target panic is made
//! as small as it gets and written to a file: as a seed it is tried in every run from then on.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use unified_logger_core::exception::{Form, TEXT, VERSION, link};
use unified_logger_core::record::{Header, INLINE, flag, put_context};
use unified_logger_core::value::{Put, Value};

#[path = "../fuzz/targets.rs"]
mod targets;
use targets::recipe::{region, remake};

const SECONDS: &str = "UNIFIED_LOGGER_FUZZ_SECONDS";
/// Cases of a round of one target; under miri, which is a thousand times slower, far fewer.
const CASES: u32 = if cfg!(miri) { 20 } else { 500 };

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target)
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let files = fs::read_dir(folder(target)).unwrap_or_else(|error| panic!("{target} has no seeds: {error}"));
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| fs::read(path).unwrap()).collect()
}

/// One change to a seed.
#[derive(Clone, Debug)]
enum Edit {
    Replace(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    /// A number of four bytes, as lengths and counts are.
    Number(Index, u32),
    Cut(Index),
    /// Goes on with the rest of another seed.
    Splice(Index, Index, Index),
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let number = prop_oneof![0_u32..40, Just(u32::MAX), Just(i32::MAX as u32), any::<u32>()];
    let edit = prop_oneof![
        4 => any::<(Index, u8)>().prop_map(|(at, byte)| Edit::Replace(at, byte)),
        2 => (any::<Index>(), vec(any::<u8>(), 1..12)).prop_map(|(at, bytes)| Edit::Insert(at, bytes)),
        2 => (any::<Index>(), 1_usize..12).prop_map(|(at, count)| Edit::Remove(at, count)),
        3 => (any::<Index>(), number).prop_map(|(at, number)| Edit::Number(at, number)),
        1 => any::<Index>().prop_map(Edit::Cut),
        1 => any::<(Index, Index, Index)>().prop_map(|(at, seed, from)| Edit::Splice(at, seed, from)),
    ];
    vec(edit, 0..5)
}

fn edited(seeds: &[Vec<u8>], seed: Index, edits: &[Edit]) -> Vec<u8> {
    let mut bytes = seed.get(seeds).clone();
    for edit in edits {
        let length = bytes.len();
        let offset = |at: &Index| at.index(length + 1);
        match edit {
            Edit::Replace(at, byte) => {
                if let Some(old) = bytes.get_mut(offset(at)) {
                    *old = *byte;
                }
            }
            Edit::Insert(at, new) => drop(bytes.splice(offset(at)..offset(at), new.iter().copied())),
            Edit::Remove(at, count) => drop(bytes.drain(offset(at)..length.min(offset(at) + count))),
            Edit::Number(at, number) => {
                for (old, new) in bytes[offset(at)..].iter_mut().zip(number.to_le_bytes()) {
                    *old = new;
                }
            }
            Edit::Cut(at) => bytes.truncate(offset(at)),
            Edit::Splice(at, other, from) => {
                let other = other.get(seeds);
                bytes.truncate(offset(at));
                bytes.extend_from_slice(&other[from.index(other.len() + 1)..]);
            }
        }
    }
    bytes
}

/// Runs rounds of cases until the deadline, one at least.
fn search(name: &str, target: targets::Target, deadline: Instant) -> u64 {
    let seeds = seeds(name);
    for seed in &seeds {
        target(seed);
    }
    let near = (any::<Index>(), edits()).prop_map(|(seed, edits)| edited(&seeds, seed, &edits));
    let inputs = prop_oneof![9 => near, 1 => vec(any::<u8>(), 0..600)];
    let config = Config { cases: CASES, failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() };
    let mut tried = 0;
    loop {
        // A new one for each round: a runner that has had its cases runs no more of them.
        let mut runner = TestRunner::new(config.clone());
        let result = runner.run(&inputs, |bytes| {
            catch_unwind(AssertUnwindSafe(|| target(&bytes))).map_err(|_| TestCaseError::fail("it panicked"))
        });
        if let Err(TestError::Fail(_, bytes)) = &result {
            let found = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-found"));
            fs::write(&found, bytes).unwrap();
            panic!("{name} panics on {bytes:?}, kept in {}", found.display());
        }
        result.unwrap();
        tried += u64::from(CASES);
        if Instant::now() >= deadline {
            return tried;
        }
    }
}

#[test]
fn targets_hold_on_their_seeds_and_near_them() {
    let seconds: f64 = std::env::var(SECONDS).ok().map_or(0.0, |text| text.parse().expect("a number of seconds"));
    let share = Duration::from_secs_f64(seconds / targets::TARGETS.len() as f64);
    for (name, target) in targets::TARGETS {
        let started = Instant::now();
        let tried = search(name, *target, started + share);
        println!("fuzzed {name}: {tried} cases in {:.1} s", started.elapsed().as_secs_f64());
    }
}

#[test]
fn seeds_of_records_are_records() {
    let whole = |seed: &Vec<u8>| {
        let known = |number| targets::KNOWN.iter().find(|(known, _)| *known == number).map(|(_, site)| *site);
        unified_logger_core::record::Record::read_checked(seed, known).is_some()
    };
    assert_eq!(seeds("record").iter().filter(|seed| whole(seed)).count(), written("record").len());
}

/// The seeds of boxes get past the checksums: so many records are found in each.
#[test]
#[cfg(all(unix, not(miri)))]
fn seeds_of_boxes_are_boxes() {
    let base = targets::BASE.as_ref().unwrap();
    let counts = written("box").into_iter().map(|(name, recipe)| {
        let contents = unified_logger_core::blackbox::read(&base.changed(&recipe));
        (name, contents.map_or(-1, |contents| contents.records.len() as i64))
    });
    assert_eq!(
        counts.collect::<Vec<_>>(),
        [
            ("whole", 6),
            ("head", 6),
            ("settings", 6),
            ("names", 6),
            ("noted", 6),
            ("journal", 6),
            ("length", 5),
            ("records", 9),
            ("slot", 6),
            ("cut", -1)
        ]
    );
}

/// How the first seeds were made: `cargo test -p unified_logger_core --test fuzz -- --ignored`.
#[test]
#[ignore = "writes files"]
fn write_seeds() {
    for name in ["record", "trusted_record", "exception", "escape", "redaction", "box"] {
        fs::create_dir_all(folder(name)).unwrap();
        for (file, bytes) in written(name) {
            fs::write(folder(name).join(file), bytes).unwrap();
        }
    }
}

fn written(target: &str) -> Vec<(&'static str, Vec<u8>)> {
    match target {
        "exception" => vec![
            ("plain", exception(0)),
            ("chain", exception(3)),
            ("stack", stack()),
            ("stack-text", [&[TEXT], "Stack: é\n  File".as_bytes()].concat()),
        ],
        "escape" => vec![
            ("terminal", b"\x1b[2J\x07\xc2\x9b31m\x7f\r\n".to_vec()),
            ("directions", "a\u{202e}b\u{2066}c\u{2069}\u{61c}\u{200f}\u{2028}".into()),
            ("invisible", "a\u{200b}\u{feff}\u{ad}👩\u{200d}💻 می\u{200c}خ\u{e0041}".into()),
            ("text", "订单 7 “é” €".into()),
        ],
        "redaction" => {
            let texts = [
                ("texts", "alice@example.com 4111 1111 1111 1111 sk-ant- Bearer x\u{202e} https://a:b@c/ password: 'd"),
                ("key", "-----BEGIN PRIVATE KEY-----\\nMIIB"),
                ("json", r#"{"token":{"a":[1,"b@c.example",null]},"x@y.example":4111111111111111}"#),
            ];
            texts.map(|(name, text)| (name, text.into())).into_iter().chain(written("record")).collect()
        }
        "box" => vec![
            ("whole", vec![0]),
            // The last area begins elsewhere.
            ("head", recipe(remake::HEAD, &[(region::HEAD, 80, &((1_u64 << 20) + 320).to_le_bytes())])),
            // The first key.
            ("settings", recipe(remake::SETTINGS, &[(region::SETTINGS, 16, b"{\"outputs\":")])),
            // The first letter of a call site's module.
            ("names", recipe(remake::NAMES, &[(region::NAMES, 17, "\u{7}".as_bytes())])),
            ("noted", recipe(remake::NOTED, &[(region::FRONT, 8, &[9; 24])])),
            // Appends to the first file had passed more records than anybody counts.
            ("journal", recipe(0, &[(region::FRONT, 64, &[0xff; 16])])),
            // A record of as many bytes as are left in the box and more.
            ("length", recipe(remake::SLOTS, &[(region::SLOTS, 16, &(1_u32 << 19).to_le_bytes())])),
            (
                "records",
                recipe(
                    remake::ALL,
                    &[
                        (region::RECORD, 7, &record(INLINE, 0, &[], &[])),
                        (region::RECORD, 8, &record(targets::KNOWN[1].0, flag::AI, &[Value::Null], &[])),
                        (region::RECORD, 9, &record(targets::KNOWN[0].0, flag::STACK, &[], &[("n", Value::Null)])),
                    ],
                ),
            ),
            ("slot", recipe(remake::SLOTS, &[(region::SLOTS, 8, &1_u64.to_le_bytes())])),
            ("cut", recipe(0, &[(region::CUT, 0x0010, &[])])),
        ],
        _ => vec![
            ("inline", record(INLINE, 0, &[], &[])),
            ("no-fields", record(targets::KNOWN[0].0, 0, &[], &[("name", Value::Text("é\u{85}\u{202e}"))])),
            ("site-message", record(targets::KNOWN[2].0, flag::SITE_MESSAGE, &[Value::Null; 3], &[])),
            ("one-field", record(targets::KNOWN[1].0, flag::AI, &[Value::Json("{\"a\":[1,null]}")], &[])),
            (
                "all",
                record(
                    targets::KNOWN[2].0,
                    flag::CONTEXT | flag::EXCEPTION | flag::STACK,
                    &[Value::Integer(-1), Value::Float(0.5), Value::Null],
                    &[("level", Value::Bool(true)), ("fields.level", Value::Bool(false))],
                ),
            ),
        ],
    }
}

/// A recipe: which checksums are made anew, and changes.
fn recipe(again: u8, changes: &[(u8, u16, &[u8])]) -> Vec<u8> {
    let mut out = vec![again];
    for (region, at, bytes) in changes {
        out.put(&[*region]);
        out.put(&at.to_le_bytes());
        out.put(&u16::try_from(bytes.len()).unwrap().to_le_bytes());
        out.put(bytes);
    }
    out
}

fn record(site: u32, flags: u16, values: &[Value<'_>], named: &[(&str, Value<'_>)]) -> Vec<u8> {
    let extra = u16::try_from(named.len()).unwrap();
    let numbers = if site == INLINE { INLINE } else { 0 };
    let header = Header { time: 1 << 60, sequence: 1, level: 30, site, logger: numbers, thread: INLINE, flags, extra };
    let mut out = header.to_bytes().to_vec();
    if site == INLINE {
        ["m", "f"].iter().for_each(|text| out.put_text(text));
        out.put(&3_u32.to_le_bytes());
        out.put_text("logger");
    }
    out.put_text("thread");
    if flags & flag::SITE_MESSAGE == 0 {
        out.put_text("message");
    }
    let mut context = Vec::new();
    put_context(&mut context, Some("trace"), None);
    context.put_text("user");
    context.put_value(Value::Text("é"));
    for (bit, section) in [(flag::CONTEXT, context), (flag::EXCEPTION, exception(1)), (flag::STACK, stack())] {
        if flags & bit != 0 {
            out.put(&u32::try_from(section.len()).unwrap().to_le_bytes());
            out.put(&section);
        }
    }
    values.iter().for_each(|value| out.put_value(*value));
    for (name, value) in named {
        out.put_text(name);
        out.put_value(*value);
    }
    out
}

/// A captured exception with as many causes, each a group of one.
fn exception(causes: usize) -> Vec<u8> {
    let mut out = vec![VERSION, Form { folds: true, ..Form::WHOLE }.to_byte()];
    put_exception(&mut out, causes);
    out
}

fn put_exception(out: &mut Vec<u8>, causes: usize) {
    ["Error", "module", "message\n\u{1b}[2J"].iter().for_each(|text| out.put_text(text));
    out.put(&[0, 1]);
    out.put(&1_u32.to_le_bytes());
    out.put_text("a note");
    out.put(&2_u32.to_le_bytes());
    out.put(&1_u32.to_le_bytes());
    put_frame(out);
    if causes == 0 {
        out.put(&[link::NONE, link::LEFT_OUT, 0]);
    } else {
        out.put(&[link::FOLLOWS]);
        put_exception(out, causes - 1);
        out.put(&[link::NONE, 1]);
        out.put(&5_u32.to_le_bytes());
        out.put(&1_u32.to_le_bytes());
        put_exception(out, 0);
    }
}

fn put_frame(out: &mut Vec<u8>) {
    out.put_text("/no/such/file.py");
    out.put_text("function");
    out.put(&7_u32.to_le_bytes());
    out.put(&[1]);
    out.put_text("call()\n    .more()");
    out.put(&[1]);
    out.put(&[4, 0, 0, 0, 10, 0, 0, 0]);
    out.put_text("package.module:function");
    out.put(&4_u32.to_le_bytes());
    out.put(&1_u32.to_le_bytes());
    out.put_text("name");
    out.put_text("'va\u{1b}[2Jlue'");
}

fn stack() -> Vec<u8> {
    let mut out = vec![VERSION];
    out.put(&0_u32.to_le_bytes());
    out.put(&1_u32.to_le_bytes());
    put_frame(&mut out);
    out
}
