//! The IDs that a session has had, and which of them still count.
//!
//! Guarantees:
//! - a periodic successor takes over when it has been *seen*: until then the predecessor stays good
//!   and no further rotation happens, so a lost response logs nobody out; after that the
//!   predecessor has a grace for requests that were under way;
//! - an ID issued for a change of privilege takes over at once: everything before it is dead
//!   ([OWASP ASVS 5 V7](https://github.com/OWASP/ASVS/blob/v5.0.0/5.0/en/0x16-V7-Session-Management.md),
//!   7.2.4);
//! - parallel rotations from one ID make one successor, whoever asks first;
//! - a dead ID presented long after its successor was seen is noticed, as long as it is among the
//!   last eight: somebody kept a copy.

use serde::{Deserialize, Serialize};

use crate::keys::KeyId;
use crate::sid::Sid;
use crate::time::{Span, Time};
use crate::token::IdHash;

/// How many superseded IDs are remembered, and how many handles that no ID was issued for.
const REMEMBERED: usize = 8;

/// How far apart the numbers are between which an ID was issued at once. A cookie's number tells so
/// whoever has not heard of that ID, however many periodic ones were issued where nobody had.
const STRIDE: u32 = 1024;

/// The rules of rotation that the store needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// How long a predecessor keeps working once its successor has been seen.
    pub grace: Span,
    /// From how long after its successor was seen a superseded ID is taken for a stolen one.
    pub reuse_after: Span,
}

/// How an ID was derived: enough to derive it again, for whoever has predecessor and key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Derivation {
    /// The key that derived it.
    pub key: KeyId,
    /// The ID's number within its session.
    pub generation: u32,
}

/// A successor that a gate proposes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The hash of the ID that it was derived from.
    pub from: IdHash,
    /// Its own hash.
    pub hash: IdHash,
    /// How it was derived.
    pub by: Derivation,
}

/// One ID that the session has, or had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Issued {
    hash: IdHash,
    /// The public handle of the session while this ID was its current one.
    sid: Sid,
    /// When it was issued.
    at: Time,
    /// When it was first presented.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seen: Option<Time>,
    /// What it was derived from, and how; `None` for the first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    derived: Option<(IdHash, Derivation)>,
    /// Whether everything before it died when it was issued.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    at_once: bool,
}

/// The current ID and those before it, newest first, never empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ids {
    current: Issued,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    former: Vec<Issued>,
    /// Handles that applications may know the session by although another one was first, newest
    /// first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    also: Vec<Sid>,
}

/// What an ID is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is the session's ID.
    Current,
    /// It has a successor and still counts. Where the current ID was derived from it, the
    /// browser can be given that one.
    Preceding(Option<Derivation>),
    /// It no longer counts; `reused` when that has been so for long.
    Superseded {
        /// Whether it is taken for a stolen one.
        reused: bool,
    },
}

/// What came of asking for a new ID at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// The candidate is the session's ID now.
    New,
    /// Somebody who presented the same ID was first; theirs is the session's ID.
    Same(Derivation),
    /// Somebody who presented another ID was first; theirs is the session's ID.
    Overtaken,
    /// The candidate's number is taken; the next one is `after` this.
    Taken {
        /// The session's latest number.
        after: u32,
    },
}

impl Derivation {
    /// The number of an ID issued at once after the one with this number. Those of that one's periodic
    /// successors stay below it for a whole stride.
    #[must_use]
    pub fn at_once(after: u32) -> Option<u32> {
        stride(after).checked_add(2)?.checked_mul(STRIDE)
    }
}

const fn stride(generation: u32) -> u32 {
    generation / STRIDE
}

impl Ids {
    /// The first ID of a session.
    #[must_use]
    pub fn first(hash: IdHash, sid: Sid, now: Time) -> Self {
        let current = Issued { hash, sid, at: now, seen: Some(now), derived: None, at_once: false };
        Self { current, former: Vec::new(), also: Vec::new() }
    }

    /// The session's current public handle.
    #[must_use]
    pub fn sid(&self) -> &Sid {
        &self.current.sid
    }

    /// The hash of the current ID.
    #[must_use]
    pub fn current(&self) -> &IdHash {
        &self.current.hash
    }

    /// When the current ID was issued.
    #[must_use]
    pub fn issued(&self) -> Time {
        self.current.at
    }

    /// When the current ID was first presented.
    #[must_use]
    pub const fn seen(&self) -> Option<Time> {
        self.current.seen
    }

    /// The number of the latest ID; the first is 0.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.current.derived.as_ref().map_or(0, |(_, by)| by.generation)
    }

    /// Whether the session has, or lately had, this ID.
    #[must_use]
    pub fn knows(&self, hash: &IdHash) -> bool {
        self.iter().any(|issued| issued.hash == *hash)
    }

    /// Whether this is, or lately was, the session's public handle.
    #[must_use]
    pub fn knows_sid(&self, sid: &Sid) -> bool {
        self.iter().any(|issued| issued.sid == *sid) || self.also.contains(sid)
    }

    /// What an ID is worth now; `None` when the session does not know it.
    #[must_use]
    pub fn standing(&self, hash: &IdHash, rules: &Rules, now: Time) -> Option<Standing> {
        if self.current.hash == *hash {
            return Some(Standing::Current);
        }
        let mut dead = false;
        let mut successor = &self.current;
        for issued in &self.former {
            dead |= successor.at_once;
            if issued.hash == *hash {
                let seen_for = successor.seen.map(|seen| now.since(seen));
                if !dead && seen_for.is_none_or(|since| since < rules.grace) {
                    return Some(Standing::Preceding(self.derivation_from(hash)));
                }
                let reused = seen_for.is_some_and(|since| since >= rules.reuse_after);
                return Some(Standing::Superseded { reused });
            }
            successor = issued;
        }
        None
    }

    /// Notes that the current ID has been presented. Says whether that is news.
    pub fn see(&mut self, now: Time) -> bool {
        let is_news = self.current.seen.is_none();
        self.current.seen.get_or_insert(now);
        is_news
    }

    /// Takes an ID that is known to have been issued after all of these: what was read is older
    /// than the cookie that presents it. Says whether it was.
    pub fn catch_up(&mut self, hash: IdHash, generation: u32, now: Time) -> bool {
        if generation <= self.generation() || self.knows(&hash) {
            return false;
        }
        let at_once = stride(self.generation()) != stride(generation);
        let key = self.current.derived.as_ref().map(|(_, by)| by.key.clone());
        let by = Derivation { key: key.unwrap_or_default(), generation };
        let candidate = Candidate { from: self.current.hash, hash, by };
        let sid = self.current.sid.clone();
        self.push(&candidate, sid, at_once, now);
        self.see(now);
        true
    }

    /// Takes a periodic successor, or says that this very one has been taken already. Anything else
    /// (another is under way, the session has moved on) is a no.
    pub fn succeed(&mut self, candidate: &Candidate, now: Time) -> bool {
        if self.current.hash == candidate.hash {
            return !self.current.at_once;
        }
        let is_next = self.generation().checked_add(1) == Some(candidate.by.generation);
        if self.current.hash != candidate.from || !is_next {
            return false;
        }
        let sid = self.current.sid.clone();
        self.push(candidate, sid, false, now);
        true
    }

    /// Takes a new ID at once; everything before it is dead. Whoever holds an ID that has died since
    /// its request began is given none, unless it died a moment ago of a parallel request like this;
    /// the handle that was meant for it names the session all the same.
    pub fn replace(
        &mut self,
        candidate: &Candidate,
        sid: Option<&Sid>,
        rules: &Rules,
        now: Time,
    ) -> Replaced {
        let standing = self.standing(&candidate.from, rules, now);
        if !matches!(standing, Some(Standing::Current | Standing::Preceding(_))) {
            if let Some(sid) = sid.filter(|sid| !self.knows_sid(sid)) {
                self.also.insert(0, sid.clone());
                self.also.truncate(REMEMBERED);
            }
            let is_parallel = self.current.at_once && now.since(self.current.at) < rules.grace;
            return self
                .derivation_from(&candidate.from)
                .filter(|_| is_parallel)
                .map_or(Replaced::Overtaken, Replaced::Same);
        }
        let after = self.generation();
        if candidate.by.generation <= after {
            return Replaced::Taken { after };
        }
        let sid = sid.unwrap_or(&self.current.sid).clone();
        self.push(candidate, sid, true, now);
        Replaced::New
    }

    fn push(&mut self, candidate: &Candidate, sid: Sid, at_once: bool, now: Time) {
        let next = Issued {
            hash: candidate.hash,
            sid,
            at: now,
            seen: None,
            derived: Some((candidate.from, candidate.by.clone())),
            at_once,
        };
        self.former.insert(0, core::mem::replace(&mut self.current, next));
        self.former.truncate(REMEMBERED);
    }

    fn derivation_from(&self, hash: &IdHash) -> Option<Derivation> {
        let (from, by) = self.current.derived.as_ref()?;
        (from == hash).then(|| by.clone())
    }

    fn iter(&self) -> impl Iterator<Item = &Issued> {
        core::iter::once(&self.current).chain(&self.former)
    }
}

#[cfg(test)]
mod tests;
