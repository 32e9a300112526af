use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::keys::{Found, Keys};
use super::spec::{mix, mix_text};
use super::*;
use crate::level;
use crate::stats::{How, Stats, Words};

struct Call {
    level: i32,
    logger: &'static str,
    site: u64,
    fields: Vec<(&'static str, Scalar<&'static str>)>,
}

impl Call {
    fn at(site: u64) -> Self {
        Self { level: level::INFO, logger: "shop.cart", site, fields: Vec::new() }
    }
}

impl Asked for Call {
    fn level(&self) -> i32 {
        self.level
    }

    fn logger(&self) -> Cow<'_, str> {
        self.logger.into()
    }

    fn site(&self) -> u64 {
        self.site
    }

    fn call(&self) -> u64 {
        self.fields.iter().fold(self.site, |key, (name, value)| value.mixed_into(mix_text(key, name)))
    }

    fn field(&self, name: &str) -> Option<Scalar<Cow<'_, str>>> {
        self.fields.iter().find(|(other, _)| *other == name).map(|(_, value)| match value {
            Scalar::Text(text) => Scalar::Text(Cow::Borrowed(*text)),
            Scalar::Integer(integer) => Scalar::Integer(*integer),
            Scalar::Real(real) => Scalar::Real(*real),
            Scalar::Truth(truth) => Scalar::Truth(*truth),
            Scalar::Nothing(()) => Scalar::Nothing(()),
        })
    }
}

fn rule(way: Way) -> RuleSpec {
    RuleSpec {
        name: "rule".into(),
        level: level::WARNING,
        logger: String::new(),
        conditions: Vec::new(),
        key: Keyed::Site,
        way,
    }
}

fn sampler(rules: Vec<RuleSpec>) -> Sampler {
    Sampler::new(&Spec { rules, dry_run: false, max_keys: 1_000, seed: Some(7) }, &Stats::default())
}

/// Records, and the calls that these and the summary tell of.
fn asked(sampler: &Sampler, calls: impl IntoIterator<Item = Call>) -> (u64, u64) {
    let (mut kept, mut told) = (0, 0);
    for call in calls {
        match sampler.decide(&call) {
            Verdict::Pass => kept += 1,
            Verdict::Keep(Tells { suppressed, .. }) => {
                kept += 1;
                told += suppressed;
            }
            Verdict::LeaveOut | Verdict::Mark(_) => {}
        }
    }
    (kept, told + sampler.rest().iter().map(|summary| summary.total).sum::<u64>())
}

#[test]
fn the_first_are_kept_and_then_every_so_many_th() {
    let way = Way::First { first: 3, then_every: 10, interval_ms: 60_000 };
    let stats = Stats::default();
    let spec = Spec { rules: vec![rule(way)], dry_run: false, max_keys: 1_000, seed: None };
    let sampler = Sampler::new(&spec, &stats);
    let kept: Vec<usize> = (1..=43).filter(|_| sampler.decide(&Call::at(1)) != Verdict::LeaveOut).collect();
    assert_eq!(kept, [1, 2, 3, 13, 23, 33, 43]);
    // Another site has a count of its own.
    assert_eq!(sampler.decide(&Call::at(2)), Verdict::Pass);
    let rule = stats.rules.of("rule");
    assert_eq!((rule.kept.get(), rule.left_out.get()), (8, 36));
}

#[test]
fn records_and_what_they_tell_add_up_to_the_calls() {
    let ways = [
        Way::First { first: 2, then_every: 7, interval_ms: 20 },
        Way::PerSecond { per_second: 500.0, burst: 3.0 },
        Way::Nothing {},
    ];
    for way in ways {
        // More keys than there is room for.
        let spec = Spec { rules: vec![rule(way.clone())], dry_run: false, max_keys: 64, seed: None };
        let sampler = Sampler::new(&spec, &Stats::default());
        let calls = (0..50_000_u64).map(|number| Call::at(mix(3, number * number % 997)));
        let (kept, told) = asked(&sampler, calls);
        assert_eq!(kept + told, 50_000, "{way:?}");
        assert!(kept < 49_000, "{way:?}: {kept}");
    }
}

#[test]
fn a_rotation_tells_and_one_before_the_beginning_does_not() {
    let stats = Stats::default();
    stats.files.of("app.log").rotations.of(0).add(3);
    let spec = Spec { rules: vec![rule(Way::Nothing {})], dry_run: false, max_keys: 64, seed: None };
    let sampler = Sampler::new(&spec, &stats);
    assert_eq!((0..10).filter(|_| sampler.decide(&Call::at(1)) == Verdict::LeaveOut).count(), 9);
    assert_eq!(sampler.look_after(Instant::now(), stats.rotations()), []);
    stats.files.of("app.log").rotations.of(0).add(1);
    let told = sampler.look_after(Instant::now(), stats.rotations());
    assert_eq!(told.iter().map(|summary| summary.total).collect::<Vec<_>>(), [9]);
}

#[test]
fn errors_and_the_first_of_a_kind_are_never_left_out() {
    let sampler = sampler(vec![rule(Way::Nothing {})]);
    assert_eq!(sampler.decide(&Call::at(1)), Verdict::Pass);
    assert_eq!(sampler.decide(&Call::at(1)), Verdict::LeaveOut);
    let error = || Call { level: level::ERROR, ..Call::at(1) };
    assert!((0..100).all(|_| sampler.decide(&error()) == Verdict::Pass));
}

#[test]
fn chance_keeps_the_rate_and_says_what_a_record_stands_for() {
    for rate in [0.01, 0.1, 0.25, 0.5] {
        let sampler = sampler(vec![rule(Way::Rate { rate })]);
        let calls = 200_000;
        let stood: f64 = (0..calls)
            .map(|_| match sampler.decide(&Call::at(1)) {
                Verdict::Pass => 1.0,
                Verdict::Keep(tells) => tells.sample_rate,
                _ => 0.0,
            })
            .sum();
        // The seed is fixed; five standard deviations of the estimate.
        let bound = 5.0 * (f64::from(calls) * (1.0 - rate) / rate).sqrt();
        assert!((stood - f64::from(calls)).abs() < bound, "{rate}: {stood}");
    }
}

#[test]
fn the_first_rule_that_applies_decides() {
    let of = |logger: &str, way| RuleSpec { logger: logger.into(), ..rule(way) };
    let sampler = sampler(vec![of("shop.cart", Way::All {}), of("shop", Way::Nothing {})]);
    let calls = |logger| (0..5).filter(|_| sampler.decide(&Call { logger, ..Call::at(1) }) == Verdict::Pass).count();
    assert_eq!([calls("shop.cart"), calls("shop.cart.item"), calls("shop"), calls("shopping")], [5, 5, 1, 5]);
    assert!(sampler.wants("shop.x", level::DEBUG) && !sampler.wants("shopping", level::DEBUG));
    assert!(!sampler.wants("shop", level::ERROR));
}

#[test]
fn conditions_compare_values_of_fields() {
    let condition =
        |field: &str, values: &str| Condition { field: field.into(), values: serde_json::from_str(values).unwrap() };
    let conditions = vec![condition("path", r#"["/health*", "/ready"]"#), condition("status", "[200, null]")];
    let sampler = sampler(vec![RuleSpec { conditions, ..rule(Way::Nothing {}) }]);
    let calls = |path, status| {
        let fields = vec![("path", Scalar::Text(path)), ("status", status)];
        let _first = sampler.decide(&Call { fields: fields.clone(), ..Call::at(1) });
        sampler.decide(&Call { fields, ..Call::at(1) }) == Verdict::LeaveOut
    };
    assert!(calls("/healthz", Scalar::Integer(200)) && calls("/ready", Scalar::Real(200.0)));
    assert!(calls("/ready", Scalar::Nothing(())));
    assert!(!calls("/readyz", Scalar::Integer(200)) && !calls("/healthz", Scalar::Integer(500)));
    assert_eq!(sampler.decide(&Call::at(1)), Verdict::Pass);
}

#[test]
fn a_target_leaves_rare_keys_whole_and_thins_out_frequent_ones() {
    let sampler = sampler(vec![rule(Way::Target { target_per_second: 100.0 })]);
    let mut kept: HashMap<u64, u64> = HashMap::new();
    let mut stood = 0.0;
    for round in 0..6 {
        kept.clear();
        stood = 0.0;
        for number in 0..10_000_u64 {
            let site = if number % 500 == 0 { 2 } else { 1 };
            match sampler.decide(&Call::at(site)) {
                Verdict::Pass => stood += 1.0,
                Verdict::Keep(tells) => stood += tells.sample_rate,
                _ => continue,
            }
            *kept.entry(site).or_default() += 1;
        }
        if round < 5 {
            sampler.set_rates(1.0);
        }
    }
    assert_eq!(kept[&2], 20);
    assert!((50..=100).contains(&kept[&1]), "{kept:?}");
    assert!((stood - 10_000.0).abs() < 5.0 * (10_000.0_f64 * 124.0).sqrt(), "{stood}");
}

#[test]
fn a_dry_run_keeps_all_and_says_which_would_go() {
    let spec = Spec { rules: vec![rule(Way::Nothing {})], dry_run: true, max_keys: 10, seed: None };
    let sampler = Sampler::new(&spec, &Stats::default());
    let verdicts: Vec<Verdict> = (0..3).map(|_| sampler.decide(&Call::at(1))).collect();
    assert_eq!(verdicts, [Verdict::Pass, Verdict::Mark(0), Verdict::Mark(0)]);
    assert_eq!((sampler.name(0), sampler.rest()), ("rule", Vec::new()));
}

#[test]
fn keys_are_bounded_and_evictions_are_counted() {
    let stats = Stats::default();
    let spec = Spec { rules: vec![rule(Way::Nothing {})], dry_run: false, max_keys: 4_096, seed: None };
    let sampler = Sampler::new(&spec, &stats);
    let (kept, told) = asked(&sampler, (0..1_000_000).map(|number| Call::at(mix(1, number))));
    assert_eq!((kept, told), (1_000_000, 0));
    let evicted = stats.keys_evicted.get();
    assert!((995_000..1_000_000).contains(&evicted), "{evicted}");
}

#[test]
fn each_call_that_is_left_out_is_in_the_counts_of_its_rule_and_of_all() {
    let words = Words::apart();
    let stats = Stats::at(words);
    let named = |name: &str, level, way| RuleSpec { name: name.into(), level, ..rule(way) };
    let rules =
        vec![named("chance", level::DEBUG, Way::Rate { rate: 1e-9 }), named("none", level::INFO, Way::Nothing {})];
    let spec = |dry_run| Spec { rules: rules.clone(), dry_run, max_keys: 64, seed: Some(7) };
    let ask = |dry_run| {
        let sampler = Sampler::new(&spec(dry_run), &stats);
        for number in 0..30 {
            sampler.decide(&Call { level: if number % 3 == 0 { level::DEBUG } else { level::INFO }, ..Call::at(1) });
        }
    };
    let counts = || {
        let of_rule = |name: &str| stats.rules.of(name).left_out.get();
        (of_rule("chance"), of_rule("none"), stats.left_out(), stats.suppressed())
    };
    ask(true);
    assert_eq!(counts(), (9, 19, 0, 0));
    ask(false);
    assert_eq!(counts(), (18, 38, 28, 19));
    assert_eq!(untold_of(&words.copy()), 19);
    // Rules for which there is no room are in the counts of all.
    (0..10_000).for_each(|number| drop(words.counts(&format!("one of many {number}"), How::Sum, 9)));
    let late = Spec { rules: vec![named("late", level::INFO, Way::Nothing {})], ..spec(false) };
    let sampler = Sampler::new(&late, &stats);
    for _ in 0..5 {
        sampler.decide(&Call::at(1));
    }
    assert_eq!((stats.left_out(), stats.suppressed(), untold(&stats)), (32, 23, 23));
    assert_eq!(untold_of(&words.copy()), 23);
}

#[test]
fn calls_and_the_writer_take_each_call_that_was_left_out_once() {
    let keys = Keys::new(4);
    let (Found::New(known) | Found::Known(known)) = keys.find(1, 0, 0) else { panic!("no memory") };
    let ends = AtomicBool::new(false);
    let taken = std::thread::scope(|scope| {
        let take = || {
            let mut taken = 0;
            while !ends.load(Ordering::Relaxed) {
                taken += known.take_suppressed();
            }
            taken
        };
        let takers = [scope.spawn(take), scope.spawn(take)];
        (0..200_000).for_each(|_| known.suppress());
        ends.store(true, Ordering::Relaxed);
        takers.map(|taker| taker.join().unwrap()).iter().sum::<u64>()
    });
    assert_eq!(taken + known.take_suppressed(), 200_000);
}
