//! Sums in `PyTorch`'s order: several side by side, set aside at regular steps.

/// How often partial sums are set aside, so that large ones do not swallow small values.
const LEVELS: usize = 4;

/// How many vectors are summed side by side.
const VECTORS: usize = 4;

/// The values of one vector of AVX2.
const VECTOR: usize = 8;

/// The sum of values that lie apart in memory.
pub(super) fn sum_strided(values: &[f32]) -> f32 {
    let (groups, rest) = values.as_chunks::<VECTORS>();
    let [first, others @ ..] = cascade(groups);
    let first = rest.iter().fold(first, |sum, value| sum + value);
    others.into_iter().fold(first, |sum, lane| sum + lane)
}

/// The sum of values that lie side by side in memory.
pub(super) fn sum(values: &[f32]) -> f32 {
    let (vectors, rest) = values.as_chunks::<VECTOR>();
    let (groups, few) = vectors.as_chunks::<VECTORS>();
    let groups: Vec<[f32; VECTORS * VECTOR]> = groups.iter().map(joined).collect();
    let mut sums = cascade(&groups);
    let (first, others) = sums.split_at_mut(VECTOR);
    for vector in few.iter().map(<[f32; VECTOR]>::as_slice).chain(others.chunks_exact(VECTOR)) {
        add(vector, first);
    }
    let rest = rest.iter().fold(0.0, |sum, value| sum + value);
    first.iter().fold(rest, |sum, lane| sum + lane)
}

fn joined(vectors: &[[f32; VECTOR]; VECTORS]) -> [f32; VECTORS * VECTOR] {
    let mut joined = [0.0; VECTORS * VECTOR];
    joined.iter_mut().zip(vectors.as_flattened()).for_each(|(target, value)| *target = *value);
    joined
}

fn cascade<const LANES: usize>(groups: &[[f32; LANES]]) -> [f32; LANES] {
    let step_bits = (ceil_log2(groups.len()) / LEVELS).max(4);
    let mask = (1_usize << step_bits) - 1;
    let mut levels = [[0.0_f32; LANES]; LEVELS];
    for (at, group) in groups.iter().enumerate() {
        let [lowest, ..] = &mut levels;
        add(group, lowest);
        let done = at + 1;
        if done & mask == 0 {
            carry(&mut levels, done, mask, step_bits);
        }
    }
    let [mut lanes, above @ ..] = levels;
    for level in &above {
        add(level, &mut lanes);
    }
    lanes
}

/// Moves each level's sum up by one, as far as a level is full.
fn carry<const LANES: usize>(
    levels: &mut [[f32; LANES]; LEVELS],
    done: usize,
    mask: usize,
    step_bits: usize,
) {
    let mut carried = [0.0; LANES];
    for (at, level) in levels.iter_mut().enumerate() {
        add(&carried, level);
        // The last level keeps what it has; so does one that is not full yet.
        if at + 1 == LEVELS || (at > 0 && done & (mask << (at * step_bits)) != 0) {
            return;
        }
        carried = std::mem::replace(level, [0.0; LANES]);
    }
}

fn add(values: &[f32], target: &mut [f32]) {
    target.iter_mut().zip(values).for_each(|(target, value)| *target += value);
}

const fn ceil_log2(value: usize) -> usize {
    if value <= 1 { 0 } else { (usize::BITS - (value - 1).leading_zeros()) as usize }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_any_order_up_to_rounding() {
        for length in [0_u16, 1, 7, 8, 9, 31, 32, 33, 441, 3969] {
            let values: Vec<f32> = (0..length).map(|at| f32::from(at % 101)).collect();
            // Small whole numbers are summed without rounding.
            let expected: f32 = values.iter().sum();
            assert_eq!((sum(&values), sum_strided(&values)), (expected, expected), "{length}");
        }
    }
}
