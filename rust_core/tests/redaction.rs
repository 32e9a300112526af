//! Records in their compact form, before and after redaction.

use std::sync::Arc;

use unified_logger_core::encoder::{Encoder, JsonEncoder, Process, Whose};
use unified_logger_core::names::Names;
use unified_logger_core::record::{Builder, Header, INLINE, Record, Site, flag, put_context, set_process};
use unified_logger_core::redaction::{Redactor, Rules, Spec, pattern_names};
use unified_logger_core::value::{Put, Value};

fn spec() -> Spec {
    Spec { patterns: pattern_names().map(str::to_owned).collect(), ..Spec::default() }
}

/// A record of a call site whose message and field names are interned, with a context.
fn captured(names: &Names, message: &str, field: &str, value: Value<'_>) -> Vec<u8> {
    let site = Site {
        module: "m".into(),
        function: "f".into(),
        line: 7,
        fields: vec![field.into()],
        message: Some(message.into()),
    };
    let header = Header {
        time: 1,
        sequence: 2,
        level: 20,
        site: names.site(site).unwrap(),
        logger: names.logger("logger".into()).unwrap(),
        thread: names.thread("thread".into()).unwrap(),
        flags: flag::SITE_MESSAGE | flag::CONTEXT,
        extra: 1,
    };
    let mut out = header.to_bytes().to_vec();
    let mut context = Vec::new();
    put_context(&mut context, Some("4bf92f3577b34da6a3ce929d0e0e4736"), Some("4111111111111111"));
    out.put(&u32::try_from(context.len()).unwrap().to_le_bytes());
    out.put(&context);
    out.put_value(value);
    out.put_text("extra");
    out.put_value(Value::Json("[1]"));
    out
}

fn line(redactor: &mut Redactor, names: &Arc<Names>, bytes: &[u8]) -> String {
    let mut out = Vec::new();
    // SAFETY: captured from texts.
    let record = unsafe { Record::read(bytes) }.unwrap();
    JsonEncoder::new(&Process { names: Arc::clone(names), id: 1, is_dead: false, fields: Arc::default() }).encode(
        &redactor.redact(&record),
        Whose::Application,
        &mut out,
    );
    String::from_utf8(out).unwrap()
}

#[test]
fn a_record_without_secrets_is_the_same_and_ids_of_traces_stay() {
    let names = Arc::<Names>::default();
    let bytes = captured(&names, "paid", "order", Value::Integer(7));
    let mut redactor = Redactor::new(Rules::new(spec()).unwrap(), Arc::clone(&names));
    // SAFETY: captured from texts.
    let record = unsafe { Record::read(&bytes) }.unwrap();
    assert_eq!(redactor.redact(&record).fields.rest().as_ptr(), record.fields.rest().as_ptr());
    assert!(line(&mut redactor, &names, &bytes).contains(r#""span_id":"4111111111111111","order":7,"extra":[1]"#));
    assert_eq!(redactor.take_count(), 0);
}

/// Seen to fail for the one that is written anew with a header that knows nothing of it.
#[test]
fn the_process_of_a_record_stays() {
    let names = Arc::<Names>::default();
    let mut redactor = Redactor::new(Rules::new(spec()).unwrap(), Arc::clone(&names));
    for (field, process) in [("order", 4_242), ("password", 4_242), ("order", 0), ("password", 0)] {
        let mut bytes = captured(&names, "paid", field, Value::Integer(7));
        set_process(&mut bytes, process);
        let expected = format!(r#","process":{},"#, if process == 0 { 1 } else { process });
        let line = line(&mut redactor, &names, &bytes);
        assert!(line.contains(&expected), "{line}");
    }
    assert_eq!(redactor.take_count(), 2);
}

#[test]
fn what_a_call_site_says_is_redacted_in_each_of_its_records() {
    let names = Arc::<Names>::default();
    let bytes = captured(&names, "to a@b.example", "token", Value::Integer(7));
    let named = captured(&names, "literal", "c@d.example", Value::Null);
    let mut redactor = Redactor::new(Rules::new(spec()).unwrap(), Arc::clone(&names));
    for _ in 0..3 {
        let line = line(&mut redactor, &names, &bytes);
        assert!(line.contains(r#""message":"to [REDACTED:email]","module":"m","function":"f","line":7"#), "{line}");
        assert!(line.ends_with("\"token\":\"[REDACTED]\",\"extra\":[1]}\n"), "{line}");
    }
    assert_eq!(redactor.take_count(), 6);
    let line = line(&mut redactor, &names, &named);
    assert!(line.contains(r#""message":"literal","module":"m","function":"f","line":7"#), "{line}");
    assert!(line.ends_with("\"[REDACTED:email]\":null,\"extra\":[1]}\n"), "{line}");
}

#[test]
fn names_do_not_count_in_what_the_library_says() {
    let names = Arc::<Names>::default();
    let mut redactor = Redactor::new(Rules::new(Spec { allow: Some(vec![]), ..spec() }).unwrap(), names);
    let mut bytes = Vec::new();
    Builder { time: 1, level: 30, logger: "l", function: "f", message: "at /home/a@b.example" }
        .put(&mut bytes, &[("dropped", Value::Integer(7))]);
    // SAFETY: built just above.
    let record = unsafe { Record::read(&bytes) }.unwrap();
    let field = |record: Record<'_>| {
        let mut fields = record.fields;
        (fields.text() == Some("dropped"), fields.value() == Some(Value::Integer(7)))
    };
    let own = redactor.redact_own(&record);
    assert_eq!((own.message, field(own)), (Some("at /home/[REDACTED:email]"), (true, true)));
    assert_eq!(field(redactor.redact(&record)), (true, false));
}

#[test]
fn the_call_site_of_a_record_is_redacted_too() {
    let names = Arc::<Names>::default();
    let mut redactor = Redactor::new(Rules::new(spec()).unwrap(), Arc::clone(&names));
    let site = Site {
        module: "of a@b.example".into(),
        function: "f(password='x')".into(),
        line: 7,
        fields: vec!["number".into()],
        message: None,
    };
    for number in [names.site(site.clone()).unwrap(), INLINE] {
        let header = Header {
            time: 1,
            sequence: 2,
            level: 20,
            site: number,
            logger: names.logger("logger".into()).unwrap(),
            thread: names.thread("thread".into()).unwrap(),
            flags: 0,
            extra: u16::from(number == INLINE),
        };
        let mut bytes = header.to_bytes().to_vec();
        if number == INLINE {
            [&site.module, &site.function].iter().for_each(|text| bytes.put_text(text));
            bytes.put(&site.line.to_le_bytes());
        }
        bytes.put_text("message");
        if number == INLINE {
            bytes.put_text("number");
        }
        bytes.put_value(Value::Integer(7));
        let line = line(&mut redactor, &names, &bytes);
        assert!(
            line.contains(r#""module":"of [REDACTED:email]","function":"f(password='[REDACTED]')","line":7"#),
            "{line}"
        );
        assert!(line.contains(r#""number":7"#), "{line}");
    }
    assert_eq!(redactor.take_count(), 2);
}
