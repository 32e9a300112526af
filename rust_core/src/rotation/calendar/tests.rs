use super::*;

/// Zones whose clocks do odd things: at midnight, by half an hour, by whole days, south of the equator, or never.
const ZONES: [&str; 40] = [
    "UTC",
    "Europe/Berlin",
    "Europe/London",
    "Europe/Dublin",
    "Europe/Lisbon",
    "Europe/Moscow",
    "Europe/Istanbul",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Africa/Windhoek",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Anchorage",
    "America/Adak",
    "America/St_Johns",
    "America/Halifax",
    "America/Havana",
    "America/Sao_Paulo",
    "America/Asuncion",
    "America/Santiago",
    "America/Nuuk",
    "America/Scoresbysund",
    "America/Caracas",
    "Asia/Shanghai",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Tehran",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Amman",
    "Asia/Jerusalem",
    "Asia/Pyongyang",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Apia",
    "Antarctica/Troll",
];

fn periods(every: Every, at: u32, zone: &str) -> Periods {
    Calendar { every, at, zone: Zone::from(zone.to_owned()) }.periods()
}

fn second(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_second()
}

/// Instants around every change of the clock of a zone in a few years.
fn changes(zone: &str) -> Vec<i64> {
    let rules = Zone::from(zone.to_owned()).rules();
    let until = second("2027-01-01T00:00:00Z");
    let all = rules.following("2009-01-01T00:00:00Z".parse().unwrap());
    let mut found: Vec<_> = all.map(|change| change.timestamp().as_second()).take_while(|at| *at < until).collect();
    found.push(second("2026-02-19T12:00:00Z"));
    found
}

#[test]
fn periods_follow_one_another_through_every_change_of_every_clock() {
    let lengths = [Every::Seconds(3600), Every::Seconds(6 * 3600), Every::Days(1), Every::Days(3), Every::Weeks(1, 6)];
    for zone in ZONES {
        for (every, at) in lengths.into_iter().flat_map(|every| [(every, 0), (every, 2 * 3600 + 1800)]) {
            let periods = periods(every, at, zone);
            for change in changes(zone) {
                let mut last = periods.at(change - 2 * i64::from(DAY));
                while last.start < change + 2 * i64::from(DAY) {
                    let period = periods.at(last.end);
                    assert_eq!(period.start, last.end, "{zone} {every:?} {at}");
                    assert!(period.length() > 0, "{zone} {every:?} {at} {period:?}");
                    for now in [period.start + period.length() / 2, period.end - 1] {
                        assert_eq!(periods.at(now), period, "{zone} {every:?} {at} {now}");
                    }
                    last = period;
                }
                for now in [change - 1, change, change + 1] {
                    assert!(periods.at(now).holds(now), "{zone} {every:?} {at} {now}");
                }
            }
        }
    }
}

#[test]
fn a_day_has_as_many_hours_as_the_clock_shows() {
    let daily = periods(Every::Days(1), 0, "Europe/Berlin");
    let hours = |at| daily.at(second(at)).length() / 3600;
    assert_eq!(hours("2026-03-29T12:00:00Z"), 23);
    assert_eq!(hours("2026-10-25T12:00:00Z"), 25);
    assert_eq!(hours("2026-02-19T12:00:00Z"), 24);
}

#[test]
fn an_hour_that_the_clock_shows_twice_is_two_periods_of_one_name() {
    let hourly = periods(Every::Seconds(3600), 0, "Europe/Berlin");
    let (first, second) = (hourly.at(second("2026-10-25T00:30:00Z")), hourly.at(second("2026-10-25T01:30:00Z")));
    assert_eq!(first.end, second.start);
    assert_eq!(hourly.label(first), "2026-10-25T02");
    assert_eq!(hourly.label(second), "2026-10-25T02");
}

#[test]
fn a_day_that_a_country_left_out_has_no_period() {
    let daily = periods(Every::Days(1), 0, "Pacific/Apia");
    let before = daily.at(second("2011-12-30T09:59:59Z"));
    let after = daily.at(before.end);
    assert_eq!((daily.label(before).as_str(), daily.label(after).as_str()), ("2011-12-29", "2011-12-31"));
}

#[test]
fn a_day_may_begin_at_another_time_and_keeps_the_date_of_its_start() {
    let daily = periods(Every::Days(1), 6 * 3600, "Asia/Shanghai");
    let period = daily.at(second("2026-02-19T21:00:00Z"));
    assert_eq!(daily.label(period), "2026-02-19");
    assert_eq!(period.start, second("2026-02-18T22:00:00Z"));
}

#[test]
fn weeks_begin_on_their_day() {
    for (name, start) in [("monday", "2026-02-16"), ("Sun", "2026-02-15"), ("thursday", "2026-02-19")] {
        let weekly = periods(Every::Weeks(1, weekday(name).unwrap()), 0, "UTC");
        let period = weekly.at(second("2026-02-19T12:00:00Z"));
        assert_eq!((weekly.label(period).as_str(), period.length()), (start, 7 * i64::from(DAY)), "{name}");
    }
    assert_eq!(weekday("someday"), None);
}

#[test]
fn short_periods_are_named_as_exactly_as_they_need() {
    let at = second("2026-02-19T12:34:56Z");
    let name = |length| {
        let periods = periods(Every::Seconds(length), 0, "UTC");
        periods.label(periods.at(at))
    };
    assert_eq!(name(3600), "2026-02-19T12");
    assert_eq!(name(15 * 60), "2026-02-19T1230");
    assert_eq!(name(10), "2026-02-19T123450");
}

#[test]
fn clocks_that_are_far_off_have_a_period_too() {
    let daily = periods(Every::Days(1), 0, "UTC");
    for now in [i64::MIN / 4, -62_135_596_800, 0, 253_402_300_799, i64::MAX / 4] {
        assert!(daily.at(now).holds(now), "{now}");
    }
}
