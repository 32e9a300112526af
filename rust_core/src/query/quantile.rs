//! Quantiles: exact as long as there is room for all values, then by the borders of narrow ranges.

use std::collections::BTreeMap;

/// The width of a range, beside its border: values are told to half a percent.
const WIDTH: f64 = 1.01;

/// Values of which quantiles are asked.
#[derive(Clone, Debug)]
pub enum Values {
    All(Vec<f64>),
    /// How many values are in each range, by sign and number of the range.
    Ranges(BTreeMap<(i8, i32), u64>),
}

impl Default for Values {
    fn default() -> Self {
        Self::All(Vec::new())
    }
}

#[allow(clippy::cast_possible_truncation, reason = "logarithms of finite numbers are small")]
fn range_of(value: f64) -> (i8, i32) {
    if value == 0.0 {
        return (0, 0);
    }
    let number = (value.abs().ln() / WIDTH.ln()).floor() as i32;
    if value > 0.0 { (1, number) } else { (-1, -number) }
}

fn middle_of((sign, number): (i8, i32)) -> f64 {
    match sign {
        0 => 0.0,
        1 => WIDTH.powf(f64::from(number) + 0.5),
        _ => -WIDTH.powf(f64::from(-number) + 0.5),
    }
}

impl Values {
    pub fn add(&mut self, value: f64) {
        match self {
            Self::All(all) => all.push(value),
            Self::Ranges(ranges) => *ranges.entry(range_of(value)).or_default() += 1,
        }
    }

    /// How many values are kept one by one.
    pub const fn kept(&self) -> usize {
        match self {
            Self::All(all) => all.len(),
            Self::Ranges(_) => 0,
        }
    }

    /// Keeps ranges from now on.
    pub fn narrow(&mut self) {
        if let Self::All(all) = self {
            let mut ranges = Self::Ranges(BTreeMap::new());
            all.iter().for_each(|value| ranges.add(*value));
            *self = ranges;
        }
    }

    /// The value below which this part of all values is. Between two values it is on the line from one to the other, as in SQL's `PERCENTILE_CONT`.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts")]
    pub fn quantile(&mut self, part: f64) -> Option<f64> {
        match self {
            Self::All(all) => {
                let place = part * (all.len().checked_sub(1)? as f64);
                let low = place.floor() as usize;
                let (_, one, above) = all.select_nth_unstable_by(low, f64::total_cmp);
                let one = *one;
                let next = above.iter().copied().min_by(f64::total_cmp).unwrap_or(one);
                Some((next - one).mul_add(place - place.floor(), one))
            }
            Self::Ranges(ranges) => {
                let count: u64 = ranges.values().sum();
                let place = (part * (count.checked_sub(1)? as f64)).round() as u64;
                let mut before = 0;
                let found = ranges.iter().find(|(_, in_range)| {
                    before += **in_range;
                    before > place
                });
                found.map(|(range, _)| middle_of(*range))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ranges_tell_what_all_values_tell_to_a_percent(values in prop::collection::vec(-1e6..1e6_f64, 1..300), part in 0.0..1.0_f64) {
            let mut all = Values::default();
            values.iter().for_each(|value| all.add(*value));
            let mut ranges = all.clone();
            ranges.narrow();
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
            let exact = sorted[(part * (sorted.len() - 1) as f64).round() as usize];
            let found = ranges.quantile(part).unwrap();
            prop_assert!((found - exact).abs() <= exact.abs() * 0.011, "{found} {exact}");
            let found = all.quantile(part).unwrap();
            prop_assert!(sorted[0] <= found && found <= sorted[sorted.len() - 1]);
        }
    }

    #[test]
    fn between_two_values_it_is_on_the_line() {
        let mut values = Values::All(vec![4.0, 1.0, 3.0, 2.0]);
        assert_eq!(values.quantile(0.5), Some(2.5));
        assert_eq!(values.quantile(0.0), Some(1.0));
        assert_eq!(values.quantile(1.0), Some(4.0));
        assert_eq!(Values::default().quantile(0.5), None);
    }
}
