//! Where records have the fields that metrics ask for: worked out once for each call site.

use super::rule::{LEVEL, LOGGER, Rule};
use crate::level;
use crate::record::{Context, Record, Site, context_fields};
use crate::value::Value;

/// As many values of a call site are kept at hand.
const AT_HAND: usize = 12;

/// Where a field is.
#[derive(Clone, Copy, Debug)]
pub enum Where {
    Level,
    Logger,
    /// Among the first values of the call site.
    Site(usize),
    /// Among those behind.
    Behind(usize),
    /// Among those that came with their names, or in the context; if anywhere.
    Elsewhere,
}

impl Where {
    fn of(field: &str, site: &[String]) -> Self {
        match field {
            LEVEL => Self::Level,
            LOGGER => Self::Logger,
            _ => match site.iter().position(|name| name == field) {
                Some(at) if at < AT_HAND => Self::Site(at),
                Some(at) => Self::Behind(at),
                None => Self::Elsewhere,
            },
        }
    }
}

/// Where the fields of one metric are.
#[derive(Debug)]
pub struct Fields {
    /// That whose values are added up.
    pub value: Option<Where>,
    pub labels: Vec<Where>,
}

/// Where a call site has the fields of all metrics.
#[derive(Debug)]
pub struct Plan {
    pub of: Vec<Fields>,
    /// Values of the call site.
    count: usize,
    /// As many of them are read.
    read: usize,
}

impl Plan {
    pub fn new<'r>(rules: impl Iterator<Item = &'r Rule>, site: &Site) -> Self {
        Self::of_names(rules, &site.fields)
    }

    /// Of records whose fields all come with their names.
    pub fn without_site<'r>(rules: impl Iterator<Item = &'r Rule>) -> Self {
        Self::of_names(rules, &[])
    }

    fn of_names<'r>(rules: impl Iterator<Item = &'r Rule>, site: &[String]) -> Self {
        let of: Vec<Fields> = rules
            .map(|rule| Fields {
                value: rule.field.as_ref().map(|field| Where::of(field, site)),
                labels: rule.labels.iter().map(|label| Where::of(&label.field, site)).collect(),
            })
            .collect();
        let all = of.iter().flat_map(|fields| fields.value.iter().chain(&fields.labels));
        let read = all.map(|place| if let Where::Site(at) = place { at + 1 } else { 0 }).max().unwrap_or(0);
        Self { of, count: site.len(), read }
    }
}

/// The fields of one record.
pub struct Found<'r> {
    record: &'r Record<'r>,
    plan: &'r Plan,
    logger: &'r str,
    pub context: Option<Context<'r>>,
    values: [Value<'r>; AT_HAND],
}

impl<'r> Found<'r> {
    pub fn new(record: &'r Record<'r>, plan: &'r Plan, logger: &'r str) -> Self {
        let mut values = [Value::Null; AT_HAND];
        let mut reader = record.fields;
        for value in &mut values[..plan.read] {
            *value = reader.value().unwrap_or(Value::Null);
        }
        Self { record, plan, logger, context: record.context.and_then(Context::read), values }
    }

    /// The value of a field. As in the lines: the call's field of a name, then the context's.
    pub fn get(&self, place: Where, name: &str) -> Option<Value<'r>> {
        match place {
            Where::Level => Some(Value::Text(level::NAMES[level::bucket(self.record.header.level)])),
            Where::Logger => Some(Value::Text(self.logger)),
            Where::Site(at) => Some(self.values[at]),
            Where::Behind(at) => {
                let mut reader = self.record.fields;
                (0..at).try_for_each(|_| reader.value().map(drop))?;
                reader.value()
            }
            Where::Elsewhere => self.of_call(name).or_else(|| {
                context_fields(self.context.as_ref()?).find(|(known, _)| *known == name).map(|(_, value)| value)
            }),
        }
    }

    fn of_call(&self, name: &str) -> Option<Value<'r>> {
        let mut reader = self.record.fields;
        (0..self.plan.count).try_for_each(|_| reader.value().map(drop))?;
        while !reader.is_empty() {
            let (known, value) = (reader.text()?, reader.value()?);
            if known == name {
                return Some(value);
            }
        }
        None
    }
}
