//! Time zones of stamps.

use std::fmt;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

const UTC: &str = "utc";
const LOCAL: &str = "local";

/// The zone in which times are written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Zone {
    #[default]
    Utc,
    /// That of the system, as `TZ` or the system's settings have it.
    Local,
    /// One of the database of zones, such as `Asia/Shanghai`.
    Named(String),
}

/// The file that says which zone is the local one, where no variable does.
#[cfg(unix)]
const LOCAL_FILE: &str = "/etc/localtime";

/// The local zone by its file alone. To find it by its name, all names would be listed, which takes a short-lived program too long.
#[cfg(unix)]
fn local() -> Option<TimeZone> {
    if std::env::var_os("TZ").is_some() {
        return None;
    }
    let link = std::fs::read_link(LOCAL_FILE).ok()?;
    let (_, name) = link.to_str()?.split_once("zoneinfo/")?;
    TimeZone::tzif(name, &std::fs::read(LOCAL_FILE).ok()?).ok()
}

#[cfg(not(unix))]
const fn local() -> Option<TimeZone> {
    None
}

impl Zone {
    /// Whether there is such a zone. The one of the system is UTC where the system has none.
    #[must_use]
    pub fn is_known(&self) -> bool {
        !matches!(self, Self::Named(name) if TimeZone::get(name).is_err())
    }

    /// Its rules, as they are now. Those of UTC for a zone that is not known: a box may come from where it is.
    #[must_use]
    pub fn rules(&self) -> TimeZone {
        match self {
            Self::Utc => TimeZone::UTC,
            Self::Local => local().or_else(|| TimeZone::try_system().ok()).unwrap_or(TimeZone::UTC),
            Self::Named(name) => TimeZone::get(name).unwrap_or(TimeZone::UTC),
        }
    }
}

impl From<String> for Zone {
    fn from(name: String) -> Self {
        match name.as_str() {
            UTC => Self::Utc,
            LOCAL => Self::Local,
            _ => Self::Named(name),
        }
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.to_string()
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Utc => UTC,
            Self::Local => LOCAL,
            Self::Named(name) => name,
        })
    }
}
