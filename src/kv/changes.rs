//! From what a command changed to what is written.
//!
//! Guarantees: a command that fails on its way leaves nothing behind that logs anybody out: what
//! takes effect for the browser is written last, and what ends sessions after what spares one; what
//! changes together with an ID counts when the new ID does; an ending outlives whatever a writer who
//! has not heard of it may write.

use super::values::{self, Keys, Kind};
use super::{SETTLED, is_surely_over};
use crate::record::{Record, Session};
use crate::sid::Sid;
use crate::store::{Command, Fault, Reply, Request};
use crate::time::{Span, Time};

/// The shortest time to live that KV takes, in seconds.
const SHORTEST_LIFE: u64 = 60;

/// How long the end of all of a subject's sessions is kept at least: as long as a browser keeps a
/// cookie, so that it outlasts sessions that an earlier configuration had made longer.
const BARRIER_LIFE: Span = Span::from_secs(400 * 86_400);

/// How many dead sessions one command clears away at most.
const MOST_CLEARED: usize = 8;

/// One write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The key.
    pub key: String,
    /// The value; `None` to remove it.
    pub value: Option<String>,
    /// How long it is kept, in seconds.
    pub seconds: u64,
    /// Whether the command has failed without it.
    pub required: bool,
}

/// A command that has been decided.
pub(super) struct Changes<'a> {
    pub(super) keys: &'a Keys,
    pub(super) request: &'a Request,
    pub(super) before: &'a Record,
    /// The sessions whose values hold what came together with an ID that is not known, and its number.
    pub(super) held: &'a [(Sid, u32)],
    pub(super) after: &'a Record,
    /// Whether the command changed anything; a repeat does not.
    pub(super) is_done: bool,
    pub(super) now: Time,
}

impl Changes<'_> {
    /// What is to be written, in this order.
    pub(super) fn writes(&self, reply: &Reply) -> Result<Vec<Write>, Fault> {
        let mut writes = Vec::new();
        let mut last = Vec::new();
        for session in &self.after.sessions {
            match self.old(&session.root) {
                None => writes.push(self.made(session)?),
                Some(old) => self.changed(old, session, reply, &mut writes, &mut last)?,
            }
        }
        let is_about_all = matches!(self.request.command, Command::DestroyAll { .. });
        // Whoever ended all but one at the same time, or by a clock that is ahead, set the same time.
        let is_barred =
            if is_about_all { self.is_done } else { self.after.barrier > self.before.barrier };
        if is_barred {
            writes.push(self.barrier(is_about_all)?);
        }
        writes.extend(last);
        let mut dead = Vec::new();
        for session in &self.before.sessions {
            let stays = |other: &Session| other.root == session.root;
            if self.after.sessions.iter().any(stays) {
                continue;
            }
            let lifetimes = &self.request.policy.lifetimes;
            let was_live = self.before.is_live(session, lifetimes, self.now);
            // What time has ended is gone by itself, and what was ended with all others by that;
            // but of two sessions that end each other, neither is to outlive the other's ending.
            let is_known_by_all = is_barred && is_about_all;
            // What only seems over may have been used elsewhere a moment ago.
            let is_over = was_live || is_surely_over(self.before, session, lifetimes, self.now);
            let is_cleared = is_over && dead.len() < MOST_CLEARED;
            if (was_live && !is_known_by_all) || (is_cleared && self.is_lately_barred(session)) {
                let mut ending = self.ending(&session.root)?;
                ending.required = !is_barred && was_live;
                writes.push(ending);
            }
            if is_cleared {
                dead.push(self.removal(&session.root));
            }
        }
        writes.extend(dead);
        Ok(writes)
    }

    /// Whether a session was ended with others so lately that its cookie may be as young as that: where
    /// nothing else is left of it, a cookie of the same second could be news that is late.
    fn is_lately_barred(&self, session: &Session) -> bool {
        let is_late = |barrier| self.now.since(barrier) <= SETTLED;
        self.after.bars(session) && self.after.barrier.is_some_and(is_late)
    }

    /// That a session has ended, for good.
    pub(super) fn ending(&self, root: &Sid) -> Result<Write, Fault> {
        let part = self.after.part(None, None, true);
        let ends = self.old(root).map(|session| self.longest_end(session));
        let lifetimes = &self.request.policy.lifetimes;
        let longest = self.now.plus(lifetimes.absolute.max(lifetimes.remember));
        let kept = ends.unwrap_or(longest).since(self.now);
        Ok(Write {
            key: self.keys.key(Kind::Ended, root),
            value: Some(text(part.to_text())?),
            // After that the session is over, whatever somebody who has not heard of it may write.
            seconds: kept.secs_up().max(SHORTEST_LIFE),
            required: true,
        })
    }

    /// The IDs of a session, for those who read older ones.
    pub(super) fn ids(&self, root: &Sid) -> Result<Option<Write>, Fault> {
        let session = self.after.sessions.iter().find(|session| session.root == *root);
        let write = |session: &Session| {
            Ok(self.value(Kind::Ids, session, text(values::ids(session))?, false))
        };
        session.map(write).transpose()
    }

    /// The session as it was before the command.
    fn old(&self, root: &Sid) -> Option<&Session> {
        self.before.sessions.iter().find(|session| session.root == *root)
    }

    fn made(&self, session: &Session) -> Result<Write, Fault> {
        let mut session = session.clone();
        if let Command::Create(create) = &self.request.command {
            // Whoever ends all sessions meanwhile, elsewhere, ends this one too: it began with the
            // request that it answers.
            session.life.created = session.life.created.minus(create.age);
        }
        let value = text(self.after.part(Some(session.clone()), None, false).to_text())?;
        Ok(self.value(Kind::Session, &session, value, true))
    }

    fn changed(
        &self,
        old: &Session,
        new: &Session,
        reply: &Reply,
        writes: &mut Vec<Write>,
        last: &mut Vec<Write>,
    ) -> Result<(), Fault> {
        let is_rotated = new.ids.current() != old.ids.current();
        // Whoever writes the session writes none of what others write.
        let mut rest = new.clone();
        rest.ids = old.ids.clone();
        rest.life.touched = old.life.touched;
        let is_answered = matches!(reply, Reply::Updated | Reply::Rotated { .. });
        if let Command::Rotate(rotate) = &self.request.command
            && new.ids.knows_sid(&rotate.sid)
            && !old.ids.knows_sid(&rotate.sid)
        {
            let mut write = self.value(Kind::Alias, new, new.root.as_str().to_owned(), true);
            write.key = self.keys.key(Kind::Alias, &rotate.sid);
            writes.push(write);
        }
        // What was held back goes, where another ID of that number would bring it into effect.
        let is_reached =
            |(root, number): &(Sid, u32)| *root == new.root && *number <= new.ids.generation();
        let is_cleared = is_rotated && self.held.iter().any(is_reached);
        let is_changed = rest != *old || is_answered || is_cleared;
        if is_changed {
            // An idle time that the origin chose counts from when it did: both are known together.
            rest.life.touched = new.life.touched;
            let part = self.after.part(Some(rest), None, true);
            let value = if is_rotated && is_answered {
                values::rotating(&part, old, new.ids.generation())
            } else {
                part.to_text()
            };
            writes.push(self.value(Kind::Session, new, text(value)?, true));
        }
        let is_used = !is_changed && new.life.touched != old.life.touched;
        if is_rotated {
            last.push(self.value(Kind::Ids, new, text(values::ids(new))?, true));
        } else if is_used || new.ids.seen() != old.ids.seen() {
            let value = text(values::activity(new, self.seen(old, new)))?;
            last.push(self.value(Kind::Activity, new, value, false));
        }
        Ok(())
    }

    /// Since when the current ID counts as seen: since its cookie was sealed, whoever sees it first.
    /// Of two places that do, each may be told of the other's write for its own, and a grace that
    /// was over must not begin again. A cookie names the second of its sealing, so it is the end of
    /// that: no grace is shorter than configured.
    fn seen(&self, old: &Session, new: &Session) -> Option<Time> {
        let stamp = self.request.stamp.as_ref().filter(|_| old.ids.seen().is_none());
        new.ids.seen().map(|at| stamp.map_or(at, |stamp| at.min(stamp.sealed_by())))
    }

    fn barrier(&self, is_about_all: bool) -> Result<Write, Fault> {
        let lifetimes = &self.request.policy.lifetimes;
        let longest = lifetimes.absolute.max(lifetimes.remember).max(BARRIER_LIFE);
        let part = self.after.part(None, self.after.barrier, true);
        let spared = match &self.request.command {
            Command::Create(create) => Some(&create.sid),
            Command::Rotate(_) => self.after.sessions.first().map(|session| &session.root),
            _ => None,
        };
        Ok(Write {
            key: if is_about_all { self.keys.all() } else { self.keys.others() },
            value: Some(text(values::barrier(&part, spared))?),
            seconds: longest.secs_up(),
            required: true,
        })
    }

    fn removal(&self, root: &Sid) -> Write {
        Write { key: self.keys.key(Kind::Session, root), value: None, seconds: 0, required: false }
    }

    /// Until when a session can last for somebody who has not heard that its life was shortened, and
    /// writes it back.
    fn longest_end(&self, session: &Session) -> Time {
        session.life.longest_end(&self.request.policy.lifetimes, self.after.is_signed_in())
    }

    /// A value that is kept for as long as its session can last.
    fn value(&self, kind: Kind, session: &Session, value: String, required: bool) -> Write {
        let ends = match kind {
            Kind::Session => session.life.latest_end(),
            _ => self.longest_end(session),
        };
        Write {
            key: self.keys.key(kind, &session.root),
            value: Some(value),
            seconds: ends.since(self.now).secs_up().max(SHORTEST_LIFE),
            required,
        }
    }
}

fn text(written: Result<String, serde_json::Error>) -> Result<String, Fault> {
    // The types rule it out.
    written.map_err(|_| Fault::Failed)
}
