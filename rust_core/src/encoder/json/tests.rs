use super::*;
use crate::names;
use crate::platform;
use crate::record::{self, Header, INLINE, flag, put_context};
use crate::value::Put;
use proptest::prelude::*;

fn line(record: &[u8]) -> String {
    let mut out = Vec::new();
    // SAFETY: built by the tests from texts.
    JsonEncoder::new(&Process::here()).encode(&unsafe { Record::read(record) }.unwrap(), Whose::Application, &mut out);
    String::from_utf8(out).unwrap()
}

struct RecordParts<'a> {
    site_fields: &'a [(&'a str, Value<'a>)],
    extra: &'a [(&'a str, Value<'a>)],
    context: Option<(&'a str, &'a [(&'a str, Value<'a>)])>,
    message: &'a str,
    /// Whether the message is the call site's.
    in_site: bool,
}

fn record(parts: &RecordParts<'_>) -> Vec<u8> {
    let site = names::here().site(Site {
        module: "api_handler".into(),
        function: "handle_request".into(),
        line: 42,
        fields: parts.site_fields.iter().map(|(name, _)| (*name).to_owned()).collect(),
        message: parts.in_site.then(|| parts.message.to_owned()),
    });
    let mut out = Vec::new();
    let header = Header {
        time: 1_771_497_000_123_456_789,
        sequence: 0,
        level: 20,
        site: site.unwrap(),
        logger: names::here().logger("wechat_backend.api".into()).unwrap(),
        thread: INLINE,
        flags: if parts.context.is_some() { flag::CONTEXT } else { 0 }
            | if parts.in_site { flag::SITE_MESSAGE } else { 0 },
        extra: u16::try_from(parts.extra.len()).unwrap(),
    };
    out.put(&header.to_bytes());
    out.put_text("MainThread");
    if !parts.in_site {
        out.put_text(parts.message);
    }
    if let Some((trace_id, fields)) = parts.context {
        let mut context = Vec::new();
        put_context(&mut context, Some(trace_id), None);
        for (name, value) in fields {
            context.put_text(name);
            context.put_value(*value);
        }
        out.put(&u32::try_from(context.len()).unwrap().to_le_bytes());
        out.put(&context);
    }
    for (_, value) in parts.site_fields {
        out.put_value(*value);
    }
    for (name, value) in parts.extra {
        out.put_text(name);
        out.put_value(*value);
    }
    out
}

#[test]
fn keys_stand_in_the_order_of_the_guide() {
    for in_site in [false, true] {
        keys_stand_in_order(in_site);
    }
}

fn keys_stand_in_order(in_site: bool) {
    let record = record(&RecordParts {
        site_fields: &[("endpoint", Value::Text("/api/ai/chat")), ("status", Value::Integer(200))],
        extra: &[],
        context: Some(("abc-123-xyz", &[])),
        message: "API 请求成功",
        in_site,
    });
    let expected = format!(
        concat!(
            r#"{{"timestamp":"2026-02-19T10:30:00.123456+00:00","level":"INFO","logger":"wechat_backend.api","#,
            r#""message":"API 请求成功","module":"api_handler","function":"handle_request","line":42,"#,
            r#""thread":"MainThread","process":{},"trace_id":"abc-123-xyz","#,
            r#""endpoint":"/api/ai/chat","status":200}}"#,
            "\n"
        ),
        platform::process_id()
    );
    assert_eq!(line(&record), expected);
}

#[test]
fn a_calls_field_stands_for_the_contexts_of_that_name() {
    let record = record(&RecordParts {
        site_fields: &[("user", Value::Text("call"))],
        extra: &[("level", Value::Integer(1))],
        context: Some(("t", &[("user", Value::Text("context")), ("tenant", Value::Integer(7))])),
        message: "m",
        in_site: false,
    });
    assert!(line(&record).ends_with("\"trace_id\":\"t\",\"tenant\":7,\"user\":\"call\",\"fields.level\":1}\n"));
}

/// The fields of a line, as they stand there, of what was given once as the call site's and once with their names.
fn fields(call: &[(&str, Value<'_>)], context: &[(&str, Value<'_>)]) -> [String; 2] {
    [(call, &[][..]), (&[][..], call)].map(|(site_fields, extra)| {
        let parts = RecordParts { site_fields, extra, context: Some(("t", context)), message: "m", in_site: false };
        line(&record(&parts)).split_once("\"t\"").unwrap().1.trim_end_matches("}\n").trim_start_matches(',').to_owned()
    })
}

/// Seen to be written twice, as `fields.level` and `fields.level.2`.
#[test]
fn a_calls_field_stands_for_the_contexts_under_a_reserved_name_too() {
    let (call, context) = ([("level", Value::Integer(1))], [("level", Value::Integer(2)), ("a", Value::Integer(3))]);
    for line in fields(&call, &context) {
        assert_eq!(line, r#""a":3,"fields.level":1"#);
    }
}

/// Seen to depend on whether the names were known with the site.
#[test]
fn which_field_moves_aside_does_not_depend_on_how_it_came() {
    let level = [("level", Value::Integer(1)), ("fields.level", Value::Integer(2))];
    let other = [("a", Value::Integer(3))];
    for line in fields(&level, &other) {
        assert_eq!(line, r#""a":3,"fields.level.2":1,"fields.level":2"#);
    }
    for line in fields(&other, &level) {
        assert_eq!(line, r#""fields.level.2":1,"fields.level":2,"a":3"#);
    }
    for line in fields(&level[1..], &level[..1]).into_iter().chain(fields(&[level[1], other[0]], &level[..1])) {
        assert!(line.starts_with(r#""fields.level.2":1,"fields.level":2"#), "{line}");
    }
    for line in fields(&level[..1], &level[1..]) {
        assert_eq!(line, r#""fields.fields.level":2,"fields.level":1"#);
    }
}

proptest! {
    #[test]
    fn no_key_comes_twice(
        call in prop::collection::vec("(fields\\.)?(level|a)(\\.2)?", 0..6),
        context in prop::collection::vec("(fields\\.)?(level|a)(\\.2)?", 0..6),
    ) {
        let fields_of = |names: &[String]| -> Vec<(String, Value<'static>)> {
            let names: std::collections::BTreeSet<_> = names.iter().cloned().collect();
            names.into_iter().map(|name| (name, Value::Integer(1))).collect()
        };
        let (call, context) = (fields_of(&call), fields_of(&context));
        let call: Vec<_> = call.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let context: Vec<_> = context.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let wanted = call.iter().chain(&context).map(|(name, _)| *name).collect::<std::collections::HashSet<_>>();
        let [known, named] = fields(&call, &context);
        prop_assert_eq!(&known, &named);
        let keys: Vec<_> = known.split(',').filter(|field| !field.is_empty()).collect();
        let distinct: std::collections::HashSet<_> = keys.iter().collect();
        prop_assert_eq!((keys.len(), distinct.len()), (wanted.len(), wanted.len()));
    }

    #[test]
    fn any_text_gives_one_valid_line(message: String, name: String, text: String, extra: String, in_site: bool) {
        let record = record(&RecordParts {
            site_fields: &[(&name, Value::Text(&text))],
            extra: &[(&extra, Value::Text(&text))],
            context: Some((&text, &[(&extra, Value::Bool(true))])),
            message: &message,
            in_site,
        });
        let line = line(&record);
        prop_assert_eq!(line.matches('\n').count(), 1);
        let read: serde_json::Value = serde_json::from_str(&line).unwrap();
        prop_assert_eq!(read["message"].as_str(), Some(message.as_str()));
        let keys = record::keys(&[name.as_str()], &[]);
        prop_assert_eq!(read[&*keys[0]].as_str(), Some(text.as_str()));
    }
}
