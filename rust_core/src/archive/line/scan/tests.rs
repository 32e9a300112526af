use super::*;
use proptest::prelude::*;

fn ecs() -> Keys {
    Keys {
        time: "@timestamp".into(),
        level: "log.level".into(),
        logger: "log.logger".into(),
        trace: "trace.id".into(),
        ..Keys::default()
    }
}

fn trace<'l>(keys: &Keys, line: &'l str) -> Option<Value<'l>> {
    Scanner::new(keys).scan(line.as_bytes()).map(|found| found.trace)
}

#[test]
fn members_are_found_wherever_they_stand() {
    let line =
        r#" { "trace_id" : "t\u002f1" , "n":[{"level":"DEBUG"},"}"], "x":{"trace_id":"no","a":"\\"},"level":"INFO",
        "timestamp":1,"message":"\"logger\":\"x\"","logger":"a.b"} "#
            .replace('\n', " ");
    let found = Scanner::new(&Keys::default()).scan(line.as_bytes()).unwrap();
    assert_eq!(found.time, Value::Plain(b"1"));
    assert_eq!(found.level, Value::Plain(b"INFO"));
    assert_eq!(found.logger, Value::Plain(b"a.b"));
    assert_eq!(found.trace, Value::Escaped(br"t\u002f1"));
    assert_eq!(found.trace.bytes(&mut Vec::new()), Some(&b"t/1"[..]));
}

#[test]
fn keys_with_dots_are_found_flat_and_nested() {
    for line in [
        r#"{"trace.id":"7"}"#,
        r#"{"trace":{"id":"7"}}"#,
        r#"{"trace":{"x":{"id":"8"},"id":"7"},"id":"9"}"#,
        r#"{"tr\u0061ce":{"id":"7"}}"#,
        r#"{"trace":{"id":"7"},"trace.id":null}"#,
        r#"{"trace.id":null,"trace":{"id":"7"}}"#,
    ] {
        assert_eq!(trace(&ecs(), line), Some(Value::Plain(b"7")), "{line}");
    }
    let cloud = Keys { trace: "logging.googleapis.com/labels.trace".into(), ..Keys::default() };
    assert_eq!(trace(&cloud, r#"{"logging.googleapis.com/labels":{"trace":"7"}}"#), Some(Value::Plain(b"7")));
    for line in [r#"{"trace":{"id.x":"7"}}"#, r#"{"id":"7"}"#, r#"{"x":{"trace.id":"7"}}"#, r#"{"trace.id":null}"#] {
        assert_eq!(trace(&ecs(), line), Some(Value::Absent), "{line}");
    }
}

#[test]
fn two_values_of_a_name_are_unknown() {
    for line in [r#"{"trace.id":"7","trace.id":"7"}"#, r#"{"trace":{"id":"7"},"trace.id":"8"}"#, r#"{"trace.id":[1]}"#]
    {
        assert_eq!(trace(&ecs(), line), Some(Value::Unknown), "{line}");
    }
}

#[test]
fn what_is_no_whole_object_is_none() {
    for line in [
        "",
        " ",
        "{",
        "{}}",
        "[]",
        "7",
        "Traceback (most recent call last):",
        r#"{"trace_id":"7""#,
        r#"{"trace_id":"7"}x"#,
        r#"{"trace_id":"7",}"#,
        r#"{"trace_id" "7"}"#,
        r#"{"trace_id":}"#,
        r#"{"trace_id":"7\"#,
        r#"{"a":{"b":[}"#,
        r#"level=INFO msg="x""#,
    ] {
        assert_eq!(Scanner::new(&Keys::default()).scan(line.as_bytes()), None, "{line}");
    }
    assert_eq!(Scanner::new(&Keys::default()).scan(b"{}"), Some(Found::default()));
}

#[test]
fn spaces_count_for_nothing_in_any_line() {
    let mut scanner = Scanner::new(&Keys::default());
    for (comma, colon) in [(", ", ": "), (",", ": "), (", ", ":"), (" ,", " : "), (",", ":")] {
        for _ in 0..3 {
            let line = format!(r#"{{"timestamp"{colon}"t"{comma}"level"{colon}"ERROR"{comma}"trace_id"{colon}"a"}}"#);
            let found = scanner.scan(line.as_bytes()).unwrap();
            assert_eq!((found.level, found.trace), (Value::Plain(b"ERROR"), Value::Plain(b"a")), "{line}");
            let head = scanner.scan_head(line.as_bytes(), true, true);
            assert!(head.is_none_or(|head| head.level == Value::Plain(b"ERROR")), "{line}");
        }
    }
}

#[test]
fn no_object_goes_on_behind_a_newline() {
    for lines in ["{\"a\":[\n1]}\n", "{\"a\":\"\n\"}\n", "{\"a\":1,\n\"b\":2}\n", "{\"a\":\"\\\n\"}\n", "{\n}\n"] {
        let (found, rest) = Scanner::new(&Keys::default()).scan_first(lines.as_bytes());
        assert_eq!(found, None, "{lines}");
        assert_eq!(rest, &lines.as_bytes()[lines.find('\n').unwrap() + 1..], "{lines}");
    }
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let text = prop_oneof!["[a-z{}\",:\\[\\]\\\\\u{e9}]{0,6}", "trace", "id", "trace.id", "trace_id", "level"];
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        text.clone().prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        let members = prop::collection::vec((text.clone(), inner.clone()), 0..6);
        prop_oneof![
            prop::collection::vec(inner, 0..6).prop_map(Into::into),
            members.prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn lines_end_at_their_newlines(lines in prop::collection::vec(prop_oneof![json().prop_map(|json| json.to_string()), "[{}a\",:\\\\]{0,9}"], 1..9), has_end: bool) {
        let mut text = lines.join("\n");
        if has_end || lines.last().is_some_and(String::is_empty) {
            text.push('\n');
        }
        let (mut rest, mut scanner) = (text.as_bytes(), Scanner::new(&ecs()));
        for line in &lines {
            let (found, after) = scanner.scan_first(rest);
            prop_assert_eq!(found, Scanner::new(&ecs()).scan(line.as_bytes()), "{}", line);
            prop_assert_eq!(after.len(), rest.len().saturating_sub(line.len() + 1));
            rest = after;
        }
        prop_assert!(rest.is_empty());
    }

    #[test]
    fn any_line_is_read_as_a_parser_reads_it(value in json(), is_pretty: bool) {
        let line = if is_pretty { serde_json::to_string_pretty(&value).unwrap().replace('\n', " ") } else { value.to_string() };
        let mut all = Vec::new();
        all.extend(value.get("trace.id"));
        all.extend(value.get("trace").and_then(|trace| trace.get("id")));
        all.retain(|value| !value.is_null());
        let found = Scanner::new(&ecs()).scan(line.as_bytes());
        prop_assert_eq!(found.is_some(), value.is_object());
        if let Some(found) = found {
            match all[..] {
                [] => prop_assert_eq!(found.trace, Value::Absent),
                [serde_json::Value::Object(_) | serde_json::Value::Array(_)] | [_, _] => prop_assert_eq!(found.trace, Value::Unknown),
                [one] => {
                    let text = one.as_str().map_or_else(|| one.to_string(), str::to_owned);
                    let mut room = Vec::new();
                    prop_assert_eq!(found.trace.bytes(&mut room), Some(text.as_bytes()));
                }
                _ => unreachable!(),
            }
        }
    }

    #[test]
    fn the_lines_before_change_nothing(values in prop::collection::vec(json(), 1..8), order in prop::collection::vec(any::<prop::sample::Index>(), 20)) {
        let lines: Vec<String> = values.iter().map(serde_json::Value::to_string).collect();
        let mut scanner = Scanner::new(&ecs());
        for index in order {
            let line = index.get(&lines).as_bytes();
            prop_assert_eq!(scanner.scan(line), Scanner::new(&ecs()).scan(line));
        }
    }

    #[test]
    fn no_line_is_too_odd(line in prop::collection::vec(prop::sample::select(br#"{}[]",:\tracei.d1 "#.to_vec()), 0..60)) {
        let found = Scanner::new(&ecs()).scan(&line);
        let is_closed = line.contains(&b'}');
        prop_assert!(found.is_none() || is_closed);
    }

    #[test]
    fn a_torn_line_is_none(value in json(), at: prop::sample::Index) {
        prop_assume!(value.is_object());
        let line = value.to_string();
        prop_assert_eq!(Scanner::new(&ecs()).scan(&line.as_bytes()[..at.index(line.len())]), None);
    }
}
