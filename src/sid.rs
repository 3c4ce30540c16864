//! The public handle of a session, and of the request that it was created in answer to.
//!
//! Guarantees: 128 bits of the platform's randomness, written as 22 characters of base64url; never
//! enough to use a session, for the cookie holds a secret that no handle is derived from.

use serde::{Deserialize, Serialize};

use crate::base64url;

/// A session's public handle (`sid`), or a request's identifier (`jti`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sid(String);

impl Sid {
    /// The handle made of 16 random bytes.
    #[must_use]
    pub fn from_entropy(bytes: &[u8; 16]) -> Self {
        Self(base64url::encode(bytes))
    }

    /// Reads a handle that somebody sends back.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        base64url::decode_array::<16>(text).map(|_| Self(text.to_owned()))
    }

    /// The handle's bytes; `None` for a text that is none.
    #[must_use]
    pub fn to_bytes(&self) -> Option<[u8; 16]> {
        base64url::decode_array(&self.0)
    }

    /// The handle as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
