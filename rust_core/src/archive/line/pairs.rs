//! Lines of pairs, as logfmt has them.

/// The value of a key in a line of pairs, without its quotes.
#[must_use]
pub fn pair<'l>(line: &'l [u8], key: &str) -> Option<&'l [u8]> {
    pairs(line).find(|(name, _)| !name.is_empty() && *name == key.as_bytes()).map(|(_, value)| value)
}

/// All keys of a line of pairs, and their values without quotes. Words that are no pair are passed.
pub fn pairs(line: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < line.len() {
            let rest = &line[at..];
            let end = rest.iter().position(|byte| matches!(byte, b'=' | b' ')).unwrap_or(rest.len());
            let name = &rest[..end];
            at += end + 1;
            if rest.get(end) != Some(&b'=') {
                continue;
            }
            let value = line.get(at..).unwrap_or_default();
            let length = if value.first() == Some(&b'"') {
                let mut end = 1;
                while end < value.len() && value[end] != b'"' {
                    end += 1 + usize::from(value[end] == b'\\');
                }
                (end + 1).min(value.len())
            } else {
                memchr::memchr(b' ', value).unwrap_or(value.len())
            };
            at += length + 1;
            let value = &value[..length];
            let inner = value.strip_prefix(b"\"").map(|inner| inner.strip_suffix(b"\"").unwrap_or(inner));
            return Some((name, inner.unwrap_or(value)));
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read_with_and_without_quotes() {
        let line =
            br#"timestamp=2026-02-19T10:30:00Z level=ERROR message="a \"b\" level=INFO" logger=shop.a x= last=1"#;
        for (key, value) in [
            ("timestamp", Some("2026-02-19T10:30:00Z")),
            ("level", Some("ERROR")),
            ("message", Some(r#"a \"b\" level=INFO"#)),
            ("logger", Some("shop.a")),
            ("x", Some("")),
            ("last", Some("1")),
            ("b", None),
            ("", None),
        ] {
            assert_eq!(pair(line, key), value.map(str::as_bytes), "{key}");
        }
    }
}
