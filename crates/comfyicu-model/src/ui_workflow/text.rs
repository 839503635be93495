//! Texts in which the editor replaces something when it sends a prompt: alternatives in dynamic prompts, and
//! times and values in the names of files.

use super::options::LocalTime;

/// Whether a dynamic prompt has alternatives or comments, so that the editor would send another text.
pub(super) fn is_dynamic(text: &str) -> bool {
    text.contains(['{', '\\']) || text.contains("//") || text.contains("/*")
}

/// Chooses between the alternatives of `{a|b}`, with alternatives inside alternatives, after taking out
/// `/* … */` and `// …`. A backslash keeps the next brace or bar as it is.
pub(super) fn choose(text: &str, dice: &mut Dice) -> String {
    let mut out = String::with_capacity(text.len());
    // The alternatives that are open: where each one begins in `out`, and those that are complete.
    let mut open: Vec<Block> = Vec::new();
    let mut chars = without_comments(text).into_iter();
    while let Some(char) = chars.next() {
        match (char, open.last_mut()) {
            ('\\', _) => match chars.next() {
                Some(kept @ ('{' | '}' | '|')) => out.push(kept),
                Some(other) => out.extend(['\\', other]),
                None => out.push('\\'),
            },
            ('{', _) => open.push(Block { start: out.len(), ..Block::default() }),
            ('|', Some(block)) => block.close(&mut out),
            ('}', Some(block)) => {
                block.close(&mut out);
                let chosen = dice.choose(block.complete.len());
                out.extend(block.complete.get(chosen).map(String::as_str));
                open.pop();
            }
            _ => out.push(char),
        }
    }
    // An open brace at the end is closed there.
    while let Some(mut block) = open.pop() {
        block.close(&mut out);
        let chosen = dice.choose(block.complete.len());
        out.extend(block.complete.get(chosen).map(String::as_str));
    }
    out
}

#[derive(Default)]
struct Block {
    start: usize,
    complete: Vec<String>,
}

impl Block {
    /// Takes the alternative that ends here.
    fn close(&mut self, out: &mut String) {
        self.complete.push(out.split_off(self.start));
    }
}

fn without_comments(text: &str) -> Vec<char> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        // A comment that does not end is none.
        let end = if rest.starts_with("/*") {
            rest.get(2..).and_then(|inner| inner.find("*/")).map(|at| at + 4)
        } else if rest.starts_with("//") {
            Some(rest.find('\n').unwrap_or(rest.len()))
        } else {
            None
        };
        if end.is_none() {
            out.push(char);
        }
        rest = rest.get(end.unwrap_or(char.len_utf8())..).unwrap_or_default();
    }
    out
}

/// A source of choices that gives the same ones for the same seed.
#[derive(Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// One of so many, from 0.
    fn choose(&mut self, of: usize) -> usize {
        // SplitMix64: small, and good enough to pick a word.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        let of = u64::try_from(of).unwrap_or(u64::MAX).max(1);
        usize::try_from(mixed % of).unwrap_or(0)
    }
}

/// Whether a name has something between percent signs that the editor replaces.
pub(super) fn has_placeholder(text: &str) -> bool {
    placeholders(text).any(|(_, inner)| inner.starts_with("date:") || inner.contains('.'))
}

/// Replaces `%date:yyyy-MM-dd%` by the time and `%Node.widget%` by the widget's value, which `value_of` finds by
/// the node's name and the widget's. What it does not find stays as it is.
pub(super) fn fill_in(text: &str, now: LocalTime, value_of: impl Fn(&str, &str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (start, inner) in placeholders(text) {
        let end = start + inner.len() + 2;
        let filled = match (inner.strip_prefix("date:"), inner.split_once('.')) {
            (Some(format), _) => Some(date(format, now)),
            (None, Some((node, widget))) if !widget.contains('.') => {
                value_of(node, widget).map(|value| file_name(&value))
            }
            _ => None,
        };
        out.push_str(text.get(done..start).unwrap_or_default());
        out.push_str(filled.as_deref().or_else(|| text.get(start..end)).unwrap_or_default());
        done = end;
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out
}

/// What stands between percent signs, with the place of the first of the two.
fn placeholders(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let start = from + text.get(from..)?.find('%')?;
            let inner = text.get(start + 1..)?;
            let length = inner.find('%')?;
            if length > 0 {
                from = start + length + 2;
                return Some((start, inner.get(..length)?));
            }
            from = start + 1;
        }
    })
}

/// The time in a format of `yyyy`, `yy`, `MM`, `dd`, `hh`, `mm`, `ss`, or one letter for no leading zero.
fn date(format: &str, now: LocalTime) -> String {
    let mut out = String::new();
    let mut rest = format;
    while let Some(letter) = rest.chars().next() {
        let longest = if letter == 'y' { 4 } else { 2 };
        let run = rest.chars().take_while(|char| *char == letter).take(longest).count();
        let part = match letter {
            'M' => Some(now.month),
            'd' => Some(now.day),
            'h' => Some(now.hour),
            'm' => Some(now.minute),
            's' => Some(now.second),
            _ => None,
        };
        let (text, taken) = match (letter, run, part) {
            ('y', 4, _) => (now.year.to_string(), 4),
            ('y', 2, _) => (format!("{:02}", now.year % 100), 2),
            (_, _, Some(part)) => (format!("{part:0run$}"), run),
            _ => (letter.to_string(), letter.len_utf8()),
        };
        out.push_str(&text);
        rest = rest.get(taken..).unwrap_or_default();
    }
    out
}

/// A value as a part of a file's name: what no file system takes becomes `_`.
fn file_name(value: &str) -> String {
    let refused = |char: char| char.is_ascii_control() || r#"/?<>\:*|""#.contains(char);
    value.chars().map(|char| if refused(char) { '_' } else { char }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: LocalTime = LocalTime { year: 2026, month: 3, day: 9, hour: 7, minute: 5, second: 42 };

    fn chosen(text: &str) -> Vec<String> {
        let mut all: Vec<_> = (0..64).map(|seed| choose(text, &mut Dice::new(seed))).collect();
        all.sort();
        all.dedup();
        all
    }

    #[test]
    fn each_alternative_can_be_chosen_and_a_seed_chooses_the_same_again() {
        assert_eq!(chosen("a {red|blue} car"), ["a blue car", "a red car"]);
        assert_eq!(chosen("{a|b{1|2|}}"), ["a", "b", "b1", "b2"]);
        assert_eq!(choose("{a|b|c|d}", &mut Dice::new(7)), choose("{a|b|c|d}", &mut Dice::new(7)));
    }

    #[test]
    fn what_is_no_alternative_stays() {
        assert_eq!(chosen(r"\{a\|b\} \n |}"), [r"{a|b} \n |}"]);
        assert_eq!(chosen("a // b\nc /* d\n */ e /* f"), ["a \nc  e /* f"]);
        assert_eq!(chosen("{a"), ["a"]);
        assert_eq!(chosen(r"end\"), [r"end\"]);
        assert_eq!(chosen("é{ü}"), ["éü"]);
    }

    #[test]
    fn times_and_values_are_filled_in() {
        let value =
            |node: &str, widget: &str| (node == "Size" && widget == "width").then(|| "5/12".to_owned());
        let fill = |text: &str| fill_in(text, NOW, value);
        assert_eq!(fill("%date:yyyy-MM-dd%/%date:yy.M.d_hh:mm:ss%"), "2026-03-09/26.3.9_07:05:42");
        assert_eq!(fill("%Size.width%_%Size.height%_%width%"), "5_12_%Size.height%_%width%");
        assert_eq!(fill("100%"), "100%");
        assert_eq!(fill("%%date:s%é%"), "%42é%");
        assert!(has_placeholder("a%date:s%") && has_placeholder("%a.b%") && !has_placeholder("50% of 70%"));
    }
}
