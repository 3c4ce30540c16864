//! What the gate decides, as plain data that the shell carries out.
//!
//! Guarantees: a verdict is complete: nothing is left for the shell to judge. What may hold a
//! session ID or an assertion is in a type that does not print.

use crate::cookie::{Forwarded, SetCookie};
use crate::error::{PROBLEM_JSON, Problem};
use crate::jws::Signed;
use crate::locator::Locator;
use crate::request::reads_as_if_it_began;
use crate::store::{self, Fault};
use crate::token::Token;

/// A command, and the object that it is for.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Which object.
    pub locator: Locator,
    /// What it is asked.
    pub request: store::Request,
}

impl Call {
    /// The call with what the presented cookie says of its session.
    #[must_use]
    pub fn stamped_by(mut self, presented: Option<&Token>) -> Self {
        self.request.stamp = presented.and_then(|token| token.stamp.clone());
        self
    }

    /// Whether to ask a Durable Object once more after this fault. What was done and not answered is
    /// then answered as the first time; of a login or a change of privilege the browser would
    /// otherwise be left with an ID that is dead. Never where the store has too much to do, or has
    /// used up its time.
    #[must_use]
    pub fn is_asked_again_after(&self, fault: Fault) -> bool {
        let is_new_id =
            matches!(self.request.command, store::Command::Create(_) | store::Command::Rotate(_));
        is_new_id && fault == Fault::Failed
    }

    /// Whether the command changes what the isolate may remember of the object's sessions.
    #[must_use]
    pub const fn is_change(&self) -> bool {
        use store::Command::{
            Create, Destroy, DestroyAll, List, Rotate, Succeed, Sweep, Update, Validate,
        };
        match self.request.command {
            Create(_) | Update { .. } | Rotate(_) | Destroy { .. } | DestroyAll { .. } => true,
            Validate { .. } | Succeed { .. } | List | Sweep => false,
        }
    }
}

/// The request to the origin: the received one, with these differences.
#[derive(Clone, Debug)]
pub struct Outbound {
    /// The URL that it is for.
    pub href: String,
    /// What becomes of its cookies.
    pub cookie: Forwarded,
    /// Headers to remove.
    pub remove: Vec<String>,
    /// Headers to set, after that.
    pub set: Vec<(&'static str, String)>,
    /// The statement of who is asking.
    pub assertion: Signed,
    /// Whether no cache on the way may answer or keep it.
    pub no_store: bool,
}

/// An answer of the gate's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: Vec<(&'static str, String)>,
    /// The cookies to set.
    pub cookies: Vec<SetCookie>,
    /// The body; empty for none.
    pub body: String,
}

impl Answer {
    /// An answer that no cache keeps.
    #[must_use]
    pub fn new(status: u16) -> Self {
        let headers = vec![("cache-control", "no-store".to_owned())];
        Self { status, headers, cookies: Vec::new(), body: String::new() }
    }

    /// A redirect.
    #[must_use]
    pub fn redirect(status: u16, location: String) -> Self {
        Self::new(status).with("location", location)
    }

    /// The same with a header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The same with a body of this type.
    #[must_use]
    pub fn with_body(mut self, media_type: &'static str, body: String) -> Self {
        self.body = body;
        self.with("content-type", media_type)
    }
}

impl From<Problem> for Answer {
    fn from(problem: Problem) -> Self {
        let answer = Self::new(problem.status).with_body(PROBLEM_JSON, problem.body);
        problem.headers.into_iter().fold(answer, |answer, (name, value)| answer.with(name, value))
    }
}

/// The response to the browser: the origin's, with these differences.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edits {
    /// Headers to remove.
    pub remove: Vec<String>,
    /// Headers to set, after that.
    pub set: Vec<(&'static str, &'static str)>,
    /// Headers to add to those of the same name.
    pub append: Vec<(&'static str, &'static str)>,
    /// The origin's own `Set-Cookie`s, in order, where some of them are dropped.
    pub kept_cookies: Option<Vec<String>>,
    /// Cookies to add.
    pub cookies: Vec<SetCookie>,
}

impl Edits {
    /// Whether the origin's response passes as it is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What is known of the origin's response.
#[derive(Clone, Debug, Default)]
pub struct ResponseFacts {
    /// The HTTP status.
    pub status: u16,
    /// The names of its headers that are between origin and gate, as they are spelled.
    pub internal: Vec<String>,
    /// The names of its headers that speak to shared caches past `Cache-Control`.
    pub for_shared_caches: Vec<String>,
    /// `Edge-Session-Control`.
    pub control: Option<String>,
    /// Its `Set-Cookie`s, in order.
    pub set_cookies: Vec<String>,
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// `CDN-Cache-Control` and its like, joined.
    pub cdn_cache_control: Option<String>,
}

impl ResponseFacts {
    /// Whether the platform can make a response of this status; it passes on others as they are.
    #[must_use]
    pub const fn can_be_changed(&self) -> bool {
        self.status < 600
    }

    /// Takes a header in, the named ones by their names in lower case; of several `Set-Cookie`s,
    /// each.
    pub fn take(&mut self, name: &str, value: &str) {
        match name {
            "cache-control" => self.cache_control = Some(value.to_owned()),
            "set-cookie" => self.set_cookies.push(value.to_owned()),
            _ if reads_as_if_it_began(name, "edge-session-") => {
                if name == "edge-session-control" {
                    self.control = Some(value.to_owned());
                }
                self.internal.push(name.to_owned());
            }
            _ if is_for_shared_caches(name) => {
                let joined = self.cdn_cache_control.get_or_insert_default();
                joined.push_str(if joined.is_empty() { "" } else { "," });
                joined.push_str(value);
                self.for_shared_caches.push(name.to_owned());
            }
            _ => {}
        }
    }
}

/// Whether a header of this name, in any letter case, speaks to shared caches past `Cache-Control`
/// (RFC 9213).
fn is_for_shared_caches(name: &str) -> bool {
    const NAMES: [&str; 3] = ["surrogate-control", "edge-control", "x-accel-expires"];
    const CDN: &str = "cdn-cache-control";
    let end = name.len().checked_sub(CDN.len()).and_then(|start| name.get(start..));
    end.is_some_and(|end| end.eq_ignore_ascii_case(CDN))
        || NAMES.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// What the browser is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The origin's response, edited.
    Pass(Edits),
    /// Nothing of the origin's response.
    Replace(Answer),
}
