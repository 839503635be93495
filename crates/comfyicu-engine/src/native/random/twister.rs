//! Mersenne Twister, with 32-bit numbers.
//!
//! Each block of its numbers follows from the one before in loops that compilers turn into vector code, and what makes
//! results of them needs no order, so that processors can share it. Drawn one by one, as crates do, they take four times
//! as long, which is most of the time of a node that adds noise.

/// How many numbers a block has.
const BLOCK: usize = 624;

/// Each number of a block follows from that so many places behind it in the block before, and so from that of its own
/// block which is `BLOCK - FAR` places before it.
const FAR: usize = 397;

/// A sequence of numbers that follows from a seed.
#[derive(Clone, Debug)]
pub(super) struct Twister {
    block: [u32; BLOCK],
    /// How many numbers of the block were drawn.
    drawn: usize,
}

impl Twister {
    pub(super) fn new(seed: u32) -> Self {
        let mut block = [seed; BLOCK];
        let mut before = seed;
        for (number, at) in block.iter_mut().zip(0_u32..).skip(1) {
            before = 1_812_433_253_u32.wrapping_mul(before ^ (before >> 30)).wrapping_add(at);
            *number = before;
        }
        Self { block, drawn: BLOCK }
    }

    /// Draws numbers, which have still to be tempered.
    pub(super) fn draw(&mut self, mut raw: &mut [u32]) {
        while !raw.is_empty() {
            if self.drawn == BLOCK {
                self.block = behind(&self.block);
                self.drawn = 0;
            }
            let block = self.block.get(self.drawn..).unwrap_or_default();
            let (now, later) = raw.split_at_mut(block.len().min(raw.len()));
            now.copy_from_slice(block.get(..now.len()).unwrap_or_default());
            self.drawn += now.len();
            raw = later;
        }
    }

    /// The next number.
    pub(super) fn next(&mut self) -> u32 {
        let mut raw = [0];
        self.draw(&mut raw);
        temper(raw[0])
    }
}

/// The block behind a block.
fn behind(before: &[u32; BLOCK]) -> [u32; BLOCK] {
    const NEAR: usize = BLOCK - FAR;
    let mut block = *before;
    for start in [0, NEAR, 2 * NEAR] {
        let (done, rest) = block.split_at_mut(start);
        let far = if start == 0 { before.get(FAR..) } else { done.get(start - NEAR..) };
        let own = before.get(start..).unwrap_or_default();
        let pairs = own.iter().zip(own.get(1..).unwrap_or_default());
        for ((number, (own, next)), far) in rest.iter_mut().zip(pairs).zip(far.unwrap_or_default()) {
            *number = twisted(*own, *next, *far);
        }
    }
    // The last one has its neighbour in its own block.
    block[BLOCK - 1] = twisted(before[BLOCK - 1], block[0], block[FAR - 1]);
    block
}

fn twisted(own: u32, next: u32, far: u32) -> u32 {
    const UPPER: u32 = 1 << 31;
    const MATRIX: u32 = 0x9908_b0df;
    let joined = (own & UPPER) | (next & !UPPER);
    far ^ (joined >> 1) ^ ((joined & 1).wrapping_neg() & MATRIX)
}

/// Makes a number of what was drawn.
#[inline]
pub(super) const fn temper(raw: u32) -> u32 {
    let mut number = raw ^ (raw >> 11);
    number ^= (number << 7) & 0x9d2c_5680;
    number ^= (number << 15) & 0xefc6_0000;
    number ^ (number >> 18)
}

#[cfg(test)]
mod tests {
    use rand_mt::Mt;

    use super::*;

    #[test]
    fn numbers_are_those_of_another_twister() {
        for seed in [0, 1, 5, u32::MAX] {
            let (mut own, mut other) = (Twister::new(seed), Mt::new(seed));
            for length in [1, 7, 16, BLOCK - 1, BLOCK, 5 * BLOCK + 3, 1] {
                let mut raw = vec![0; length];
                own.draw(&mut raw);
                assert!(raw.iter().all(|raw| temper(*raw) == other.next_u32()), "{seed}, {length}");
            }
            assert_eq!(own.next(), other.next_u32());
        }
    }
}
