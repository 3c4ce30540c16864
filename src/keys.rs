//! Key lists: newest first, the first one signs, all of them verify.
//!
//! Guarantees: a list is refused whole when any part of it is malformed, short or repeated, and the
//! message never holds a part of a key. No key stands in two places, in one list or across them.

use core::fmt;
use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::base64url;
use crate::mac::{LONGEST_KEY, MacKey};

/// The fewest bytes of a key: the output of HMAC-SHA256 (RFC 7518 section 3.2).
const SHORTEST_KEY: usize = 32;

/// The longest key id, in characters.
const LONGEST_ID: usize = 32;

/// What the ids of keys made for development begin with.
const DEVELOPMENT: &str = "dev-";

/// A key's public name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyId(String);

impl KeyId {
    /// Reads a key id: 1 to 32 letters, digits, `.`, `_` or `-`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=LONGEST_ID).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        fits.then(|| Self(text.to_owned()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One master key of a list.
#[derive(Clone)]
pub struct MasterKey {
    /// The key's public name.
    pub id: KeyId,
    /// The key, for deriving the keys of single purposes or, where a standard fixes the use (JWS),
    /// as it is.
    pub mac: MacKey,
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("MasterKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A list that is never empty, newest first: the newest signs, all of them verify.
#[derive(Clone, Debug)]
pub struct KeyList<K> {
    newest: K,
    older: Vec<K>,
}

impl<K> KeyList<K> {
    /// The list of these keys, newest first; `None` when there are none.
    #[must_use]
    pub fn of(keys: Vec<K>) -> Option<Self> {
        let mut keys = keys.into_iter();
        Some(Self { newest: keys.next()?, older: keys.collect() })
    }

    /// The key that signs.
    #[must_use]
    pub const fn newest(&self) -> &K {
        &self.newest
    }

    /// All keys, newest first.
    pub fn iter(&self) -> impl Iterator<Item = &K> {
        core::iter::once(&self.newest).chain(&self.older)
    }

    /// The keys that are made of these.
    #[must_use]
    pub fn map<T>(&self, make: impl Fn(&K) -> T) -> KeyList<T> {
        KeyList { newest: make(&self.newest), older: self.older.iter().map(make).collect() }
    }
}

/// The master keys of a deployment.
#[derive(Clone, Debug)]
pub struct MasterKeys {
    /// `EDGE_SESSION_KEYS`.
    pub session: KeyList<MasterKey>,
    /// `EDGE_SESSION_ORIGIN_KEYS`.
    pub origin: KeyList<MasterKey>,
    /// `EDGE_SESSION_LOCATOR_KEY`.
    pub locator: MacKey,
}

impl MasterKeys {
    /// Reads the three secrets. A secret that is not set is an empty text.
    ///
    /// # Errors
    /// Everything that is wrong, in words that hold no part of a key.
    pub fn parse(
        session: &str,
        origin: &str,
        locator: &str,
        development_allowed: bool,
    ) -> Result<Self, Vec<String>> {
        let mut reader = Reader { problems: Vec::new(), ids: HashSet::new(), keys: HashSet::new() };
        let session = reader.list("EDGE_SESSION_KEYS", session, development_allowed);
        let origin = reader.list("EDGE_SESSION_ORIGIN_KEYS", origin, development_allowed);
        let locator = reader.single("EDGE_SESSION_LOCATOR_KEY", locator);
        match (session, origin, locator) {
            (Some(session), Some(origin), Some(locator)) if reader.problems.is_empty() => {
                Ok(Self { session, origin, locator })
            }
            _ => Err(reader.problems),
        }
    }
}

struct Reader {
    problems: Vec<String>,
    ids: HashSet<String>,
    keys: HashSet<Vec<u8>>,
}

impl Reader {
    fn list(
        &mut self,
        name: &str,
        text: &str,
        development_allowed: bool,
    ) -> Option<KeyList<MasterKey>> {
        if text.is_empty() {
            self.problems.push(format!("{name}: is not set"));
            return None;
        }
        let mut list = Vec::new();
        for (place, entry) in (1_u32..).zip(text.split(',')) {
            let Some((id, key)) = entry.split_once(':') else {
                self.problems.push(format!("{name}: entry {place} is not of the form kid:key"));
                continue;
            };
            let Some(id) = KeyId::parse(id) else {
                self.problems.push(format!(
                    "{name}: the key id of entry {place} must be 1 to 32 letters, digits, '.', '_' or '-'"
                ));
                continue;
            };
            let is_development = id.as_str().to_ascii_lowercase().starts_with(DEVELOPMENT);
            if !development_allowed && is_development {
                self.problems.push(format!(
                    "{name}: entry {place} is a development key (its id begins with 'dev-'); \
                     they are refused unless the issuer is a loopback host"
                ));
            }
            if !self.ids.insert(id.as_str().to_owned()) {
                self.problems.push(format!("{name}: the key id of entry {place} appears twice"));
            }
            if let Some(mac) = self.key(&format!("{name}: the key of entry {place}"), key) {
                list.push(MasterKey { id, mac });
            }
        }
        KeyList::of(list)
    }

    fn single(&mut self, name: &str, text: &str) -> Option<MacKey> {
        if text.is_empty() {
            self.problems.push(format!("{name}: is not set"));
            return None;
        }
        self.key(&format!("{name}: the key"), text)
    }

    fn key(&mut self, what: &str, text: &str) -> Option<MacKey> {
        let bytes = base64url::decode(text)
            .filter(|bytes| (SHORTEST_KEY..=LONGEST_KEY).contains(&bytes.len()))
            .filter(|bytes| !significant(bytes).is_empty());
        let key = bytes.as_deref().and_then(MacKey::new);
        let (Some(bytes), Some(key)) = (bytes, key) else {
            self.problems.push(format!(
                "{what} must be base64url without padding of {SHORTEST_KEY} to {LONGEST_KEY} random bytes"
            ));
            return None;
        };
        if !self.keys.insert(significant(&bytes).to_vec()) {
            self.problems.push(format!("{what} appears twice"));
        }
        Some(key)
    }
}

/// The part of a key that tells it from others: HMAC fills a key up with zeros, so with and without
/// zeros at its end it is the same one, and of zeros alone it is known to everyone.
fn significant(key: &[u8]) -> &[u8] {
    let last = key.iter().rposition(|byte| *byte != 0);
    last.and_then(|last| key.get(..=last)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> String {
        base64url::encode(&[byte; 32])
    }

    fn problems(session: &str, origin: &str, locator: &str) -> Vec<String> {
        MasterKeys::parse(session, origin, locator, false).err().unwrap_or_default()
    }

    #[test]
    fn lists_of_distinct_keys_are_read_newest_first() {
        let session = format!("b:{},a:{}", key(2), key(1));
        let keys = MasterKeys::parse(&session, &format!("o:{}", key(3)), &key(4), false).unwrap();
        let ids: Vec<&str> = keys.session.iter().map(|key| key.id.as_str()).collect();
        assert_eq!(
            (ids.as_slice(), keys.session.newest().id.as_str()),
            (["b", "a"].as_slice(), "b")
        );
    }

    #[test]
    fn a_key_id_has_up_to_32_letters_digits_dots_underscores_and_hyphens() {
        for id in ["a", "Z9._-", &"x".repeat(32)] {
            assert_eq!(KeyId::parse(id).unwrap().as_str(), id);
        }
        for id in ["", "a b", "a:b", "é", &"x".repeat(33)] {
            assert!(KeyId::parse(id).is_none(), "{id}");
        }
    }

    #[test]
    fn every_problem_of_every_list_is_reported_at_once() {
        let found = problems("", "no-colon", "short");
        assert_eq!(found.len(), 3, "{found:?}");
    }

    #[test]
    fn short_repeated_padded_and_spaced_keys_are_refused() {
        let good = format!("o:{}", key(3));
        let short = base64url::encode(&[1; 31]);
        for session in [
            format!("a:{short}"),
            format!("a:{}=", key(1)),
            format!("a:{} ", key(1)),
            format!("a: {}", key(1)),
            format!(" a:{}", key(1)),
            format!("a:{}, b:{}", key(1), key(2)),
            format!("a:{},", key(1)),
            format!("a:{},a:{}", key(1), key(2)),
            format!("a:{},b:{}", key(1), key(1)),
            format!("a:{},b:{}", key(1), base64url::encode(&[&[1; 32][..], &[0; 3]].concat())),
            format!("o:{}", key(1)),
            format!("a:{}", key(3)),
            format!("a:{}", key(4)),
            format!("dev-a:{}", key(1)),
            format!(":{}", key(1)),
        ] {
            assert!(!problems(&session, &good, &key(4)).is_empty(), "{session}");
        }
    }

    #[test]
    fn a_key_of_zeros_is_refused_and_said_so_wherever_it_stands() {
        let (good, other, zeros) = (key(1), key(2), base64url::encode(&[0; 32]));
        for (session, origin, locator, name) in [
            (format!("a:{zeros}"), format!("o:{other}"), &key(3), "EDGE_SESSION_KEYS"),
            (
                format!("a:{good}"),
                format!("o:{other},p:{zeros}"),
                &key(3),
                "EDGE_SESSION_ORIGIN_KEYS",
            ),
            (format!("a:{good}"), format!("o:{other}"), &zeros, "EDGE_SESSION_LOCATOR_KEY"),
        ] {
            let found = problems(&session, &origin, locator);
            assert_eq!(found.len(), 1, "{name}: {found:?}");
            assert!(found[0].starts_with(name), "{found:?}");
        }
    }

    #[test]
    fn messages_hold_no_part_of_a_key() {
        let session = format!("a:{}=", key(1));
        for problem in problems(&session, "x", "y") {
            assert!(!problem.contains(key(1).get(..8).unwrap()), "{problem}");
        }
    }

    #[test]
    fn development_keys_are_for_loopback_only() {
        for (a, o) in [("dev-a", "o"), ("a", "dev-o"), ("DEV-a", "o"), ("a", "Dev-o")] {
            let (a, o) = (format!("{a}:{}", key(1)), format!("{o}:{}", key(2)));
            assert!(MasterKeys::parse(&a, &o, &key(3), true).is_ok(), "{a} {o}");
            assert!(MasterKeys::parse(&a, &o, &key(3), false).is_err(), "{a} {o}");
        }
    }
}
