//! What the gate says in its log: one JSON object an event.
//!
//! Guarantees: session IDs and handles appear as keyed hashes only; no cookie, key, assertion, and no
//! path or query of a request is ever in an event, and an IP address only where configured (OWASP ASVS
//! 5 16.2.5). Neither an attacker nor a store or an origin that is down can flood the log: what they
//! give rise to is said at most once a second for each code, with a count.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::base64url;
use crate::keys::MasterKey;
use crate::mac::MacKey;
use crate::sid::Sid;
use crate::store::Fault;
use crate::time::{Span, Time};

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

/// What can be provoked by anyone, as often as they like, or comes with every request while something
/// is out of order.
const UNBOUNDED: [What; 10] = [
    What::SessionRefused,
    What::CsrfRefused,
    What::TokenForged,
    What::TokenAmbiguous,
    What::TokenReuse,
    What::CookieShadowed,
    What::ControlInvalid,
    What::StoreFault,
    What::OriginFault,
    What::ConfigInvalid,
];

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

/// Decides which events are said, and makes their lines.
#[derive(Debug, Default)]
pub struct Journal {
    said: HashMap<(What, [String; 2]), Said>,
}

#[derive(Debug)]
struct Said {
    at: Time,
    unsaid: u64,
}

/// How long a kind of event that anyone can provoke is silent after it has been said.
const SILENCE: Span = Span::from_secs(1);

impl Journal {
    /// The line for an event; nothing when it is not to be said.
    pub fn line(&mut self, level: Level, event: &Event, now: Time) -> Option<String> {
        if event.what.level() > level {
            return None;
        }
        let mut line = Map::new();
        line.insert("event".to_owned(), event.what.as_str().into());
        line.insert("time".to_owned(), now.millis().into());
        line.extend(event.fields.clone());
        if UNBOUNDED.contains(&event.what) {
            // These are the gate's own words, so there are few of them. What comes out of band
            // must not hide what the application gets wrong.
            let word = |name| event.fields.get(name).and_then(Value::as_str).map(str::to_owned);
            let code = word("code").or_else(|| word("fault"));
            let kind = [code, word("channel")].map(Option::unwrap_or_default);
            let said = self
                .said
                .entry((event.what, kind))
                .or_insert(Said { at: Time::default(), unsaid: 0 });
            // A clock that stepped backwards must not silence the log for long.
            if now >= said.at && now.since(said.at) < SILENCE {
                said.unsaid = said.unsaid.saturating_add(1);
                return None;
            }
            line.insert("count".to_owned(), said.unsaid.saturating_add(1).into());
            *said = Said { at: now, unsaid: 0 };
        }
        serde_json::to_string(&line).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::KeyId;

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

    #[test]
    fn what_anyone_can_provoke_is_said_once_a_second_with_a_count() {
        let mut journal = Journal::default();
        // Some of them take something that is out of order, and then any visitor.
        for what in [
            What::SessionRefused,
            What::CsrfRefused,
            What::TokenForged,
            What::TokenAmbiguous,
            What::TokenReuse,
            What::CookieShadowed,
            What::ControlInvalid,
            What::StoreFault,
            What::OriginFault,
            What::ConfigInvalid,
        ] {
            let event = Event::new(what);
            let mut line =
                |millis| journal.line(Level::Info, &event, NOW.plus(Span::from_millis(millis)));
            assert!(line(0).unwrap().contains(r#""count":1"#));
            assert!((1..1000).all(|millis| line(millis).is_none()));
            assert!(line(1000).unwrap().contains(r#""count":1000"#));
        }
    }

    #[test]
    fn one_fault_of_the_store_does_not_hide_another() {
        let mut journal = Journal::default();
        for fault in [Fault::Deadline, Fault::Overloaded] {
            let event = Event::store_fault(fault);
            assert!(journal.line(Level::Warn, &event, NOW).is_some(), "{fault:?}");
            assert!(journal.line(Level::Warn, &event, NOW).is_none(), "{fault:?}");
        }
    }

    #[test]
    fn one_code_does_not_hide_another() {
        let mut journal = Journal::default();
        for code in ["wrong_host", "session_required"] {
            let event = Event::new(What::SessionRefused).with("code", code);
            assert!(journal.line(Level::Warn, &event, NOW).is_some(), "{code}");
            assert!(journal.line(Level::Warn, &event, NOW).is_none(), "{code}");
        }
    }

    #[test]
    fn what_happens_to_sessions_is_always_said_and_level_warn_leaves_it_out() {
        let mut journal = Journal::default();
        let event = Event::new(What::SessionEnded);
        assert!(journal.line(Level::Info, &event, NOW).is_some());
        assert!(journal.line(Level::Info, &event, NOW).is_some());
        assert!(journal.line(Level::Warn, &event, NOW).is_none());
        assert!(journal.line(Level::Warn, &Event::new(What::StoreFault), NOW).is_some());
        assert!(journal.line(Level::Off, &Event::new(What::StoreFault), NOW).is_none());
    }
}
