//! The locator: which object of the store holds a session.
//!
//! Guarantees: it is a keyed hash, so nobody without `EDGE_SESSION_LOCATOR_KEY` can tell whose
//! object a name belongs to, or name somebody's object; all sessions of one subject at one issuer
//! have the same one, so that listing, limiting and ending them is one atomic operation.

use serde::{Deserialize, Serialize};

use crate::base64url;
use crate::mac::MacKey;
use crate::sid::Sid;
use crate::subject::Subject;

/// The name of the object that holds a subject's sessions, or one anonymous session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Locator([u8; 16]);

impl Locator {
    /// The locator of these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The locator's bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The object's name: object names are stored in clear, and this one tells nothing.
    #[must_use]
    pub fn object_name(&self) -> String {
        base64url::encode(&self.0)
    }
}

/// The key that locators are made with. It is not rotated: losing it logs everyone out.
#[derive(Clone, Debug)]
pub struct LocatorKey(MacKey);

impl LocatorKey {
    /// The key for the sessions of one site.
    #[must_use]
    pub fn new(master: &MacKey, issuer: &str) -> Self {
        Self(master.clone().bound_to(&["edge-session locator v1", issuer]))
    }

    /// Where all sessions of a subject are kept.
    #[must_use]
    pub fn of_subject(&self, subject: &Subject) -> Locator {
        self.locator("subject", subject.as_str())
    }

    /// Where the anonymous session with this first handle is kept.
    #[must_use]
    pub fn of_anonymous(&self, first: &Sid) -> Locator {
        self.locator("anonymous", first.as_str())
    }

    // The kind is part of the message, so that no subject shares an object with a handle that
    // happens to be spelled like it.
    fn locator(&self, kind: &str, name: &str) -> Locator {
        let tag = self.0.clone().bound_to(&[kind, name]).tag(&[]);
        let mut bytes = [0; 16];
        for (to, from) in bytes.iter_mut().zip(tag) {
            *to = from;
        }
        Locator(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_of_a_locator_is_pinned() {
        // Names of objects outlive a deployment: a change here logs everyone out.
        let key = LocatorKey::new(&MacKey::new(&[1; 32]).unwrap(), "https://app.example.com");
        let subject = Subject::parse("user-1").unwrap();
        assert_eq!(key.of_subject(&subject).object_name(), "i80fDZMpaI46CHC5wVOb0w");
    }

    #[test]
    fn subjects_issuers_and_kinds_have_locators_of_their_own() {
        let master = MacKey::new(&[1; 32]).unwrap();
        let key = LocatorKey::new(&master, "https://app.example.com");
        let other = LocatorKey::new(&master, "https://b.example.com");
        let sid = Sid::from_entropy(&[3; 16]);
        let subject = Subject::parse(sid.as_str()).unwrap();
        assert_ne!(key.of_subject(&subject), key.of_anonymous(&sid));
        assert_ne!(key.of_subject(&subject), other.of_subject(&subject));
        assert_ne!(key.of_subject(&subject), key.of_subject(&Subject::parse("b").unwrap()));
    }
}
