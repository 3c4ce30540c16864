//! What a request is answered that lacks the session its path needs.
//!
//! Guarantees: where the browser is sent back to after a login is a path of this site and nothing
//! else ([CWE-601](https://cwe.mitre.org/data/definitions/601.html)); the log says why there was no
//! session, the answer does not.

use super::open::refused;
use super::passage::Passage;
use crate::error::Code;
use crate::event::Event;
use crate::site::Site;
use crate::store::Gone;
use crate::verdict::Answer;

/// The longest path and query that a login is asked to return to, in bytes.
const LONGEST_RETURN: usize = 1024;

/// Why a request has not the session that its path needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lack {
    /// It presents no ID that the gate has issued, or one that is past its absolute deadline.
    NotPresented,
    /// Time has ended the session.
    Expired,
    /// Somebody has, or it never was.
    Ended,
    /// The ID has been replaced.
    Superseded,
    /// The store does not know it and cannot tell why.
    Unknown,
    /// It was made under another locator key.
    Misplaced,
    /// It is nobody's.
    Anonymous,
}

impl Lack {
    /// The stable name of the reason.
    const fn as_str(self) -> &'static str {
        match self {
            Self::NotPresented => "not_presented",
            Self::Expired => "expired",
            Self::Ended => "ended",
            Self::Superseded => "superseded",
            Self::Unknown => "unknown",
            Self::Misplaced => "misplaced",
            Self::Anonymous => "anonymous",
        }
    }
}

impl From<&Gone> for Lack {
    fn from(gone: &Gone) -> Self {
        match gone {
            Gone::Ended => Self::Ended,
            Gone::Expired => Self::Expired,
            Gone::Unknown => Self::Unknown,
            Gone::Superseded { .. } => Self::Superseded,
        }
    }
}

/// The answer to a request that lacks the session its path needs.
pub(super) fn no_session(
    site: &Site,
    passage: &Passage,
    lack: Lack,
    events: &mut Vec<Event>,
) -> Answer {
    let code = Code::SessionRequired;
    let event = refused(site, &passage.facts, code, passage.rule.as_deref());
    events.push(event.with("reason", lack.as_str()));
    match &site.config.login_url {
        Some(login) if passage.facts.is_top_level_navigation() => {
            Answer::redirect(302, login_location(site, login, passage))
        }
        _ => code.problem().into(),
    }
}

fn login_location(site: &Site, login: &str, passage: &Passage) -> String {
    let back = passage.target.path_and_query();
    let mut characters = back.chars();
    let is_local = characters.next() == Some('/') && !matches!(characters.next(), Some('/' | '\\'));
    let fits = is_local
        && back.len() < LONGEST_RETURN
        && !back.chars().any(|character| character == '\\' || character.is_control());
    if !fits {
        return login.to_owned();
    }
    let separator = if login.contains('?') { '&' } else { '?' };
    format!("{login}{separator}{}={}", site.config.login_return_param, percent_encoded(back))
}

/// Everything but the unreserved characters of RFC 3986, escaped.
fn percent_encoded(text: &str) -> String {
    use core::fmt::Write as _;
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}
