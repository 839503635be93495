//! `--vary NODE.INPUT=V1,V2|A..B[:STEP]|@FILE`.

use std::path::PathBuf;
use std::str::FromStr;

use comfyicu_model::json::Value;

/// The most values of one range.
const MAX_VALUES: i128 = 100_000;
/// The most digits behind the point of a number in a range.
const MAX_DECIMALS: usize = 12;

/// An input, and the values that it takes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Vary {
    pub(crate) path: String,
    pub(crate) values: Values,
}

/// Values, or the file with one on each line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Values {
    List(Vec<Value>),
    File(PathBuf),
}

impl FromStr for Vary {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = "it is not NODE.INPUT=VALUES, such as 3.seed=1..4 or 3.cfg=5.5,7 or 6.text=@texts.txt";
        let (path, values) = text.split_once('=').ok_or(expected)?;
        let values = match values.strip_prefix('@') {
            _ if values.is_empty() => return Err(expected.to_owned()),
            Some(file) => Values::File(PathBuf::from(file)),
            None => Values::List(list(values)?),
        };
        Ok(Self { path: path.to_owned(), values })
    }
}

/// A range, a list in JSON, or values between commas.
fn list(text: &str) -> Result<Vec<Value>, String> {
    if let Some((from, rest)) = text.split_once("..") {
        let (to, step) = rest.split_once(':').map_or((rest, None), |(to, step)| (to, Some(step)));
        if let Some(numbers) = Decimals::read(from, to, step) {
            return numbers.values();
        }
    }
    if let Value::Array(values) = Value::from_argument(text) {
        return if values.is_empty() {
            Err("there are no values in the list".to_owned())
        } else {
            Ok(values)
        };
    }
    Ok(text.split(',').map(|value| Value::from_argument(value.trim())).collect())
}

/// A range in whole steps of its last decimal, so that nothing is rounded.
struct Decimals {
    from: i128,
    to: i128,
    step: i128,
    places: usize,
}

impl Decimals {
    fn read(from: &str, to: &str, step: Option<&str>) -> Option<Self> {
        let texts = [from, to, step.unwrap_or("1")];
        let decimals =
            texts.iter().map(|text| text.split_once('.').map_or(0, |(_, digits)| digits.len())).max()?;
        if decimals > MAX_DECIMALS {
            return None;
        }
        let [from, to, step] = texts.map(|text| scaled(text.trim(), decimals));
        Some(Self { from: from?, to: to?, step: step?, places: decimals })
    }

    fn values(self) -> Result<Vec<Value>, String> {
        let Self { from, to, step, places } = self;
        let step = if to < from && step > 0 { -step } else { step };
        if step == 0 || (to > from) != (step > 0) && to != from {
            return Err("the step of the range leads away from its end".to_owned());
        }
        let count = (to - from) / step + 1;
        if count > MAX_VALUES {
            return Err(format!("the range has {count} values: at most {MAX_VALUES} are taken"));
        }
        (0..count).map(|index| number(from + index * step, places)).collect()
    }
}

fn scaled(text: &str, decimals: usize) -> Option<i128> {
    let (whole, digits) = text.split_once('.').unwrap_or((text, ""));
    let is_number = !whole.trim_start_matches('-').is_empty()
        && whole.trim_start_matches('-').bytes().chain(digits.bytes()).all(|byte| byte.is_ascii_digit());
    // Long enough for every seed, and short enough that nothing overflows.
    if !is_number || whole.len() > 20 {
        return None;
    }
    format!("{whole}{digits:0<decimals$}").parse().ok()
}

fn number(scaled: i128, decimals: usize) -> Result<Value, String> {
    let text = if decimals == 0 {
        scaled.to_string()
    } else {
        let (sign, digits) = (if scaled < 0 { "-" } else { "" }, scaled.unsigned_abs().to_string());
        let digits = format!("{digits:0>width$}", width = decimals + 1);
        let (whole, behind) = digits.split_at(digits.len() - decimals);
        let behind = behind.trim_end_matches('0');
        format!("{sign}{whole}.{}", if behind.is_empty() { "0" } else { behind })
    };
    match Value::from_argument(&text) {
        Value::String(_) => Err(format!("{text} is no number")),
        value => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Result<String, String> {
        match format!("3.x={text}").parse::<Vary>()?.values {
            Values::List(values) => Ok(values.iter().map(Value::to_json).collect::<Vec<_>>().join(" ")),
            Values::File(path) => Ok(format!("file {}", path.display())),
        }
    }

    #[test]
    fn values_are_lists_ranges_and_files() {
        for (text, expected) in [
            ("1,2, 3.0", "1 2 3.0"),
            ("a fox,a cat", r#""a fox" "a cat""#),
            (r#"["a, b", true]"#, r#""a, b" true"#),
            ("1..4", "1 2 3 4"),
            ("4..1", "4 3 2 1"),
            ("0..1:0.25", "0.0 0.25 0.5 0.75 1.0"),
            ("0.1..0.35:0.1", "0.1 0.2 0.3"),
            ("-1..1", "-1 0 1"),
            ("-0.5..0.5:0.5", "-0.5 0.0 0.5"),
            ("18446744073709551614..18446744073709551615", "18446744073709551614 18446744073709551615"),
            ("10..0:-5", "10 5 0"),
            ("7..7", "7"),
            ("to be..or not", r#""to be..or not""#),
            ("@a b.txt", "file a b.txt"),
            ("", ""),
        ] {
            if text.is_empty() {
                assert!(values(text).is_err());
            } else {
                assert_eq!(values(text).unwrap(), expected, "{text}");
            }
        }
    }

    #[test]
    fn ranges_that_do_not_end_are_refused() {
        for text in ["0..4:0", "0..4:-1", "0..1:0.000001", "[]"] {
            assert!(values(text).is_err(), "{text}");
        }
        assert!("3.seed".parse::<Vary>().is_err());
    }
}
