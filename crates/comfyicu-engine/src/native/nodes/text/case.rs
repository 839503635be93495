//! Large and small letters, as Python writes them.

/// Which letters are large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Upper,
    Lower,
    /// The very first.
    Capital,
    /// The first of each word.
    Title,
}

impl Case {
    pub(super) const NAMES: [&'static str; 4] = ["UPPERCASE", "lowercase", "Capitalize", "Title Case"];

    pub(super) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "UPPERCASE" => Self::Upper,
            "lowercase" => Self::Lower,
            "Capitalize" => Self::Capital,
            "Title Case" => Self::Title,
            _ => return None,
        })
    }

    pub(super) fn of(self, text: &str) -> String {
        match self {
            Self::Upper => text.to_uppercase(),
            Self::Lower => text.to_lowercase(),
            Self::Capital => {
                let mut rest = text.chars();
                let first = rest.next().map(title).unwrap_or_default();
                first + &rest.as_str().to_lowercase()
            }
            Self::Title => {
                let mut in_word = false;
                let mut titled = String::with_capacity(text.len());
                for character in text.chars() {
                    if in_word {
                        titled.extend(character.to_lowercase());
                    } else {
                        titled.push_str(&title(character));
                    }
                    in_word = character.is_lowercase() || character.is_uppercase() || is_digraph(character);
                }
                titled
            }
        }
    }
}

/// Two letters in one character, such as `ǆ`, which also exist with only the first of them large.
const DIGRAPHS: [[char; 3]; 4] = [['Ǆ', 'ǅ', 'ǆ'], ['Ǉ', 'ǈ', 'ǉ'], ['Ǌ', 'ǋ', 'ǌ'], ['Ǳ', 'ǲ', 'ǳ']];

fn is_digraph(character: char) -> bool {
    DIGRAPHS.iter().flatten().any(|form| *form == character)
}

/// A character as the first of a word: of several letters only the first is large.
fn title(character: char) -> String {
    if let Some([_, titled, _]) = DIGRAPHS.iter().find(|forms| forms.contains(&character)) {
        return titled.to_string();
    }
    let mut letters = character.to_uppercase();
    let first = letters.next().map(String::from).unwrap_or_default();
    first + &letters.collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_those_of_python() {
        let all = |text: &str| Case::NAMES.map(|name| Case::parse(name).unwrap().of(text));
        assert_eq!(
            all("they're 2nd x1y"),
            ["THEY'RE 2ND X1Y", "they're 2nd x1y", "They're 2nd x1y", "They'Re 2Nd X1Y"]
        );
        assert_eq!(all("ﬁ ǆa İ"), ["FI ǄA İ", "ﬁ ǆa i̇", "Fi ǆa i̇", "Fi ǅa İ"]);
        assert_eq!(all(""), [""; 4]);
    }
}
