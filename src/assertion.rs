//! `Edge-Session-Assertion`: the signed statement to the origin of who is asking.
//!
//! Guarantees: every forwarded request carries one, so an origin can refuse what did not come
//! through the gate; it lives for `assertion.ttl`, names its audience and this one request, and says
//! nothing of a session where there is none. `data` is always there with a session, `{}` when empty.
//! Times are integer `NumericDate`s ([RFC 7519](https://www.rfc-editor.org/rfc/rfc7519#section-2)).

use serde::Serialize;

use crate::data::Data;
use crate::jws::{Kind, OriginKeys, Signed};
use crate::sid::Sid;
use crate::subject::Subject;
use crate::time::{Span, Time};
use crate::view::View;

/// As many bytes as most payloads have.
const USUAL_LENGTH: usize = 512;

/// Who states, to whom, and for how long.
#[derive(Clone, Debug)]
pub struct Terms<'site> {
    /// The site, as its public origin.
    pub issuer: &'site str,
    /// The origin that is spoken to.
    pub audience: &'site str,
    /// How long the statement is good for.
    pub ttl: Span,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    iat: u64,
    exp: u64,
    jti: &'a Sid,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<&'a Subject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'a Sid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amr: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<Session>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Data>,
}

#[derive(Serialize)]
struct Session {
    created: u64,
    idle: u64,
    absolute: u64,
    checked: u64,
}

/// States who is asking: the session's user, or nobody.
#[must_use]
pub fn state(
    keys: &OriginKeys,
    terms: &Terms<'_>,
    jti: &Sid,
    session: Option<&View>,
    now: Time,
) -> Signed {
    let claims = Claims {
        iss: terms.issuer,
        aud: terms.audience,
        iat: now.secs(),
        exp: now.plus(terms.ttl).secs(),
        jti,
        sub: session.and_then(|view| view.subject.as_ref()),
        sid: session.map(|view| &view.sid),
        auth_time: session.and_then(|view| view.auth_time),
        amr: session.and_then(|view| view.amr.as_deref()),
        session: session.map(|view| Session {
            created: view.created.secs(),
            idle: view.idle.secs(),
            absolute: view.absolute.secs(),
            checked: view.checked.secs(),
        }),
        data: session.map(|view| &view.data),
    };
    let mut payload = Vec::with_capacity(USUAL_LENGTH);
    // Claims hold nothing that serialising could refuse; were it so, an empty payload is no
    // statement and the origin turns the request away.
    if serde_json::to_writer(&mut payload, &claims).is_err() {
        payload.clear();
    }
    keys.sign(Kind::Assertion, &payload)
}
