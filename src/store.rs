//! What can be asked of a store, and what it answers.
//!
//! Guarantees: [`apply()`] *is* the semantics of every store: the Durable Object runs it between one
//! read and one write, and KV and the tests run the same function. A store itself decides one thing:
//! whether it has read enough to answer. Every command is idempotent: a caller that ran out of time
//! does not know whether it landed.

mod apply;
mod end;
mod validate;

use std::rc::Rc;

use serde::{Deserialize, Serialize};

pub use apply::apply;

use crate::data::{Change, Data};
use crate::lifetime::{Lifetimes, Shorter};
use crate::record::Owner;
use crate::rotation::{Candidate, Derivation, Rules};
use crate::sid::Sid;
use crate::time::{Span, Time};
use crate::token::{IdHash, Stamp};
use crate::view::View;

/// The configuration that a store's decisions depend on. It travels with every command, so that a
/// store has none of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// How long sessions live.
    pub lifetimes: Lifetimes,
    /// How IDs follow each other.
    pub rotation: Rules,
    /// Whether presenting a stolen ID ends its session.
    pub reuse_ends: bool,
    /// How many sessions a subject has at most.
    pub per_subject: usize,
    /// How many bytes of data a session has at most.
    pub data: usize,
}

/// One command to one object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Whose sessions the sender believes they are; an object that holds another's refuses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// What to do.
    pub command: Command,
    /// What the presented cookie says of its session, for a store that cannot tell by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stamp: Option<Stamp>,
    /// The configuration in force.
    pub policy: Policy,
}

/// Identifies an operation, so that a repeat is answered as the first time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// The `jti` of the request that it answers, or its own.
    pub id: String,
    /// The hash of the whole message: another message under the same id is no repeat.
    pub digest: String,
    /// Until when a repeat can arrive.
    pub until: Time,
    /// Whether it came out of band.
    pub out_of_band: bool,
}

/// A session to make.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Create {
    /// The hash of its ID.
    pub id: IdHash,
    /// Its public handle: the `jti` of the request that the login answers, so a repeat is known by it.
    pub sid: Sid,
    /// How long ago that request reached the gate, when this was sent.
    pub age: Span,
    /// When this was sent, by the gate's clock.
    #[serde(default)]
    pub sent: Time,
    /// The session that the request presented, if this object may know it: it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<Which>,
    /// Whether every other session of the subject ends.
    pub end_others: bool,
    /// What the origin keeps in it.
    pub data: Data,
    /// When the user authenticated.
    pub auth_time: Option<u64>,
    /// How the user authenticated.
    pub amr: Option<Vec<String>>,
    /// Whether it is meant to outlast the browser.
    pub remember: bool,
    /// How its life is to be shorter than configured.
    pub shorter: Shorter,
    /// Whether the reply shows the session, so that nobody has to ask for it next.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub shown: bool,
}

/// A new ID for a session, with whatever the change of privilege brings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rotate {
    /// The session.
    pub which: Which,
    /// The new ID.
    pub candidate: Candidate,
    /// The new public handle, where the session has a subject.
    pub sid: Sid,
    /// What changes in its data.
    pub change: Change,
    /// When the user authenticated again.
    pub auth_time: Option<u64>,
    /// How the user authenticated again.
    pub amr: Option<Vec<String>>,
    /// How its life gets shorter.
    pub shorter: Shorter,
    /// Whether every other session of the subject ends.
    pub end_others: bool,
    /// How long ago the user was active with the request that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activity: Option<Span>,
    /// The operation.
    pub operation: Operation,
}

/// What a cookie around an ID needs to say of its session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lasting {
    /// The session's first public handle.
    pub root: Sid,
    /// The number of its current ID.
    pub generation: u32,
    /// When the session ends, whatever happens.
    pub absolute: Time,
    /// Whether it is meant to outlast the browser.
    pub remember: bool,
}

/// How a command names a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// By an ID that it has or had.
    Id(IdHash),
    /// By a public handle that it has or had.
    Sid(Sid),
    /// By its first public handle, as the gate that validated it knows it.
    Root(Sid),
}

/// What a store can be asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Whose ID is this, if anyone's? `slide` where the request counts as activity.
    Validate {
        /// The ID's hash.
        id: IdHash,
        /// Whether it counts as activity.
        slide: bool,
    },
    /// Make a session.
    Create(Box<Create>),
    /// Change a session's data or shorten its life.
    Update {
        /// The session.
        which: Which,
        /// What changes in its data.
        change: Change,
        /// How its life gets shorter.
        shorter: Shorter,
        /// How long ago the user was active with the request that it answers. It is written down
        /// with the change, which is written anyway.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        activity: Option<Span>,
        /// The operation.
        operation: Operation,
    },
    /// Give a session a new ID at once.
    Rotate(Box<Rotate>),
    /// Prepare a periodic successor, or confirm that this very one may be handed out.
    Succeed {
        /// The successor.
        candidate: Candidate,
    },
    /// End a session.
    Destroy {
        /// The session.
        which: Which,
        /// The operation; `None` for what repeats without harm.
        operation: Option<Operation>,
    },
    /// End every session of the subject.
    DestroyAll {
        /// The ID that the request presented, to know whether its session was one of them.
        presented: Option<IdHash>,
        /// The operation.
        operation: Operation,
    },
    /// List the subject's sessions.
    List,
    /// Drop what is over.
    Sweep,
}

/// Why an ID is no session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gone {
    /// The session has ended, or never was.
    Ended,
    /// Its deadline has passed.
    Expired,
    /// The store does not know it, and cannot tell whether that is news yet to come.
    Unknown,
    /// The ID has been superseded. It may end its session but not use it.
    Superseded {
        /// The session's handle, for the log.
        sid: Sid,
        /// Whether it is taken for a stolen one.
        reused: bool,
        /// Whether that has ended the session.
        ended: bool,
    },
}

impl Gone {
    /// Whether it stays so: what has ended never lives again.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        match self {
            Self::Ended | Self::Expired => true,
            Self::Superseded { .. } | Self::Unknown => false,
        }
    }
}

/// A session in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its public handle.
    pub sid: Sid,
    /// When it began.
    pub created: Time,
    /// When it ends without further activity.
    pub idle: Time,
    /// When it ends, whatever happens.
    pub absolute: Time,
}

/// What a store answers. That it cannot answer is not among these: see [`Fault`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// The ID's session.
    Live(Rc<View>),
    /// The ID is no session.
    Gone(Gone),
    /// The session was made.
    Created {
        /// How long it lasts.
        lasting: Lasting,
        /// The sessions that this ended, by handle.
        ended: Vec<Sid>,
        /// The session as its ID shows it, where that was asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        view: Option<Rc<View>>,
    },
    /// All sessions of the subject were ended after the login's request had reached the gate.
    Raced,
    /// The session was changed.
    Updated,
    /// The session has a new ID.
    Rotated {
        /// How the ID follows from the presented one; `None` when it follows from another one,
        /// whose holder was first.
        by: Option<Derivation>,
        /// How long it lasts.
        lasting: Lasting,
        /// The sessions that this ended, by handle.
        ended: Vec<Sid>,
    },
    /// The new ID's number is taken.
    Taken {
        /// The session's latest number.
        after: u32,
    },
    /// The proposed successor may be handed out.
    Offer(Lasting),
    /// It may not: the session has ended or moved on.
    NoOffer,
    /// These sessions were ended, by handle; none when there was nothing to end.
    Ended {
        /// The sessions.
        ended: Vec<Sid>,
        /// Whether the presented one was among them.
        presented: bool,
    },
    /// The subject's sessions.
    List(Vec<Listed>),
    /// There is no such session.
    NoSession,
    /// The session's data would be larger than allowed.
    TooLarge,
    /// Another operation has used this identifier.
    Conflict,
    /// Too many operations to remember them all.
    Busy,
    /// The object holds another subject's sessions.
    Foreign,
    /// Done.
    Swept,
}

/// The store did not answer, or not in time: what it did is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It did not answer within the deadline.
    Deadline,
    /// It failed.
    Failed,
    /// It has too much to do.
    Overloaded,
    /// It answered something that this version does not understand.
    Unreadable,
    /// It does not know yet what was written elsewhere a moment ago.
    Unsettled,
}

impl Fault {
    /// The stable name of the fault.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deadline => "deadline",
            Self::Failed => "failed",
            Self::Overloaded => "overloaded",
            Self::Unreadable => "unreadable",
            Self::Unsettled => "unsettled",
        }
    }
}
