//! An origin for tests: it reads the assertion, as any origin would, and answers by a script.

use serde_json::{Map, Value, json};

use edge_session::base64url;
use edge_session::cookie::Forwarded;
use edge_session::jws::{Kind, OriginKeys};
use edge_session::time::Time;
use edge_session::verdict::{Outbound, ResponseFacts};

use super::browser::{ISSUER, by_name};

/// What an origin sees of a request.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The claims of a verified assertion.
    pub claims: Map<String, Value>,
    /// The assertion as it came.
    pub assertion: String,
    pub href: String,
    pub method: String,
    /// The headers that arrive, the assertion left out.
    pub headers: Vec<(String, String)>,
    /// Whether caches on the way are left out.
    pub no_store: bool,
    pub at: Time,
}

impl Seen {
    /// What arrives: the request as it was sent, changed as the gate says.
    pub fn new(
        keys: &OriginKeys,
        method: &str,
        sent: &[(String, String)],
        outbound: &Outbound,
        at: Time,
    ) -> Self {
        let assertion = outbound.assertion.expose().to_owned();
        let claims = keys.verify(Kind::Assertion, &assertion).unwrap();
        let is_removed =
            |name: &str| outbound.remove.iter().any(|gone| gone.eq_ignore_ascii_case(name));
        let mut headers: Vec<(String, String)> = sent
            .iter()
            .filter(|(name, _)| !is_removed(name))
            .filter(|(name, _)| {
                outbound.cookie == Forwarded::Keep || !name.eq_ignore_ascii_case("cookie")
            })
            .cloned()
            .collect();
        if let Forwarded::Replace(cookie) = &outbound.cookie {
            headers.push(("Cookie".to_owned(), cookie.clone()));
        }
        for (name, value) in &outbound.set {
            headers.retain(|(header, _)| !header.eq_ignore_ascii_case(name));
            headers.push(((*name).to_owned(), value.clone()));
        }
        Self {
            claims,
            assertion,
            href: outbound.href.clone(),
            method: method.to_owned(),
            headers,
            no_store: outbound.no_store,
            at,
        }
    }

    pub fn claim(&self, name: &str) -> Option<&str> {
        self.claims.get(name).and_then(Value::as_str)
    }

    pub fn subject(&self) -> Option<&str> {
        self.claim("sub")
    }

    pub fn sid(&self) -> Option<&str> {
        self.claim("sid")
    }

    pub fn jti(&self) -> &str {
        self.claim("jti").unwrap()
    }

    pub fn data(&self) -> &Value {
        self.claims.get("data").unwrap_or(&Value::Null)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(header, _)| header.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.as_str())
    }

    /// The claims of a control that answers this request.
    pub fn answer(&self, members: &Value) -> Value {
        let mut claims = envelope(self.at);
        claims["req"] = self.jti().into();
        extend(claims, members)
    }
}

/// The claims that every control has.
pub fn envelope(now: Time) -> Value {
    json!({ "iss": "origin", "aud": ISSUER, "iat": now.secs(), "exp": now.secs() + 30 })
}

/// An object with further members, or others in the place of its own; `null` removes one.
pub fn extend(mut object: Value, members: &Value) -> Value {
    for (name, value) in members.as_object().unwrap() {
        match value {
            Value::Null => object.as_object_mut().unwrap().remove(name),
            value => object.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    object
}

/// A control as an origin signs it.
pub fn sign(keys: &OriginKeys, claims: &Value) -> String {
    keys.sign(Kind::Control, claims.to_string().as_bytes()).expose().to_owned()
}

/// A message with this protected header and payload, signed with this key.
pub fn forge(key: &[u8], header: &str, payload: &str) -> String {
    let mac = edge_session::mac::MacKey::new(key).unwrap();
    let part = |text: &str| base64url::encode(text.as_bytes());
    let signed = format!("{}.{}", part(header), part(payload));
    let tag = mac.tag(&[signed.as_bytes()]);
    format!("{signed}.{}", base64url::encode(&tag))
}

type Script = Box<dyn Fn(&Seen) -> ResponseFacts>;

/// How the origin answers.
pub enum Play {
    /// 200 and nothing else.
    Pass,
    /// 200 with a control of these members.
    Say(Value),
    /// A response with a control of these members.
    SayOn(ResponseFacts, Value),
    /// Whatever this makes of the request.
    With(Script),
}

impl Play {
    pub fn answer(&self, keys: &OriginKeys, seen: &Seen) -> ResponseFacts {
        match self {
            Self::Pass => response(200, &[]),
            Self::Say(members) => {
                let control = sign(keys, &seen.answer(members));
                response(200, &[("Edge-Session-Control", &control)])
            }
            Self::SayOn(facts, members) => {
                let mut facts = facts.clone();
                facts.take("edge-session-control", &sign(keys, &seen.answer(members)));
                facts
            }
            Self::With(script) => script(seen),
        }
    }
}

/// A response with these headers: the platform joins those of one name, but for `Set-Cookie`, and
/// tells names in lower case.
pub fn response(status: u16, headers: &[(&str, &str)]) -> ResponseFacts {
    let mut facts = ResponseFacts { status, ..ResponseFacts::default() };
    for (name, values) in by_name(headers.iter().copied()) {
        if name == "set-cookie" {
            for value in values {
                facts.take(&name, value);
            }
        } else {
            facts.take(&name, &values.join(", "));
        }
    }
    facts
}
