//! Columns of boxes: each box stands as near to those that it is linked with as the order in its column leaves room.

use std::collections::HashMap;

use super::Drawing;
use super::layout::{Corner, GAP, Size};
use super::svg::port_offset;

/// How often all columns are gone through; after some, boxes hardly move.
const SWEEPS: usize = 12;
/// Between boxes of one column, in pixels.
const BETWEEN: f64 = 24.0;
/// Between columns, beside what every column has: a link that goes up or down far needs room to bend.
const BEND: f64 = 30.0;
/// How little a box without links on a side wants to stay where it is, beside one link.
const INERTIA: f64 = 0.05;
/// Boxes whose middles are as near as this stand in one column, in pixels.
const SAME: f64 = 1.0;

/// A link as one of its ends sees it.
#[derive(Clone, Copy, Debug)]
struct End {
    other: usize,
    /// How far below its own box's top this end is, and below the other's the other.
    own_offset: f64,
    other_offset: f64,
}

/// The boxes that hang together, in columns from left to right, and from top to bottom in each.
struct Columns<'a> {
    all: Vec<Vec<usize>>,
    /// In which of them a box is.
    column_of: HashMap<usize, usize>,
    ends: HashMap<usize, Vec<End>>,
    sizes: &'a [Size],
    tops: HashMap<usize, f64>,
}

/// Where links come from that a box is pulled by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Left,
    Right,
    Both,
}

/// Gives the corners of boxes that hang together: in the order in which their middles stand now, but without the
/// room that nothing needs.
pub(super) fn pulled_together(
    drawing: &Drawing<'_>,
    sizes: &[Size],
    middles: &[(usize, Corner)],
) -> Vec<(usize, Corner)> {
    let mut columns = Columns::of(drawing, sizes, middles);
    for sweep in 0..SWEEPS {
        columns.sweep(if sweep % 2 == 0 { Side::Left } else { Side::Right });
    }
    columns.sweep(Side::Both);
    columns.corners()
}

impl<'a> Columns<'a> {
    fn of(drawing: &Drawing<'_>, sizes: &'a [Size], middles: &[(usize, Corner)]) -> Self {
        let mut sorted = middles.to_vec();
        sorted.sort_by(|(_, one), (_, other)| one.x.total_cmp(&other.x));
        let (mut columns, mut begin): (Vec<Vec<(usize, f64)>>, f64) = (Vec::new(), f64::NEG_INFINITY);
        for (at, middle) in sorted {
            if middle.x - begin >= SAME {
                begin = middle.x;
                columns.push(Vec::new());
            }
            if let Some(column) = columns.last_mut() {
                column.push((at, middle.y));
            }
        }
        let in_order = |mut column: Vec<(usize, f64)>| {
            column.sort_by(|(_, one), (_, other)| one.total_cmp(other));
            column.into_iter().map(|(at, _)| at).collect::<Vec<_>>()
        };
        let columns: Vec<Vec<usize>> = columns.into_iter().map(in_order).collect();
        let numbered = columns.iter().enumerate();
        let column_of =
            numbered.flat_map(|(number, column)| column.iter().map(move |at| (*at, number))).collect();
        let mut own = Self { all: columns, column_of, ends: ends(drawing), sizes, tops: HashMap::new() };
        for column in own.all.clone() {
            let below = own.offsets(&column);
            let height = below.last().copied().unwrap_or_default();
            own.tops.extend(column.into_iter().zip(below).map(|(at, offset)| (at, offset - height / 2.0)));
        }
        own
    }

    fn height(&self, at: usize) -> f64 {
        self.sizes.get(at).map_or(0.0, |size| size.height)
    }

    /// How far below the first box of a column each is when there is no more room than has to be.
    fn offsets(&self, column: &[usize]) -> Vec<f64> {
        let mut next = 0.0;
        let offset = |at: &usize| {
            let offset = next;
            next += self.height(*at) + BETWEEN;
            offset
        };
        column.iter().map(offset).collect()
    }

    /// Goes through all columns, and lets links of a side pull.
    fn sweep(&mut self, side: Side) {
        let mut order: Vec<usize> = (0..self.all.len()).collect();
        if side == Side::Right {
            order.reverse();
        }
        for number in order {
            let Some(column) = self.all.get(number).cloned() else { continue };
            let offsets = self.offsets(&column);
            let wishes: Vec<(f64, f64)> = column
                .iter()
                .zip(&offsets)
                .map(|(at, offset)| self.wish(*at, number, side, *offset))
                .collect();
            for ((at, offset), top) in column.into_iter().zip(offsets).zip(rising(&wishes)) {
                self.tops.insert(at, top + offset);
            }
        }
    }

    /// Where a box wants its column's first box to be, and how much: the mean of what its links want.
    fn wish(&self, at: usize, number: usize, side: Side, offset: f64) -> (f64, f64) {
        let top = |at: &usize| self.tops.get(at).copied().unwrap_or_default();
        let is_wanted = |end: &&End| match (self.column_of.get(&end.other), side) {
            (Some(other), Side::Left) => *other < number,
            (Some(other), Side::Right) => *other > number,
            (other, Side::Both) => other.is_some(),
            (None, _) => false,
        };
        let ends = self.ends.get(&at).into_iter().flatten().filter(is_wanted);
        let (sum, count) = ends.fold((0.0, 0.0), |(sum, count), end| {
            (sum + top(&end.other) + end.other_offset - end.own_offset, count + 1.0)
        });
        if count > 0.0 { (sum / count - offset, count) } else { (top(&at) - offset, INERTIA) }
    }

    /// Columns beside each other, the boxes at their left edges.
    fn corners(&self) -> Vec<(usize, Corner)> {
        let (mut x, mut corners) = (0.0, Vec::new());
        for column in &self.all {
            let width = |at: &usize| self.sizes.get(*at).map_or(0.0, |size| size.width);
            corners.extend(
                column
                    .iter()
                    .map(|at| (*at, Corner { x, y: self.tops.get(at).copied().unwrap_or_default() })),
            );
            x += column.iter().map(width).fold(0.0, f64::max) + GAP + BEND;
        }
        corners
    }
}

/// The links of each box.
fn ends(drawing: &Drawing<'_>) -> HashMap<usize, Vec<End>> {
    let mut ends: HashMap<usize, Vec<End>> = HashMap::new();
    for edge in drawing.edges.iter().filter(|edge| edge.from.0 != edge.to.0) {
        for ((own, own_port), (other, other_port)) in [(edge.from, edge.to), (edge.to, edge.from)] {
            let end = End { other, own_offset: port_offset(own_port), other_offset: port_offset(other_port) };
            ends.entry(own).or_default().push(end);
        }
    }
    ends
}

/// The numbers nearest to these that never fall, by least squares with weights: what falls becomes its mean.
fn rising(wishes: &[(f64, f64)]) -> Vec<f64> {
    // Sums of weighted numbers, sums of weights, and how many stand together.
    let mut blocks: Vec<(f64, f64, usize)> = Vec::with_capacity(wishes.len());
    for (number, weight) in wishes {
        let mut block = (number * weight, *weight, 1);
        while let Some(before) = blocks.pop_if(|before| before.0 / before.1 > block.0 / block.1) {
            block = (before.0 + block.0, before.1 + block.1, before.2 + block.2);
        }
        blocks.push(block);
    }
    blocks.into_iter().flat_map(|(sum, weight, count)| std::iter::repeat_n(sum / weight, count)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_falls_becomes_its_mean() {
        let even = |numbers: &[f64]| rising(&numbers.iter().map(|number| (*number, 1.0)).collect::<Vec<_>>());
        assert_eq!(even(&[1.0, 3.0, 2.0, 4.0]), [1.0, 2.5, 2.5, 4.0]);
        assert_eq!(even(&[3.0, 2.0, 1.0]), [2.0, 2.0, 2.0]);
        assert_eq!(rising(&[(3.0, 3.0), (1.0, 1.0)]), [2.5, 2.5]);
        assert!(even(&[]).is_empty());
    }
}
