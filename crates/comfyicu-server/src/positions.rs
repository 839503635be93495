//! Places in lists and streams, as they are shown: events and runs of all owners are numbered together, and a number
//! would tell each owner how much the others do.

use std::fmt;

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::hash::keyed;

/// How often the halves of a number are mixed; four rounds make a permutation that looks random.
const ROUNDS: u8 = 4;

/// What is numbered: the same number of one and of another has another text.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PlaceOf {
    /// An event.
    Event,
    /// A run or a workflow in a list.
    Entry,
}

/// Turns places into texts that tell nothing, and back. Clones share the secret.
#[derive(Clone)]
pub(crate) struct Positions {
    hmac: Hmac<Sha256>,
}

impl Positions {
    /// Uses a secret of at most 64 bytes.
    pub(crate) fn new(secret: &[u8]) -> Self {
        Self { hmac: keyed(secret) }
    }

    /// The text for a place.
    pub(crate) fn seal(&self, of: PlaceOf, place: i64) -> String {
        let (mut left, mut right) = halves(place.cast_unsigned());
        for round in 0..ROUNDS {
            (left, right) = (right, left ^ self.mix(of, round, right));
        }
        format!("{left:08x}{right:08x}")
    }

    /// The place that a text is for; `None` where it is no such text. One that was made up leads anywhere.
    pub(crate) fn open(&self, of: PlaceOf, text: &str) -> Option<i64> {
        let is_whole = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u64::from_str_radix(text, 16).ok().filter(|_| is_whole)?;
        let (mut left, mut right) = halves(number);
        for round in (0..ROUNDS).rev() {
            (left, right) = (right ^ self.mix(of, round, left), left);
        }
        Some(((u64::from(left) << 32) | u64::from(right)).cast_signed())
    }

    fn mix(&self, of: PlaceOf, round: u8, half: u32) -> u32 {
        let input = [&[of as u8, round], half.to_be_bytes().as_slice()].concat();
        let digest = self.hmac.clone().chain_update(input).finalize();
        let first: [u8; 4] = std::array::from_fn(|index| digest.as_bytes().get(index).copied().unwrap_or(0));
        u32::from_be_bytes(first)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the halves of a number are what is wanted")]
const fn halves(number: u64) -> (u32, u32) {
    ((number >> 32) as u32, number as u32)
}

impl fmt::Debug for Positions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Positions(..)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_place_comes_back(place in any::<i64>(), secret in any::<[u8; 32]>()) {
            let positions = Positions::new(&secret);
            prop_assert_eq!(positions.open(PlaceOf::Event, &positions.seal(PlaceOf::Event, place)), Some(place));
        }

        #[test]
        fn any_text_is_read_without_harm(text in ".{0,20}") {
            Positions::new(&[7; 32]).open(PlaceOf::Entry, &text);
        }
    }

    #[test]
    fn neighbours_do_not_look_like_it_and_another_secret_reads_something_else() {
        let positions = Positions::new(&[7; 32]);
        let [one, two] =
            [1, 2].map(|place| u64::from_str_radix(&positions.seal(PlaceOf::Entry, place), 16).unwrap());
        assert!((10..54).contains(&(one ^ two).count_ones()), "{one:x} {two:x}");
        let sealed = positions.seal(PlaceOf::Entry, 1);
        assert_ne!(Positions::new(&[8; 32]).open(PlaceOf::Entry, &sealed), Some(1));
        assert_ne!(positions.open(PlaceOf::Event, &sealed), Some(1));
    }

    #[test]
    fn what_is_no_place_is_none() {
        let positions = Positions::new(&[7; 32]);
        for text in
            ["", "17", "-000000000000001", "+000000000000001", "00000000000000001", "g000000000000000"]
        {
            assert_eq!(positions.open(PlaceOf::Entry, text), None, "{text}");
        }
    }
}
