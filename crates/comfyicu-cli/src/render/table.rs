//! Tables: aligned, coloured and cut to the width on a terminal; in a pipe, the cells between tabs.

use clap::builder::styling::Style;
use console::{Alignment, measure_text_width, pad_str, truncate_str};

/// What is between two columns.
const GAP: &str = "  ";
const HEADING: Style = Style::new().bold();

/// For whom a table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    /// A person at a terminal of so many columns.
    Person(usize),
    /// A program: no heading, nothing is cut.
    Program,
}

impl Reader {
    /// Who reads stdout.
    pub(crate) fn of_stdout() -> Self {
        if crate::printer::is_for_people() {
            Self::Person(usize::from(console::Term::stdout().size().1))
        } else {
            Self::Program
        }
    }
}

/// Lays out rows. Cells that `colour` knows by their column are coloured.
pub(crate) fn table(
    headings: &[&str],
    rows: &[Vec<String>],
    colour: impl Fn(usize, &str) -> Style,
    reader: Reader,
) -> String {
    let Reader::Person(width) = reader else {
        return rows.iter().map(|row| row.join("\t")).collect::<Vec<_>>().join("\n");
    };
    let widths: Vec<usize> = headings
        .iter()
        .enumerate()
        .map(|(column, heading)| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| measure_text_width(cell)).chain([heading.len()]).max().unwrap_or(0)
        })
        .collect();
    let line = |cells: Vec<String>| truncate_str(&cells.join(GAP), width, "…").trim_end().to_owned();
    let padded = |column: usize, cell: &str, style: Style| {
        let width = widths.get(column).copied().unwrap_or_default();
        let cell = pad_str(cell, width, Alignment::Left, None);
        if style == Style::new() { cell.into_owned() } else { format!("{style}{cell}{style:#}") }
    };
    let heading = headings.iter().enumerate().map(|(column, heading)| padded(column, heading, HEADING));
    let mut lines = vec![line(heading.collect())];
    for row in rows {
        let cells = row.iter().enumerate();
        lines.push(line(cells.map(|(column, cell)| padded(column, cell, colour(column, cell))).collect()));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Vec<String>> {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        vec![row(["a", "COMPLETED", "狐狸 in the snow"]), row(["bcd", "ERROR", "boom"])]
    }

    fn plain(width: usize) -> String {
        let table =
            table(&["ID", "STATUS", "WHAT"], &rows(), |_, _| Style::new().bold(), Reader::Person(width));
        anstream::adapter::strip_str(&table).to_string()
    }

    #[test]
    fn a_person_sees_columns_cut_to_the_width() {
        insta::assert_snapshot!(plain(80), @"
        ID   STATUS     WHAT            
        a    COMPLETED  狐狸 in the snow
        bcd  ERROR      boom
        ");
        insta::assert_snapshot!(plain(20), @"
        ID   STATUS     WHA…
        a    COMPLETED  狐…
        bcd  ERROR      boo…
        ");
        assert!(plain(5).lines().all(|line| measure_text_width(line) <= 5));
    }

    #[test]
    fn a_program_gets_cells_between_tabs() {
        let text = table(&["ID", "STATUS", "WHAT"], &rows(), |_, _| Style::new(), Reader::Program);
        assert_eq!(text, "a\tCOMPLETED\t狐狸 in the snow\nbcd\tERROR\tboom");
    }
}
