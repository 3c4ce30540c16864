//! What the store keeps: one subject's sessions, or one anonymous session, as one record.
//!
//! Guarantees: no raw session ID is in it; a record of another format is refused, never misread;
//! what it takes to answer a repeated operation in the same way stays with it. In a Durable Object it
//! is one row: every operation reads one and writes at most one, and is atomic by that. KV keeps its
//! parts apart (`kv`).
//!
//! The format outlives a deployment and is pinned by `tests/stored_format.rs`.

use serde::{Deserialize, Serialize};

use crate::data::Data;
use crate::lifetime::{Deadlines, Life, Lifetimes};
use crate::rotation::Ids;
use crate::sid::Sid;
use crate::store::{Operation, Reply, Which};
use crate::subject::Subject;
use crate::time::{Span, Time};
use crate::token::IdHash;

/// The format that this version reads and writes.
const VERSION: u32 = 1;

/// How long a subject's last `destroy_all` or `end_others` is remembered. A login that answers an
/// older request than that is refused, so that nothing is forgotten too early.
pub const BARRIER_KEPT: Span = Span::from_secs(3600);

/// How many answers of operations that came with a response are remembered. A repeat of one
/// follows at once or never.
const ANSWERS_KEPT: usize = 32;

/// How many answers of out-of-band operations are remembered at most, all of them until their
/// message has expired.
const OUT_OF_BAND_KEPT: usize = 256;

/// Whose sessions they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// Nobody's: one anonymous session.
    Anonymous,
    /// A subject's.
    Subject(Subject),
}

impl Owner {
    /// The subject, if there is one.
    #[must_use]
    pub const fn subject(&self) -> Option<&Subject> {
        match self {
            Self::Anonymous => None,
            Self::Subject(subject) => Some(subject),
        }
    }
}

/// One session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// Names the session within its record; its first public handle.
    pub root: Sid,
    /// Its IDs and public handles.
    pub ids: Ids,
    /// Its life.
    pub life: Life,
    /// When the user last authenticated, in seconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<u64>,
    /// How the user authenticated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amr: Option<Vec<String>>,
    /// What the origin keeps in it.
    #[serde(default, skip_serializing_if = "Data::is_empty")]
    pub data: Data,
    /// When it was the one that was left while all others were ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spared: Option<Time>,
}

impl Session {
    /// Whether this is the session that a command names.
    #[must_use]
    pub fn is(&self, which: &Which) -> bool {
        match which {
            Which::Id(hash) => self.ids.knows(hash),
            Which::Sid(sid) => self.ids.knows_sid(sid),
            Which::Root(root) => self.root == *root,
        }
    }
}

/// The answer that an operation was given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Answered {
    operation: Operation,
    reply: Reply,
}

impl Answered {
    /// Whether it is of use when no session is left. One that says that a session was changed is not:
    /// that session has ended, and a repeat finds so and changes nothing.
    const fn outlasts_sessions(&self) -> bool {
        self.operation.out_of_band || matches!(self.reply, Reply::Ended { .. })
    }
}

/// Everything that one object of the store holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    version: u32,
    /// The latest time that was ever stored: no clock that steps backwards undoes an ending.
    pub clock: Time,
    /// Whose sessions they are, once there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// The live sessions, and those that nobody has swept yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sessions: Vec<Session>,
    /// When all other sessions of the subject were last ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub barrier: Option<Time>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    answered: Vec<Answered>,
    /// When the object asked to be woken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarm: Option<Time>,
}

impl Default for Record {
    fn default() -> Self {
        Self {
            version: VERSION,
            clock: Time::default(),
            owner: None,
            sessions: Vec::new(),
            barrier: None,
            answered: Vec::new(),
            alarm: None,
        }
    }
}

impl Record {
    /// Reads a stored record; `None` when it is of another format.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let record: Self = serde_json::from_str(text).ok()?;
        (record.version == VERSION).then_some(record)
    }

    /// The record as it is stored; `None` when there is nothing to keep.
    ///
    /// # Errors
    /// When it cannot be written, which the types rule out.
    pub fn write(&self) -> Result<Option<String>, serde_json::Error> {
        if self.sessions.is_empty() && self.barrier.is_none() && self.answered.is_empty() {
            return Ok(None);
        }
        self.to_text().map(Some)
    }

    /// Whether all of the subject's sessions were ended after this one had begun. A store that
    /// holds them together has removed it then; another finds out here.
    #[must_use]
    pub fn bars(&self, session: &Session) -> bool {
        self.barrier.is_some_and(|barrier| {
            session.life.created <= barrier && session.spared.is_none_or(|spared| spared < barrier)
        })
    }

    /// Whether a session lives.
    #[must_use]
    pub fn is_live(&self, session: &Session, lifetimes: &Lifetimes, now: Time) -> bool {
        !self.deadlines(session, lifetimes).are_over(now) && !self.bars(session)
    }

    /// When a session ends, under the configuration that is in force now.
    #[must_use]
    pub fn deadlines(&self, session: &Session, lifetimes: &Lifetimes) -> Deadlines {
        session.life.deadlines(lifetimes, self.is_signed_in())
    }

    /// Whether its sessions are a subject's.
    #[must_use]
    pub fn is_signed_in(&self) -> bool {
        self.owner.as_ref().is_some_and(|owner| owner.subject().is_some())
    }

    /// The place of the live session that fits.
    pub fn place(
        &self,
        lifetimes: &Lifetimes,
        now: Time,
        fits: impl Fn(&Session) -> bool,
    ) -> Option<usize> {
        self.sessions
            .iter()
            .position(|session| fits(session) && self.is_live(session, lifetimes, now))
    }

    /// The place of the session, live or not, that has or had this ID.
    #[must_use]
    pub fn place_of_id(&self, hash: &IdHash) -> Option<usize> {
        self.sessions.iter().position(|session| session.ids.knows(hash))
    }

    /// Drops what is over.
    pub fn sweep(&mut self, lifetimes: &Lifetimes, now: Time) {
        let mut sessions = core::mem::take(&mut self.sessions);
        sessions.retain(|session| self.is_live(session, lifetimes, now));
        self.sessions = sessions;
        self.barrier = self.barrier.filter(|barrier| now.since(*barrier) < BARRIER_KEPT);
        let is_left = !self.sessions.is_empty();
        self.answered.retain(|answered| {
            now < answered.operation.until && (is_left || answered.outlasts_sessions())
        });
    }

    /// Asks to be woken when there will be something to clear away, or keeps the earlier time that was
    /// asked for before.
    pub fn set_alarm(&mut self, lifetimes: &Lifetimes, now: Time) {
        let ends = self.sessions.iter().map(|session| self.deadlines(session, lifetimes).cleared);
        let kept = self.barrier.map(|barrier| barrier.plus(BARRIER_KEPT));
        let answers = self.answered.iter().map(|answered| answered.operation.until);
        // While sessions live, the rest waits for them: every waking costs a write.
        let wake = ends.min().or_else(|| answers.chain(kept).max());
        let still_good = |alarm: &Time| *alarm > now && wake.is_some_and(|wake| *alarm <= wake);
        self.alarm = self.alarm.filter(still_good).or(wake);
    }

    /// The answer that this operation was given before.
    #[must_use]
    pub fn answer_to(&self, operation: &Operation) -> Option<Reply> {
        let answered = self.answered.iter().find(|answered| {
            // A request's name and a message's own are not of one name space.
            answered.operation.id == operation.id
                && answered.operation.out_of_band == operation.out_of_band
        })?;
        let same = answered.operation.digest == operation.digest;
        Some(if same { answered.reply.clone() } else { Reply::Conflict })
    }

    /// Whether the answer to a further operation can be remembered for as long as it must be.
    #[must_use]
    pub fn has_room_for(&self, operation: &Operation, now: Time) -> bool {
        // Those whose time is over go with the next write, which may be this operation's own.
        let is_kept = |it: &&Operation| it.out_of_band && now < it.until;
        let kept = self.answered.iter().map(|answered| &answered.operation).filter(is_kept);
        !operation.out_of_band || kept.count() < OUT_OF_BAND_KEPT
    }

    /// What is known from two places, taken together. Neither knows another's session.
    #[must_use]
    pub fn joined(mut self, other: Self) -> Self {
        self.clock = self.clock.max(other.clock);
        self.owner = self.owner.or(other.owner);
        self.sessions.extend(other.sessions);
        self.barrier = self.barrier.max(other.barrier);
        let is_new = |answered: &Answered| {
            let new = &answered.operation;
            !self.answered.iter().any(|known| {
                let known = &known.operation;
                known.id == new.id && known.out_of_band == new.out_of_band
            })
        };
        let new: Vec<_> = other.answered.into_iter().filter(is_new).collect();
        self.answered.extend(new);
        self
    }

    /// The part of this record that is kept in a place of its own.
    #[must_use]
    pub fn part(&self, session: Option<Session>, barrier: Option<Time>, answers: bool) -> Self {
        Self {
            version: VERSION,
            clock: self.clock,
            owner: self.owner.clone(),
            sessions: session.into_iter().collect(),
            barrier,
            answered: if answers { self.answered.clone() } else { Vec::new() },
            alarm: None,
        }
    }

    /// The record as text, empty or not.
    ///
    /// # Errors
    /// When it cannot be written, which the types rule out.
    pub fn to_text(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// Remembers the answer that an operation is given.
    pub fn remember(&mut self, operation: Operation, reply: Reply) {
        if !operation.out_of_band {
            let with_response = |answered: &Answered| !answered.operation.out_of_band;
            let count = self.answered.iter().filter(|it| with_response(it)).count();
            // One too many in a single place; more where they were put together from several.
            for _ in ANSWERS_KEPT..=count {
                if let Some(oldest) = self.answered.iter().position(with_response) {
                    self.answered.remove(oldest);
                }
            }
        }
        self.answered.push(Answered { operation, reply });
    }
}
