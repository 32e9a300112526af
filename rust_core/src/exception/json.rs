//! An exception as a JSON object, for those who query. What an exception does not have is absent.

use super::blob::{Exception, Frame, Group, Link};
use super::{SourceCache, text};
use crate::value::{Put, put_quoted};

/// Writes the object of the outermost exception; its text holds those of all others.
pub fn exception(exception: &Exception<'_>, sources: &mut SourceCache, out: &mut Vec<u8>) {
    let traceback = text::exception(exception, sources);
    Writer { sources, out }.exception(exception, Some(&traceback));
}

struct Writer<'a> {
    sources: &'a mut SourceCache,
    out: &'a mut Vec<u8>,
}

impl Writer<'_> {
    fn exception(&mut self, exception: &Exception<'_>, traceback: Option<&str>) {
        self.put(r#"{"type":"#);
        self.text(exception.kind);
        self.put(r#","message":"#);
        self.text(exception.message);
        self.put(r#","module":"#);
        self.text(exception.module);
        if let Some(traceback) = traceback {
            self.put(r#","traceback":"#);
            self.text(traceback);
        }
        if !exception.frames.is_empty() {
            self.put(r#","frames":"#);
            self.list(&exception.frames, Self::frame);
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

    fn frame(&mut self, frame: &Frame<'_>) {
        self.put(r#"{"file":"#);
        self.text(frame.file);
        self.put(r#","function":"#);
        self.text(frame.function);
        self.put(&format!(r#","line":{}"#, frame.line));
        let code = match frame.source {
            Some(source) => Some(source),
            None => self.sources.line(frame.file, frame.line),
        };
        if let Some(code) = code.filter(|code| !code.is_empty()) {
            self.out.extend_from_slice(br#","code":"#);
            put_quoted(text::bounded(code), self.out);
        }
        if frame.repeated > 1 {
            self.put(&format!(r#","repeated":{}"#, frame.repeated));
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
    use super::super::blob::tests::{plain, rich};
    use super::*;

    fn json(exception: &Exception<'_>) -> serde_json::Value {
        let mut out = Vec::new();
        super::exception(exception, &mut SourceCache::default(), &mut out);
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn what_is_not_there_is_absent() {
        let expected = serde_json::json!({
            "type": "ValueError", "message": "x", "module": "builtins", "traceback": "ValueError: x\n"
        });
        assert_eq!(json(&plain("ValueError", "x")), expected);
    }

    #[test]
    fn what_was_left_out_is_marked() {
        let json = json(&rich());
        assert_eq!(json["context"]["$truncated"], "depth");
        assert_eq!(json["group"][2]["$truncated"], "2 more");
        assert_eq!(json["cause"]["message"], "é 你好");
        assert_eq!(json["group"][0]["notes"][0], "a note");
    }

    #[test]
    fn a_frame_has_its_code_where_there_is_any() {
        let json = json(&rich());
        assert_eq!(
            json["frames"][0],
            serde_json::json!({"file": "/no/such/file.py", "function": "f", "line": 7, "code": "f()", "repeated": 5})
        );
        assert!(json["frames"][1].get("code").is_none());
    }
}
