use std::fs;

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::follow::{Filter, Options, Reader, Wanted};

const LINES: &str = r#"{"timestamp":"2026-02-19T10:00:00.000000+00:00","level":"INFO","logger":"shop.cart","message":"order taken","trace_id":"t1","endpoint":"/buy","latency_ms":10,"user":{"id":7,"name":"Ann"},"ok":true}
{"timestamp":"2026-02-19T10:01:00.000000+00:00","level":"WARNING","logger":"shop.db","message":"slow \"query\"","trace_id":"t1","endpoint":"/buy","latency_ms":600.5,"user":{"id":8},"tags":["a","b"]}
{"timestamp":"2026-02-19T10:06:00.000000+00:00","level":"ERROR","logger":"shop","message":"refused","trace_id":"t2","endpoint":"/pay","latency_ms":"600","user":null,"a.b":3}
{"timestamp":"2026-02-19T10:07:00.000000+00:00","level":"AUDIT","logger":"other","message":"订单","endpoint":"/pay","latency_ms":900,"ok":false,"a":{"b":4}}
"#;

fn now() -> Now {
    let time = crate::archive::parse_time(b"2026-02-19T10:10:00Z", crate::archive::TimeForm::Iso).unwrap();
    Now { time, zone: TimeZone::UTC, levels: vec![("AUDIT".into(), 35)] }
}

fn run(question: &str, lines: &str) -> Run {
    let mut plan = Plan::parse(question, now()).unwrap_or_else(|wrong| panic!("{question}: {wrong:?}"));
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("app.log"), lines).unwrap();
    let hints = plan.hints();
    let filter = Filter {
        from: hints.from,
        until: hints.until,
        level: hints.level,
        levels: now().levels,
        loggers: hints.logger.into_iter().collect(),
        trace: hints.trace,
        text: hints.text,
        wanted: Wanted(plan.take_sieve().into_iter().map(|sieve| sieve as _).collect()),
        ..Filter::default()
    };
    let mut reader =
        Reader::open(Options { directory: directory.path().to_owned(), filter, ..Options::default() }).unwrap();
    let mut run = Run::new(plan);
    while let Some(record) = reader.read().unwrap() {
        if !run.add(&record.seen()) {
            break;
        }
    }
    run
}

/// Which of the lines come out, by their numbers.
fn found(question: &str) -> Vec<usize> {
    let mut run = run(question, LINES);
    let mut lines = run.take_lines();
    lines.extend(run.last_lines());
    let number = |line: &Vec<u8>| LINES.lines().position(|known| known.as_bytes() == line).unwrap();
    lines.iter().map(number).collect()
}

fn shown(question: &str) -> String {
    let table = run(question, LINES).table();
    let cell = |cell: &Cell<'_>| match cell {
        Cell::Nothing => "-".to_owned(),
        Cell::Integer(integer) => integer.to_string(),
        Cell::Real(real) => real.to_string(),
        Cell::Time(time) => format!("@{}", (time - now().time) / 60_000_000_000),
        Cell::Text(text) | Cell::Json(text) => text.to_string(),
        Cell::Truth(truth) => truth.to_string(),
    };
    let rows = table.rows.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>().join(" "));
    std::iter::once(table.columns.join(" ")).chain(rows).collect::<Vec<_>>().join("; ")
}

#[test]
fn conditions_choose_records() {
    for (question, expected) in [
        ("", vec![0, 1, 2, 3]),
        ("*", vec![0, 1, 2, 3]),
        ("level>=warning", vec![1, 2, 3]),
        ("level = audit", vec![3]),
        ("level = 35", vec![3]),
        ("level in (INFO, error)", vec![0, 2]),
        ("level != info", vec![1, 2, 3]),
        ("logger = shop", vec![2]),
        ("logger = shop.*", vec![0, 1, 2]),
        ("logger=*.db", vec![1]),
        ("logger != shop.*", vec![3]),
        ("latency_ms > 500", vec![1, 3]),
        ("latency_ms = 600", vec![2]),
        ("latency_ms = '600'", vec![2]),
        ("latency_ms >= 600.5 and latency_ms <= 900", vec![1, 3]),
        ("user.id = 7 or a.b = 3", vec![0, 2]),
        ("a.b exists", vec![2, 3]),
        ("user exists", vec![0, 1]),
        ("not user exists", vec![2, 3]),
        ("user not exists", vec![2, 3]),
        ("user.name not contains 'x'", vec![0]),
        ("level != nobody", vec![0, 1, 2, 3]),
        ("exists(ok)", vec![0, 3]),
        ("ok = true", vec![0]),
        ("ok != true", vec![3]),
        ("not ok = true", vec![1, 2, 3]),
        ("user = null", vec![2]),
        ("message ~ 'qu.ry'", vec![1]),
        ("message !~ '^o'", vec![1, 2, 3]),
        ("message contains '\"query\"'", vec![1]),
        ("message = 'slow \"query\"'", vec![1]),
        ("'slow \"query\"'", vec![1]),
        ("\"订单\"", vec![3]),
        ("message = 订单", vec![3]),
        ("~ 'o.?d'", vec![0]),
        ("not ~ '(?i)SLOW|taken'", vec![2, 3]),
        ("trace_id = t1 and level > info", vec![1]),
        ("endpoint not in ('/buy')", vec![2, 3]),
        ("endpoint in (/b*, /nothing)", vec![0, 1]),
        ("missing != 1", vec![]),
        ("not missing = 1", vec![0, 1, 2, 3]),
        ("time >= 10:06", vec![2, 3]),
        ("time < -5m", vec![0, 1, 2][..2].to_vec()),
        ("time >= 2026-02-19T11:06:00+01:00 and time < now", vec![2, 3]),
        ("`endpoint` = '/pay' and (level = error or (ok = false and not level = error))", vec![2, 3]),
        ("where level = error", vec![2]),
        ("count = 1", vec![]),
        ("* | head 2", vec![0, 1]),
        ("head 2 | where level = warning", vec![1]),
        ("* | tail 2", vec![2, 3]),
        ("* | uniq endpoint", vec![0, 2]),
        ("* | top 2 latency_ms", vec![2, 3]),
        ("latency_ms < 10000 | top 2 by latency_ms", vec![3, 1]),
        ("* | sort logger desc, latency_ms", vec![1, 0, 2, 3]),
    ] {
        assert_eq!(found(question), expected, "{question}");
    }
}

#[test]
fn stages_make_tables() {
    for (question, expected) in [
        ("count", "count; 4"),
        ("level = critical | count", "count; 0"),
        ("count by endpoint", "endpoint count; /buy 2; /pay 2"),
        ("count by level | top 1", "level count; AUDIT 1"),
        ("* | count by 5m", "time count; @-10 2; @-5 2"),
        (
            "count by endpoint, 5m | where count > 1 | sort endpoint desc",
            "endpoint time count; /pay @-5 2; /buy @-10 2",
        ),
        ("sum of latency_ms", "sum_latency_ms; 1510.5"),
        (
            "avg latency_ms, max(latency_ms) as most by ok",
            "ok avg_latency_ms most; false 900 900; - 600.5 600; true 10 10",
        ),
        ("p50 of latency_ms, count of latency_ms", "p50_latency_ms count_latency_ms; 600.5 4"),
        ("distinct endpoint, count of ok", "distinct_endpoint count_ok; 2 2"),
        ("* | fields user.name, latency_ms | head 2", "user.name latency_ms; Ann 10; - 600.5"),
        ("* | fields tags, a.b | where tags exists", "tags a.b; [\"a\",\"b\"] -"),
        ("* | fields endpoint | uniq", "endpoint; /buy; /pay"),
        ("count by logger | sort count, logger desc | fields logger | tail 2", "logger; shop; other"),
        ("min time, last of level", "min_time last_level; @-10 AUDIT"),
        ("count by level | where level >= warning | sort level", "level count; AUDIT 1; ERROR 1; WARNING 1"),
        ("count, min time as begin by level | where begin >= 10:06", "level count begin; AUDIT 1 @-3; ERROR 1 @-4"),
        ("avg ok, count by ok | fields ok | head 1", "ok; false"),
        ("max user.id by endpoint | head 1", "endpoint max_user.id; /buy 8"),
        ("* | fields user.id | where user.id = null", "user.id; -; -"),
    ] {
        assert_eq!(shown(question), expected, "{question}");
    }
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (question, place, what) in [
        ("level >", 7..7, "a value"),
        ("level >= loud", 9..13, "a level"),
        ("latency_ms 500", 11..14, "="),
        ("latency_ms > true", 13..17, "no order"),
        ("'a' = 1", 0..3, "without quotes"),
        ("a = 1 b = 2", 6..7, "'and', 'or', '|'"),
        ("a = 'x", 4..6, "not closed"),
        ("(a = 1", 6..6, "')'"),
        ("a ~ '('", 4..7, "unclosed group"),
        ("a = 1 | cuont", 8..13, "count, sum"),
        ("count | top 10 by nothing", 18..25, "there are count"),
        ("count by a | sum b", 13..16, "where, fields"),
        ("sum", 3..3, "the field of sum"),
        ("sum a, sum a", 11..12, "two columns"),
        ("* | top 0", 8..9, "from 1"),
        ("* | sort a | head 1", 13..17, "the last stage"),
        ("time > soon", 7..11, "a time such as"),
        ("time ~ '2026'", 5..6, "with a time"),
        ("time = 2026-02-19*", 7..18, "with a time"),
        ("!a", 0..1, "'not'"),
        ("* | top", 7..7, "the field with the largest"),
        ("订单 = 1 and", 10..10, "the name of a field"),
    ] {
        let wrong = Plan::parse(question, now()).unwrap_err();
        assert_eq!(wrong.place, place, "{question}: {}", wrong.what);
        assert!(wrong.what.contains(what), "{question}: {}", wrong.what);
    }
    let deep = format!("{}a = 1{}", "(".repeat(500), ")".repeat(500));
    assert!(Plan::parse(&deep, now()).unwrap_err().what.contains("nesting"));
}

#[test]
fn spans_begin_with_the_day_of_the_zone() {
    let zone = TimeZone::get("Asia/Shanghai").unwrap();
    let now = Now { zone, ..now() };
    let day = now.floor(now.time, 86_400_000_000_000);
    assert_eq!(Some(day), now.time("2026-02-19"));
    assert_eq!(now.time("today"), Some(day));
    assert_eq!(now.time("18:10"), Some(now.time));
    assert_eq!(now.time("2026-02-19T11:10+01:00"), Some(now.time));
    assert_eq!(now.time("@1771495800"), Some(now.time));
    assert_eq!(now.time("-1h30m").map(|time| now.time - time), Some(5_400_000_000_000));
}

#[test]
fn days_begin_at_midnight_also_where_clocks_are_changed() {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let now = Now { zone, ..now() };
    for day in ["2026-03-29", "2026-10-25", "2026-07-01"] {
        let begin = now.time(day).unwrap();
        for hour in 0..23 {
            assert_eq!(now.floor(begin + hour * 3_600_000_000_000, 86_400_000_000_000), begin, "{day} {hour}");
        }
    }
    let _ = now.floor(i64::MIN, 86_400_000_000_000);
    let _ = now.floor(i64::MAX, 86_400_000_000_000);
}

#[test]
fn the_largest_are_kept_though_lines_are_long() {
    let text = "x".repeat(3_000);
    let line = |number: u32| format!("{{\"timestamp\":\"2026-02-19T10:00:00Z\",\"v\":{number},\"m\":\"{text}\"}}\n");
    let lines: String = (0..20_000).map(line).collect();
    let mut run = run("* | top 8000 v", &lines);
    let found = run.last_lines();
    assert_eq!(found.len(), 8_000);
    assert!(String::from_utf8_lossy(&found[0]).contains("\"v\":19999,"));
}

fn any_number() -> impl Strategy<Value = Cell<'static>> {
    const LARGE: i128 = 1_771_493_400_123_456_789;
    prop_oneof![
        (-3..3_i128).prop_map(|near| Cell::Integer(LARGE + near)),
        (-3..3_i128).prop_map(Cell::Integer),
        Just(Cell::Real(1.771_493_400_123_456_8e18)),
        (-3.0..3.0_f64).prop_map(Cell::real),
        Just(Cell::Real(1e300)),
        Just(Cell::Real(-1e300)),
    ]
}

proptest! {
    /// Otherwise a sort may panic.
    #[test]
    fn the_order_of_numbers_is_one(one in any_number(), other in any_number(), third in any_number()) {
        prop_assert_eq!(one.order(&other), other.order(&one).reverse());
        if one.order(&other).is_le() && other.order(&third).is_le() {
            prop_assert!(one.order(&third).is_le());
        }
    }

    /// Whatever is written, it is read or refused.
    #[test]
    fn any_text_is_read_or_refused(text in "([a-z_.]{1,5}|[<>=!~(),|'\"` ]|and|or|not|in|count|by|top|[0-9]{1,3}|5m){0,12}") {
        if let Ok(plan) = Plan::parse(&text, now()) {
            let mut run = Run::new(plan);
            run.last_lines();
            let _ = run.table();
        }
    }
}

#[test]
fn a_text_with_quotes_leaves_lines_out_early() {
    let hint = |question: &str| Plan::parse(question, now()).unwrap().hints().text;
    assert_eq!(hint(r#"'"order_id":1500000,'"#).as_deref(), Some(":1500000,"));
    assert_eq!(hint("'refused'").as_deref(), Some("refused"));
    assert_eq!(hint(r#"'"a"'"#), None);
    assert_eq!(found(r#"'slow "query"'"#), [1]);
    assert_eq!(found(r#"'"latency_ms":900'"#), [3]);
}
