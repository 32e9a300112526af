//! Filters give what they say, with an index and without.

use super::*;

fn is_wanted(number: u64, filter: &Filter) -> bool {
    let time = START + i64::try_from(number).unwrap() * SECOND;
    filter.is_time(time)
        && filter.is_level(10 + 10 * i32::try_from(number % 4).unwrap())
        && filter.is_logger(&format!("shop.l{}", number % 3))
        && filter.is_trace(format!("t{:08}", number / 5).as_bytes())
        && filter.text.as_ref().is_none_or(|text| line(number).contains(text))
}

fn any_filter() -> impl Strategy<Value = Filter> {
    let time = || prop::option::of((0..90_i64).prop_map(|second| START + second * SECOND));
    let loggers = prop::collection::vec((0..4).prop_map(|number| format!("shop.l{number}")), 0..3);
    let text = prop::option::of(prop::sample::select(vec!["number 3", "number 41\"", "\"ERROR\"", "nothing"]));
    (
        time(),
        time(),
        prop::option::of(prop::sample::select(vec![10, 25, 30, 40, 50])),
        loggers,
        prop::option::of(0..18),
        text,
    )
        .prop_map(|(from, until, level, loggers, trace, text)| Filter {
            from,
            until,
            level,
            loggers,
            levels: Vec::new(),
            trace: trace.map(|trace| format!("t{trace:08}")),
            text: text.map(str::to_owned),
            ..Filter::default()
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn filters_give_the_same_with_an_index_and_without(filters in prop::collection::vec(any_filter(), 1..6), kind in 0..3_usize) {
        let directory = tempfile::tempdir().unwrap();
        let mut sink = sink(directory.path(), &rotation(2_000, Names::Numbers));
        (0..90).for_each(|number| log(&mut sink, number));
        let plain: Vec<Vec<u64>> = filters.iter().map(|filter| {
            numbers(&read(Options { filter: filter.clone(), ..options(directory.path()) }).0)
        }).collect();
        keep_up(directory.path(), [Kind::Plain, Kind::Gzip, Kind::Zstd][kind], Keep::default());
        for (filter, plain) in filters.iter().zip(plain) {
            let (records, remarks) = read(Options { filter: filter.clone(), ..options(directory.path()) });
            let expected: Vec<u64> = (0..90).filter(|number| is_wanted(*number, filter)).collect();
            prop_assert_eq!(&numbers(&records), &expected, "{:?}", filter);
            prop_assert_eq!(plain, expected, "{:?}", filter);
            prop_assert!(remarks.is_empty());
            for record in &records {
                prop_assert_eq!(record.position.sequence, Some(number(&record.raw)));
            }
        }
    }
}

#[test]
fn quotes_in_a_text_are_found_as_json_writes_them() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("app.log"), "{\"message\":\"say \\\"hello\\\" 订单\"}\n{\"message\":\"x\"}\n")
        .unwrap();
    for text in ["say \"hello\"", "订单", "\"message\":\"say"] {
        let filter = Filter { text: Some(text.to_owned()), ..Filter::default() };
        assert_eq!(read(Options { filter, ..options(directory.path()) }).0.len(), 1, "{text}");
    }
}
