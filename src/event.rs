//! What the gate says in its log: one JSON object an event.
//!
//! Guarantees: session IDs and handles appear as keyed hashes only; no cookie, key, assertion, and no
//! path or query of a request is ever in an event, and an IP address only where configured (OWASP ASVS
//! 5 16.2.5).

mod journal;

use serde_json::{Map, Value};

use crate::base64url;
use crate::keys::MasterKey;
use crate::mac::MacKey;
use crate::sid::Sid;
use crate::store::Fault;

pub use journal::Journal;

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing.
    Off,
    /// Faults and attacks.
    Warn,
    /// What happens to sessions, too.
    Info,
    /// For every request, where the answer about its session came from.
    Debug,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// A request's session was looked for.
    RequestAnswered,
    /// A session began.
    SessionCreated,
    /// A session has a new ID.
    SessionRotated,
    /// A session ended.
    SessionEnded,
    /// A request was turned away for want of a session, or for its form.
    SessionRefused,
    /// A cross-site request was turned away, or would have been.
    CsrfRefused,
    /// A cookie of our name was not sealed by us.
    TokenForged,
    /// A superseded ID was presented.
    TokenReuse,
    /// Two different good cookies came at once.
    TokenAmbiguous,
    /// The origin tried to set our cookie.
    CookieShadowed,
    /// The origin's instruction did not count.
    ControlInvalid,
    /// The store did not answer as it should.
    StoreFault,
    /// The origin did not answer.
    OriginFault,
    /// The deployment is misconfigured.
    ConfigInvalid,
}

impl What {
    const fn as_str(self) -> &'static str {
        match self {
            Self::RequestAnswered => "request.answered",
            Self::SessionCreated => "session.created",
            Self::SessionRotated => "session.rotated",
            Self::SessionEnded => "session.ended",
            Self::SessionRefused => "session.refused",
            Self::CsrfRefused => "csrf.refused",
            Self::TokenForged => "token.forged",
            Self::TokenReuse => "token.reuse",
            Self::TokenAmbiguous => "token.ambiguous",
            Self::CookieShadowed => "cookie.shadowed",
            Self::ControlInvalid => "control.invalid",
            Self::StoreFault => "store.fault",
            Self::OriginFault => "origin.fault",
            Self::ConfigInvalid => "config.invalid",
        }
    }

    const fn level(self) -> Level {
        match self {
            Self::RequestAnswered => Level::Debug,
            Self::SessionCreated | Self::SessionRotated | Self::SessionEnded => Level::Info,
            _ => Level::Warn,
        }
    }
}

/// An event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    what: What,
    fields: Map<String, Value>,
}

impl Event {
    /// An event without particulars.
    #[must_use]
    pub fn new(what: What) -> Self {
        Self { what, fields: Map::new() }
    }

    /// The store did not answer as it should.
    #[must_use]
    pub fn store_fault(fault: Fault) -> Self {
        Self::new(What::StoreFault).with("fault", fault.as_str())
    }

    /// The origin did not answer.
    #[must_use]
    pub fn origin_fault() -> Self {
        Self::new(What::OriginFault)
    }

    /// What happened.
    #[must_use]
    pub const fn what(&self) -> What {
        self.what
    }

    /// With a particular that is one of the gate's own words.
    #[must_use]
    pub fn with(mut self, name: &str, value: &'static str) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    /// With the rule that matched, as the operator wrote it.
    #[must_use]
    pub fn at(mut self, rule: Option<&str>) -> Self {
        self.fields.insert("rule".to_owned(), rule.unwrap_or("default").into());
        self
    }

    /// With a session, as a keyed hash.
    #[must_use]
    pub fn of(mut self, key: &LogKey, sid: &Sid) -> Self {
        self.fields.insert("session".to_owned(), key.tag(sid).into());
        self
    }

    /// With the handle that its session has from now on, as a keyed hash.
    #[must_use]
    pub fn becoming(mut self, key: &LogKey, sid: &Sid) -> Self {
        self.fields.insert("becomes".to_owned(), key.tag(sid).into());
        self
    }

    /// With the client's address.
    #[must_use]
    pub fn from_ip(mut self, ip: Option<&str>) -> Self {
        if let Some(ip) = ip {
            self.fields.insert("ip".to_owned(), ip.into());
        }
        self
    }

    /// With a list of what is wrong with the configuration.
    #[must_use]
    pub fn listing(mut self, problems: &[String]) -> Self {
        self.fields.insert("problems".to_owned(), problems.to_vec().into());
        self
    }
}

/// The key that session handles are hashed with for the log.
#[derive(Clone, Debug)]
pub struct LogKey(MacKey);

impl LogKey {
    /// Derives the key from the newest master key.
    #[must_use]
    pub fn new(master: &MasterKey) -> Self {
        Self(master.mac.derive("edge-session log v1"))
    }

    fn tag(&self, sid: &Sid) -> String {
        let tag = self.0.tag(&[sid.as_str().as_bytes()]);
        base64url::encode(tag.get(..9).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::KeyId;
    use crate::time::Time;

    const NOW: Time = Time::from_secs(1_700_000_000);

    fn key() -> LogKey {
        let id = KeyId::parse("k").unwrap();
        LogKey::new(&MasterKey { id, mac: MacKey::new(&[1; 32]).unwrap() })
    }

    #[test]
    fn a_session_appears_as_a_keyed_hash_only() {
        let sid = Sid::from_entropy(&[3; 16]);
        let event = Event::new(What::SessionCreated).of(&key(), &sid);
        let line = Journal::default().line(Level::Info, &event, NOW).unwrap();
        assert!(!line.contains(sid.as_str()), "{line}");
        assert!(line.starts_with(r#"{"event":"session.created""#), "{line}");
    }
}
