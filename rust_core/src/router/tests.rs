use super::*;
use crate::level;
use crate::names;
use crate::record::Builder;
use serde_json::json;

/// Which of some outputs take a record.
fn taken(selectors: &[Selector], level: i32, logger: &str, fields: &[(&str, Value<'_>)]) -> Vec<usize> {
    let mut bytes = Vec::new();
    Builder { time: 0, level, logger, function: "f", message: "m" }.put(&mut bytes, fields);
    // SAFETY: built just above.
    let record = unsafe { Record::read(&bytes) }.unwrap();
    let mut router = Router::new(Arc::clone(names::here()), selectors.to_vec(), AiLoggers::default());
    let route = router.route(&record);
    (0..selectors.len()).filter(|index| route & 1 << index != 0).collect()
}

#[test]
fn each_selector_decides_for_itself() {
    let all = Selector::default();
    let selectors = [
        all.clone(),
        Selector::from_level(level::ERROR),
        Selector { max_level: Some(level::INFO), ..all.clone() },
        Selector { ai: Some(true), ..all.clone() },
        Selector { ai: Some(false), ..all.clone() },
        Selector { loggers: Some(vec!["shop".into(), "*.audit".into()]), ..all.clone() },
        Selector { fields_present: vec!["order".into()], ..all.clone() },
        Selector { fields_equal: vec![("order".into(), json!(7)), ("paid".into(), json!(true))], ..all },
    ];
    let order = [("order", Value::Integer(7)), ("paid", Value::Bool(true))];
    assert_eq!(taken(&selectors, level::INFO, "app", &[]), [0, 2, 4]);
    assert_eq!(taken(&selectors, level::ERROR, "app.llm", &[]), [0, 1, 3]);
    assert_eq!(taken(&selectors, level::WARNING, "shop.cart", &order[..1]), [0, 4, 5, 6]);
    assert_eq!(taken(&selectors, level::INFO, "app.audit", &order), [0, 2, 4, 5, 6, 7]);
}

#[test]
fn a_router_tells_as_many_outputs_apart_as_it_says() {
    let selectors = vec![Selector::from_level(level::INFO); OUTPUTS];
    assert_eq!(taken(&selectors, level::INFO, "app", &[]).len(), OUTPUTS);
    assert_eq!(taken(&selectors, level::DEBUG, "app", &[]).len(), 0);
}
