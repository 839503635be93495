//! What must not be guessed: ids, keys, secrets.

/// The URL-safe alphabet of nanoid: 64 characters, so that six random bits choose one evenly.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

/// An id as the hosted service makes them: 21 characters of the URL-safe alphabet, 126 random bits.
pub(crate) fn nanoid() -> String {
    text::<21>()
}

/// The id of a message. The prefix is that of Standard Webhooks.
pub(crate) fn message_id() -> String {
    format!("msg_{}", nanoid())
}

/// A new API key. The prefix tells people, and scanners for leaked secrets, what it is.
pub(crate) fn api_key() -> String {
    format!("cicu_{}", text::<40>())
}

/// Bytes for a secret.
pub(crate) fn secret() -> [u8; 32] {
    rand::random()
}

fn text<const LENGTH: usize>() -> String {
    let bytes: [u8; LENGTH] = std::array::from_fn(|_| rand::random());
    let letter = |byte: u8| ALPHABET.get(usize::from(byte & 63)).copied().map_or('-', char::from);
    bytes.into_iter().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use comfyicu_model::RunId;

    #[test]
    fn ids_are_valid_and_differ() {
        let (a, b) = (super::nanoid(), super::nanoid());
        assert_eq!(a.len(), 21);
        assert!(RunId::parse(&a).is_ok());
        assert_ne!(a, b);
    }
}
