//! Matrix of clients and servers: a cell a path, the worst first, both ways.

use std::collections::{HashMap, HashSet};

use maud::{Markup, html};

use super::cells::more;
use super::list::{PathList, anchor};
use super::mark;
use crate::report::PathReport;
use crate::report::rank::WORST_FIRST;
use crate::report::wording::path::{client, title};

/// Most clients.
const ROWS: usize = 1000;
/// Most servers.
const COLUMNS: usize = 100;

/// Paths by client and server, each with its place in the list.
struct Matrix<'r> {
    clients: Vec<&'r str>,
    servers: Vec<&'r str>,
    cells: HashMap<(&'r str, &'r str), (usize, &'r PathReport)>,
}

impl<'r> Matrix<'r> {
    /// Clients and servers in the order of their worst paths, which `paths` are in.
    fn new(paths: &[&'r PathReport]) -> Self {
        let mut matrix = Self {
            clients: Vec::new(),
            servers: Vec::new(),
            cells: HashMap::new(),
        };
        let (mut rows, mut columns) = (HashSet::new(), HashSet::new());
        for (place, &path) in paths.iter().enumerate() {
            let Some(server) = path.server.as_deref() else {
                continue;
            };
            let client = client(path);
            if rows.insert(client) {
                matrix.clients.push(client);
            }
            if columns.insert(server) {
                matrix.servers.push(server);
            }
            matrix.cells.insert((client, server), (place, path));
        }
        matrix
    }

    fn row(&self, client: &str, list: &PathList<'_>) -> Markup {
        let servers = self.servers.iter().take(COLUMNS);
        html! { tr {
            th scope="row" { (client) }
            @for &server in servers {
                @match self.cells.get(&(client, server)) {
                    Some(&(place, path)) => (cell(place, path, list)),
                    None => td {},
                }
            }
        } }
    }
}

fn cell(place: usize, path: &PathReport, list: &PathList<'_>) -> Markup {
    let letter = mark::letter(path.verdict);
    let tip = format!("{}: {}", title(path), path.verdict.name());
    let link = list.has(place).then(|| anchor(place));
    html! { td.(letter) { a href=[link.map(|it| format!("#{it}"))] title=(tip) { (letter) } } }
}

pub(super) fn section(paths: &[&PathReport], list: &PathList<'_>) -> Option<Markup> {
    let matrix = Matrix::new(paths);
    if matrix.cells.len() < 2 {
        return None;
    }
    let known = |verdict| paths.iter().any(|path| path.verdict == verdict);
    let legend = WORST_FIRST.into_iter().filter(|&verdict| known(verdict));
    Some(html! {
        p.legend {
            "A row a client, a column a server, the worst first; each letter leads to its path. "
            @for it in legend { span { (mark::verdict(it)) " " (it.name()) } " " }
        }
        div.wide.tall { table.matrix {
            thead { tr {
                td {}
                @for server in matrix.servers.iter().take(COLUMNS) {
                    th scope="col" { span { (server) } }
                }
            } }
            tbody { @for client in matrix.clients.iter().take(ROWS) {
                (matrix.row(client, list))
            } }
        } }
        (more(matrix.clients.len(), ROWS))
    })
}
