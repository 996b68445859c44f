//! Warnings: sentences in the JSON, and in parts so that equal ones can be told once.

use std::fmt;

use serde::ser::{Serialize, Serializer};

/// Subject of a warning that may be said of many.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// A file, by its name.
    File(String),
    /// A path, by its ends.
    Path(String),
}

impl About {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::File(name) | Self::Path(name) => name,
        }
    }

    /// The word for many of its kind.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::File(_) => "files",
            Self::Path(_) => "paths",
        }
    }
}

/// Sentence that the reader should know besides the verdicts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Warning {
    /// Subject, which stands before the words; `None` where they name their own.
    pub about: Option<About>,
    /// Words before the count; all of them where nothing is counted.
    pub before: String,
    /// Number in the sentence that adds up over all that it is said of.
    pub count: Option<u64>,
    /// Words behind the count.
    pub after: String,
    /// The same behind a count of one.
    pub after_one: String,
}

impl Warning {
    /// A sentence about a file or a path.
    pub fn of(about: About, says: impl Into<String>) -> Self {
        Self {
            about: Some(about),
            ..Self::from(says.into())
        }
    }

    /// A sentence about a file or a path with a number in it, before the words behind one and
    /// those behind several.
    #[must_use]
    pub fn counted(about: About, (before, count, after): (&str, u64, [&str; 2])) -> Self {
        let [after_one, after] = after.map(str::to_owned);
        Self {
            count: Some(count),
            after,
            after_one,
            ..Self::of(about, before)
        }
    }

    /// Words behind a count.
    #[must_use]
    pub fn behind(&self, count: Option<u64>) -> &str {
        match count {
            Some(1) => &self.after_one,
            _ => &self.after,
        }
    }
}

impl From<String> for Warning {
    fn from(says: String) -> Self {
        Self {
            about: None,
            before: says,
            count: None,
            after: String::new(),
            after_one: String::new(),
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            about,
            before,
            count,
            ..
        } = self;
        if let Some(about) = about {
            write!(f, "{}: ", about.name())?;
        }
        f.write_str(before)?;
        if let Some(count) = count {
            write!(f, "{count}")?;
        }
        f.write_str(self.behind(*count))
    }
}

impl Serialize for Warning {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
