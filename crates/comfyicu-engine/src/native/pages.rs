//! Memory for many values, from the system itself, so that it goes back there when it is dropped: an allocator keeps
//! what lies between memory that others still use.

use std::ops::{Deref, DerefMut};

use memmap2::MmapMut;

/// Fewer bytes than these come from the allocator, which has them at hand.
pub(super) const MIN_BYTES: usize = 1 << 18;

/// So many bytes come several times as fast in large pages. For fewer the small ones are better that others have just
/// given back: large ones are more often such as were not in use for long.
#[cfg(target_os = "linux")]
const LARGE_BYTES: usize = 32 << 20;

/// Values in memory.
#[derive(Debug)]
pub(super) enum Pages {
    Mapped(MmapMut),
    Allocated(Vec<f32>),
}

impl Pages {
    /// Memory for so many values, which are zero. It is touched only when it is used.
    pub(super) fn zero(length: usize) -> Self {
        let bytes = length.saturating_mul(size_of::<f32>());
        let mapped = (bytes >= MIN_BYTES).then(|| MmapMut::map_anon(bytes).ok()).flatten();
        // Where the system refuses, the allocator may still have some.
        let Some(pages) = mapped else { return Self::Allocated(vec![0.0; length]) };
        #[cfg(target_os = "linux")]
        if bytes >= LARGE_BYTES {
            // Without it, it works as well.
            pages.advise(memmap2::Advice::HugePage).ok();
        }
        Self::Mapped(pages)
    }

    /// How many bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        self.len() * size_of::<f32>()
    }
}

impl Deref for Pages {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match self {
            // Pages begin where values may, and have room for whole ones.
            Self::Mapped(pages) => bytemuck::try_cast_slice(pages).unwrap_or_default(),
            Self::Allocated(values) => values,
        }
    }
}

impl DerefMut for Pages {
    fn deref_mut(&mut self) -> &mut [f32] {
        match self {
            Self::Mapped(pages) => bytemuck::try_cast_slice_mut(pages).unwrap_or_default(),
            Self::Allocated(values) => values,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_values_are_zero_and_can_be_changed() {
        for length in [0, 5, MIN_BYTES / 4, MIN_BYTES / 4 + 1] {
            let mut pages = Pages::zero(length);
            assert_eq!((pages.len(), pages.bytes()), (length, 4 * length));
            assert_eq!(*pages, vec![0.0; length]);
            pages.fill(7.0);
            assert_eq!(*pages, vec![7.0; length]);
        }
    }
}
