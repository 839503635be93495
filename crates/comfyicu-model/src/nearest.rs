//! Which known name was meant.

/// How alike two names must be to be taken for a slip of the pen, from 0 to 1.
const LIKENESS: f64 = 0.8;

/// The name most like `wanted`, when one is near enough.
pub(crate) fn nearest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // What is much longer than a name is no slip of the pen, and comparing it would take long.
    let alike = |name: &str| name.len() * 2 >= wanted.len() && wanted.len() * 2 >= name.len();
    let wanted_lower = wanted.to_lowercase();
    names
        .into_iter()
        .filter(|name| alike(name))
        .map(|name| (strsim::normalized_damerau_levenshtein(&wanted_lower, &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness >= LIKENESS)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}
