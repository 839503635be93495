//! Many prompts of one: values for some inputs, combined.

use comfyicu_model::json::Value;
use comfyicu_model::{EditError, Prompt};

use super::BatchItem;

/// The most items of one sweep: more than a workflow has been seen to take.
const MAX_ITEMS: usize = 100_000;

/// Many prompts of one: what varies, and how it is combined.
///
/// ```
/// use comfyicu_client::Sweep;
/// use comfyicu_model::Prompt;
///
/// let prompt = Prompt::parse(br#"{"3": {"class_type": "KSampler", "inputs": {"seed": 0, "cfg": 7.0}}}"#)?;
/// let sweep = Sweep::product().vary("3.seed", [1_u64, 2]).vary("3.cfg", [5.5, 8.0]);
/// let names: Vec<String> = sweep.items(&prompt)?.into_iter().map(|item| item.name).collect();
/// assert_eq!(names, ["3.seed=1, 3.cfg=5.5", "3.seed=1, 3.cfg=8.0", "3.seed=2, 3.cfg=5.5", "3.seed=2, 3.cfg=8.0"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use = "it makes no items until it is asked for them"]
pub struct Sweep {
    axes: Vec<Axis>,
    is_zip: bool,
}

/// Rows of which each item has one; a row sets several inputs at once.
type Axis = Vec<Row>;
type Row = Vec<(String, Value)>;

/// Why a sweep makes no items.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SweepError {
    /// Nothing varies.
    #[error("nothing varies")]
    Nothing,
    /// What is to be taken side by side has not as many values everywhere.
    #[error("side by side there must be as many values everywhere, but there are {}", join(.0))]
    Uneven(Vec<usize>),
    /// There would be too many items.
    #[error("there would be more than 100000 items")]
    TooMany,
    /// An input cannot be set.
    #[error("{path}: {source}")]
    Edit {
        /// How the input was named.
        path: String,
        /// Why it cannot be set.
        #[source]
        source: EditError,
    },
}

impl Sweep {
    /// Combines each value with each: 2 seeds and 3 sizes are 6 items.
    pub const fn product() -> Self {
        Self { axes: Vec::new(), is_zip: false }
    }

    /// Takes the first values together, then the second ones, and so on: there must be as many everywhere.
    pub const fn zip() -> Self {
        Self { axes: Vec::new(), is_zip: true }
    }

    /// Gives the values of an input, named as for [`Prompt::set`].
    pub fn vary<V: Into<Value>>(self, path: impl Into<String>, values: impl IntoIterator<Item = V>) -> Self {
        let path = path.into();
        self.rows(values.into_iter().map(|value| vec![(path.clone(), value.into())]))
    }

    /// Gives rows that each set several inputs at once, as the lines of a table do.
    pub fn rows(mut self, rows: impl IntoIterator<Item = Vec<(String, Value)>>) -> Self {
        self.axes.push(rows.into_iter().collect());
        self
    }

    /// How many items there will be.
    ///
    /// # Errors
    /// As [`items`](Self::items), but for inputs that cannot be set.
    pub fn count(&self) -> Result<usize, SweepError> {
        let lengths: Vec<usize> = self.axes.iter().map(Vec::len).collect();
        let first = *lengths.first().ok_or(SweepError::Nothing)?;
        let len = if self.is_zip {
            if lengths.iter().any(|len| *len != first) {
                return Err(SweepError::Uneven(lengths));
            }
            first
        } else {
            lengths
                .iter()
                .try_fold(1_usize, |product, len| product.checked_mul(*len))
                .ok_or(SweepError::TooMany)?
        };
        match len {
            0 => Err(SweepError::Nothing),
            len if len > MAX_ITEMS => Err(SweepError::TooMany),
            len => Ok(len),
        }
    }

    /// Makes the items: each is called by what was set in it, such as `3.seed=1, 3.cfg=5.5`. The value of the last
    /// input changes fastest.
    ///
    /// # Errors
    /// [`SweepError`]: nothing varies, there are too many items, or an input cannot be set.
    pub fn items(&self, prompt: &Prompt) -> Result<Vec<BatchItem>, SweepError> {
        (0..self.count()?).map(|index| self.item(index, prompt)).collect()
    }

    fn item(&self, index: usize, prompt: &Prompt) -> Result<BatchItem, SweepError> {
        let mut prompt = prompt.clone();
        let mut names = Vec::new();
        for (path, value) in self.row(index) {
            prompt
                .set(path.as_str(), value.clone())
                .map_err(|source| SweepError::Edit { path: path.clone(), source })?;
            names.push(format!("{path}={}", value.to_json()));
        }
        Ok(BatchItem::new(names.join(", "), prompt))
    }

    /// What an item sets.
    fn row(&self, index: usize) -> impl Iterator<Item = &(String, Value)> {
        let mut rows = Vec::with_capacity(self.axes.len());
        let mut rest = index;
        for axis in self.axes.iter().rev() {
            let at = if self.is_zip { index } else { rest.checked_rem(axis.len()).unwrap_or_default() };
            rest = rest.checked_div(axis.len()).unwrap_or_default();
            rows.push(axis.get(at));
        }
        rows.into_iter().rev().flatten().flatten()
    }
}

fn join(lengths: &[usize]) -> String {
    lengths.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn prompt() -> Prompt {
        Prompt::parse(br#"{"3": {"class_type": "KSampler", "inputs": {"seed": 0, "cfg": 7.0, "steps": 1}}}"#)
            .unwrap()
    }

    fn names(sweep: &Sweep) -> Vec<String> {
        sweep.items(&prompt()).unwrap().into_iter().map(|item| item.name).collect()
    }

    #[test]
    fn side_by_side_there_are_as_many_as_values() {
        let sweep = Sweep::zip().vary("3.seed", [1_u64, 2]).vary("3.cfg", [5.5, 8.0]);
        assert_eq!(names(&sweep), ["3.seed=1, 3.cfg=5.5", "3.seed=2, 3.cfg=8.0"]);
        let uneven =
            Sweep::zip().vary("3.seed", [1_u64, 2]).vary("3.cfg", [5.5]).items(&prompt()).unwrap_err();
        insta::assert_snapshot!(uneven, @"side by side there must be as many values everywhere, but there are 2 and 1");
    }

    #[test]
    fn rows_set_several_inputs_at_once() {
        let row = |seed: u64, cfg: f64| {
            vec![("3.seed".to_owned(), Value::from(seed)), ("3.cfg".to_owned(), Value::from(cfg))]
        };
        let sweep = Sweep::product().rows([row(1, 5.5), row(2, 8.0)]).vary("3.steps", [4_u64, 8]);
        assert_eq!(names(&sweep).len(), 4);
        assert_eq!(names(&sweep)[1], "3.seed=1, 3.cfg=5.5, 3.steps=8");
    }

    #[test]
    fn what_makes_no_items_is_said() {
        let many = || Sweep::product().vary("3.seed", 0..1000_u64).vary("3.steps", 0..1000_u64);
        assert_eq!(many().items(&prompt()).unwrap_err(), SweepError::TooMany);
        assert_eq!(Sweep::product().items(&prompt()).unwrap_err(), SweepError::Nothing);
        assert_eq!(Sweep::zip().vary("3.seed", [0_u64; 0]).count().unwrap_err(), SweepError::Nothing);
        let error = Sweep::zip().vary("4.seed", [1_u64]).items(&prompt()).unwrap_err();
        insta::assert_snapshot!(error, @"4.seed: no node has the id `4`; the prompt has: 3 (KSampler)");
    }

    proptest! {
        #[test]
        fn a_product_has_every_combination_once(lens in proptest::collection::vec(1_usize..5, 1..4)) {
            let paths = ["3.seed", "3.cfg", "3.steps"];
            let sweep = lens.iter().zip(paths).fold(Sweep::product(), |sweep, (len, path)| {
                sweep.vary(path, (0..*len as u64).collect::<Vec<_>>())
            });
            let mut names = names(&sweep);
            prop_assert_eq!(names.len(), lens.iter().product::<usize>());
            names.sort();
            names.dedup();
            prop_assert_eq!(names.len(), lens.iter().product::<usize>());
        }
    }
}
