//! A request on its way through the gate.
//!
//! Guarantees: what was decided about it at the door goes with it and is never decided again.

use std::rc::Rc;

use crate::locator::Locator;
use crate::mark::Mark;
use crate::path::Access;
use crate::record::Owner;
use crate::request::Facts;
use crate::rotation::Candidate;
use crate::sid::Sid;
use crate::site::Site;
use crate::store::{Command, Fault, Reply, Request};
use crate::target::Target;
use crate::time::{Span, Time};
use crate::token::{Secret, SessionId, Token};
use crate::verdict::Call;
use crate::view::View;

/// Where the answer about a request's session came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// There was nothing to ask.
    Nothing,
    /// The isolate's memory.
    Memory,
    /// The store.
    Store,
}

impl Source {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "none",
            Self::Memory => "memory",
            Self::Store => "store",
        }
    }

    pub(super) const fn server_timing(self) -> &'static str {
        match self {
            Self::Nothing => "session;desc=\"none\"",
            Self::Memory => "session;desc=\"memory\"",
            Self::Store => "session;desc=\"store\"",
        }
    }
}

/// What came of looking up whose ID a request presents.
#[derive(Debug)]
pub enum Loaded {
    /// It presents none.
    Nothing,
    /// The isolate's memory knew; see [`recall`](super::recall).
    FromMemory(Reply),
    /// The store was asked.
    FromStore(Result<Reply, Fault>),
}

impl Loaded {
    pub(super) const fn source(&self) -> Source {
        match self {
            Self::Nothing => Source::Nothing,
            Self::FromMemory(_) => Source::Memory,
            Self::FromStore(_) => Source::Store,
        }
    }
}

/// A request that was let through the door.
#[derive(Clone, Debug)]
pub struct Passage {
    pub(super) facts: Facts,
    pub(super) target: Target,
    pub(super) access: Access,
    /// Whether no session is asked of it, whatever its path.
    pub(super) excused: bool,
    pub(super) activity: bool,
    /// The matched rule as written, for logs.
    pub(super) rule: Option<String>,
    /// The ID that it presents, if that was sealed by us and its deadline has not come.
    pub(super) presented: Option<Token>,
    /// How old an answer from memory may be.
    pub(super) fresh_for: Span,
    /// What its browser has just changed.
    pub(super) mark: Option<Mark>,
    /// When it reached the gate.
    pub(super) received: Time,
}

impl Passage {
    /// Whether the request counts as the user's activity.
    #[must_use]
    pub fn slides(&self) -> bool {
        self.activity && !self.facts.is_prefetch()
    }

    /// The question whose ID this is; `None` when none is presented.
    #[must_use]
    pub fn question(&self, site: &Site) -> Option<Call> {
        let token = self.presented.as_ref()?;
        let command = Command::Validate { id: token.hash, slide: self.slides() };
        Some(call_about(site, token, command))
    }

    /// The ID that it presents.
    #[must_use]
    pub const fn presented(&self) -> Option<&Token> {
        self.presented.as_ref()
    }

    /// How old an answer from memory may be; zero where only the store will do.
    #[must_use]
    pub const fn fresh_for(&self) -> Span {
        self.fresh_for
    }

    /// What its browser has just changed.
    #[must_use]
    pub const fn mark(&self) -> Option<Mark> {
        self.mark
    }
}

/// What is kept of a forwarded request until the origin has answered it.
#[derive(Clone, Debug)]
pub struct Context {
    /// Names the request: the assertion's `jti`.
    pub(super) jti: Sid,
    pub(super) access: Access,
    pub(super) rule: Option<String>,
    pub(super) presented: Option<Token>,
    /// The session that it was forwarded with.
    pub(super) session: Option<Rc<View>>,
    /// The successor to offer with the response.
    pub(super) successor: Option<(SessionId, Candidate)>,
    pub(super) received: Time,
    /// Whether it counted as the user's activity.
    pub(super) slid: bool,
    /// What the site's own pages are told of where the session came from, if anything.
    pub(super) timing: Option<&'static str>,
    /// The secret of the session that the origin may ask for.
    pub(super) spare: Secret,
}

impl Context {
    /// How long ago the user was active with this request.
    pub(super) fn activity(&self, now: Time) -> Option<Span> {
        self.slid.then(|| now.since(self.received))
    }
}

/// A call to an object, under the site's policy.
pub(super) fn call(site: &Site, locator: Locator, owner: Option<Owner>, command: Command) -> Call {
    Call { locator, request: Request { owner, command, stamp: None, policy: site.config.policy() } }
}

/// A call about the session of a presented cookie.
pub(super) fn call_about(site: &Site, token: &Token, command: Command) -> Call {
    call(site, token.id.locator, None, command).stamped_by(Some(token))
}
