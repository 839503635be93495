//! The heap of Pillow's quantizer: which of equal values comes first is part of the result.

/// A heap that gives the value with the largest key first.
#[derive(Debug, Default)]
pub(super) struct Heap<T>(Vec<(u32, T)>);

impl<T> Heap<T> {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    fn key(&self, at: usize) -> u32 {
        self.0.get(at).map(|(key, _)| *key).unwrap_or_default()
    }

    /// Adds a value: it rises above those of smaller keys.
    pub(super) fn add(&mut self, key: u32, value: T) {
        self.0.push((key, value));
        let mut at = self.0.len() - 1;
        while at > 0 {
            let above = (at - 1) / 2;
            if key <= self.key(above) {
                break;
            }
            self.0.swap(at, above);
            at = above;
        }
    }

    /// Takes the first out: the last takes its place, and sinks as long as none below it is smaller.
    pub(super) fn remove(&mut self) -> Option<T> {
        if self.0.is_empty() {
            return None;
        }
        let (_, first) = self.0.swap_remove(0);
        let mut at = 0;
        loop {
            let mut below = 2 * at + 1;
            if below >= self.0.len() {
                break;
            }
            if below + 1 < self.0.len() && self.key(below) < self.key(below + 1) {
                below += 1;
            }
            if self.key(at) > self.key(below) {
                break;
            }
            self.0.swap(at, below);
            at = below;
        }
        Some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_comes_first() {
        let mut heap = Heap::new();
        for key in [3, 9, 1, 7, 7, 2] {
            heap.add(key, key);
        }
        let taken: Vec<u32> = std::iter::from_fn(|| heap.remove()).collect();
        assert_eq!(taken, [9, 7, 7, 3, 2, 1]);
    }
}
