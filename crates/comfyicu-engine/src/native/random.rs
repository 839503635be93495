//! Normal random numbers as `PyTorch` draws them on a CPU with AVX2 or AVX-512: Mersenne Twister, the method of
//! Box and Muller, and its kernels' own logarithm, sine and cosine (Cephes' polynomials).

mod twister;

use std::f64::consts::TAU;
use std::sync::atomic::{AtomicBool, Ordering};

use pulp::{Arch, NullaryFnOnce};

use super::number::{from_f64, whole};
use super::work::{Cancelled, Work};
use twister::{Twister, temper};

/// How many numbers are made of as many others together: of each two halves, cosines and sines.
const GROUP: usize = 16;
const HALF: usize = GROUP / 2;

/// How many are drawn before others are made of them: as many as stay in the processor's cache.
const DRAWN_TOGETHER: usize = 1 << 14;

/// Fills a buffer with normal random numbers of mean 0 and deviation 1, as `torch.randn` does.
///
/// As there, only the lower 32 bits of the seed count.
///
/// # Errors
/// When the run is cancelled.
pub(super) fn normal(seed: u64, values: &mut [f32], work: &Work) -> Result<(), Cancelled> {
    let [a, b, c, d, ..] = seed.to_le_bytes();
    let mut twister = Twister::new(u32::from_le_bytes([a, b, c, d]));
    if values.len() < GROUP {
        few(&mut twister, values);
        return Ok(());
    }
    let arch = Arch::new();
    // What one of them has seen, the others need not look for.
    let is_broken_off = AtomicBool::new(false);
    let goes_on = &|| {
        if !is_broken_off.load(Ordering::Relaxed) && work.is_cancelled() {
            is_broken_off.store(true, Ordering::Relaxed);
        }
        !is_broken_off.load(Ordering::Relaxed)
    };
    // One number follows from another: while some are drawn, other processors make normal ones of those before them.
    rayon::scope(|scope| {
        for stretch in values.chunks_mut(DRAWN_TOGETHER).take_while(|_| goes_on()) {
            twister.draw(bytemuck::cast_slice_mut(stretch));
            scope.spawn(move |_| {
                if goes_on() {
                    arch.dispatch(BoxMuller(stretch));
                }
            });
        }
    });
    work.go_on()?;
    let whole = values.len() / GROUP * GROUP;
    if whole < values.len() {
        // What does not make a group is drawn anew, together with the numbers before it.
        let last = values.len() - GROUP;
        let last = values.get_mut(last..).unwrap_or_default();
        twister.draw(bytemuck::cast_slice_mut(last));
        arch.dispatch(BoxMuller(last));
    }
    Ok(())
}

/// A number from 0 to 1, of 24 bits of what was drawn.
#[inline]
#[expect(clippy::cast_precision_loss, clippy::cast_possible_wrap, reason = "24 bits fit")]
const fn uniform(raw: u32) -> f32 {
    const BITS: u32 = 24;
    (temper(raw) & ((1 << BITS) - 1)) as i32 as f32 / (1_u32 << BITS) as f32
}

/// Fills a buffer that is shorter than a group: in double precision, two by two.
fn few(twister: &mut Twister, values: &mut [f32]) {
    for pair in values.chunks_mut(2) {
        let (first, second) = (double(twister), double(twister));
        let radius = (-2.0 * (-second).ln_1p()).sqrt();
        let angle = TAU * first;
        let both = [radius * angle.cos(), radius * angle.sin()];
        pair.iter_mut().zip(both).for_each(|(target, value)| *target = from_f64(value));
    }
}

/// A number from 0 to 1, of 53 bits.
#[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
fn double(twister: &mut Twister) -> f64 {
    const BITS: u32 = 53;
    let bits = u64::from(twister.next()) << 32 | u64::from(twister.next());
    (bits & ((1 << BITS) - 1)) as f64 / (1_u64 << BITS) as f64
}

type Lanes = [f32; HALF];

/// Numbers that were drawn and become normal ones. A closure would be compiled apart, for a processor without fused
/// additions.
struct BoxMuller<'a>(&'a mut [f32]);

impl NullaryFnOnce for BoxMuller<'_> {
    type Output = ();

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "so that it is compiled for the processor that it runs on")]
    fn call(self) {
        for number in bytemuck::cast_slice_mut(self.0) {
            *number = uniform(*number).to_bits();
        }
        box_muller(self.0);
    }
}

/// Makes normal numbers of uniform ones, in their place.
#[inline(always)]
#[expect(clippy::inline_always, reason = "so that it is compiled for the processor that it runs on")]
fn box_muller(values: &mut [f32]) {
    for group in values.as_chunks_mut::<GROUP>().0 {
        let (halves, _) = group.as_chunks_mut::<HALF>();
        let [first, second] = halves else { continue };
        let logarithm = log(first.map(|value| 1.0 - value));
        let (sines, cosines) = sin_cos(second.map(|value| std::f32::consts::TAU * value));
        for lane in 0..HALF {
            let at = |lanes: &Lanes| lanes.get(lane).copied().unwrap_or_default();
            let radius = (-2.0 * at(&logarithm)).sqrt();
            if let (Some(first), Some(second)) = (first.get_mut(lane), second.get_mut(lane)) {
                (*first, *second) = (radius * at(&cosines), radius * at(&sines));
            }
        }
    }
}

/// The natural logarithm of numbers above 0.
#[inline(always)]
fn log(values: Lanes) -> Lanes {
    const SQRT_HALF: f32 = std::f32::consts::FRAC_1_SQRT_2;
    const COEFFICIENTS: [f32; 9] = [
        7.037_683_6e-2,
        -1.151_461e-1,
        1.167_699_87e-1,
        -1.242_014_1e-1,
        1.424_932_3e-1,
        -1.666_805_8e-1,
        2.000_071_4e-1,
        -2.499_999_4e-1,
        3.333_333e-1,
    ];
    /// The natural logarithm of 2, as a sum.
    const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
    let mut logarithms = [0.0; HALF];
    for (target, value) in logarithms.iter_mut().zip(values) {
        let bits = value.to_bits();
        let mantissa = f32::from_bits(bits & 0x007f_ffff | 0x3f00_0000);
        let is_low = mantissa < SQRT_HALF;
        let exponent = signed(bits >> 23) - 126.0 - if is_low { 1.0 } else { 0.0 };
        let x = mantissa - 1.0 + if is_low { mantissa } else { 0.0 };
        let square = x * x;
        let [mut series, others @ ..] = COEFFICIENTS;
        for coefficient in others {
            series = series.mul_add(x, coefficient);
        }
        let series = (series * x).mul_add(square, exponent * LN_2[1]);
        let series = (-square).mul_add(0.5, series);
        *target = exponent.mul_add(LN_2[0], x + series);
    }
    logarithms
}

/// Sines and cosines of angles that are not below 0.
#[inline(always)]
fn sin_cos(angles: Lanes) -> (Lanes, Lanes) {
    const EIGHTHS: f32 = 1.273_239_5;
    /// An eighth of a turn, as a sum.
    const EIGHTH: [f32; 3] = [-0.785_156_25, -2.418_756_5e-4, -3.774_895e-8];
    const COSINE: [f32; 3] = [2.443_315_7e-5, -1.388_731_6e-3, 4.166_664_6e-2];
    const SINE: [f32; 3] = [-1.951_529_6e-4, 8.332_161e-3, -1.666_665_5e-1];
    let (mut sines, mut cosines) = ([0.0; HALF], [0.0; HALF]);
    for ((angle, sine), cosine) in angles.iter().zip(&mut sines).zip(&mut cosines) {
        let eighth = (whole(angle * EIGHTHS) + 1) & !1;
        let mut x = *angle;
        for part in EIGHTH {
            x = float(eighth).mul_add(part, x);
        }
        let square = x * x;
        let [highest, middle, lowest] = COSINE;
        let even = highest.mul_add(square, middle).mul_add(square, lowest) * square;
        let even = even.mul_add(square, -(square * 0.5)) + 1.0;
        let [highest, middle, lowest] = SINE;
        let odd = (highest.mul_add(square, middle).mul_add(square, lowest) * square).mul_add(x, x);
        let (up, right) = if eighth & 2 == 0 { (odd, even) } else { (even, odd) };
        *sine = negative_if(eighth & 4, up);
        // The cosine is below 0 in the second and third quarter.
        *cosine = negative_if((eighth + 2) & 4, right);
    }
    (sines, cosines)
}

/// The opposite of a number where `third_bit` is 4, and the number where it is 0: its sign without a branch.
#[inline]
fn negative_if(third_bit: u32, value: f32) -> f32 {
    f32::from_bits(value.to_bits() ^ (third_bit << 29))
}

/// An exponent as a float.
#[expect(clippy::cast_precision_loss, reason = "8 bits fit")]
const fn signed(exponent: u32) -> f32 {
    exponent as f32
}

/// A small whole number as a float.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_wrap, reason = "it is 0 to 8")]
const fn float(value: u32) -> f32 {
    value as i32 as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::number::to_f32;

    fn drawn(seed: u64, count: usize) -> Vec<f32> {
        let mut values = vec![0.0; count];
        normal(seed, &mut values, &Work::default()).unwrap();
        values
    }

    #[test]
    fn numbers_are_those_of_torch() {
        // torch.manual_seed(5); torch.randn(12): fewer than a group.
        let few = [
            -0.486_780_76,
            -0.603_821_6,
            -0.558_096_23,
            0.667_524_3,
            -0.197_415_1,
            1.942_783_5,
            -1.401_702,
            -0.762_557_15,
            0.631_213_4,
            -0.899_135_2,
            -0.557_793_44,
            0.690_718_77,
        ];
        assert_eq!(drawn(5, 12), few);
        // torch.randn(40), where the last sixteen are drawn anew, and torch.randn(17).
        assert_eq!(drawn(5, 40)[..3], [1.842_329_9, 0.518_887_16, -1.711_921_3]);
        assert_eq!(drawn(5, 17)[..3], [1.842_329_9, 1.222_025_3, -0.336_449_35]);
        assert_eq!(drawn(5, 40), drawn((7 << 32) + 5, 40), "the lower bits of the seed count");
    }

    #[test]
    fn all_bits_of_many_numbers_are_those_of_torch() {
        // torch.manual_seed(1); torch.randn(100000).view(torch.int32), summed up as here.
        let sum = |sum: u32, value: &f32| sum.wrapping_mul(31).wrapping_add(value.to_bits());
        assert_eq!(drawn(1, 100_000).iter().fold(0, sum), 1_490_387_511);
    }

    #[test]
    fn numbers_are_normal_and_the_same_on_each_call() {
        let values = drawn(1, 3 * DRAWN_TOGETHER + 5);
        let count = to_f32(values.len());
        let mean = values.iter().sum::<f32>() / count;
        let spread = values.iter().map(|value| value * value).sum::<f32>() / count;
        assert!(mean.abs() < 0.01 && (spread - 1.0).abs() < 0.01, "{mean} {spread}");
        assert_eq!(values[..1000], drawn(1, 2000)[..1000]);
    }
}
