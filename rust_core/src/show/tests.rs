use super::*;
use proptest::prelude::*;

const LINE: &str = r#"{"timestamp":"2026-02-19T10:30:00.123456+00:00","level":"ERROR","logger":"shop.orders","message":"payment failed","module":"shop","function":"pay","line":7,"thread":"MainThread","process":12345,"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7","order_id":7,"customer":"Ann Lee","exception":{"type":"ApiError","module":"shop.api","message":"no JSON\nat all","traceback":"Traceback (most recent call last):\n  File \"shop.py\", line 5, in pay\n    charge()\nshop.api.ApiError: no JSON\nat all"}}"#;

fn shown_as(look: Look, lines: &[&str]) -> String {
    let mut printer = Printer::new(Look { utc: true, ..look });
    let mut out = Vec::new();
    printer.head(&mut out);
    for line in lines {
        printer.put(line.as_bytes(), &mut out);
    }
    String::from_utf8(out).unwrap()
}

fn shown(lines: &[&str]) -> String {
    shown_as(Look::default(), lines)
}

fn by(format: Format) -> Look {
    Look { format, ..Look::default() }
}

const SHOWN: &str = "2026-02-19T10:30:00.123Z ERROR    shop.orders payment failed  order_id=7 customer=\"Ann Lee\" \
    trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id=00f067aa0ba902b7\n  │ shop.api.ApiError: no JSON\n";

#[test]
fn a_record_looks_as_on_the_console() {
    assert_eq!(shown(&[LINE]), SHOWN);
    // Also after lines whose members are others.
    assert_eq!(shown(&[r#"{"level":"INFO"}"#, LINE, "x", LINE]).matches(SHOWN).count(), 2);
    // And with spaces, as other programs write them, however often.
    let spaced = LINE.replace("\":", "\": ").replace(",\"", ", \"");
    assert_eq!(shown(&[&spaced, &spaced, LINE, &spaced]).matches(SHOWN).count(), 4);
}

#[test]
fn an_exception_is_whole_on_request() {
    let whole = shown_as(Look { whole: true, ..Look::default() }, &[LINE]);
    assert!(whole.ends_with("\n  │     charge()\n  │ shop.api.ApiError: no JSON\n  │ at all\n"), "{whole}");
    let frames = LINE.replace(
        r#""traceback":"Traceback (most recent call last):\n  File \"shop.py\", line 5, in pay\n    charge()\nshop.api.ApiError: no JSON\nat all""#,
        r#""frames":[{"file":"shop.py","function":"pay","line":5,"code":"charge()"},{"folded":3,"packages":["a","b"]}],"cause":{"type":"KeyError","module":"builtins","message":"'x'"}"#,
    );
    let whole = shown_as(Look { whole: true, ..Look::default() }, &[&frames]);
    for part in ["│ KeyError: 'x'\n", "direct cause", "line 5, in pay\n", "│     charge()\n", "[3 frames of a, b]"]
    {
        assert!(whole.contains(part), "{part}: {whole}");
    }
}

#[test]
fn lines_of_every_preset_show_the_same() {
    use crate::encoder::{Encoder, Shape, Whose, preset_names};
    use crate::record::{Builder, Record};
    let mut bytes = Vec::new();
    let fields = [("order", Value::Integer(7)), ("note", Value::Text("two words"))];
    Builder { time: 1_771_497_000_123_456_789, level: 40, logger: "shop", function: "f", message: "paid" }
        .put(&mut bytes, &fields);
    // SAFETY: built just above.
    let record = unsafe { Record::read(&bytes) }.unwrap();
    let process = Process::here();
    let presets =
        preset_names().map(|name| Shape { preset: serde_json::from_value(name.into()).unwrap(), ..Shape::default() });
    let mut lines = Vec::new();
    for shape in presets.chain([Shape::default()]) {
        let mut line = Vec::new();
        shape.encoder(&process).encode(&record, Whose::Application, &mut line);
        lines.push(String::from_utf8(line).unwrap().trim_end().to_owned());
    }
    let mut line = Vec::new();
    crate::encoder::LogfmtEncoder::new(&process, &Shape::default()).encode(&record, Whose::Application, &mut line);
    lines.push(String::from_utf8(line).unwrap().trim_end().to_owned());
    let expected = "2026-02-19T10:30:00.123Z ERROR    shop paid  order=7 note=\"two words\"\n";
    for line in &lines {
        assert_eq!(shown(&[line]), expected, "{line}");
    }
    // The layout changes from line to line.
    let all: Vec<&str> = lines.iter().map(|line| &**line).collect();
    assert_eq!(shown(&all), expected.repeat(lines.len()));
}

#[test]
fn lines_of_other_programs_are_records_too() {
    let pino = r#"{"level":"warn","time":1771497000123,"msg":"slow","name":"web","took":1.50,"ok":true,"x":null,"o":{"a": [1]}}"#;
    let expected = "2026-02-19T10:30:00.123Z WARN     web slow  took=1.50 ok=true x=null o={\"a\": [1]}\n";
    assert_eq!(shown(&[pino]), expected);
    let go = r#"ts=2026-02-19T10:30:00.123Z level=info msg="it is \"up\"" port=80"#;
    assert_eq!(shown(&[go]), "2026-02-19T10:30:00.123Z INFO     it is \"up\"  port=80\n");
}

#[test]
fn a_line_that_is_no_record_is_shown_harmless() {
    for (line, expected) in [
        ("plain\ttext \x1b[31m", "plain    text \\x1b[31m\n"),
        (r#"{"torn":"#, "{\"torn\":\n"),
        ("", "\n"),
        ("a=b but not pairs", "a=b but not pairs\n"),
    ] {
        assert_eq!(shown(&[line]), expected, "{line}");
    }
    let terminal = Look { is_terminal: true, ..by(Format::Json) };
    assert_eq!(shown_as(terminal, &["{\"a\":\"\u{9b}\"}"]), "{\"a\":\"\\u009b\"}\n");
    assert_eq!(shown_as(by(Format::Json), &["{\"a\":\"\u{9b}\"}"]), "{\"a\":\"\u{9b}\"}\n");
}

#[test]
fn a_short_line_is_one_line() {
    let line = LINE.replace("payment failed", r"payment\nfailed");
    let short = shown_as(by(Format::Short), &[&line]);
    assert_eq!(short, "2026-02-19T10:30:00.123Z E shop.orders payment …\n");
    let line = LINE.replace("payment failed", "付款失败：没有库存，请联系客户服务部门");
    for color in [false, true] {
        for columns in 45..70 {
            let look = Look { is_terminal: true, columns: Some(columns), color, ..by(Format::Short) };
            let short = shown_as(look, &[&line]);
            let width = strip(&short).trim_end().chars().map(|one| text_columns(&one.to_string())).sum::<usize>();
            assert!(width <= columns.into() && (width + 2 >= columns.into() || !short.contains('…')), "{short}");
        }
    }
}

/// Without colours.
fn strip(text: &str) -> String {
    let mut parts = text.split('\x1b');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| all + part.split_once('m').map_or("", |(_, rest)| rest))
}

#[test]
fn tables_have_the_values_that_are_asked_for() {
    let fields = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<String>>();
    let csv = shown_as(by(Format::Csv), &[LINE, "no, \"record\""]);
    let expected = "time,level,logger,message,trace_id\r\n2026-02-19T10:30:00.123456Z,ERROR,shop.orders,payment failed,\
        4bf92f3577b34da6a3ce929d0e0e4736\r\n,,,\"no, \"\"record\"\"\",\r\n";
    assert_eq!(csv, expected);
    let names = fields(&["order_id", "exception.type", "exception.message", "nothing", "customer"]);
    let values = shown_as(Look { fields: names.clone(), ..by(Format::Fields) }, &[LINE]);
    assert_eq!(values, "7\tApiError\tno JSON\\nat all\t\tAnn Lee\n");
    let values = shown_as(Look { fields: names, ..by(Format::Csv) }, &[LINE]);
    assert!(values.ends_with("7,ApiError,\"no JSON\nat all\",,Ann Lee\r\n"), "{values}");
    let ecs = r#"{"@timestamp":"2026-02-19T10:30:00Z","log.level":"error","message":"m","log.logger":"a","a.b":{"c.d":[1,{"e":2}]}}"#;
    let names = fields(&["level", "logger", "a.b.c.d.1.e", "log.level", "timestamp"]);
    let values = shown_as(Look { fields: names, ..by(Format::Fields) }, &[ecs]);
    assert_eq!(values, "error\ta\t2\terror\t2026-02-19T10:30:00Z\n");
}

#[test]
fn the_day_is_shown_once_it_is_another_one_than_today() {
    let terminal = Look { is_terminal: true, columns: Some(120), ..Look::default() };
    assert!(shown_as(terminal, &[LINE]).starts_with("2026-02-19 10:30:00.123Z ERROR"));
}

#[test]
fn escapes_of_json_are_read() {
    let line = r#"{"timestamp":"2026-02-19T10:30:00Z","level":"INFO","logger":"a","message":"\u00e9 \ud83d\ude00 \ud800 \/\t","k\u0061":"\""}"#;
    assert!(shown(&[line]).ends_with(" a é 😀 \u{fffd} /\\t  ka=\"\\\"\"\n"), "{}", shown(&[line]));
}

proptest! {
    #[test]
    fn no_line_acts_whatever_it_is(line in ".{0,80}", json in "\\{\"[a-z\\\\u0-9\u{9b}]{0,4}\":[\\[\\]{}\",:a-z0-9\u{1b}\u{202e}]{0,40}\\}") {
        for format in FORMATS.map(|(_, format)| format) {
            let look = Look { is_terminal: true, columns: Some(80), ..by(format) };
            let text = shown_as(look, &[&line.replace('\n', " "), &json]);
            prop_assert!(!text.chars().any(|character| escape::acts(character) && !matches!(character, '\n' | '\r' | '\t')), "{text:?}");
        }
    }

    #[test]
    fn a_field_is_shown_as_it_was_logged(value: i64, name in "[a-z]{2,8}_x") {
        let line = LINE.replace("\"order_id\":7", &format!("\"{name}\":{value}"));
        let expected = format!(" {name}={value} ");
        prop_assert!(shown(&[&line]).contains(&expected));
    }
}
