//! An exception as a JSON object, for those who query. What an exception does not have is absent.

use super::blob::{Captured, Exception, Frame, Group, Link};
use super::fingerprint::fingerprint;
use super::fold::{Entry, entries};
use super::form::Form;
use super::{SourceCache, text};
use crate::value::{Put, put_quoted};

/// Writes the object of the outermost exception. Its text holds those of all others, and its fingerprint is of all.
pub fn exception(
    captured: &Captured<'_>,
    folds: bool,
    call_site: Option<(&str, &str)>,
    sources: &mut SourceCache,
    out: &mut Vec<u8>,
) {
    let Captured { form, exception } = captured;
    let whole = Whole {
        fingerprint: fingerprint(exception, call_site),
        traceback: form.has_text.then(|| text::exception(exception, folds, false, sources)),
    };
    Writer { form: *form, folds, sources, out }.exception(exception, Some(&whole));
}

/// What only the outermost exception has.
struct Whole {
    fingerprint: Option<String>,
    traceback: Option<String>,
}

struct Writer<'a> {
    form: Form,
    folds: bool,
    sources: &'a mut SourceCache,
    out: &'a mut Vec<u8>,
}

impl Writer<'_> {
    fn exception(&mut self, exception: &Exception<'_>, whole: Option<&Whole>) {
        self.put(r#"{"type":"#);
        self.text(exception.kind);
        self.put(r#","message":"#);
        self.text(exception.message);
        self.put(r#","module":"#);
        self.text(exception.module);
        for (key, text) in [
            (r#","fingerprint":"#, whole.and_then(|whole| whole.fingerprint.as_deref())),
            (r#","traceback":"#, whole.and_then(|whole| whole.traceback.as_deref())),
        ] {
            if let Some(text) = text {
                self.put(key);
                self.text(text);
            }
        }
        if self.form.has_frames && !exception.frames.is_empty() {
            self.put(r#","frames":"#);
            self.list(&entries(&exception.frames, exception.left_out, self.folds), Self::entry);
            self.put("]");
        }
        self.link("cause", &exception.cause);
        self.link("context", &exception.context);
        if !exception.notes.is_empty() {
            self.put(r#","notes":"#);
            self.list(&exception.notes, |writer, note| writer.text(note));
            self.put("]");
        }
        if let Some(group) = &exception.group {
            self.group(group);
        }
        self.put("}");
    }

    fn entry(&mut self, entry: &Entry<'_, '_>) {
        match entry {
            Entry::Frame(frame) => self.frame(frame),
            Entry::Folded { frames, packages, .. } => {
                self.put(&format!(r#"{{"folded":{frames},"packages":"#));
                self.list(packages, |writer, package| writer.text(package));
                self.put("]}");
            }
            Entry::LeftOut(left_out) => self.put(&format!(r#"{{"$truncated":"{left_out} more"}}"#)),
        }
    }

    fn frame(&mut self, frame: &Frame<'_>) {
        self.put(r#"{"file":"#);
        self.text(frame.file);
        self.put(r#","function":"#);
        self.text(frame.function);
        self.put(&format!(r#","line":{}"#, frame.line));
        let code = text::source_of(frame, false, self.sources);
        if !code.is_empty() {
            self.out.extend_from_slice(br#","code":"#);
            put_quoted(text::bounded(&code), self.out);
        }
        if frame.repeated > 1 {
            self.put(&format!(r#","repeated":{}"#, frame.repeated));
        }
        if !frame.variables.is_empty() {
            self.put(r#","locals":{"#);
            for (index, (name, value)) in frame.variables.iter().enumerate() {
                self.put(if index > 0 { "," } else { "" });
                self.text(name);
                self.put(":");
                self.text(value);
            }
            self.put("}");
        }
        self.put("}");
    }

    fn link(&mut self, name: &str, link: &Link<'_>) {
        if matches!(link, Link::None) {
            return;
        }
        self.put(&format!(r#","{name}":"#));
        match link {
            Link::To(other) => self.exception(other, None),
            _ => self.put(r#"{"$truncated":"depth"}"#),
        }
    }

    fn group(&mut self, group: &Group<'_>) {
        self.put(r#","group":"#);
        self.list(&group.members, |writer, member| writer.exception(member, None));
        if group.left_out > 0 {
            self.put(if group.members.is_empty() { "" } else { "," });
            self.put(&format!(r#"{{"$truncated":"{} more"}}"#, group.left_out));
        }
        self.put("]");
    }

    /// A list without its closing bracket.
    fn list<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.put("[");
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.put(",");
            }
            write(self, item);
        }
    }

    fn text(&mut self, text: &str) {
        put_quoted(text, self.out);
    }

    fn put(&mut self, json: &str) {
        self.out.put(json.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::super::blob::tests::{frame, plain, rich};
    use super::*;

    fn json_as(form: Form, exception: Exception<'_>) -> serde_json::Value {
        let mut out = Vec::new();
        let captured = Captured { form, exception };
        super::exception(&captured, form.folds, Some(("shop", "pay")), &mut SourceCache::default(), &mut out);
        serde_json::from_slice(&out).unwrap()
    }

    fn json(exception: Exception<'_>) -> serde_json::Value {
        json_as(Form::WHOLE, exception)
    }

    #[test]
    fn what_is_not_there_is_absent() {
        let expected = serde_json::json!({
            "type": "ValueError",
            "message": "x",
            "module": "builtins",
            "fingerprint": fingerprint(&plain("ValueError", ""), Some(("shop", "pay"))),
            "traceback": "ValueError: x\n",
        });
        assert_eq!(json(plain("ValueError", "x")), expected);
    }

    #[test]
    fn what_was_left_out_is_marked() {
        let json = json(rich());
        assert_eq!(json["context"]["$truncated"], "depth");
        assert_eq!(json["group"][2]["$truncated"], "2 more");
        assert_eq!(json["frames"][2]["$truncated"], "3 more");
        assert_eq!(json["cause"]["message"], "é 你好");
        assert_eq!(json["group"][0]["notes"][0], "a note");
    }

    #[test]
    fn a_frame_has_its_code_where_there_is_any() {
        let json = json(rich());
        assert_eq!(
            json["frames"][0],
            serde_json::json!({"file": "/no/such/file.py", "function": "f", "line": 7, "code": "f()", "repeated": 5})
        );
        assert!(json["frames"][1].get("code").is_none());
        assert_eq!(json["frames"][1]["locals"], serde_json::json!({"order": "<Order 7>", "名": "'é'"}));
    }

    #[test]
    fn text_and_frames_are_there_as_wanted() {
        let chain = || Exception {
            frames: vec![frame("f")],
            cause: Link::To(Box::new(Exception { frames: vec![frame("f")], ..plain("KeyError", "k") })),
            ..plain("ValueError", "v")
        };
        let text = json_as(Form { has_frames: false, ..Form::WHOLE }, chain());
        assert!(text["traceback"].is_string() && text.get("frames").is_none() && text["cause"].get("frames").is_none());
        let frames = json_as(Form { has_text: false, ..Form::WHOLE }, chain());
        assert!(frames.get("traceback").is_none() && frames["cause"]["frames"].is_array());
        assert_eq!(frames["fingerprint"], text["fingerprint"]);
        assert!(frames["cause"].get("fingerprint").is_none());
    }

    #[test]
    fn frames_of_libraries_are_one_entry() {
        let of_library = |origin| Frame { is_application: false, origin, ..frame("f") };
        let frames = vec![of_library("uvicorn.a:f"), of_library("starlette:g"), frame("pay")];
        let exception = Exception { frames, ..plain("E", "") };
        let json = json_as(Form { folds: true, ..Form::WHOLE }, exception);
        assert_eq!(json["frames"][0], serde_json::json!({"folded": 2, "packages": ["uvicorn", "starlette"]}));
        assert_eq!(json["frames"][1]["function"], "pay");
    }
}
