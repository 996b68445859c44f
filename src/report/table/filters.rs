//! Display filters of Wireshark: for the traffic of each path, and for the packets that its
//! verdict names.

use std::io;

use anstyle::Style as Ansi;

use super::{Page, printable, title};
use crate::report::PathReport;

impl Page<'_> {
    /// Filters of as many paths as there is room for.
    pub(super) fn filters(&mut self, paths: &[&PathReport]) -> io::Result<()> {
        let captured = paths.iter().filter(|path| path.display_filter.is_some());
        let captured: Vec<_> = captured.collect();
        if captured.is_empty() {
            return Ok(());
        }
        self.heading("Display filters of Wireshark")?;
        let most = self.style.rows();
        let mut listed = captured.iter().take(most);
        listed.try_for_each(|path| self.path_filters(path))?;
        self.more_items(captured.len(), most)
    }

    /// A filter is never broken into lines, so that it can be copied.
    fn path_filters(&mut self, path: &PathReport) -> io::Result<()> {
        let about = format!("{}, all packets", title(path));
        self.text(Ansi::new(), &about, "  ", "    ")?;
        if let Some(filter) = &path.display_filter {
            self.line(&format!("    {filter}"))?;
        }
        path.evidence_filters()
            .iter()
            .try_for_each(|(file, filter)| {
                let about = format!("its evidence in {}", printable(file));
                self.text(Ansi::new(), &about, "    ", "      ")?;
                self.line(&format!("      {filter}"))
            })
    }
}
