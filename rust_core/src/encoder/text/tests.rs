use super::*;
use crate::record::Builder;
use proptest::prelude::*;

fn line(message: &str, fields: &[(&str, Value<'_>)], color: bool) -> String {
    let mut bytes = Vec::new();
    let builder = Builder { time: 1_771_497_000_123_456_789, level: 30, logger: "app", function: "f", message };
    builder.put(&mut bytes, fields);
    let mut out = Vec::new();
    // SAFETY: built just above.
    let record = unsafe { Record::read(&bytes) }.unwrap();
    TextEncoder::new(&Process::here(), color).encode(&record, Whose::Application, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn a_line_reads_from_time_to_fields() {
    let fields = [("order", Value::Integer(7)), ("note", Value::Text("two words"))];
    assert_eq!(line("paid", &fields, false), "10:30:00.123Z WARNING  app paid  order=7  note=\"two words\"\n");
}

#[test]
fn a_record_is_found_where_it_stands_whole() {
    let mut bytes = Vec::new();
    Builder { time: 1, level: 20, logger: "app", function: "f", message: "m" }.put(&mut bytes, &[]);
    // SAFETY: built just above.
    let record = unsafe { Record::read(&bytes) }.unwrap();
    let mut encoder = TextEncoder::new(&Process::here(), false);
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
    let line = line("paid", &[("order", Value::Integer(7))], true);
    assert_eq!(line.matches("\x1b[0m").count() * 2, line.matches('\x1b').count());
}

proptest! {
    #[test]
    fn nothing_from_a_record_ends_the_line_or_reaches_the_terminal(message: String, name: String, text: String) {
        let line = line(&message, &[(&name, Value::Text(&text)), ("j", Value::Json("{\"a\":\"\u{9b}\"}"))], false);
        prop_assert_eq!(line.chars().filter(|character| escape::acts(*character)).collect::<String>(), "\n");
    }
}
