//! The site, the origin and the keys of the examples, and messages put together by hand.

use edge_session::base64url;
use edge_session::jws::OriginKeys;
use edge_session::keys::{KeyId, KeyList, MasterKey};
use edge_session::mac::MacKey;

pub(crate) const ISSUER: &str = "https://app.example.com";
pub(crate) const AUDIENCE: &str = "origin";
pub(crate) const NOW: u64 = 1_800_000_000;

/// The newest key, the one before it, and one that neither side has.
pub(crate) const NEW: (&str, [u8; 32]) = ("k2", [0x42; 32]);
pub(crate) const OLD: (&str, [u8; 32]) = ("k1", [0x24; 32]);
pub(crate) const STRANGE: [u8; 32] = [0x66; 32];

pub(crate) const ASSERTION: &str =
    r#"{"alg":"HS256","typ":"edge-session-assertion+jwt","kid":"k2"}"#;
pub(crate) const CONTROL: &str = r#"{"alg":"HS256","typ":"edge-session-control+jwt","kid":"k2"}"#;

/// The list as `EDGE_SESSION_ORIGIN_KEYS` has it.
pub(crate) fn key_list() -> String {
    let entry = |(id, key): (&str, [u8; 32])| format!("{id}:{}", base64url::encode(&key));
    format!("{},{}", entry(NEW), entry(OLD))
}

/// The same as the core holds them.
pub(crate) fn keys() -> OriginKeys {
    OriginKeys::new(&KeyList::of(vec![master(NEW), master(OLD)]).unwrap())
}

pub(crate) fn master((id, key): (&str, [u8; 32])) -> MasterKey {
    MasterKey { id: KeyId::parse(id).unwrap(), mac: MacKey::new(&key).unwrap() }
}

/// A message with this header and payload, both taken as they are, under this key.
pub(crate) fn signed(key: &[u8; 32], header: &str, payload: &str) -> String {
    let text = unsigned(header, payload);
    let tag = MacKey::new(key).unwrap().tag(&[text.as_bytes()]);
    format!("{text}.{}", base64url::encode(&tag))
}

/// The two parts that are signed.
pub(crate) fn unsigned(header: &str, payload: &str) -> String {
    let part = |text: &str| base64url::encode(text.as_bytes());
    format!("{}.{}", part(header), part(payload))
}
