//! Which known name was meant.

/// How alike two names must be to be taken for a slip of the pen, from 0 to 1.
const LIKENESS: f64 = 0.8;
/// From this many letters on, one wrong letter is a slip of the pen, whatever part of the name it is.
const SHORT: usize = 3;
/// Longer names are not compared: it takes time by the square of their length.
const MAX_LENGTH: usize = 256;

/// The name most like `wanted`, when one is near enough to be a slip of the pen; the first of those that are equally
/// near. Names of more than 256 bytes are like none.
///
/// ```
/// use comfyicu_model::nearest;
///
/// assert_eq!(nearest("sed", ["cfg", "seed"]), Some("seed"));
/// assert_eq!(nearest("sampler", ["cfg", "seed"]), None);
/// ```
pub fn nearest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if wanted.len() > MAX_LENGTH {
        return None;
    }
    // What is much longer than a name is no slip of the pen, and comparing it would take long.
    let alike = |name: &str| name.len() * 2 >= wanted.len() && wanted.len() * 2 >= name.len();
    let wanted_lower = wanted.to_lowercase();
    let mut best: Option<(f64, &str)> = None;
    for name in names.into_iter().filter(|name| alike(name)) {
        let lower = name.to_lowercase();
        let likeness = strsim::normalized_damerau_levenshtein(&wanted_lower, &lower);
        let one_letter = || {
            wanted.len().min(name.len()) >= SHORT && strsim::damerau_levenshtein(&wanted_lower, &lower) <= 1
        };
        let is_better = best.is_none_or(|(so_far, _)| likeness > so_far);
        if is_better && (likeness >= LIKENESS || one_letter()) {
            best = Some((likeness, name));
        }
    }
    best.map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_pen_are_understood_and_other_names_are_not() {
        let names = ["LoadImage", "SaveImage", "seed", "cfg", "by"];
        for (wanted, meant) in [
            ("LoadImagr", Some("LoadImage")),
            ("saveimage", Some("SaveImage")),
            ("sed", Some("seed")),
            ("cgf", Some("cfg")),
            ("my", None),
            ("KSampler", None),
            ("", None),
        ] {
            assert_eq!(nearest(wanted, names), meant, "{wanted}");
        }
        assert_eq!(nearest(&"a".repeat(300), [&*"a".repeat(300)]), None, "it would take long");
    }
}
