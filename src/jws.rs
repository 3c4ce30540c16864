//! Compact JWS with HS256 ([RFC 7515](https://www.rfc-editor.org/rfc/rfc7515),
//! [RFC 7518](https://www.rfc-editor.org/rfc/rfc7518#section-3.2)), as gate and origin exchange it.
//!
//! Guarantees: the algorithm is pinned and never taken from the message; a protected header is
//! exactly `alg`, `typ` and `kid` (OWASP ASVS 5 9.1.2, 9.1.3); nothing of a payload is looked at
//! before its signature has verified ([RFC 8725](https://www.rfc-editor.org/rfc/rfc8725)).

use core::fmt;

use serde_json::{Map, Value};

use crate::base64url;
use crate::ijson;
use crate::keys::{KeyId, KeyList, MasterKey};
use crate::mac::MacKey;

/// What a message is for: a message of one kind is never taken for one of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The gate's statement to the origin.
    Assertion,
    /// The origin's instruction to the gate.
    Control,
}

impl Kind {
    const fn typ(self) -> &'static str {
        match self {
            Self::Assertion => "edge-session-assertion+jwt",
            Self::Control => "edge-session-control+jwt",
        }
    }
}

/// The keys that gate and origin share.
#[derive(Clone, Debug)]
pub struct OriginKeys(KeyList<OriginKey>);

#[derive(Clone)]
struct OriginKey {
    id: KeyId,
    mac: MacKey,
    /// The gate itself signs nothing else.
    assertion: Opening,
}

/// What every message of one kind under one key begins with: the protected header and the dot.
#[derive(Clone)]
struct Opening {
    text: String,
    /// The key for what follows: the blocks of the text are hashed once and not for every message.
    mac: MacKey,
}

impl OriginKey {
    fn new(master: &MasterKey) -> Self {
        let MasterKey { id, mac } = master.clone();
        Self { assertion: Opening::new(Kind::Assertion, &id, &mac), id, mac }
    }
}

impl Opening {
    fn new(kind: Kind, id: &KeyId, mac: &MacKey) -> Self {
        let (typ, id) = (kind.typ(), id.as_str());
        let header = format!(r#"{{"alg":"HS256","typ":"{typ}","kid":"{id}"}}"#);
        let text = format!("{}.", base64url::encode(header.as_bytes()));
        Self { mac: mac.clone().after(text.as_bytes()), text }
    }
}

impl fmt::Debug for OriginKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("OriginKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A signed message. It is as good as a password and does not print.
#[derive(Clone)]
pub struct Signed(String);

impl Signed {
    /// The text, for the header that it is meant for.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Signed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Signed(..)")
    }
}

impl OriginKeys {
    /// The keys of a list, used as they are: the standard fixes what they do.
    #[must_use]
    pub fn new(masters: &KeyList<MasterKey>) -> Self {
        Self(masters.map(OriginKey::new))
    }

    /// Signs a payload under the newest key.
    #[must_use]
    pub fn sign(&self, kind: Kind, payload: &[u8]) -> Signed {
        let key = self.0.newest();
        let opening = match kind {
            Kind::Assertion => &key.assertion,
            Kind::Control => &Opening::new(kind, &key.id, &key.mac),
        };
        let payload = base64url::encode(payload);
        let tag = base64url::encode(&opening.mac.tag(&[payload.as_bytes()]));
        Signed([&opening.text, payload.as_str(), ".", tag.as_str()].concat())
    }

    /// The payload of a message that verifies.
    ///
    /// # Errors
    /// Says in words, for the log, what is wrong; nothing of the message is repeated.
    pub fn verify(&self, kind: Kind, text: &str) -> Result<Map<String, Value>, &'static str> {
        let (signed, tag) = text.rsplit_once('.').ok_or("it is not three parts")?;
        let (header, payload) = signed.split_once('.').ok_or("it is not three parts")?;
        if payload.contains('.') {
            return Err("it is not three parts");
        }
        let key = self.key_of(kind, header)?;
        let tag = base64url::decode(tag).ok_or("its signature is not base64url")?;
        if !key.mac.verifies(&[signed.as_bytes()], &tag) {
            return Err("its signature does not verify");
        }
        object(payload).ok_or("its payload is not an I-JSON object")
    }

    fn key_of(&self, kind: Kind, header: &str) -> Result<&OriginKey, &'static str> {
        let header = object(header).ok_or("its protected header is not an I-JSON object")?;
        let member = |name: &str| header.get(name).and_then(Value::as_str);
        if header.len() != 3 || member("kid").is_none() {
            return Err("its protected header is not exactly alg, typ and kid");
        }
        if member("alg") != Some("HS256") {
            return Err("its alg is not HS256");
        }
        if member("typ") != Some(kind.typ()) {
            return Err(match kind {
                Kind::Assertion => "its typ is not edge-session-assertion+jwt",
                Kind::Control => "its typ is not edge-session-control+jwt",
            });
        }
        let known = self.0.iter().find(|key| Some(key.id.as_str()) == member("kid"));
        known.ok_or("its kid names no key of ours")
    }
}

fn object(part: &str) -> Option<Map<String, Value>> {
    let text = String::from_utf8(base64url::decode(part)?).ok()?;
    match ijson::parse(&text)? {
        Value::Object(members) => Some(members),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn master(id: &str, byte: u8) -> MasterKey {
        MasterKey { id: KeyId::parse(id).unwrap(), mac: MacKey::new(&[byte; 32]).unwrap() }
    }

    fn keys(masters: Vec<MasterKey>) -> OriginKeys {
        OriginKeys::new(&KeyList::of(masters).unwrap())
    }

    fn signed_with(header: &str, payload: &str) -> String {
        let mut text = format!(
            "{}.{}",
            base64url::encode(header.as_bytes()),
            base64url::encode(payload.as_bytes())
        );
        let tag = MacKey::new(&[1; 32]).unwrap().tag(&[text.as_bytes()]);
        text.push('.');
        text.push_str(&base64url::encode(&tag));
        text
    }

    const HEADER: &str = r#"{"alg":"HS256","typ":"edge-session-control+jwt","kid":"a"}"#;

    #[test]
    fn what_is_signed_verifies_under_any_key_of_the_list() {
        let old = keys(vec![master("a", 1)]);
        let new = keys(vec![master("b", 2), master("a", 1)]);
        let text = old.sign(Kind::Control, br#"{"x":1}"#);
        assert_eq!(new.verify(Kind::Control, text.expose()).unwrap()["x"], 1);
        assert!(old.verify(Kind::Control, new.sign(Kind::Control, b"{}").expose()).is_err());
    }

    #[test]
    fn a_message_of_one_kind_is_not_one_of_the_other() {
        let keys = keys(vec![master("a", 1)]);
        let text = keys.sign(Kind::Assertion, b"{}");
        assert!(keys.verify(Kind::Control, text.expose()).is_err());
    }

    #[test]
    fn headers_of_any_other_form_are_refused() {
        let keys = keys(vec![master("a", 1)]);
        assert!(keys.verify(Kind::Control, &signed_with(HEADER, "{}")).is_ok());
        for header in [
            r#"{"alg":"none","typ":"edge-session-control+jwt","kid":"a"}"#,
            r#"{"alg":"hs256","typ":"edge-session-control+jwt","kid":"a"}"#,
            r#"{"alg":"HS512","typ":"edge-session-control+jwt","kid":"a"}"#,
            r#"{"alg":"HS256","typ":"JWT","kid":"a"}"#,
            r#"{"alg":"HS256","typ":"edge-session-control+jwt","kid":"b"}"#,
            r#"{"alg":"HS256","typ":"edge-session-control+jwt","kid":1}"#,
            r#"{"alg":"HS256","typ":"edge-session-control+jwt"}"#,
            r#"{"alg":"HS256","typ":"edge-session-control+jwt","kid":"a","crit":[]}"#,
            r#"{"alg":"HS256","typ":"edge-session-control+jwt","kid":"a","kid":"a"}"#,
            "[]",
            "",
        ] {
            assert!(keys.verify(Kind::Control, &signed_with(header, "{}")).is_err(), "{header}");
        }
    }

    #[test]
    fn altered_truncated_and_reassembled_messages_are_refused() {
        let keys = keys(vec![master("a", 1)]);
        let text = signed_with(HEADER, r#"{"x":1}"#);
        for length in 0..text.len() {
            assert!(keys.verify(Kind::Control, text.get(..length).unwrap()).is_err(), "{length}");
        }
        for extra in ["=", ".", ".x", " ", "A"] {
            assert!(keys.verify(Kind::Control, &format!("{text}{extra}")).is_err(), "{extra}");
        }
        for payload in ["[]", "1", "", "{\"a\":1,\"a\":2}"] {
            assert!(
                keys.verify(Kind::Control, &signed_with(HEADER, payload)).is_err(),
                "{payload}"
            );
        }
    }
}
