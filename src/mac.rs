//! HMAC-SHA256 ([RFC 2104](https://www.rfc-editor.org/rfc/rfc2104)) under keys that cannot be
//! printed.
//!
//! Guarantees: tags are compared in constant time; a key for one purpose is derived from its master
//! key and is of no use for another; what is authenticated is framed by length where two parts
//! could otherwise run into each other.

use core::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The longest key that is used as it is: the block of SHA-256. HMAC would hash a longer one first.
pub const LONGEST_KEY: usize = 64;

/// A key whose schedule has been computed, together with whatever every message under it begins with.
#[derive(Clone)]
pub struct MacKey(Hmac<Sha256>);

impl MacKey {
    /// A key of at most [`LONGEST_KEY`] bytes; `None` when it is longer.
    ///
    /// HMAC fills a short key up with zeros, so the padding here changes no tag.
    #[must_use]
    pub fn new(key: &[u8]) -> Option<Self> {
        let mut block = [0_u8; LONGEST_KEY];
        block.get_mut(..key.len())?.copy_from_slice(key);
        Some(Self(Hmac::new(&block.into())))
    }

    /// The key for `purpose`, of no use for any other.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> Self {
        let mut block = [0_u8; LONGEST_KEY];
        for (to, from) in block.iter_mut().zip(self.tag(&[purpose.as_bytes()])) {
            *to = from;
        }
        Self(Hmac::new(&block.into()))
    }

    /// This key for messages that all begin with `parts`, each preceded by its length. The blocks
    /// of the common beginning are then hashed once and not for every message.
    #[must_use]
    pub fn bound_to(self, parts: &[&str]) -> Self {
        parts.iter().fold(self, |key, part| {
            key.after(&(part.len() as u64).to_be_bytes()).after(part.as_bytes())
        })
    }

    /// This key for messages that all begin with these bytes as they are, where a standard fixes
    /// what is authenticated.
    #[must_use]
    pub fn after(mut self, beginning: &[u8]) -> Self {
        self.0.update(beginning);
        self
    }

    /// The tag of a message given in pieces.
    #[must_use]
    pub fn tag(&self, message: &[&[u8]]) -> [u8; 32] {
        self.over(message).finalize().into_bytes().into()
    }

    /// Whether `tag` is the whole tag of the message, compared in constant time.
    #[must_use]
    pub fn verifies(&self, message: &[&[u8]], tag: &[u8]) -> bool {
        self.over(message).verify_slice(tag).is_ok()
    }

    fn over(&self, message: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        for piece in message {
            mac.update(piece);
        }
        mac
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MacKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        use core::fmt::Write as _;
        bytes.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        })
    }

    #[test]
    fn tags_are_those_of_rfc_4231() {
        let key = MacKey::new(&[0x0b; 20]).unwrap();
        let expected = "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7";
        assert_eq!(hex(&key.tag(&[b"Hi ", b"There"])), expected);
        let key = MacKey::new(b"Jefe").unwrap();
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(hex(&key.tag(&[b"what do ya want for nothing?"])), expected);
    }

    #[test]
    fn a_shortened_or_altered_tag_does_not_verify() {
        let key = MacKey::new(&[7; 32]).unwrap();
        let mut tag = key.tag(&[b"message"]);
        assert!(key.verifies(&[b"mess", b"age"], &tag));
        assert!(!key.verifies(&[b"message"], &tag[..31]));
        assert!(!key.verifies(&[b"message"], &[]));
        tag[0] ^= 1;
        assert!(!key.verifies(&[b"message"], &tag));
    }

    #[test]
    fn a_key_for_one_purpose_is_not_the_key_for_another() {
        let master = MacKey::new(&[7; 32]).unwrap();
        assert_ne!(master.derive("a").tag(&[b"x"]), master.derive("b").tag(&[b"x"]));
        let ab = master.clone().bound_to(&["a", "b"]);
        assert_ne!(ab.tag(&[]), master.clone().bound_to(&["ab", ""]).tag(&[]));
    }

    #[test]
    fn a_key_does_not_print() {
        assert_eq!(format!("{:?}", MacKey::new(&[7; 32])), "Some(MacKey(..))");
        assert!(MacKey::new(&[7; 65]).is_none());
    }
}
