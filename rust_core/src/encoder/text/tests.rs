use super::*;
use crate::escape;
use crate::record::Builder;
use crate::value::Value;
use proptest::prelude::*;
use screen::{columns, split};

const TIME: i64 = 1_771_497_000_123_456_789;

fn shown(message: &str, fields: &[(&str, Value<'_>)], text: &Text) -> String {
    let mut bytes = Vec::new();
    Builder { time: TIME, level: 30, logger: "app", function: "f", message }.put(&mut bytes, fields);
    let mut out = Vec::new();
    // SAFETY: built just above.
    let record = unsafe { Record::read(&bytes) }.unwrap();
    TextEncoder::new(&Process::here(), text).encode(&record, Whose::Application, &mut out);
    String::from_utf8(out).unwrap()
}

fn line(message: &str, fields: &[(&str, Value<'_>)]) -> String {
    shown(message, fields, &Text::default())
}

fn by_template(template: &str, message: &str, fields: &[(&str, Value<'_>)]) -> String {
    shown(message, fields, &Text { template: template.into(), ..Text::default() })
}

fn wrong(template: &str) -> (usize, Option<String>) {
    let wrong = check_template(template).unwrap_err();
    (wrong.at, wrong.name)
}

#[test]
fn a_line_reads_from_time_to_fields() {
    let fields = [("order", Value::Integer(7)), ("note", Value::Text("two words"))];
    assert_eq!(line("paid", &fields), "2026-02-19T10:30:00.123Z WARNING  app paid  order=7 note=\"two words\"\n");
}

#[test]
fn a_record_is_found_where_it_stands_whole() {
    let mut bytes = Vec::new();
    let fields = [("sql", Value::Text("SELECT 1\nFROM t")), ("n", Value::Integer(1))];
    Builder { time: 1, level: 20, logger: "app", function: "f", message: "m\nmore" }.put(&mut bytes, &fields);
    // SAFETY: built just above.
    let record = unsafe { Record::read(&bytes) }.unwrap();
    let mut encoder = TextEncoder::new(&Process::here(), &Text::default());
    let (mut line, mut scratch) = (Vec::new(), Vec::new());
    encoder.encode(&record, Whose::Application, &mut line);
    assert_eq!(encoder.find(&record, &[&line[..], b"more\n"].concat(), &mut scratch), Some(line.len()));
    for torn in 0..line.len() - 1 {
        scratch.clear();
        assert_eq!(encoder.find(&record, &[&line[..torn], b"\n"].concat(), &mut scratch), None);
    }
}

#[test]
fn colors_end_where_they_began() {
    let text = Text { color: true, ..Text::default() };
    let line = shown("paid\nmore", &[("order", Value::Integer(7)), ("sql", Value::Text("a\nb"))], &text);
    assert_eq!(line.matches("\x1b[m").count() * 2, line.matches('\x1b').count());
}

#[test]
fn lines_after_the_first_are_marked() {
    let shown = line("first\nsecond\n\nlast\n", &[("n", Value::Integer(1))]);
    assert!(shown.ends_with(" app first  n=1\n  │ second\n  │\n  │ last\n"), "{shown}");
}

#[test]
fn a_text_of_several_lines_stands_below_its_name_without_its_indentation() {
    let sql = "\n        SELECT id\n          FROM orders\n        WHERE id = 7\n    ";
    let shown = line("query", &[("sql", Value::Text(sql)), ("rows", Value::Integer(1))]);
    assert!(
        shown.ends_with(" app query  rows=1\n  │ sql=SELECT id\n  │       FROM orders\n  │     WHERE id = 7\n"),
        "{shown}"
    );
}

#[test]
fn a_line_that_is_too_long_goes_on_between_fields() {
    let text = Text { columns: Some(40), ..Text::default() };
    let shown = shown("a message", &[("first", Value::Integer(1)), ("second", Value::Text("two"))], &text);
    assert_eq!(shown, "2026-02-19T10:30:00.123Z WARNING  app a\n  │ message  first=1 second=two\n");
}

#[test]
fn what_is_too_long_for_any_line_is_cut_at_last() {
    let text = Text { columns: Some(20), ..Text::default() };
    let shown = shown("m", &[("long", Value::Text(&"处理".repeat(200)))], &text);
    assert!(shown.lines().all(|line| columns(line) <= 20), "{shown}");
    assert!(shown.lines().count() < 15 && shown.contains('…'), "{shown}");
}

#[test]
fn wide_characters_are_never_cut_in_the_middle() {
    assert_eq!(split("处理完成", 5), ("处理", "完成"));
    assert_eq!(split("a\u{301}b", 1), ("a\u{301}", "b"));
    assert_eq!(split("abc", 9), ("abc", ""));
    assert_eq!(columns("处理👍"), 6);
}

#[test]
fn live_lines_stand_below_each_other_by_what_they_take_on_the_screen() {
    let text = Text { template: "{message} {fields}".into(), is_live: true, columns: Some(200), ..Text::default() };
    let column = |message: &str| {
        let line = shown(message, &[("n", Value::Integer(1))], &text);
        columns(&line[..line.find("n=1").unwrap()])
    };
    assert_eq!([column("paid"), column("订单已支付"), column("done 👍")], [37; 3]);
}

#[test]
fn templates_say_what_stands_where() {
    let fields = [("order", Value::Integer(7)), ("user", Value::Text("ann"))];
    for (template, expected) in [
        ("{time:%H:%M:%S.%6f}|{level:>8}|{message:^6}", "10:30:00.123456| WARNING| paid"),
        ("{time:Asia/Shanghai %d %H:%M} {message:.2}", "19 18:30 pa"),
        ("{time:local %H}{{{message}}} [{fields.user}] {fields}", "[ann] order=7"),
        (
            "{level:.1} {module}:{function} {missing} {message}".replace("{missing}", "{fields.none}").as_str(),
            "W unified_logger:f paid",
        ),
        ("{place}  {thread}\n{message}\n{exception}", "unified_logger:f:0  unified_logger\n  │ paid"),
        ("{logger:<6}- {message:<10}{trace_id:8}", "app   - paid"),
    ] {
        let shown = by_template(template, "paid", &fields);
        assert!(shown.trim_end_matches('\n').ends_with(expected), "{template}: {shown}");
    }
}

#[test]
fn a_wrong_template_is_told_by_the_character() {
    assert_eq!(wrong("{time} {mesage}"), (9, Some("mesage".into())));
    assert_eq!(wrong("处理 {levle}"), (5, Some("levle".into())));
    for (template, at) in [
        ("{time", 1),
        ("time}", 5),
        ("nothing", 1),
        ("{level:x}", 8),
        ("{ids:some}", 6),
        ("{time:Mars}", 7),
        ("{time:%Q%!}", 7),
        ("{fields:x}", 9),
    ] {
        assert_eq!(wrong(template), (at, None), "{template}");
    }
    for (name, _) in NAMED {
        assert_eq!(check_template(name), Ok(()), "{name}");
    }
}

#[test]
fn the_first_time_of_another_day_has_its_date() {
    let mut writer = TimeWriter::new(&template::Time::default(), true);
    let mut text = |time: i64| {
        let mut out = String::new();
        writer.write(time, &mut out);
        out.len()
    };
    let day = 86_400_000_000_000;
    assert_eq!([text(TIME), text(TIME + day), text(TIME + day), text(TIME + day + 1_000_000_000)], [12, 23, 23, 12]);
}

proptest! {
    #[test]
    fn nothing_from_a_record_acts_or_begins_a_line(message: String, name: String, text: String, columns in proptest::option::of(1_u16..100)) {
        let fields = [(name.as_str(), Value::Text(&text)), ("j", Value::Json("{\"a\":\"\u{9b}\"}"))];
        for is_live in [false, true] {
            let shown = shown(&message, &fields, &Text { is_live, columns, template: "at {time} {message} {fields}".into(), ..Text::default() });
            prop_assert!(!shown.chars().any(|character| character != '\n' && escape::acts(character)), "{shown}");
            prop_assert!(shown.lines().skip(1).all(|line| line.starts_with(MARK)), "{shown}");
        }
    }

    #[test]
    fn no_line_is_wider_than_the_terminal(message: String, text in "[a-z0-9 \n处理👍]{0,200}", width in 20_u16..100) {
        let text = shown(&message, &[("name", Value::Text(&text))], &Text { columns: Some(width), color: false, ..Text::default() });
        prop_assert!(text.lines().all(|line| columns(line) <= usize::from(width)), "{text}");
    }
}
