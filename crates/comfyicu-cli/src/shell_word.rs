//! Words as they are typed into a shell, for the commands that messages propose.

use std::borrow::Cow;

/// A text as one word of a command line: in quotes where it needs them.
pub(crate) fn shell_word(text: &str) -> Cow<'_, str> {
    let is_plain = |letter: char| letter.is_alphanumeric() || "-_./:@%+=,".contains(letter);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.into();
    }
    format!("'{}'", text.replace('\'', r"'\''")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_take_apart_is_in_quotes() {
        let words =
            ["a/b-c.json", "狐.json", "a b", "it's", "$x", ""].map(|text| shell_word(text).into_owned());
        assert_eq!(words.join(" "), r"a/b-c.json 狐.json 'a b' 'it'\''s' '$x' ''");
    }
}
