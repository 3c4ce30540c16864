//! The configuration: the table `[vars.EDGE_SESSION]`, or the same as JSON text.
//!
//! Guarantees: what parses is complete and free of contradictions; unknown keys are errors; all
//! errors are reported at once; options that give up sessions, or the cross-site check of unsafe
//! requests, are named `insecure_…`. A Worker whose configuration does not parse forwards nothing.

mod durations;
mod parse;
mod section;
mod together;

use serde_json::Value;

use crate::cookie::CookieNames;
use crate::csrf::CrossSite;
use crate::event::Level;
use crate::ijson;
use crate::lifetime::Lifetimes;
use crate::memory::Bounds;
use crate::origin::WebOrigin;
use crate::path::{self, Access, Matched, Rule};
use crate::rotation;
use crate::store::Policy;
use crate::time::Span;

/// Where requests are forwarded to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upstream {
    /// A server at this origin.
    Url(WebOrigin),
    /// Another Worker, by the name of its binding.
    Binding(String),
    /// The server behind the route that this Worker stands on.
    Route,
}

/// Which store sessions are kept in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// SQLite-backed Durable Objects.
    Durable,
    /// Workers KV.
    Kv,
}

/// When periodic rotation happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// How old an ID gets before it is replaced; `None` when rotation is off.
    pub every: Option<Span>,
    /// The rules that the store needs.
    pub rules: rotation::Rules,
    /// Whether presenting a stolen ID ends its session.
    pub reuse_ends: bool,
}

/// The configuration of a site.
#[derive(Clone, Debug)]
pub struct Config {
    /// The site: its public origin.
    pub issuer: WebOrigin,
    /// The origin's name in signed messages.
    pub audience: String,
    /// Where requests are forwarded to.
    pub upstream: Upstream,
    /// Which store sessions are kept in.
    pub store: StoreKind,
    /// How long the store has to answer.
    pub store_deadline: Span,
    /// What paths ask that no rule matches.
    pub default_access: Access,
    /// What other paths ask; the first match counts.
    pub rules: Vec<Rule>,
    /// Where a person without a session is sent.
    pub login_url: Option<String>,
    /// The query parameter that says where to return to after the login.
    pub login_return_param: String,
    /// Where a person is sent after logging out.
    pub logout_url: String,
    /// The cookies.
    pub cookie: CookieNames,
    /// How long an assertion is good for.
    pub assertion_ttl: Span,
    /// How long sessions live.
    pub lifetimes: Lifetimes,
    /// How IDs follow each other.
    pub rotation: Rotation,
    /// How old an answer from memory may be, where no rule says otherwise.
    pub fresh_for: Span,
    /// The longest that any answer from memory may be old.
    pub longest_fresh: Span,
    /// How much an isolate remembers.
    pub memory: Bounds,
    /// How many sessions a subject has at most.
    pub per_subject: usize,
    /// How many bytes of data a session has at most.
    pub data: usize,
    /// The cross-site rules.
    pub csrf: CrossSite,
    /// Whether cross-site requests are logged and let through.
    pub csrf_report_only: bool,
    /// How much is logged.
    pub log_level: Level,
    /// Whether client addresses are logged.
    pub log_ip: bool,
    /// Whether the site's own pages are told where an answer came from.
    pub server_timing: bool,
}

impl Config {
    /// Reads the table, as a value or as JSON text.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(value: &Value) -> Result<Self, Vec<String>> {
        let parsed;
        let table = match value {
            Value::String(text) => {
                parsed = ijson::parse(text);
                parsed.as_ref().and_then(Value::as_object)
            }
            value => value.as_object(),
        };
        let Some(table) = table else {
            return Err(vec![
                "EDGE_SESSION: is not set, or not a table or its JSON text".to_owned(),
            ]);
        };
        parse::parse(table.clone())
    }

    /// The origin of the URLs that are forwarded to: behind a binding or a route, the site's own.
    #[must_use]
    pub const fn upstream_origin(&self) -> &WebOrigin {
        match &self.upstream {
            Upstream::Url(origin) => origin,
            Upstream::Binding(_) | Upstream::Route => &self.issuer,
        }
    }

    /// What the rules say of a path.
    #[must_use]
    pub fn rule(&self, path: &str) -> Matched<'_> {
        path::decide(&self.rules, self.default_access, path)
    }

    /// What the store's decisions depend on.
    #[must_use]
    pub fn policy(&self) -> Policy {
        Policy {
            lifetimes: self.lifetimes.clone(),
            rotation: self.rotation.rules.clone(),
            reuse_ends: self.rotation.reuse_ends,
            per_subject: self.per_subject,
            data: self.data,
        }
    }
}
