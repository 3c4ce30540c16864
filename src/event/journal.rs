//! Which events are said, and as which line.
//!
//! Guarantees: neither an attacker nor a store or an origin that is down can flood the log: what they
//! give rise to is said at most once a second for each code and reason, with a count. Nothing that
//! happens to a session is left out, where the level is `info`.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{Event, Level, What};
use crate::time::{Span, Time};

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

/// The particulars that tell kinds of an event apart.
const KIND: [&str; 6] = ["code", "fault", "reason", "why", "member", "channel"];

/// Decides which events are said, and makes their lines.
#[derive(Debug, Default)]
pub struct Journal {
    said: HashMap<(What, String), Said>,
}

#[derive(Debug)]
struct Said {
    at: Time,
    unsaid: u64,
}

/// How long a kind of event that anyone can provoke is silent after it has been said.
const SILENCE: Span = Span::from_secs(1);

impl Journal {
    /// The line for an event; `None` when it is not to be said.
    pub fn line(&mut self, level: Level, event: &Event, now: Time) -> Option<String> {
        if event.what.level() > level {
            return None;
        }
        let mut line = Map::new();
        line.insert("event".to_owned(), event.what.as_str().into());
        line.insert("time".to_owned(), now.millis().into());
        line.extend(event.fields.clone());
        if UNBOUNDED.contains(&event.what) {
            // These are the gate's own words, so there are few of them. A reason that comes with
            // every other request must not hide a rare one, nor what comes out of band what the
            // application gets wrong.
            let kind =
                KIND.map(|name| event.fields.get(name).and_then(Value::as_str).unwrap_or(""));
            let said = self
                .said
                .entry((event.what, kind.join(" ")))
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
    use crate::store::Fault;

    const NOW: Time = Time::from_secs(1_700_000_000);

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
    fn a_clock_that_steps_back_does_not_silence_the_log() {
        let mut journal = Journal::default();
        let event = Event::new(What::TokenForged);
        assert!(journal.line(Level::Warn, &event, NOW.plus(Span::from_secs(3600))).is_some());
        assert!(journal.line(Level::Warn, &event, NOW).is_some());
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
    fn one_reason_does_not_hide_another() {
        let mut journal = Journal::default();
        let refused = |reason| Event::new(What::SessionRefused).with("reason", reason);
        let invalid = |why| Event::new(What::ControlInvalid).with("why", why);
        let events = [
            refused("not_presented"),
            refused("superseded"),
            invalid("it is not a text").with("member", "sub"),
            invalid("it is not a text").with("member", "aud"),
        ];
        for event in events {
            assert!(journal.line(Level::Warn, &event, NOW).is_some(), "{event:?}");
            assert!(journal.line(Level::Warn, &event, NOW).is_none(), "{event:?}");
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
