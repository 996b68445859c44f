//! Waivers: failures that somebody accepts, with a reason and until a day.

use jiff::civil::Date;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::checks::{Check, Outcome};
use super::controls;

/// A waiver, as a file has it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// Id of the control; absent for a path's verdict.
    #[serde(default)]
    pub control: Option<String>,
    /// Name or id of the resource; absent for every one.
    #[serde(default)]
    pub resource: Option<String>,
    /// Path, as `CLIENT>SERVER`; absent for every one.
    #[serde(default)]
    pub path: Option<String>,
    /// Reason for it.
    pub reason: String,
    /// Name of who accepts it.
    pub by: String,
    /// Last day of it, in UTC.
    #[serde(deserialize_with = "day")]
    pub until: Date,
}

/// Reads a day. A time or a zone beside it is refused, since none is heeded.
fn day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    let text = String::deserialize(deserializer)?;
    let day: Option<Date> = text.parse().ok();
    // What the parser passes over does not come back.
    day.filter(|day| day.to_string() == text)
        .ok_or_else(|| D::Error::custom(format!("`until` is no day as in 2027-03-31: {text}")))
}

/// Fault of a file of waivers.
#[derive(Debug, thiserror::Error)]
pub enum WaiverError {
    /// It is no list of waivers.
    #[error("it is no list of waivers: {0}")]
    NoList(#[from] serde_json::Error),
    /// It names a control that does not exist.
    #[error("`{0}` is no control: posture --controls lists them")]
    NoControl(String),
    /// It would accept everything.
    #[error("waiver {0} names neither a control nor a path")]
    Everything(usize),
    /// It names a resource, which a path's verdict has none of.
    #[error("waiver {0} is of a path's verdict, which `resource` cannot narrow")]
    NoResource(usize),
    /// It has no reason, or nobody who accepts it.
    #[error("waiver {0} lacks a reason, or who accepts it")]
    Nobody(usize),
}

/// State of a waiver after a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaiverState {
    /// It waived something.
    Used,
    /// Its last day is over, so it waives nothing.
    Expired,
    /// Several resources have the name that it gives, so it waives nothing.
    Ambiguous,
    /// Nothing that fails or is open is what it names.
    Unmatched,
}

/// A waiver and its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaiverReport {
    /// The waiver.
    pub waiver: Waiver,
    /// Its state.
    pub state: WaiverState,
    /// Number of checks or paths that it waived.
    pub waived: u64,
}

/// Reads a list of waivers in JSON.
///
/// # Errors
/// Text that is none, or a waiver that names nothing, nobody, or no control that exists.
pub fn parse(text: &str) -> Result<Vec<Waiver>, WaiverError> {
    let waivers: Vec<Waiver> = serde_json::from_str(text)?;
    for (number, waiver) in (1..).zip(&waivers) {
        if let Some(id) = &waiver.control
            && controls::by_id(id).is_none()
        {
            return Err(WaiverError::NoControl(id.clone()));
        }
        if waiver.control.is_none() && waiver.path.is_none() {
            return Err(WaiverError::Everything(number));
        }
        if waiver.control.is_none() && waiver.resource.is_some() {
            return Err(WaiverError::NoResource(number));
        }
        if waiver.reason.trim().is_empty() || waiver.by.trim().is_empty() {
            return Err(WaiverError::Nobody(number));
        }
    }
    Ok(waivers)
}

/// Waivers in use on a day.
#[derive(Clone, Debug, Default)]
pub struct Desk(Vec<WaiverReport>);

impl Desk {
    /// Opens waivers. Without a day none has expired.
    #[must_use]
    pub fn open(waivers: &[Waiver], today: Option<Date>) -> Self {
        let report = |waiver: &Waiver| WaiverReport {
            state: if today.is_some_and(|today| today > waiver.until) {
                WaiverState::Expired
            } else {
                WaiverState::Unmatched
            },
            waiver: waiver.clone(),
            waived: 0,
        };
        Self(waivers.iter().map(report).collect())
    }

    /// Waives a check that fails or is open, on a path where there is one. Gives the place of
    /// the waiver. One that names several resources waives none of them.
    pub fn waive(&mut self, check: &Check, path: Option<(&str, &str)>) -> Option<usize> {
        if !matches!(check.outcome, Outcome::Fail | Outcome::Unknown) {
            return None;
        }
        let is_it = |waiver: &Waiver| {
            let control = waiver.control.as_deref();
            control.is_some_and(|id| controls::id(check.check).eq_ignore_ascii_case(id.trim()))
                && waiver.is_for(path)
        };
        for report in &mut self.0 {
            if report.state == WaiverState::Unmatched
                && report.waiver.is_of_namesakes(check)
                && is_it(&report.waiver)
            {
                report.state = WaiverState::Ambiguous;
            }
        }
        self.use_first(|waiver| waiver.names_resource(check) && is_it(waiver))
    }

    /// Waives the verdict of a path.
    pub fn waive_path(&mut self, client: &str, server: &str) -> Option<usize> {
        self.use_first(|waiver| {
            waiver.control.is_none()
                && waiver.path.is_some()
                && waiver.is_for(Some((client, server)))
        })
    }

    fn use_first(&mut self, is_it: impl Fn(&Waiver) -> bool) -> Option<usize> {
        let at = self
            .0
            .iter()
            .position(|it| it.state != WaiverState::Expired && is_it(&it.waiver))?;
        let report = &mut self.0[at];
        report.state = WaiverState::Used;
        report.waived += 1;
        Some(at)
    }

    /// All waivers and their states.
    #[must_use]
    pub fn close(self) -> Vec<WaiverReport> {
        self.0
    }
}

impl Waiver {
    fn names_resource(&self, check: &Check) -> bool {
        let Some(resource) = self.resource.as_deref() else {
            return true;
        };
        let field = check.field.as_ref();
        field.is_some_and(|field| {
            let id = field.id.as_deref().unwrap_or_default();
            field.resource.eq_ignore_ascii_case(resource) || id.eq_ignore_ascii_case(resource)
        })
    }

    /// Tells if it names the resource of a check by a name that others of its kind have as
    /// well, by which a report tells them apart in more words.
    fn is_of_namesakes(&self, check: &Check) -> bool {
        let named = self.resource.as_deref().zip(check.field.as_ref());
        named.is_some_and(|(resource, field)| {
            let id = field.id.as_deref().unwrap_or_default();
            let own = id.rsplit('/').next().unwrap_or_default();
            own.eq_ignore_ascii_case(resource) && !self.names_resource(check)
        })
    }

    fn is_for(&self, path: Option<(&str, &str)>) -> bool {
        let Some(wanted) = self.path.as_deref() else {
            return true;
        };
        let ends = wanted.split_once('>').map(|(a, b)| (a.trim(), b.trim()));
        path.is_some() && ends == path
    }
}
