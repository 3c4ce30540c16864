//! A request on its way through the gate.
//!
//! Guarantees: what was decided about it at the door goes with it and is never decided again.

use crate::locator::Locator;
use crate::path::Access;
use crate::record::Owner;
use crate::request::Facts;
use crate::rotation::Candidate;
use crate::sid::Sid;
use crate::site::Site;
use crate::store::{Command, Request};
use crate::target::Target;
use crate::time::Time;
use crate::token::{Secret, SessionId, Token};
use crate::verdict::Call;
use crate::view::View;

/// A request that was let through the door.
#[derive(Clone, Debug)]
pub struct Passage {
    pub(super) facts: Facts,
    pub(super) target: Target,
    pub(super) access: Access,
    pub(super) activity: bool,
    /// The matched rule as written, for logs.
    pub(super) rule: Option<String>,
    /// The ID that it presents, if that was sealed by us and its deadline has not come.
    pub(super) presented: Option<Token>,
    /// Whether its browser has just changed something.
    pub(super) fresh: bool,
    /// When it reached the gate.
    pub(super) received: Time,
}

impl Passage {
    /// Whether the request counts as the user's activity.
    pub(super) fn slides(&self) -> bool {
        self.activity && !self.facts.is_prefetch()
    }

    /// The question whose ID this is; nothing when none is presented.
    #[must_use]
    pub fn question(&self, site: &Site) -> Option<Call> {
        let token = self.presented.as_ref()?;
        let command = Command::Validate {
            id: token.hash,
            slide: self.slides(),
        };
        Some(call(site, token.id.locator, None, command))
    }

    /// The ID that it presents.
    #[must_use]
    pub const fn presented(&self) -> Option<&Token> {
        self.presented.as_ref()
    }

    /// Whether an answer from memory may do.
    #[must_use]
    pub fn may_be_remembered(&self) -> bool {
        self.facts.is_read() && !self.fresh
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
    pub(super) session: Option<View>,
    /// The successor to offer with the response.
    pub(super) successor: Option<(SessionId, Candidate)>,
    pub(super) received: Time,
    /// The secret of the session that the origin may ask for.
    pub(super) spare: Secret,
}

/// A call to an object, under the site's policy.
pub(super) fn call(site: &Site, locator: Locator, owner: Option<Owner>, command: Command) -> Call {
    Call {
        locator,
        request: Request {
            owner,
            command,
            policy: site.config.policy(),
        },
    }
}
