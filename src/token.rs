//! The session cookie's value: a sealed session ID that carries no user data.
//!
//! Guarantees:
//! - a value that this gate did not seal for this cookie name and this issuer does not open, and
//!   finding that out asks no store;
//! - the raw secret is in [`Secret`], [`SessionId`] and the sealed text alone; none of them prints, and
//!   the store is only ever given an [`IdHash`];
//! - a successor can be derived again by whoever holds the predecessor *and* the gate's key, so
//!   parallel requests are handed the same one without the store ever seeing a secret.
//!
//! The bytes, before base64url: version (1), length of the key id (1), key id, absolute deadline in
//! seconds (8, big-endian), locator (16), secret (32), HMAC-SHA256 of all before it (32). Version 2,
//! for stores that do not hold all of a subject's sessions together, has a [`Stamp`] after the
//! locator: root handle (16), generation (4), time of sealing in seconds (4).
//! Session IDs are 256 bits of the platform's randomness
//! ([OWASP ASVS 5 V7](https://github.com/OWASP/ASVS/blob/v5.0.0/5.0/en/0x16-V7-Session-Management.md), 7.2.3).

use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::base64url;
use crate::keys::{KeyId, KeyList, MasterKey};
use crate::locator::Locator;
use crate::mac::MacKey;
use crate::sid::Sid;
use crate::time::{Span, Time};

const PLAIN: u8 = 1;
const STAMPED: u8 = 2;
const MAC_LENGTH: usize = 32;

/// A value longer than this was not sealed here, and is not looked at further.
const LONGEST_VALUE: usize = 200;

/// The random part of a session ID, or the successor derived from one.
#[derive(Clone)]
pub struct Secret([u8; 32]);

impl Secret {
    /// The secret made of 32 random bytes.
    #[must_use]
    pub const fn from_entropy(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(..)")
    }
}

/// A session ID: where its session is kept, and the secret that opens it.
#[derive(Clone, Debug)]
pub struct SessionId {
    /// Which object holds the session.
    pub locator: Locator,
    secret: Secret,
}

impl SessionId {
    /// The ID of these parts.
    #[must_use]
    pub const fn new(locator: Locator, secret: Secret) -> Self {
        Self { locator, secret }
    }

    /// What the store and the isolate's memory know the ID by.
    #[must_use]
    pub fn hash(&self) -> IdHash {
        let mut hash = Sha256::new();
        hash.update(b"edge-session id v1");
        hash.update(self.locator.as_bytes());
        hash.update(self.secret.0);
        IdHash(hash.finalize().into())
    }
}

/// The hash of a session ID: enough to recognise it, useless as a cookie.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct IdHash([u8; 32]);

impl IdHash {
    /// The hash's bytes, for keyed hashes in logs.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for IdHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("IdHash(..)")
    }
}

impl Serialize for IdHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&base64url::encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for IdHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = base64url::decode_array(&text);
        bytes.map(Self).ok_or_else(|| serde::de::Error::custom("not the hash of a session ID"))
    }
}

/// What a cookie says of its session, for a store that cannot tell by itself: where to find it
/// among the subject's sessions, and whether what was found is older than the cookie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// The session's first public handle.
    pub root: Sid,
    /// The number of the ID in the cookie.
    pub generation: u32,
    /// When the cookie was sealed, to the second.
    pub sealed: Time,
}

impl Stamp {
    /// The end of the second in which the cookie was sealed: it was not sealed later.
    #[must_use]
    pub fn sealed_by(&self) -> Time {
        self.sealed.plus(Span::from_secs(1))
    }
}

/// A cookie value that opened.
#[derive(Clone, Debug)]
pub struct Token {
    /// The ID in it.
    pub id: SessionId,
    /// The ID's hash.
    pub hash: IdHash,
    /// The absolute deadline that it was sealed with. The session's own may have come nearer since.
    pub absolute: Time,
    /// The id of the key that sealed it.
    pub key: KeyId,
    /// What it says of its session, where the store needs that.
    pub stamp: Option<Stamp>,
}

/// A sealed cookie value, on its way to a browser.
#[derive(Clone)]
pub struct Sealed(String);

impl Sealed {
    /// The text to put into the cookie, and nowhere else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sealed(..)")
    }
}

/// The keys that seal and open cookies and derive successors.
#[derive(Clone, Debug)]
pub struct CookieKeys {
    keys: KeyList<CookieKey>,
    stamps: bool,
}

#[derive(Clone, Debug)]
struct CookieKey {
    id: KeyId,
    seal: MacKey,
    successor: MacKey,
}

impl CookieKeys {
    /// Derives the keys for one cookie of one site.
    #[must_use]
    pub fn new(masters: &KeyList<MasterKey>, cookie_name: &str, issuer: &str) -> Self {
        let derive = |master: &MasterKey, purpose: &str| {
            master.mac.derive(purpose).bound_to(&[purpose, cookie_name, issuer])
        };
        let keys = masters.map(|master| CookieKey {
            id: master.id.clone(),
            seal: derive(master, "edge-session cookie v1"),
            successor: derive(master, "edge-session successor v1"),
        });
        Self { keys, stamps: false }
    }

    /// The same keys for cookies that are stamped, and for no others.
    #[must_use]
    pub fn with_stamps(self, stamps: bool) -> Self {
        Self { stamps, ..self }
    }

    /// Seals an ID under the newest key. The stamp is left out where the store does not need it.
    #[must_use]
    pub fn seal(&self, id: &SessionId, absolute: Time, stamp: &Stamp) -> Sealed {
        let mut bytes = Vec::with_capacity(LONGEST_VALUE);
        let key = self.keys.newest();
        let name = key.id.as_str().as_bytes();
        bytes.push(self.version());
        bytes.push(u8::try_from(name.len()).unwrap_or_default());
        bytes.extend_from_slice(name);
        bytes.extend_from_slice(&absolute.secs().to_be_bytes());
        bytes.extend_from_slice(id.locator.as_bytes());
        if self.stamps {
            // A handle that is none, and a time after 2106, cannot be; an unreadable stamp is no
            // way in: the store would not find the session.
            bytes.extend_from_slice(&stamp.root.to_bytes().unwrap_or_default());
            bytes.extend_from_slice(&stamp.generation.to_be_bytes());
            let sealed = u32::try_from(stamp.sealed.secs()).unwrap_or(u32::MAX);
            bytes.extend_from_slice(&sealed.to_be_bytes());
        }
        bytes.extend_from_slice(&id.secret.0);
        let tag = key.seal.tag(&[&bytes]);
        bytes.extend_from_slice(&tag);
        Sealed(base64url::encode(&bytes))
    }

    /// Opens a cookie value; `None` when any byte of it is not as it was sealed. There is one
    /// outcome for every way to fail, so that nobody learns how far an attempt got.
    #[must_use]
    pub fn open(&self, value: &str) -> Option<Token> {
        if value.len() > LONGEST_VALUE {
            return None;
        }
        let bytes = base64url::decode(value)?;
        let (body, tag) = bytes.split_at_checked(bytes.len().checked_sub(MAC_LENGTH)?)?;
        let (&[version, id_length], rest) = body.split_first_chunk::<2>()?;
        let (key_id, rest) = rest.split_at_checked(usize::from(id_length))?;
        let key = self.keys.iter().find(|key| key.id.as_str().as_bytes() == key_id)?;
        if !key.seal.verifies(&[body], tag) || version != self.version() {
            return None;
        }
        let (deadline, rest) = rest.split_first_chunk::<8>()?;
        let (locator, rest) = rest.split_first_chunk::<16>()?;
        let (stamp, rest) = if self.stamps {
            let (root, rest) = rest.split_first_chunk::<16>()?;
            let (generation, rest) = rest.split_first_chunk::<4>()?;
            let (sealed, rest) = rest.split_first_chunk::<4>()?;
            let stamp = Stamp {
                root: Sid::from_entropy(root),
                generation: u32::from_be_bytes(*generation),
                sealed: Time::from_secs(u32::from_be_bytes(*sealed).into()),
            };
            (Some(stamp), rest)
        } else {
            (None, rest)
        };
        let secret = Secret(rest.try_into().ok()?);
        let id = SessionId::new(Locator::from_bytes(*locator), secret);
        Some(Token {
            hash: id.hash(),
            id,
            absolute: Time::from_secs(u64::from_be_bytes(*deadline)),
            key: key.id.clone(),
            stamp,
        })
    }

    const fn version(&self) -> u8 {
        if self.stamps { STAMPED } else { PLAIN }
    }

    /// The ID that takes this one's place as the session's ID number `generation`, derived under
    /// the named key; `None` when this gate does not have the key.
    #[must_use]
    pub fn successor(&self, id: &SessionId, key: &KeyId, generation: u32) -> Option<SessionId> {
        let key = self.keys.iter().find(|candidate| candidate.id == *key)?;
        let secret =
            key.successor.tag(&[id.locator.as_bytes(), &id.secret.0, &generation.to_be_bytes()]);
        Some(SessionId::new(id.locator, Secret(secret)))
    }
}

#[cfg(test)]
mod tests;
