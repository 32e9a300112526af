//! A line that is too long for those who show it: its beginning, made whole.

/// Stands for what is left out.
const CUT: &[u8] = "…".as_bytes();
/// The longest escape of JSON, of a character in two parts.
const ESCAPE: usize = 12;

/// The beginning of a line as a whole one. An object of JSON keeps the members that it has there, the last of them perhaps in part.
pub fn mended(start: &[u8]) -> Vec<u8> {
    if start.trim_ascii_start().first() == Some(&b'{') {
        of_json(start)
    } else {
        [whole_characters(start), CUT].concat()
    }
}

fn of_json(start: &[u8]) -> Vec<u8> {
    let mut closers = Vec::new();
    // Up to here it needs nothing but these closers.
    let mut safe = (0, 0);
    let mut text = None;
    let (mut is_key, mut is_escaped) = (false, false);
    for (at, byte) in start.iter().enumerate() {
        if text.is_some() {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'"' => text = None,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => text = Some(at),
            b'{' | b'[' => {
                closers.push(if *byte == b'{' { b'}' } else { b']' });
                (is_key, safe) = (*byte == b'{', (at + 1, closers.len()));
            }
            b'}' | b']' => {
                closers.pop();
                safe = (at + 1, closers.len());
            }
            b',' => (is_key, safe) = (closers.last() == Some(&b'}'), (at, closers.len())),
            b':' => is_key = false,
            _ => {}
        }
    }
    let mut mended = if text.is_some() && !is_key {
        let inside = whole_characters(start);
        let last_escape = memchr::memrchr(b'\\', inside).filter(|at| inside.len() - at < ESCAPE);
        // Of two signs of an escape, the first begins it.
        let end = last_escape.map_or(inside.len(), |at| {
            let before = inside[..at].iter().rev().take_while(|byte| **byte == b'\\').count();
            at - before
        });
        [without_half(&inside[..end]), CUT, b"\""].concat()
    } else {
        closers.truncate(safe.1);
        start[..safe.0].to_vec()
    };
    mended.extend(closers.iter().rev());
    mended
}

/// Without the first escape of two that are one character.
fn without_half(text: &[u8]) -> &[u8] {
    let (before, last) = text.split_at(text.len().saturating_sub(6));
    let is_half = matches!(last, [b'\\', b'u', b'd' | b'D', b'8'..=b'9' | b'a'..=b'b' | b'A'..=b'B', _, _]);
    // A backslash before it is escaped, or escapes it.
    let is_escape = before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 0;
    if is_half && is_escape { before } else { text }
}

/// Without a character of UTF-8 that is not all there.
fn whole_characters(text: &[u8]) -> &[u8] {
    let from = text.len().saturating_sub(4);
    let lead = (from..text.len()).rev().find(|at| text[*at] & 0xC0 != 0x80);
    match lead {
        Some(at) if std::str::from_utf8(&text[at..]).is_err() => &text[..at],
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    #[test]
    fn what_is_there_of_an_object_is_kept() {
        let mended = |line: &str| String::from_utf8(mended(line.as_bytes())).unwrap();
        assert_eq!(mended(r#"{"a":1,"b":"some te"#), r#"{"a":1,"b":"some te…"}"#);
        assert_eq!(mended(r#"{"a":1,"b":[1,{"c":"x"#), r#"{"a":1,"b":[1,{"c":"x…"}]}"#);
        assert_eq!(mended(r#"{"a":1,"key"#), r#"{"a":1}"#);
        assert_eq!(mended(r#"{"a":1,"b":tr"#), r#"{"a":1}"#);
        assert_eq!(mended("plain"), "plain…");
    }

    proptest! {
        #[test]
        fn every_beginning_becomes_whole(texts in prop::collection::vec("[a-z\"\\\\é你\u{1F600}\u{1}]{0,6}", 1..4), number: f32, end in 1..200_usize) {
            let value = serde_json::json!({"a": texts, "n": number, "o": {"x": texts[0], "y": [null, true, {}]}});
            let line = value.to_string();
            for line in [line.clone(), line.replace('é', "\\u00e9").replace('\u{1F600}', "\\ud83d\\ude00")] {
                let mended = mended(&line.as_bytes()[..end.min(line.len())]);
                let read: Result<Value, _> = serde_json::from_slice(&mended);
                prop_assert!(read.is_ok_and(|value| value.is_object()), "{}", String::from_utf8_lossy(&mended));
            }
        }
    }
}
