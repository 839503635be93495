//! Median cut: the box of colours with the most pixels is split, until there are as many as wanted.

use rustc_hash::FxHashMap;

use super::heap::Heap;
use super::{Palette, Rgb};
use crate::native::number::floor;
use crate::native::work::{Cancelled, STRETCH, Work};

/// The most colours that are told apart; when there are more, the last bits are dropped.
const MAX_COLOURS: usize = 65_536;

/// How much the eye sees of a difference in each channel.
const WEIGHTS: [u32; 3] = [77, 150, 29];

/// The palette of at most `count` colours for pixels, at least one of each.
///
/// # Errors
/// When the run is cancelled.
pub(in crate::native) fn median_cut(pixels: &[Rgb], count: usize, work: &Work) -> Result<Palette, Cancelled> {
    let (colours, dropped_bits) = counted(pixels, work)?;
    let boxes = split_all(colours.into_iter().collect(), pixels.len(), count, work)?;
    let mut box_of = FxHashMap::default();
    for (index, colours) in boxes.iter().enumerate() {
        box_of.extend(colours.iter().map(|(colour, _)| (*colour, index)));
    }
    let mut sums = vec![([0_u32; 3], 0_u32); boxes.len()];
    let (mut before, mut index) = (None, None);
    for stretch in pixels.chunks(STRETCH) {
        work.go_on()?;
        for pixel in stretch {
            let colour = pixel.map(|value| value >> dropped_bits);
            if before != Some(colour) {
                index = box_of.get(&colour);
                before = Some(colour);
            }
            if let Some((sum, count)) = index.and_then(|index: &usize| sums.get_mut(*index)) {
                // Pillow's sums are as wide, and go round where there are too many pixels.
                sum.iter_mut().zip(pixel).for_each(|(sum, value)| *sum = sum.wrapping_add((*value).into()));
                *count += 1;
            }
        }
    }
    Ok(Palette::new(sums.into_iter().map(|(sum, count)| sum.map(|sum| mean(sum, count))).collect()))
}

fn mean(sum: u32, count: u32) -> u8 {
    u8::try_from(floor(0.5 + f64::from(sum) / f64::from(count))).unwrap_or(u8::MAX)
}

/// How often there is each colour, and how many last bits were dropped so that they are not too many.
fn counted(pixels: &[Rgb], work: &Work) -> Result<(FxHashMap<Rgb, u32>, u32), Cancelled> {
    let mut dropped_bits = 0;
    let mut colours: FxHashMap<Rgb, u32> = FxHashMap::default();
    for stretch in pixels.chunks(STRETCH) {
        work.go_on()?;
        for run in stretch.chunk_by(|pixel, next| pixel == next) {
            let Some(pixel) = run.first() else { continue };
            let count = u32::try_from(run.len()).unwrap_or(u32::MAX);
            *colours.entry(pixel.map(|value| value >> dropped_bits)).or_default() += count;
            while colours.len() > MAX_COLOURS {
                dropped_bits += 1;
                colours = coarser(colours);
            }
        }
    }
    Ok((colours, dropped_bits))
}

/// The colours without their last bits.
fn coarser(colours: FxHashMap<Rgb, u32>) -> FxHashMap<Rgb, u32> {
    let mut coarser = FxHashMap::default();
    for (colour, count) in colours {
        *coarser.entry(colour.map(|value| value >> 1)).or_default() += count;
    }
    coarser
}

/// Colours with how many pixels have each.
type Colours = Vec<(Rgb, u32)>;

/// The node of a tree of boxes: its leaves, from left to right, are the palette.
enum Node {
    Leaf(Colours),
    Split(usize, usize),
}

/// Splits boxes until there are `count`, or none has two colours.
fn split_all(colours: Colours, pixels: usize, count: usize, work: &Work) -> Result<Vec<Colours>, Cancelled> {
    let mut nodes = vec![Node::Leaf(colours)];
    let mut heap = Heap::new();
    heap.add(u32::try_from(pixels).unwrap_or(u32::MAX), 0_usize);
    for _ in 1..count {
        work.go_on()?;
        let next = std::iter::from_fn(|| heap.remove())
            .find(|at| matches!(nodes.get(*at), Some(Node::Leaf(colours)) if has_volume(colours)));
        let Some(at) = next else { break };
        let children = (nodes.len(), nodes.len() + 1);
        let Some(node) = nodes.get_mut(at) else { break };
        let Node::Leaf(colours) = std::mem::replace(node, Node::Split(children.0, children.1)) else { break };
        let (left, right) = split(colours);
        for (at, side) in [(children.0, left), (children.1, right)] {
            heap.add(pixels_of(&side), at);
            nodes.push(Node::Leaf(side));
        }
    }
    Ok(leaves(nodes))
}

fn leaves(mut nodes: Vec<Node>) -> Vec<Colours> {
    let mut leaves = Vec::new();
    let mut to_visit = vec![0];
    while let Some(node) = to_visit.pop().and_then(|at: usize| nodes.get_mut(at)) {
        match node {
            Node::Split(left, right) => to_visit.extend([*right, *left]),
            Node::Leaf(colours) => leaves.push(std::mem::take(colours)),
        }
    }
    leaves
}

fn pixels_of(colours: &Colours) -> u32 {
    colours.iter().map(|(_, count)| count).sum()
}

/// Whether there is more than one colour.
const fn has_volume(colours: &Colours) -> bool {
    colours.len() > 1
}

/// Splits colours where half of the pixels are brighter, along the channel that differs most to the eye.
/// Colours of one value stay together.
fn split(mut colours: Colours) -> (Colours, Colours) {
    let axis = longest_axis(&colours);
    let value = |colour: &Rgb| colour.get(axis).copied().unwrap_or_default();
    colours.sort_by_key(|(colour, _)| std::cmp::Reverse(value(colour)));
    let half = pixels_of(&colours);
    let mut brighter = 0;
    let middle = colours.iter().find(|(_, count)| {
        brighter += count;
        brighter * 2 > half
    });
    let darkest = colours.last().map(|(colour, _)| value(colour)).unwrap_or_default();
    let bound = middle.map(|(colour, _)| value(colour)).unwrap_or_default();
    let is_left = |(colour, _): &(Rgb, u32)| {
        let value = value(colour);
        // When nothing were left at the right, the darkest go there.
        if bound == darkest { value > darkest } else { value >= bound }
    };
    colours.into_iter().partition(is_left)
}

fn longest_axis(colours: &Colours) -> usize {
    let mut longest = (0, 0);
    for (axis, weight) in WEIGHTS.into_iter().enumerate() {
        let values = || colours.iter().filter_map(|(colour, _)| colour.get(axis).copied());
        let length = u32::from(values().max().unwrap_or_default() - values().min().unwrap_or_default());
        if length * weight > longest.1 {
            longest = (axis, length * weight);
        }
    }
    longest.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn median_cut(pixels: &[Rgb], count: usize) -> Palette {
        super::median_cut(pixels, count, &Work::default()).unwrap()
    }

    #[test]
    fn as_few_colours_as_there_are_stay_as_they_are() {
        let pixels = [[255, 0, 0], [0, 0, 255], [255, 0, 0], [0, 255, 0]];
        let mut palette = median_cut(&pixels, 16);
        assert_eq!(palette.len(), 3);
        let mut same = pixels;
        palette.apply(&mut same, 4, &Work::default()).unwrap();
        assert_eq!(same, pixels);
    }

    #[test]
    fn one_colour_is_the_mean() {
        let palette = median_cut(&[[0, 0, 0], [255, 3, 2], [255, 0, 1]], 1);
        assert_eq!(palette.colours, [[170, 1, 1]]);
    }

    #[test]
    fn too_many_colours_lose_their_last_bits() {
        let many: Vec<Rgb> = (0..=255)
            .flat_map(|red| (0..=255).map(move |green| [red, green, 0]))
            .chain([[0, 0, 255]])
            .collect();
        let (colours, dropped_bits) = counted(&many, &Work::default()).unwrap();
        assert_eq!((dropped_bits, colours.len()), (1, 128 * 128 + 1));
    }
}
