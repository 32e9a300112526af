//! Texts of any kind.

use proptest::prelude::*;

use super::super::tests::{redacted, usual};
use super::shown;

/// Names, signs, quotes and escapes, as they may meet.
fn fragments() -> impl Strategy<Value = String> {
    let fragment = prop::sample::select(vec![
        "password",
        "token",
        "name",
        "value",
        "api key",
        "cookie",
        "authorization",
        "密码",
        "=",
        ":",
        "：",
        ">",
        "<",
        "</",
        "<password>",
        "<a:token x='y'>",
        "</password>",
        "<![CDATA[",
        "]]>",
        "\"",
        "'",
        "`",
        "\\",
        "\\\"",
        "\\\\",
        "\\n",
        "\\u0022",
        "\\x3d",
        "%3D",
        "%22",
        "%20",
        "&quot;",
        "&",
        "&amp;",
        ";",
        ",",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        " ",
        "\n",
        "\r\n",
        "  ",
        "|",
        "--",
        "- ",
        "form-data; name=",
        "://",
        "@",
        "4111",
        "4111111111111111",
        "…(+3 characters)",
        "\u{a0}",
        "\u{200b}",
        "１",
        "hunter2",
        "é",
        "😀",
        "b'",
        "=>",
        ".0",
        "_",
        "x",
    ]);
    prop::collection::vec(fragment, 0..60).prop_map(|fragments| fragments.concat())
}

proptest! {
    #[test]
    fn any_meeting_of_names_signs_and_escapes_comes_through(text in fragments()) {
        let mut scanner = usual();
        let _ = scanner.source(&text);
        let redacted = scanner.text(&text).unwrap_or_else(|| text.clone());
        let json = serde_json::to_string(&[&text]).unwrap();
        let json = scanner.json(&json, true).unwrap_or(json);
        prop_assert_eq!(serde_json::from_str::<[String; 1]>(&json).unwrap(), [redacted]);
    }

    /// What the value is made of makes no difference where quotes say where it ends.
    #[test]
    fn a_quoted_value_is_gone_whatever_it_is(value in "[ -~é中]{1,40}", before in fragments()) {
        let json = serde_json::json!({ "password": format!("q7Zx{value}q7Zx") }).to_string();
        for text in [json.clone(), serde_json::to_string(&json).unwrap(), format!("{}\n{json}", before.replace(['<', '[', '{', '(', '"', '\'', '`', '\\', '%', '&'], " "))] {
            prop_assert!(!redacted(&text).contains("q7Zx"), "{} -> {}", text, redacted(&text));
        }
    }

    #[test]
    fn a_value_of_a_form_is_gone_however_it_is_written(value in "[ -~é中]{1,40}") {
        let value = format!("q7Zx{value}q7Zx");
        let percent: String = value.bytes().map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect();
        let again = format!("password={percent}").replace('%', "%25").replace('=', "%3D");
        for text in [format!("a=1&password={percent}&b=2"), again] {
            prop_assert!(!redacted(&text).contains("q7Zx"), "{} -> {}", text, redacted(&text));
        }
    }

    #[test]
    fn a_bare_value_without_white_space_is_gone(value in "[!#-%*+./0-9?@A-Z^_a-z~-]{0,20}") {
        let text = format!("login password=q7Zx{value}q7Zx ok");
        prop_assert_eq!(shown(&text), "login password=* ok");
    }
}
