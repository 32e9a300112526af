//! Whether a text is the JSON that capture writes, for bytes that may come from elsewhere.

use serde::de::IgnoredAny;

/// Containers inside containers; capture stays below half of it, and readers in wide use go at least this far.
const DEPTH: usize = 100;

/// Whether `text` is one value of JSON on one line, not nested beyond what readers take, and without half a surrogate.
pub fn is_plain(text: &str) -> bool {
    // A control character can stand between two tokens only; there a newline would be one of the line's.
    text.bytes().all(|byte| byte >= b' ') && serde_json::from_str::<IgnoredAny>(text).is_ok() && is_readable(text)
}

/// What the grammar leaves open, of a text that follows it.
fn is_readable(text: &str) -> bool {
    let (mut depth, mut quoted) = (0_usize, false);
    let mut rest = text.as_bytes();
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        match (quoted, byte) {
            (true, b'\\') => match escaped(rest) {
                Some(length) => rest = &rest[length..],
                None => return false,
            },
            (_, b'"') => quoted = !quoted,
            (false, b'[' | b'{') => {
                depth += 1;
                if depth > DEPTH {
                    return false;
                }
            }
            (false, b']' | b'}') => depth -= 1,
            _ => {}
        }
    }
    true
}

/// Length of what follows a backslash; `None` for half a surrogate pair.
fn escaped(rest: &[u8]) -> Option<usize> {
    let Some(unit) = unit(rest) else { return Some(1) };
    match unit {
        0xd800..=0xdbff => {
            let second = rest.get(5..)?.strip_prefix(b"\\").and_then(self::unit)?;
            (0xdc00..=0xdfff).contains(&second).then_some(11)
        }
        0xdc00..=0xdfff => None,
        _ => Some(5),
    }
}

/// The number of `uXXXX`.
fn unit(rest: &[u8]) -> Option<u16> {
    let digits = rest.strip_prefix(b"u")?.get(..4)?;
    u16::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_capture_writes_is_plain() {
        let deep = format!("{}{}", "[".repeat(DEPTH), "]".repeat(DEPTH));
        let long = "9".repeat(4_000);
        for text in [
            "1",
            "[]",
            "{\"a\":[null,true,-1.5e300,\"é\\n\\u0000\"]}",
            r#""\ud83d\ude00""#,
            r#""\\ud800""#,
            &deep,
            &long,
        ] {
            assert!(is_plain(text), "{text}");
        }
    }

    #[test]
    fn what_would_break_a_line_or_its_reader_is_not() {
        let deep = "[".repeat(DEPTH + 1) + &"]".repeat(DEPTH + 1);
        for text in [
            "",
            "1,2",
            "[1,\n2]",
            "[1,\r2]",
            "\t1",
            "{\"a\":1",
            "nan",
            r#""\ud800""#,
            r#""\ud800\u0041""#,
            r#""\udc00""#,
            &deep,
        ] {
            assert!(!is_plain(text), "{text}");
        }
    }
}
