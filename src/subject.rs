//! The subject: the account that a session belongs to, as its origin names it.
//!
//! Guarantees: 1 to 255 characters, none of them a control character, compared byte for byte.

use core::fmt;

use serde::{Deserialize, Serialize};

/// An account's immutable identifier at the origin (`sub`).
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Subject(String);

impl Subject {
    /// Reads a subject; `None` when it is empty, too long or holds a control character.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=255).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        fits.then(|| Self(text.to_owned()))
    }

    /// The subject as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

// A subject may be an e-mail address, whatever the documentation asks for: it stays out of logs.
impl fmt::Debug for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Subject(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_short_and_has_no_control_characters() {
        assert!(Subject::parse("u").is_some());
        assert!(Subject::parse(&"é".repeat(255)).is_some());
        assert!(Subject::parse(&"é".repeat(256)).is_none());
        for text in ["", "a\nb", "a\u{0}", "a\u{7f}", "a\u{85}"] {
            assert!(Subject::parse(text).is_none(), "{text:?}");
        }
    }
}
