//! A logger and its parents, to which its records go.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyType, PyTypeMethods};

use super::Levels;
use super::guard::{is_of_logging, is_root_handler};
use super::listeners::{FACTORY, Needs, Taker, WAYS, known};
use super::shape::{Shape, is_versioned};
use crate::interpreter::gil::intern;
use crate::interpreter::watch::{Kind, Watched, dict_of};

/// A logger and its parents up to the first that does not propagate. The logger is the first.
pub struct Chain<'py>(Vec<Link<'py>>);

struct Link<'py> {
    logger: Bound<'py, PyAny>,
    class: Bound<'py, PyType>,
    dict: Bound<'py, PyDict>,
    handlers: Bound<'py, PyAny>,
    filters: Option<Bound<'py, PyAny>>,
}

impl<'py> Chain<'py> {
    pub fn of(logger: &Bound<'py, PyAny>) -> PyResult<Self> {
        let py = logger.py();
        let mut links = Vec::new();
        let mut current = logger.clone();
        loop {
            let is_first = links.is_empty();
            links.push(Link {
                class: current.get_type(),
                dict: dict_of(&current)?,
                handlers: current.getattr(intern!(py, "handlers"))?,
                filters: is_first.then(|| current.getattr(intern!(py, "filters"))).transpose()?,
                logger: current.clone(),
            });
            let parent = current.getattr(intern!(py, "parent"))?;
            if parent.is_none() || !current.getattr(intern!(py, "propagate"))?.is_truthy()? {
                return Ok(Self(links));
            }
            current = parent;
        }
    }

    /// The classes of its loggers, each once.
    fn classes(&self) -> impl Iterator<Item = &Bound<'py, PyType>> {
        let is_new =
            |index: usize, class: &Bound<'py, PyType>| self.0[..index].iter().all(|link| !link.class.is(class));
        self.0
            .iter()
            .enumerate()
            .map(|(index, link)| (index, &link.class))
            .filter(move |(index, class)| is_new(*index, class))
            .map(|(_, class)| class)
    }

    /// The lists of handlers, and the logger's list of filters.
    fn lists(&self) -> impl Iterator<Item = &Bound<'py, PyAny>> {
        self.0.iter().flat_map(|link| std::iter::once(&link.handlers).chain(&link.filters))
    }

    /// The objects that are compared by address.
    pub fn held(&self) -> Vec<Py<PyAny>> {
        let links = self.0.iter().flat_map(|link| [&link.logger, link.class.as_any(), link.dict.as_any()]);
        links.chain(self.lists()).map(|object| object.clone().unbind()).collect()
    }

    /// The handlers of others that are called for a record.
    fn handlers(&self) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let mut handlers = Vec::new();
        for link in &self.0 {
            let Ok(list) = link.handlers.cast::<PyList>() else { continue };
            handlers.extend(list.iter().filter(|handler| !is_root_handler(handler)));
        }
        Ok(handlers)
    }

    /// Notes everything that an answer depends on, as it is now.
    pub fn note(&self, logging: &Bound<'py, PyModule>, cache: &Bound<'py, PyDict>) -> PyResult<Noted> {
        let py = logging.py();
        let mut shape = Shape::new();
        let mut versioned = true;
        let mut held = Vec::new();
        for class in self.classes() {
            for name in WAYS {
                class.getattr(name)?;
            }
            // Looking up the attributes above has given a changed class its new version.
            versioned &= is_versioned(class);
            shape.add_class(class);
        }
        if let Some(link) = self.0.first() {
            shape.add_class_of(&link.logger);
        }
        for list in self.lists() {
            if let Ok(list) = list.cast::<PyList>() {
                shape.add_list(list);
            }
        }
        let mut dicts: Vec<_> = self.0.iter().map(|link| link.dict.clone()).collect();
        dicts.push(cache.clone());
        dicts.push(logging.dict());
        if let Ok(names) = logging.getattr(intern!(py, "_levelToName"))?.cast_into::<PyDict>() {
            dicts.push(names);
        }
        let needs = self.needs(logging)?;
        let mut handlers = self.handlers()?;
        for needs in needs.iter().flatten() {
            dicts.extend(needs.dicts.iter().cloned());
            handlers.extend(needs.handlers.iter().cloned());
            for class in &needs.classes {
                versioned &= is_versioned(class);
                shape.add_class(class);
                held.push(class.clone().into_any().unbind());
            }
            for (object, name) in &needs.slots {
                versioned &= shape.add_slot(object, name)?;
                held.push(object.clone().unbind());
            }
        }
        let mut levels = Vec::new();
        for handler in &handlers {
            if let Some(taker) = Taker::of(handler)? {
                shape.add_class(&taker.class);
                shape.add_class_of(handler);
                levels.push((taker.dict, taker.level.unbind()));
                held.extend([handler.clone().unbind(), taker.class.into_any().unbind()]);
            }
        }
        Ok(Noted { watched: Watched::with_levels(Kind::Loggers, dicts, levels), shape, versioned, held })
    }

    /// What those need who have replaced a method of `logging`. `None` for those that are not known.
    fn needs(&self, logging: &Bound<'py, PyModule>) -> PyResult<Vec<Option<Needs<'py>>>> {
        let py = logging.py();
        let stock = logging.getattr(intern!(py, "Logger"))?.cast_into::<PyType>()?;
        let factory = logging.getattr(intern!(py, "_logRecordFactory"))?;
        let mut needs = Vec::new();
        if !factory.is(&logging.getattr(intern!(py, "LogRecord"))?) {
            needs.push(known(py, FACTORY, &factory));
        }
        for class in self.classes() {
            for name in WAYS {
                // Looked up without binding: objects of `wrapt` bind to another object each time.
                let method = static_attribute(class, name)?;
                let is_stock = method.is(&static_attribute(&stock, name)?);
                if !is_stock {
                    needs.push(None);
                } else if !is_of_logging(&method, logging) {
                    needs.push(known(py, name, &method));
                }
            }
        }
        Ok(needs)
    }

    /// The levels at which others must be given a record: all unless `logging` itself makes it and hands it on, and
    /// what the other handlers take. Also returns those at which records are kept.
    pub fn listened(&self, logging: &Bound<'py, PyModule>) -> PyResult<(Levels, Levels)> {
        let (mut levels, mut kept) = (Levels::NONE, Levels::NONE);
        for needs in self.needs(logging)? {
            levels = levels.and(needs.as_ref().map_or(Levels::ALL, |needs| needs.levels));
            kept = kept.and(needs.map_or(Levels::NONE, |needs| needs.kept));
        }
        for link in &self.0 {
            // A filter of the logger itself has a list of its own, which is checked below.
            for name in &WAYS[..3] {
                if link.dict.contains(name)? {
                    return Ok((Levels::ALL, kept));
                }
            }
        }
        for list in self.lists() {
            if list.cast::<PyList>().is_err() {
                return Ok((Levels::ALL, kept));
            }
        }
        if let Some(filters) = self.0.first().and_then(|link| link.filters.as_ref())
            && filters.len()? != 0
        {
            return Ok((Levels::ALL, kept));
        }
        for handler in self.handlers()? {
            levels = levels.and(Taker::of(&handler)?.map_or(Levels::ALL, |taker| Levels::from(taker.least)));
        }
        Ok((levels, kept))
    }

    /// Whether the root handler would be given a record.
    pub fn reaches_root_handler(&self) -> PyResult<bool> {
        let is_in = |list: &Bound<'_, PyList>| list.iter().any(|handler| is_root_handler(&handler));
        Ok(self.0.iter().any(|link| link.handlers.cast::<PyList>().is_ok_and(is_in)))
    }
}

/// An attribute of a class as it is in the class, or in one that it derives from.
fn static_attribute<'py>(class: &Bound<'py, PyType>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    for class in class.mro() {
        let attributes = class.getattr(intern!(class.py(), "__dict__"))?;
        if attributes.contains(name)? {
            return attributes.get_item(name);
        }
    }
    class.getattr(name)
}

/// A chain as it was.
pub struct Noted {
    pub watched: Watched,
    pub shape: Shape,
    /// Whether all classes have a version, and everything else could be noted.
    pub versioned: bool,
    /// What the pointers mean.
    pub held: Vec<Py<PyAny>>,
}
