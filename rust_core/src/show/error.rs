//! The exception of a line: its last line, or all of it.

use serde_json::{Map, Value};

use super::layout::Slot;
use super::line::{Kind, Line};

/// Modules whose classes Python names alone.
const UNNAMED: [&str; 3] = ["builtins", "__main__", ""];

/// Appends the exception of a line, as Python prints it: all of it if it is wanted `whole`, otherwise its kind and its message.
pub fn put(out: &mut String, read: &Line, line: &str, whole: bool) {
    let text = |slot: Slot| read.get(slot, line).map(|(value, _)| value);
    match read.get(Slot::Exception, line) {
        Some((json, Kind::Container)) => {
            if let Ok(Value::Object(exception)) = serde_json::from_str(json) {
                put_object(out, &exception, whole);
            }
            return;
        }
        Some((text, _)) => return put_text(out, text, whole),
        None => {}
    }
    if let Some(traceback) = text(Slot::Traceback) {
        return put_text(out, traceback, whole);
    }
    let (kind, message) = (text(Slot::ErrorType), text(Slot::ErrorMessage));
    if kind.is_some() || message.is_some() {
        put_last(out, "", kind.unwrap_or("Exception"), message.unwrap_or_default(), whole);
    }
}

/// A text of Python: the last line that begins at its margin is that of kind and message.
fn put_text(out: &mut String, text: &str, whole: bool) {
    if whole {
        return out.push_str(text.trim_end());
    }
    let is_last = |line: &&str| !line.trim().is_empty() && !line.starts_with([' ', '\t', '|', '+']);
    let lines = || text.trim_end().lines();
    let last = lines().rfind(|line| is_last(line) && is_kind(line)).or_else(|| lines().rfind(is_last));
    out.push_str(last.unwrap_or_default());
}

/// Whether a line begins as the last one of a traceback does.
fn is_kind(line: &str) -> bool {
    let name = line.split([':', ' ']).next().unwrap_or_default();
    name.rsplit('.').next().is_some_and(|last| last.starts_with(char::is_uppercase))
        && name.chars().all(|character| character.is_alphanumeric() || matches!(character, '_' | '.'))
        && !line.starts_with("Traceback (")
}

fn put_last(out: &mut String, module: &str, kind: &str, message: &str, whole: bool) {
    if !UNNAMED.contains(&module) {
        out.push_str(module);
        out.push('.');
    }
    out.push_str(kind);
    let message = if whole { message } else { message.lines().next().unwrap_or_default() };
    if !message.is_empty() {
        out.push_str(": ");
        out.push_str(message);
    }
}

fn of<'v>(exception: &'v Map<String, Value>, key: &str) -> &'v str {
    exception.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn put_object(out: &mut String, exception: &Map<String, Value>, whole: bool) {
    if whole {
        match exception.get("traceback").and_then(Value::as_str) {
            Some(traceback) => return out.push_str(traceback.trim_end()),
            None => put_causes(out, exception),
        }
        put_frames(out, exception);
    }
    put_last(out, of(exception, "module"), of(exception, "type"), of(exception, "message"), whole);
    if whole {
        for note in exception.get("notes").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            out.push('\n');
            out.push_str(note);
        }
        put_group(out, exception);
    }
}

/// The exceptions before it, as Python prints them.
fn put_causes(out: &mut String, exception: &Map<String, Value>) {
    let before = [
        ("cause", "The above exception was the direct cause of the following exception:"),
        ("context", "During handling of the above exception, another exception occurred:"),
    ];
    for (key, sentence) in before {
        if let Some(Value::Object(inner)) = exception.get(key) {
            put_object(out, inner, true);
            out.push_str("\n\n");
            out.push_str(sentence);
            out.push_str("\n\n");
            return;
        }
    }
}

fn put_frames(out: &mut String, exception: &Map<String, Value>) {
    let Some(frames) = exception.get("frames").and_then(Value::as_array).filter(|frames| !frames.is_empty()) else {
        return;
    };
    out.push_str("Traceback (most recent call last):\n");
    for frame in frames.iter().filter_map(Value::as_object) {
        if let Some(count) = frame.get("folded").and_then(Value::as_u64) {
            let packages = frame.get("packages").and_then(Value::as_array).into_iter().flatten();
            let names: Vec<&str> = packages.filter_map(Value::as_str).collect();
            out.push_str(&format!("  [{count} frames of {}]\n", names.join(", ")));
            continue;
        }
        let line = frame.get("line").and_then(Value::as_u64).unwrap_or_default();
        out.push_str(&format!("  File \"{}\", line {line}, in {}\n", of(frame, "file"), of(frame, "function")));
        let code = of(frame, "code");
        if !code.is_empty() {
            out.push_str(&format!("    {}\n", code.trim()));
        }
        if let Some(times) = frame.get("repeated").and_then(Value::as_u64) {
            out.push_str(&format!("  [Previous line repeated {times} more times]\n"));
        }
    }
}

fn put_group(out: &mut String, exception: &Map<String, Value>) {
    for (number, inner) in exception.get("group").and_then(Value::as_array).into_iter().flatten().enumerate() {
        let Some(inner) = inner.as_object() else { continue };
        let mut text = String::new();
        put_object(&mut text, inner, true);
        out.push_str(&format!("\n  +---------------- {} ----------------", number + 1));
        for line in text.lines() {
            out.push_str("\n  | ");
            out.push_str(line);
        }
    }
}
