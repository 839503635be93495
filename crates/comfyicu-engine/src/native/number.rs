//! Conversions between sizes, floats and bytes, each in one place with its rule.

/// A size or an index as a float. Both are far below 2^24, where `f32` is exact.
#[expect(clippy::cast_precision_loss, reason = "sides are bounded by `limit::MAX_SIDE`")]
pub(super) const fn to_f32(size: usize) -> f32 {
    size as f32
}

/// A size or an index as a double, exact below 2^53.
#[expect(clippy::cast_precision_loss, reason = "pixel counts are bounded by `limit::MAX_PIXELS`")]
pub(super) const fn to_f64(size: usize) -> f64 {
    size as f64
}

/// The whole number at or below; 0 for what is below 0 or not a number.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
pub(super) fn floor(value: f64) -> usize {
    value.floor() as usize
}

/// Rounds as Python's `round` does, halves to the even neighbour; 0 for what is below 0.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
pub(super) fn round(value: f64) -> usize {
    value.round_ties_even() as usize
}

/// A value of 0 to 1 as a byte, as ComfyUI stores it: clipped and cut, not rounded.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "clipped first")]
pub(super) const fn to_byte(value: f32) -> u8 {
    // What is not a number becomes 0.
    whole((255.0 * value).max(0.0).min(255.0)) as u8
}

/// The whole part of a number from 0 to 2^22. A cast looks at each number whether it fits; this compiles to vector code.
#[inline]
pub(super) const fn whole(value: f32) -> u32 {
    /// Numbers from here on to its double have no digits behind the point, and end with the bits of an integer.
    const WHOLE: f32 = 8_388_608.0;
    let nearest = (value + WHOLE) - WHOLE;
    let below = if nearest > value { nearest - 1.0 } else { nearest };
    (below + WHOLE).to_bits() & !WHOLE.to_bits()
}

/// A number that was clipped to what a byte can be, cut.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
pub(super) const fn cut(value: f32) -> u8 {
    value as u8
}

/// A value of 0 to 1 as a byte, cut; what is outside goes round, as in `PyTorch`'s conversion.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "going round is the point")]
pub(super) fn to_byte_wrapped(value: f32) -> u8 {
    (value * 255.0) as i64 as u8
}

/// A value of 0 to 1 as the nearest byte.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clipped first")]
pub(super) fn to_byte_rounded(value: f32) -> u8 {
    (value.clamp(0.0, 1.0) * 255.0).round_ties_even() as u8
}

/// A double as the nearest float: what becomes of a number where it meets an image.
#[expect(clippy::cast_possible_truncation, reason = "the rounding is the point")]
pub(super) const fn from_f64(value: f64) -> f32 {
    value as f32
}

/// A byte as a value of 0 to 1.
pub(super) fn from_byte(byte: u8) -> f32 {
    f32::from(byte) / 255.0
}

/// `a * b + c`, rounded once: what `PyTorch`'s kernels compute with the processor's fused instruction.
///
/// The product is exact in double precision, so only the sum is rounded on the way; unlike a call of
/// `f32::mul_add` on a processor that is not known to have the instruction, this compiles to vector code.
#[expect(clippy::cast_possible_truncation, reason = "the second rounding is the point")]
pub(super) fn fused(a: f32, b: f32, c: f32) -> f32 {
    (f64::from(a) * f64::from(b) + f64::from(c)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_cut_not_rounded() {
        assert_eq!([0.0, 0.5, 0.999, 1.0, 1.7, -0.2, f32::NAN].map(to_byte), [0, 127, 254, 255, 255, 0, 0]);
        assert!((0..=255).all(|byte| to_byte(from_byte(byte)) == byte));
        let next = |value: f32, step: i32| f32::from_bits(value.to_bits().wrapping_add_signed(step));
        for number in [1_u16, 2, 7, 254, 255] {
            let float = f32::from(number);
            let wholes = [float, next(float, 1), next(float, -1)].map(whole);
            assert_eq!(wholes, [number, number, number - 1].map(u32::from));
        }
        assert_eq!(
            [0.0, f32::MIN_POSITIVE, 0.5, 0.999_999_94, 4_194_304.0].map(whole),
            [0, 0, 0, 0, 1 << 22]
        );
    }

    #[test]
    fn halves_go_to_the_even_neighbour() {
        assert_eq!([0.5, 1.5, 2.5, 2.6, -3.0, f64::NAN].map(round), [0, 2, 2, 3, 0, 0]);
    }
}
