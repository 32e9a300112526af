//! The mapping that processors are shown of a call, and what they have made of it.

use pyo3::exceptions::PyBaseException;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFrozenSet, PyInt, PyString};
use unified_logger_core::level;
use unified_logger_core::names;

use super::{Changed, Original};
use crate::interpreter::gil::{Gil, intern};
use crate::interpreter::interrupt;
use crate::interpreter::made::{self, OrGiveUp};
use crate::value::shown::{text_of, type_name};

/// Keys of the call itself. A field of such a name is shown as `fields.NAME`.
fn own_keys(py: Python<'_>) -> [&Bound<'_, PyString>; 6] {
    [
        intern!(py, "level"),
        intern!(py, "logger"),
        intern!(py, "message"),
        intern!(py, "exception"),
        intern!(py, "trace_id"),
        intern!(py, "span_id"),
    ]
}

/// The same as a set.
static OWN_KEYS: Gil<Option<Py<PyFrozenSet>>> = Gil::new(None);

fn own_key_set(py: Python<'_>) -> PyResult<Bound<'_, PyFrozenSet>> {
    if let Some(known) = OWN_KEYS.held(py) {
        return Ok(known);
    }
    let set = PyFrozenSet::new(py, own_keys(py))?;
    OWN_KEYS.replace(py, Some(set.clone().unbind()));
    Ok(set)
}

/// The mapping as it was made, with the objects in it.
pub struct Shown<'py> {
    pub mapping: Bound<'py, PyDict>,
    items: Vec<(Bound<'py, PyAny>, Bound<'py, PyAny>)>,
}

impl<'py> Shown<'py> {
    pub fn new(py: Python<'py>, original: &Original<'_, 'py>) -> PyResult<Self> {
        let mut shown = Self { mapping: made::dict(py)?, items: Vec::with_capacity(8 + original.fields.len()) };
        let [level, logger, message, exception, trace_id, span_id] = own_keys(py);
        let set = own_key_set(py)?;
        shown.put(level, level_name(py, original.level, original.level_name).into_any())?;
        shown.put(logger, made::text(py, original.logger)?.into_any())?;
        shown.put(message, original.message.clone())?;
        if let Some(error) = original.exception {
            shown.put(exception, error.as_any().clone())?;
        }
        let mut has_context = false;
        if let Some(context) = original.context {
            let [trace, span] = context.get().id_texts(py);
            for (key, id) in [(trace_id, trace), (span_id, span)] {
                if let Some(id) = id {
                    shown.put(key, id.into_any())?;
                }
            }
            for (name, value) in context.get().named_fields(py) {
                has_context = true;
                shown.put(&field_key(&set, &name)?, value)?;
            }
        }
        for (name, value) in original.fields {
            let key = field_key(&set, name)?;
            // The call's field of the same name stands for both.
            if has_context && shown.mapping.contains(&key)? {
                shown.mapping.del_item(&key)?;
                shown.items.retain(|(other, _)| !other.eq(&key).unwrap_or(false));
            }
            shown.put(&key, value.clone())?;
        }
        Ok(shown)
    }

    fn put(&mut self, key: &Bound<'py, PyString>, value: Bound<'py, PyAny>) -> PyResult<()> {
        self.mapping.set_item(key, &value)?;
        self.items.push((key.as_any().clone(), value));
        Ok(())
    }

    /// Whether a mapping has the very objects that were put into this one.
    pub fn is_unchanged(&self, mapping: &Bound<'py, PyDict>) -> bool {
        mapping.len() == self.items.len()
            && mapping
                .iter()
                .zip(&self.items)
                .all(|((key, value), (own_key, own_value))| key.is(own_key) && value.is(own_value))
    }

    /// The call that a mapping describes, and what of it cannot be used.
    pub fn read(&self, mapping: &Bound<'py, PyDict>) -> PyResult<(Changed<'py>, Vec<String>)> {
        let py = mapping.py();
        let mut faults = Vec::new();
        let [level, logger, message, exception, trace_id, span_id] = own_keys(py);
        let changed_level = match self.changed(mapping, level)? {
            Some(value) => {
                let number = number_of(&value);
                if number.is_none() {
                    faults.push(format!("there is no level {}", text_of(&value)));
                }
                number
            }
            None => None,
        };
        let error = match mapping.get_item(exception)?.filter(|value| !value.is_none()).map(Bound::cast_into) {
            Some(Ok(error)) => Some(error),
            Some(Err(other)) => {
                faults.push(format!("its exception is of type {}", type_name(&other.into_inner())));
                self.own(exception).and_then(|error| error.cast::<PyBaseException>().ok().cloned())
            }
            None => None,
        };
        let id =
            |key| Ok::<_, PyErr>(mapping.get_item(key)?.filter(|id: &Bound<'py, PyAny>| !id.is_none()).map(as_text));
        let own = own_key_set(py)?;
        let is_field =
            |key: &Bound<'py, PyAny>| !key.is_exact_instance_of::<PyString>() || !own.contains(key).unwrap_or(false);
        let changed = Changed {
            level: changed_level,
            logger: self.changed(mapping, logger)?.map(|value| text_of(&value)),
            message: mapping.get_item(message)?.unwrap_or_else(|| made::text(py, "").or_give_up().into_any()),
            exception: error,
            ids: [id(trace_id)?, id(span_id)?],
            fields: mapping.iter().filter(|(key, _)| is_field(key)).collect(),
        };
        Ok((changed, faults))
    }

    /// The object that was put into the mapping under a key of the call itself.
    fn own(&self, key: &Bound<'py, PyString>) -> Option<&Bound<'py, PyAny>> {
        self.items.iter().find(|(own, _)| own.is(key)).map(|(_, value)| value)
    }

    /// The value of a key, if it is not the object that was put there.
    fn changed(&self, mapping: &Bound<'py, PyDict>, key: &Bound<'py, PyString>) -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(mapping.get_item(key)?.filter(|value| !self.own(key).is_some_and(|own| own.is(value))))
    }
}

/// The key of a field.
fn field_key<'py>(own_keys: &Bound<'py, PyFrozenSet>, name: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyString>> {
    let py = name.py();
    let key = match name.cast_exact::<PyString>() {
        Ok(key) => key.clone(),
        Err(_) => made::text(py, &text_of(name))?,
    };
    Ok(if own_keys.contains(&key)? { made::text(py, &format!("fields.{}", text_of(key.as_any())))? } else { key })
}

fn as_text<'py>(id: Bound<'py, PyAny>) -> Bound<'py, PyString> {
    let py = id.py();
    id.cast_into().unwrap_or_else(|other| made::text(py, &text_of(&other.into_inner())).or_give_up())
}

fn level_name<'py>(py: Python<'py>, number: i32, given: Option<&str>) -> Bound<'py, PyString> {
    let name = |name: &str| made::text(py, name).or_give_up();
    match (given, number) {
        (Some(given), _) => name(given),
        (None, level::INFO) if names::here().level_generation() == 0 => intern!(py, "INFO").clone(),
        (None, _) => name(&names::here().level_name(number)),
    }
}

/// The number of a level, by number or by name.
fn number_of(given: &Bound<'_, PyAny>) -> Option<i32> {
    let py = given.py();
    if given.is_instance_of::<PyInt>() {
        return interrupt::ok(py, given.extract());
    }
    let name = given.cast::<PyString>().ok()?;
    let logging = interrupt::ok(py, py.import(intern!(py, "logging")))?;
    let number_of = |name: &Bound<'_, PyAny>| {
        interrupt::ok(py, logging.call_method1(intern!(py, "getLevelName"), (name,)))?.extract::<i32>().ok()
    };
    number_of(name.as_any()).or_else(|| number_of(&interrupt::ok(py, name.call_method0("upper"))?))
}
