//! Which glibc a program needs: its symbols name the version that they came with.

/// What the names of the versions begin with.
const MARK: &[u8] = b"GLIBC_";

/// The newest version that a program names; none where it is linked to none.
pub(super) fn newest(program: &[u8]) -> Option<(u32, u32)> {
    let at = program.windows(MARK.len()).enumerate().filter(|(_, bytes)| *bytes == MARK).map(|(at, _)| at);
    at.filter_map(|at| version(program.get(at + MARK.len()..)?)).max()
}

/// The version that a name goes on with, such as `2.34`; a third number makes no difference.
fn version(bytes: &[u8]) -> Option<(u32, u32)> {
    let is_part = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
    let text: Vec<u8> = bytes.iter().copied().take_while(is_part).collect();
    let text = String::from_utf8(text).ok()?;
    let mut numbers = text.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_counts() {
        assert_eq!(newest(b"\0GLIBC_2.2.5\0x GLIBC_2.34\0GLIBC_2.9\0GLIBC_PRIVATE\0"), Some((2, 34)));
        assert_eq!(newest(b"no libraries GLIBC_"), None);
    }
}
