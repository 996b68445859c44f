//! Look of a report for a person.

use clap::ValueEnum;

/// Look of a report for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Style {
    /// Set to use color.
    pub color: bool,
    /// Columns to fit in.
    pub width: u16,
    /// Lines to fit in.
    pub height: u16,
    /// Set to list flows and all evidence.
    pub verbose: bool,
    /// Set to list display filters of Wireshark.
    pub display_filters: bool,
    /// Most rows of a list; `None` for what fits.
    pub top: Option<usize>,
    /// Ends by which paths are summed; `None` for a row a path.
    pub group_by: Option<GroupBy>,
}

/// A page without a terminal.
impl Default for Style {
    fn default() -> Self {
        Self {
            color: false,
            width: 80,
            height: 50,
            verbose: false,
            display_filters: false,
            top: None,
            group_by: None,
        }
    }
}

impl Style {
    /// The same in a file: without color, and of a page's size whatever the terminal's.
    #[must_use]
    pub fn on_page(&self) -> Self {
        let page = Self::default();
        Self {
            color: false,
            width: page.width,
            height: page.height,
            ..self.clone()
        }
    }

    /// Lines around the table: the answer, the vantage, the account.
    const AROUND: u16 = 12;
    /// Rows that a table has room for in the smallest window.
    const LEAST_ROWS: u16 = 8;
    /// Items of a list below the table that nobody asked to see more of.
    const ITEMS: usize = 5;

    /// Most rows of a table.
    pub(super) fn rows(&self) -> usize {
        let fits = self.height.saturating_sub(Self::AROUND);
        self.most(fits.max(Self::LEAST_ROWS).into())
    }

    /// Most items of a list.
    pub(super) fn items(&self) -> usize {
        self.most(Self::ITEMS)
    }

    fn most(&self, fits: usize) -> usize {
        let unasked = if self.verbose { usize::MAX } else { fits };
        self.top.unwrap_or(unasked)
    }
}

/// Ends of paths by which they are summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GroupBy {
    /// The client.
    #[value(help = "A row a client")]
    Client,
    /// The server.
    #[value(help = "A row a server")]
    Server,
    /// The file system of the server.
    #[value(help = "A row a file system, as --azure or a client's mounts name them")]
    FileSystem,
}
