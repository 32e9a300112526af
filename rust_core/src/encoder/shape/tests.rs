use super::presets::names;
use super::*;
use crate::encoder::fields::Fields;
use crate::encoder::{Format, Whose};
use crate::exception::samples;
use crate::names as tables;
use crate::record::{Header, INLINE, Record, Site, flag, put_context};
use crate::value::{Put, Value};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

#[derive(Clone, Debug)]
struct Parts {
    level: i32,
    in_site: bool,
    /// Whether the thread's name is in the record, and not in the table.
    has_thread: bool,
    ids: Option<(String, String)>,
    context: Vec<(String, i64)>,
    fields: Vec<(String, String)>,
    extra: Vec<(String, i64)>,
    has_exception: bool,
    message: String,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            level: 20,
            in_site: false,
            has_thread: false,
            ids: Some((TRACE.to_owned(), SPAN.to_owned())),
            context: vec![("user".to_owned(), 7)],
            fields: vec![("order".to_owned(), "A-7".to_owned())],
            extra: Vec::new(),
            has_exception: false,
            message: "order paid".to_owned(),
        }
    }
}

fn captured(parts: &Parts) -> Vec<u8> {
    let site = tables::here().site(Site {
        module: "shop".into(),
        function: "pay".into(),
        line: 7,
        fields: parts.fields.iter().map(|(name, _)| name.clone()).collect(),
        message: parts.in_site.then(|| parts.message.clone()),
    });
    let mut out = Vec::new();
    let header = Header {
        time: 1_771_497_000_123_456_789,
        sequence: 0,
        level: parts.level,
        site: site.unwrap(),
        logger: tables::here().logger("shop.orders".into()).unwrap(),
        thread: if parts.has_thread { INLINE } else { tables::here().thread("MainThread".into()).unwrap() },
        flags: if parts.ids.is_some() { flag::CONTEXT } else { 0 }
            | if parts.in_site { flag::SITE_MESSAGE } else { 0 }
            | if parts.has_exception { flag::EXCEPTION } else { 0 },
        extra: u16::try_from(parts.extra.len()).unwrap(),
    };
    out.put(&header.to_bytes());
    if parts.has_thread {
        out.put_text("MainThread");
    }
    if !parts.in_site {
        out.put_text(&parts.message);
    }
    let mut section = |bytes: &[u8]| {
        out.put(&u32::try_from(bytes.len()).unwrap().to_le_bytes());
        out.put(bytes);
    };
    if let Some((trace_id, span_id)) = &parts.ids {
        let mut context = Vec::new();
        put_context(&mut context, Some(trace_id), Some(span_id));
        for (name, value) in &parts.context {
            context.put_text(name);
            context.put_value(Value::Integer(*value));
        }
        section(&context);
    }
    if parts.has_exception {
        section(&samples::encode(&samples::rich()));
    }
    for (_, value) in &parts.fields {
        out.put_value(Value::Text(value));
    }
    for (name, value) in &parts.extra {
        out.put_text(name);
        out.put_value(Value::Integer(*value));
    }
    out
}

fn fields() -> Fields {
    let given = [("service", json!("orders")), ("version", json!("1.2")), ("env", json!("prod")), ("shard", json!(3))];
    Fields(given.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn process() -> Process {
    Process::here().with_fields(&fields())
}

fn shape(preset: &str) -> Shape {
    let preset = if preset.is_empty() { None } else { Some(preset.to_owned().try_into().unwrap()) };
    Shape { preset, ..Shape::default() }
}

fn with_keys(preset: &str, keys: &Json) -> Shape {
    Shape { keys: serde_json::from_value(keys.clone()).unwrap(), ..shape(preset) }
}

fn text(encoder: &mut dyn Encoder, parts: &Parts) -> String {
    let bytes = captured(parts);
    let mut out = b"before".to_vec();
    // SAFETY: built just above.
    let record = unsafe { Record::read(&bytes) }.unwrap();
    // Twice, so that what is cached is put as well.
    encoder.encode(&record, Whose::Application, &mut out);
    let first = out.len();
    encoder.encode(&record, Whose::Application, &mut out);
    assert_eq!(out[6..first], out[first..]);
    String::from_utf8(out[6..first].to_vec()).unwrap()
}

fn line(shape: &Shape, parts: &Parts) -> String {
    text(&mut *shape.encoder(&process()), parts)
}

fn read(shape: &Shape, parts: &Parts) -> Json {
    let line = line(shape, parts);
    assert_eq!(line.matches('\n').count(), 1, "{line}");
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

fn parts() -> impl Strategy<Value = Parts> {
    let name = "(fields\\.)?(level|service|a|user)";
    (
        (0..70_i32, any::<[bool; 4]>(), ".{0,20}"),
        prop::collection::vec((name, any::<i64>()), 0..4),
        prop::collection::vec((name, ".{0,8}"), 0..4),
        prop::collection::vec((name, any::<i64>()), 0..3),
    )
        .prop_map(|((level, [in_site, has_thread, has_ids, has_exception], message), context, fields, extra)| {
            Parts {
                level,
                in_site,
                has_thread,
                ids: has_ids.then(|| (TRACE.to_owned(), SPAN.to_owned())),
                context: once(context),
                fields: once(fields),
                extra: once(extra),
                has_exception,
                message,
            }
        })
}

fn once<T>(pairs: Vec<(String, T)>) -> Vec<(String, T)> {
    let found: std::collections::BTreeMap<_, _> = pairs.into_iter().collect();
    found.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
    /// The table of the record's own keys says what the encoder of these writes.
    #[test]
    fn the_plain_table_makes_the_plain_line(parts in parts()) {
        let plain = line(&Shape::default(), &parts);
        prop_assert_eq!(text(&mut ShapedEncoder::new(&Shape::default(), &process()), &parts), plain);
    }

    /// Steps that are joined give the bytes that they give one by one, as in a record with a name inside of it.
    #[test]
    fn joined_steps_make_the_line_of_single_ones(parts in parts(), preset in 0..=PRESETS.len()) {
        let shape = shape(PRESETS.get(preset).map_or("", |preset| preset.name));
        let of = |has_thread| {
            text(&mut ShapedEncoder::new(&shape, &process()), &Parts { has_thread, ..parts.clone() })
        };
        prop_assert_eq!(of(false), of(true));
    }

    /// Whatever is left out or put first, each line is one object with each key once, and is found again, torn never.
    #[test]
    fn any_shape_makes_one_object_and_is_found(
        parts in parts(),
        preset in 0..=PRESETS.len(),
        omit in prop::collection::vec(any::<prop::sample::Index>(), 0..30),
        first in prop::option::of(any::<prop::sample::Index>()),
        cut: prop::sample::Index,
    ) {
        let mut shape = shape(PRESETS.get(preset).map_or("", |preset| preset.name));
        let known: Vec<String> = shape.members(&process()).into_iter().map(|(key, _)| key).filter(|key| !key.is_empty()).collect();
        shape.keys.omit = omit.iter().map(|index| index.get(&known).clone()).collect();
        shape.keys.first = first.iter().map(|index| index.get(&known).clone()).filter(|key| !shape.keys.omit.contains(key)).collect();
        for format in [Format::Json(shape.clone()), Format::Logfmt(shape.clone())] {
            let mut encoder = format.encoder(&process());
            let line = text(&mut *encoder, &parts);
            prop_assert_eq!(line.matches('\n').count(), 1);
            if matches!(format, Format::Json(_)) {
                each_key_once(&line)?;
            }
            let bytes = captured(&parts);
            // SAFETY: built just above.
            let record = unsafe { Record::read(&bytes) }.unwrap();
            let mut scratch = Vec::new();
            let followed = [line.as_bytes(), b"more\n"].concat();
            prop_assert_eq!(encoder.find(&record, &followed, &mut scratch), Some(line.len()));
            if line.len() < 2 {
                continue;
            }
            let torn = [&line.as_bytes()[..cut.index(line.len() - 1)], b"\n"].concat();
            scratch.clear();
            prop_assert_eq!(encoder.find(&record, &torn, &mut scratch), None, "{}", String::from_utf8_lossy(&torn));
        }
    }
}

/// Fails for an object that has a key twice, also below the top.
fn each_key_once(line: &str) -> Result<(), TestCaseError> {
    struct Once;
    impl<'de> serde::de::DeserializeSeed<'de> for Once {
        type Value = ();
        fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
            deserializer.deserialize_any(self)
        }
    }
    impl<'de> serde::de::Visitor<'de> for Once {
        type Value = ();
        fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("anything")
        }
        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            let mut keys = std::collections::HashSet::new();
            while let Some(key) = map.next_key::<String>()? {
                map.next_value_seed(Once)?;
                if !keys.insert(key.clone()) {
                    return Err(serde::de::Error::custom(format!("{key} is there twice")));
                }
            }
            Ok(())
        }
        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
            while items.next_element_seed(Once)?.is_some() {}
            Ok(())
        }
        fn visit_bool<E>(self, _: bool) -> Result<(), E> {
            Ok(())
        }
        fn visit_i64<E>(self, _: i64) -> Result<(), E> {
            Ok(())
        }
        fn visit_u64<E>(self, _: u64) -> Result<(), E> {
            Ok(())
        }
        fn visit_f64<E>(self, _: f64) -> Result<(), E> {
            Ok(())
        }
        fn visit_str<E>(self, _: &str) -> Result<(), E> {
            Ok(())
        }
        fn visit_unit<E>(self) -> Result<(), E> {
            Ok(())
        }
    }
    let mut reader = serde_json::Deserializer::from_str(line);
    serde::de::DeserializeSeed::deserialize(Once, &mut reader)
        .map_err(|error| TestCaseError::fail(format!("{error}: {line}")))
}

#[test]
fn more_kinds_of_records_than_are_kept_have_each_its_own_line() {
    let mut encoder = shape("ecs").encoder(&process());
    for _ in 0..2 {
        for level in 0..1_000 {
            for (in_site, message) in [(false, "order paid"), (false, "order sent"), (true, "order kept")] {
                let parts = Parts { level, in_site, message: message.to_owned(), ..Parts::default() };
                let read: Json = serde_json::from_str(&text(&mut *encoder, &parts)).unwrap();
                let name = tables::here().level_name(level).to_lowercase();
                assert_eq!((&read["log.level"], &read["message"]), (&json!(name), &json!(message)));
            }
        }
    }
}

#[test]
fn a_level_that_gets_another_name_is_written_by_it() {
    let mut encoder = shape("otel").encoder(&process());
    for name in ["AUDIT", "TRAIL"] {
        tables::here().set_level_name(4_321, name);
        let parts = Parts { level: 4_321, ..Parts::default() };
        let read: Json = serde_json::from_str(&text(&mut *encoder, &parts)).unwrap();
        assert_eq!(read["SeverityText"], name);
    }
}

#[test]
fn fields_of_the_process_stand_after_its_number() {
    let line = line(&Shape::default(), &Parts::default());
    let id = crate::platform::process_id();
    let expected = format!(
        r#","process":{id},"service":"orders","version":"1.2","env":"prod","shard":3,"trace_id":"{TRACE}","span_id""#
    );
    assert!(line.contains(&expected), "{line}");
}

#[test]
fn a_field_with_the_name_of_one_of_the_process_moves_aside() {
    for preset in names().chain([""]) {
        let given = Parts {
            fields: vec![("service".to_owned(), "stripe".to_owned())],
            context: vec![("shard".to_owned(), 9)],
            extra: vec![("env".to_owned(), 1)],
            ..Parts::default()
        };
        let line = line(&shape(preset), &given);
        assert!(line.contains("stripe") && line.contains("orders"), "{preset}: {line}");
        each_key_once(&line).unwrap();
        if preset.is_empty() {
            let end = "\"fields.shard\":9,\"fields.service\":\"stripe\",\"fields.env\":1}\n";
            assert!(line.ends_with(end), "{line}");
        }
    }
}

#[test]
fn a_line_of_ecs_has_its_first_keys_first() {
    let line = line(&shape("ecs"), &Parts { has_exception: true, level: 40, ..Parts::default() });
    assert!(
        line.starts_with(
            r#"{"@timestamp":"2026-02-19T10:30:00.123456+00:00","log.level":"error","message":"order paid","ecs.version":"1.6.0","log.logger":"shop.orders","log.origin.file.name":"shop.py","log.origin.file.line":7,"log.origin.function":"pay","process.thread.name":"MainThread","process.pid":"#
        ),
        "{line}"
    );
    let read: Json = serde_json::from_str(&line).unwrap();
    for (key, value) in [
        ("service.name", "orders"),
        ("service.version", "1.2"),
        ("service.environment", "prod"),
        ("event.dataset", "orders.log"),
        ("trace.id", TRACE),
        ("span.id", SPAN),
        ("error.type", "ExceptionGroup"),
        ("error.message", "several"),
        ("order", "A-7"),
    ] {
        assert_eq!(read[key], value, "{line}");
    }
    assert!(read["error.stack_trace"].as_str().unwrap().contains("ExceptionGroup: several"));
    assert_eq!((&read["shard"], &read["user"]), (&json!(3), &json!(7)));
}

/// A store would refuse a record whose `service` is a text where others have a `service.name`.
#[test]
fn no_field_is_called_as_an_object_that_a_store_makes_of_keys() {
    let named = |names: &[&str]| Parts {
        fields: names.iter().map(|name| ((*name).to_owned(), "x".to_owned())).collect(),
        ..Parts::default()
    };
    let ecs = read(&shape("ecs"), &named(&["log", "service", "event", "url"]));
    assert_eq!((&ecs["fields.log"], &ecs["fields.service"], &ecs["url"]), (&json!("x"), &json!("x"), &json!("x")));
    let datadog = read(&shape("datadog"), &named(&["dd", "ddx"]));
    assert_eq!((&datadog["fields.dd"], &datadog["ddx"]), (&json!("x"), &json!("x")));
    let otel = read(&shape("otel"), &named(&["code"]));
    assert_eq!(otel["Attributes"]["code"], "x", "attributes are no objects");
    let given = Fields(vec![("error".to_owned(), json!("x"))]);
    assert_eq!(check(&shape("ecs"), &given).unwrap_err().0, ["fields", "error"]);
    let given = Fields(vec![("host".to_owned(), json!("x"))]);
    assert_eq!(check(&shape("ecs"), &given), Ok(()), "it is host.name there");
}

#[test]
fn a_line_of_gcp_has_the_keys_of_its_agent() {
    let shape = Shape { project: Some("shop-1".to_owned()), ..shape("gcp") };
    let line = read(&shape, &Parts { level: 25, ..Parts::default() });
    assert_eq!((&line["severity"], &line["level"]), (&json!("NOTICE"), &json!("Level 25")));
    let place = json!({"file": "shop.py", "line": 7, "function": "pay"});
    assert_eq!(line["logging.googleapis.com/sourceLocation"], place);
    assert_eq!(line["serviceContext"], json!({"service": "orders", "version": "1.2"}));
    let labels = json!({"python_logger": "shop.orders", "env": "prod", "shard": "3"});
    assert_eq!(line["logging.googleapis.com/labels"], labels);
    assert_eq!(line["logging.googleapis.com/trace"], format!("projects/shop-1/traces/{TRACE}"));
    assert_eq!(line["logging.googleapis.com/spanId"], SPAN);
    assert!(line.get("@type").is_none() && line.get("stack_trace").is_none());
    let error = read(&shape, &Parts { level: 40, has_exception: true, ..Parts::default() });
    assert!(error["@type"].as_str().unwrap().ends_with("ReportedErrorEvent"));
    assert!(error["stack_trace"].as_str().unwrap().contains("Traceback (most recent call last)"));
    assert!(error.get("level").is_none());
}

#[test]
fn a_line_of_datadog_has_its_attributes() {
    let line = read(&shape("datadog"), &Parts { level: 30, has_exception: true, ..Parts::default() });
    assert_eq!(line["status"], "warning");
    assert_eq!(line["logger"], json!({"name": "shop.orders", "thread_name": "MainThread", "method_name": "pay"}));
    assert_eq!(
        (&line["service"], &line["dd.env"], &line["dd.version"]),
        (&json!("orders"), &json!("prod"), &json!("1.2"))
    );
    assert_eq!(line["dd.trace_id"], 0xa3ce_929d_0e0e_4736_u64.to_string());
    assert_eq!(line["dd.span_id"], 0x00f0_67aa_0ba9_02b7_u64.to_string());
    assert_eq!(line["otel.trace_id"], TRACE);
    assert_eq!((&line["error"]["kind"], &line["ddsource"]), (&json!("ExceptionGroup"), &json!("python")));
    let plain = read(&shape("datadog"), &Parts::default());
    assert!(plain.get("error").is_none(), "an object without members is absent");
}

#[test]
fn a_line_of_otel_has_the_names_of_its_data_model() {
    let line = read(&shape("otel"), &Parts { has_exception: true, level: 50, ..Parts::default() });
    assert_eq!(line["Timestamp"], "1771497000123456789");
    assert_eq!((&line["SeverityText"], &line["SeverityNumber"]), (&json!("CRITICAL"), &json!(21)));
    assert_eq!((&line["Body"], &line["TraceId"], &line["SpanId"]), (&json!("order paid"), &json!(TRACE), &json!(SPAN)));
    assert_eq!(line["InstrumentationScope"], json!({"Name": "shop.orders"}));
    let resource = json!({
        "service.name": "orders", "service.version": "1.2", "deployment.environment.name": "prod", "shard": 3,
        "process.pid": crate::platform::process_id(),
    });
    assert_eq!(line["Resource"], resource);
    let attributes = &line["Attributes"];
    assert_eq!((&attributes["order"], &attributes["user"]), (&json!("A-7"), &json!(7)));
    assert_eq!(attributes["exception.type"], "ExceptionGroup");
    assert_eq!(attributes["code.line.number"], 7);
}

#[test]
fn ids_that_are_none_of_a_trace_stay_as_they_are() {
    let parts = Parts { ids: Some(("request-7".to_owned(), "s".to_owned())), ..Parts::default() };
    assert_eq!(read(&shape("datadog"), &parts)["dd.trace_id"], "request-7");
    let gcp = Shape { project: Some("shop-1".to_owned()), ..shape("gcp") };
    assert_eq!(read(&gcp, &parts)["logging.googleapis.com/trace"], "request-7");
}

#[test]
fn keys_are_renamed_left_out_and_put_first() {
    let keys = json!({
        "rename": [["level", "severity"], ["order", "order_id"], ["service", "app"]],
        "omit": ["thread", "process", "span_id", "user", "shard"],
        "first": ["message", "service"],
    });
    let shape = with_keys("", &keys);
    assert_eq!(check(&shape, &fields()), Ok(()));
    let expected = concat!(
        r#"{"message":"order paid","app":"orders","timestamp":"2026-02-19T10:30:00.123456+00:00","severity":"INFO","#,
        r#""logger":"shop.orders","module":"shop","function":"pay","line":7,"version":"1.2","env":"prod","#,
        r#""trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","order_id":"A-7"}"#,
        "\n"
    );
    assert_eq!(line(&shape, &Parts::default()), expected);
}

#[test]
fn keys_of_a_preset_are_named_as_they_stand_there() {
    let keys =
        json!({"rename": [["log.level", "level"], ["Body", "b"]], "omit": ["ecs.version"], "first": ["message"]});
    let line = line(&with_keys("ecs", &keys), &Parts::default());
    assert!(line.starts_with(r#"{"message":"order paid","@timestamp":""#), "{line}");
    assert!(line.contains(r#","level":"info","log.logger""#), "{line}");
    let keys = json!({"omit": ["thread.name", "order"], "rename": [["code.line.number", "line"]], "first": ["user"]});
    let read = read(&with_keys("otel", &keys), &Parts::default());
    assert_eq!(
        read["Attributes"],
        json!({"code.file.path": "shop.py", "code.function.name": "pay", "line": 7, "user": 7})
    );
}

#[test]
fn times_are_those_of_the_zone() {
    for preset in ["", "ecs", "gcp", "datadog"] {
        let shape = Shape { zone: Zone::from("Asia/Kolkata".to_owned()), ..shape(preset) };
        assert!(line(&shape, &Parts::default()).contains("2026-02-19T16:00:00.123456+05:30"), "{preset}");
    }
}

#[test]
fn a_shape_that_makes_no_good_lines_is_refused() {
    let wrong = |preset: &str, keys: Json| check(&with_keys(preset, &keys), &fields()).unwrap_err();
    assert_eq!(wrong("", json!({"rename": [["level", "message"]]})).0, ["rename", "level"]);
    assert_eq!(wrong("", json!({"rename": [["a", "x"], ["b", "x"]]})).0, ["rename", "b"]);
    assert_eq!(wrong("", json!({"rename": [["user", "service"]]})).0, ["rename", "user"]);
    assert_eq!(wrong("ecs", json!({"rename": [["user", "level"]]})).0, ["rename", "user"]);
    assert_eq!(wrong("ecs", json!({"rename": [["level", "severity"]]})).0, ["rename", "level"]);
    assert_eq!(wrong("", json!({"rename": [["level", "x"]], "omit": ["level"]})).0, ["rename", "level"]);
    assert_eq!(wrong("ecs", json!({"omit": ["thread"]})).0, ["omit"]);
    assert_eq!(wrong("", json!({"first": ["order"]})).0, ["first"]);
    assert_eq!(wrong("", json!({"first": ["level", "level"]})).0, ["first"]);
    let swapped = json!({"rename": [["level", "logger"], ["logger", "level"]], "omit": ["order"]});
    assert_eq!(check(&with_keys("", &swapped), &fields()), Ok(()));
    for (preset, name) in
        [("", "level"), ("ecs", "@timestamp"), ("ecs", "message"), ("gcp", "python_logger"), ("otel", "process.pid")]
    {
        let given = Fields(vec![(name.to_owned(), json!("x"))]);
        assert_eq!(check(&shape(preset), &given).unwrap_err().0, ["fields", name]);
    }
}

#[test]
fn fields_of_the_process_are_known_by_the_names_of_open_telemetry_too() {
    let given = [("service.name", json!("orders")), ("k8s.pod.name", json!("p-1"))];
    let fields = Fields(given.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
    let of = Process::here().with_fields(&fields);
    let plain = text(&mut *Shape::default().encoder(&of), &Parts::default());
    assert!(plain.contains(r#","service.name":"orders","k8s.pod.name":"p-1","#), "{plain}");
    let ecs = text(&mut *shape("ecs").encoder(&of), &Parts::default());
    assert!(
        ecs.contains(r#","service.name":"orders","kubernetes.pod.name":"p-1","event.dataset":"orders.log","#),
        "{ecs}"
    );
}

/// Seen to be written again, with every source line that an editor had changed meanwhile.
#[test]
fn a_line_whose_source_has_changed_since_is_found() {
    let parts = Parts { has_exception: true, ..Parts::default() };
    let bytes = captured(&parts);
    // SAFETY: built just above.
    let record = unsafe { Record::read(&bytes) }.unwrap();
    for preset in names() {
        for format in [Format::Json(shape(preset)), Format::Logfmt(shape(preset))] {
            let mut encoder = format.encoder(&process());
            let line = text(&mut *encoder, &parts);
            let changed = line.replace("f()", "g(1)");
            assert_ne!(line, changed);
            let mut scratch = Vec::new();
            assert_eq!(encoder.find(&record, changed.as_bytes(), &mut scratch), Some(changed.len()), "{preset}");
            scratch.clear();
            let other = line.replace("A-7", "A-8");
            assert_eq!(encoder.find(&record, other.as_bytes(), &mut scratch), None, "{preset}");
        }
    }
}

#[test]
fn every_preset_is_an_object_of_members_that_there_are_once() {
    for preset in PRESETS {
        assert_eq!(String::from(PresetName::try_from(preset.name.to_owned()).unwrap()), preset.name);
        assert_eq!(check(&shape(preset.name), &fields()), Ok(()));
        let read = read(&shape(preset.name), &Parts { has_exception: true, ..Parts::default() });
        let text = read.to_string();
        for found in
            ["order paid", "shop.orders", "pay", "MainThread", TRACE, "A-7", "orders", "several", "prod", "1.2"]
        {
            assert!(text.contains(found), "{} lacks {found}", preset.name);
        }
    }
    assert!(serde_json::from_value::<Shape>(json!({"preset": "no-such"})).is_err());
}

#[test]
fn a_shape_is_read_as_it_is_written() {
    let shape = Shape {
        zone: Zone::Local,
        project: Some("p".to_owned()),
        ..with_keys("gcp", &json!({"rename": [["a", "b"]], "omit": ["c"], "first": ["severity"]}))
    };
    let written = serde_json::to_value(&shape).unwrap();
    assert_eq!(serde_json::from_value::<Shape>(written).unwrap(), shape);
    assert_eq!(serde_json::to_value(Shape::default()).unwrap(), json!({}));
}
