//! Where the boxes go: in layers from left to right, so that links cross as little as may be.

use std::collections::{HashMap, HashSet};

use rust_sugiyama::configure::{Config, RankingType};
use rust_sugiyama::from_vertices_and_edges;

use super::Drawing;
use super::columns::pulled_together;

/// Between boxes, in pixels.
pub(super) const GAP: f64 = 50.0;

/// With more boxes than this nobody looks at the picture, and finding the best order takes too long: they stand in
/// their layers as they come.
const MAX_ORDERED: usize = 600;

/// How large a box is, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Size {
    pub(super) width: f64,
    pub(super) height: f64,
}

/// The upper left corner of a box, in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Corner {
    pub(super) x: f64,
    pub(super) y: f64,
}

/// Places boxes of these sizes.
pub(super) fn places(drawing: &Drawing<'_>, sizes: &[Size]) -> Vec<Corner> {
    let edges = forward_edges(drawing);
    let mut places =
        if sizes.len() > MAX_ORDERED { layered(sizes, &edges) } else { ordered(drawing, sizes, &edges) };
    let least = |of: fn(&Corner) -> f64| places.iter().map(of).fold(f64::INFINITY, f64::min);
    let (left, top) = (least(|corner| corner.x), least(|corner| corner.y));
    for corner in &mut places {
        *corner = Corner { x: corner.x - left + GAP, y: corner.y - top + GAP };
    }
    places
}

/// The links, each pair of boxes once, without those that lead back.
fn forward_edges(drawing: &Drawing<'_>) -> Vec<(usize, usize)> {
    let mut consumers = vec![Vec::new(); drawing.nodes.len()];
    let mut open = vec![0_usize; drawing.nodes.len()];
    let mut pairs = HashSet::new();
    for edge in drawing.edges.iter().filter(|edge| edge.from.0 != edge.to.0) {
        let is_new = pairs.insert((edge.from.0, edge.to.0));
        let ends = (consumers.get_mut(edge.from.0), open.get_mut(edge.to.0));
        if let (true, (Some(own), Some(count))) = (is_new, ends) {
            Vec::push(own, edge.to.0);
            *count += 1;
        }
    }
    // In the order in which each comes after what it needs; of a circle the first in the file comes first.
    let mut ranks = vec![usize::MAX; drawing.nodes.len()];
    let mut ready: Vec<_> = (0..open.len()).rev().filter(|at| open.get(*at) == Some(&0)).collect();
    let (mut next_rank, mut next_forced) = (0, 0);
    while next_rank < ranks.len() {
        let at = ready.pop().unwrap_or_else(|| {
            while ranks.get(next_forced).is_some_and(|rank| *rank != usize::MAX) {
                next_forced += 1;
            }
            next_forced
        });
        let Some(rank) = ranks.get_mut(at).filter(|rank| **rank == usize::MAX) else { continue };
        *rank = next_rank;
        next_rank += 1;
        for consumer in consumers.get(at).into_iter().flatten() {
            if let Some(count) = open.get_mut(*consumer) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    ready.push(*consumer);
                }
            }
        }
    }
    let rank = |at: usize| ranks.get(at).copied().unwrap_or(usize::MAX);
    let mut edges: Vec<_> = pairs.into_iter().filter(|(from, to)| rank(*from) < rank(*to)).collect();
    edges.sort_by_key(|(from, to)| (rank(*from), rank(*to)));
    edges
}

/// In the order in which links cross least. The library lays out from top to bottom: it is given the boxes on
/// their sides. It leaves room for every link between columns that are not neighbours, which makes large pictures
/// mostly room: only its order is kept.
fn ordered(drawing: &Drawing<'_>, sizes: &[Size], edges: &[(usize, usize)]) -> Vec<Corner> {
    let number = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    let boxes: Vec<_> =
        sizes.iter().enumerate().map(|(at, size)| (number(at), (size.height, size.width))).collect();
    let links: Vec<_> = edges.iter().map(|(from, to)| (number(*from), number(*to))).collect();
    let config = Config {
        vertex_spacing: GAP,
        ranking_type: RankingType::MinimizeEdgeLength,
        transpose: sizes.len() <= 100,
        dummy_size: 0.4,
        ..Config::default()
    };
    let mut places = vec![Corner::default(); sizes.len()];
    let mut below = 0.0;
    for (part, _, _) in from_vertices_and_edges(&boxes, &links, &config) {
        let middles: Vec<_> = part.into_iter().map(|(at, (y, x))| (at, Corner { x, y })).collect();
        let corners = pulled_together(drawing, sizes, &middles);
        let top = corners.iter().map(|(_, corner)| corner.y).fold(f64::INFINITY, f64::min);
        let mut bottom: f64 = 0.0;
        for (at, Corner { x, y }) in corners {
            let Some((corner, size)) = places.get_mut(at).zip(sizes.get(at)) else { continue };
            *corner = Corner { x, y: below + y - top };
            bottom = bottom.max(corner.y + size.height);
        }
        below = bottom + GAP;
    }
    places
}

/// In columns, each right of what it needs, one below the other.
fn layered(sizes: &[Size], edges: &[(usize, usize)]) -> Vec<Corner> {
    let mut columns: HashMap<usize, usize> = HashMap::new();
    for (from, to) in edges {
        let next = columns.get(from).copied().unwrap_or(0) + 1;
        let own = columns.entry(*to).or_default();
        *own = (*own).max(next);
    }
    let widest = sizes.iter().map(|size| size.width).fold(0.0, f64::max) + GAP;
    let mut bottoms: HashMap<usize, f64> = HashMap::new();
    let place = |(at, size): (usize, &Size)| {
        let column = columns.get(&at).copied().unwrap_or(0);
        let bottom = bottoms.entry(column).or_insert(0.0);
        let corner = Corner { x: widest * f64::from(u32::try_from(column).unwrap_or(0)), y: *bottom };
        *bottom += size.height + GAP;
        corner
    };
    sizes.iter().enumerate().map(place).collect()
}
