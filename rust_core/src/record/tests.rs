use super::*;
use crate::value::{Put, Value};

/// The thread seen to fail (that of the test) with the name that the thread has.
#[test]
fn a_record_is_read_back_as_built() {
    let mut bytes = Vec::new();
    let builder = Builder { time: 7, level: 30, logger: "l", function: "f", message: "m" };
    builder.put(&mut bytes, &[("n", Value::Integer(3))]);
    set_sequence(&mut bytes, 9);
    add_flags(&mut bytes, flag::AI);
    // SAFETY: built just above.
    let mut record = unsafe { Record::read(&bytes) }.unwrap();
    assert_eq!((record.header.time, record.header.sequence, level_of(&bytes)), (7, 9, 30));
    assert_eq!((record.logger, record.thread, record.message), (Some("l"), Some("unified_logger"), Some("m")));
    assert_eq!(record.header.flags, flag::AI);
    assert_eq!(record.fields.text(), Some("n"));
    assert_eq!(record.fields.value(), Some(Value::Integer(3)));
    assert!(record.fields.is_empty());
}

/// A record with all there can be, of the call site `number`, which has one field.
fn rich(number: u32) -> Vec<u8> {
    let flags = flag::LEVEL_NAME | flag::CONTEXT | flag::EXCEPTION | flag::STACK;
    let header =
        Header { time: 7, sequence: 1, level: 30, site: number, logger: INLINE, thread: INLINE, flags, extra: 1 };
    let mut out = header.to_bytes().to_vec();
    out.put_text("LEVEL");
    if number == INLINE {
        ["m", "f"].iter().for_each(|text| out.put_text(text));
        out.put(&3_u32.to_le_bytes());
    }
    ["logger", "thread", "message"].iter().for_each(|text| out.put_text(text));
    let mut context = Vec::new();
    put_context(&mut context, Some("trace"), None);
    context.put_text("user");
    context.put_value(Value::Text("é"));
    let exception = b"\x01\x01\0\0\0E\0\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    for section in [&context[..], exception, b"\0stack"] {
        out.put(&u32::try_from(section.len()).unwrap().to_le_bytes());
        out.put(section);
    }
    if number != INLINE {
        out.put_value(Value::Float(f64::MAX));
    }
    out.put_text("json");
    out.put_value(Value::Json("[1]"));
    out
}

fn one_field(number: u32) -> Option<(usize, bool)> {
    (number == 5).then_some((1, false))
}

#[test]
fn a_checked_record_is_whole_to_its_last_byte() {
    for number in [5, INLINE] {
        let mut bytes = rich(number);
        assert_eq!(Record::read_checked(&bytes, one_field).unwrap().process, 0);
        set_process(&mut bytes, 4_242);
        let record = Record::read_checked(&bytes, one_field).unwrap();
        assert_eq!((record.process, record.header.extra), (4_242, 1));
        assert_eq!(
            (record.level_name, record.message, Context::read(record.context.unwrap()).unwrap().trace_id),
            (Some("LEVEL"), Some("message"), Some("trace"))
        );
        for end in 0..bytes.len() {
            assert!(Record::read_checked(&bytes[..end], one_field).is_none(), "cut at {end}");
        }
        bytes.push(0);
        assert!(Record::read_checked(&bytes, one_field).is_none(), "with a byte more");
    }
}

#[test]
fn a_checked_record_has_a_call_site_that_is_known() {
    assert!(Record::read_checked(&rich(6), one_field).is_none());
    assert!(Record::read_checked(&rich(5), |_| Some((2, false))).is_none());
    assert!(Record::read_checked(&rich(5), |_| Some((usize::MAX, false))).is_none());
}

#[test]
fn a_checked_record_does_without_a_message_only_where_its_site_has_one() {
    let header =
        Header { time: 7, sequence: 0, level: 20, site: 5, logger: 0, thread: 0, flags: flag::SITE_MESSAGE, extra: 0 };
    let mut bytes = header.to_bytes().to_vec();
    bytes.put_value(Value::Null);
    assert!(Record::read_checked(&bytes, one_field).is_none());
    assert!(Record::read_checked(&bytes, |_| Some((1, true))).unwrap().message.is_none());
}

#[test]
fn a_checked_record_has_nothing_that_capture_does_not_write() {
    let good = rich(5);
    let find = |part: &[u8]| good.windows(part.len()).position(|window| window == part).unwrap();
    for (what, at, byte) in [
        ("a message that is no UTF-8", find(b"message"), 0xff),
        ("a field's name that is no UTF-8", find(b"json"), 0xff),
        ("a context's value that is no UTF-8", find("é".as_bytes()) + 1, b'!'),
        ("an id that is neither there nor not", find(b"\x01\x05\0\0\0trace"), 2),
        ("an exception of another layout", find(b"\x01\x01\0\0\0E"), 2),
        ("a stack that is no UTF-8", find(b"stack"), 0x80),
        ("JSON that is none", find(b"[1]") + 2, b'}'),
        // The exponent of the largest number, all ones.
        ("an infinite number", find(&f64::MAX.to_le_bytes()) + 6, 0xf0),
        ("more fields than there are", 34, 2),
        ("fewer fields than there are", 34, 0),
    ] {
        let mut bytes = good.clone();
        bytes[at] = byte;
        assert!(Record::read_checked(&bytes, one_field).is_none(), "{what}");
    }
}

#[test]
fn a_record_cut_short_is_refused() {
    let mut bytes = Vec::new();
    Builder { time: 7, level: 30, logger: "l", function: "f", message: "m" }.put(&mut bytes, &[]);
    for end in 0..bytes.len() {
        // SAFETY: a prefix of a record of ASCII texts.
        assert!(unsafe { Record::read(&bytes[..end]) }.is_none());
    }
}

#[test]
fn records_that_waited_come_before_the_next_that_was_queued() {
    let waited = [waiting_sequence(5, 0), waiting_sequence(5, 1), waiting_sequence(6, 2)];
    let mut sequences = [5, waited[2], waited[1], 4, waited[0], 6];
    sequences.sort_by_key(|sequence| order_of(*sequence));
    assert_eq!(sequences, [4, waited[0], waited[1], 5, waited[2], 6]);
}
