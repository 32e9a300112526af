//! What a call site adds to its records, searched once.

use super::super::keys::Treatment;
use super::super::scanner::Scanner;
use crate::record::{InlineSite, Site};

/// What a call site adds to each of its records.
#[derive(Debug)]
pub(super) struct SiteRules {
    /// The message without secrets. `None` if it stays as it is.
    pub(super) message: Option<String>,
    pub(super) fields: Vec<Treatment>,
    /// The names of the fields. `None` if they and the call site stay as they are.
    pub(super) names: Option<Vec<String>>,
    /// Module and function without secrets, since another program may have given them. `None` if they stay as they
    /// are.
    pub(super) site: Option<(String, String)>,
}

impl SiteRules {
    pub(super) fn new(scanner: &mut Scanner, site: &Site) -> Self {
        let new: Vec<_> = site.fields.iter().map(|name| scanner.text(name)).collect();
        let new_site = new_site(scanner, &site.module, &site.function);
        let names = new_site.is_some() || new.iter().any(Option::is_some);
        Self {
            message: site.message.as_deref().and_then(|message| scanner.text(message)),
            fields: site.fields.iter().map(|name| scanner.field_treatment(name)).collect(),
            names: names.then(|| {
                new.into_iter().zip(&site.fields).map(|(new, old)| new.unwrap_or_else(|| old.clone())).collect()
            }),
            site: new_site,
        }
    }
}

/// Module and function without secrets. `None` if neither has any.
pub(super) fn new_site(scanner: &mut Scanner, module: &str, function: &str) -> Option<(String, String)> {
    let new = (scanner.text(module), scanner.text(function));
    match new {
        (None, None) => None,
        (new_module, new_function) => {
            Some((new_module.unwrap_or_else(|| module.to_owned()), new_function.unwrap_or_else(|| function.to_owned())))
        }
    }
}

/// A call site with its new names, if it has any.
pub(super) fn renamed<'a>(site: InlineSite<'a>, new: Option<&'a (String, String)>) -> InlineSite<'a> {
    new.map_or(site, |(module, function)| InlineSite { module, function, line: site.line })
}
