//! What stands in KV, and under which keys.
//!
//! Guarantees: every value names its format, but for an alias, which is a bare handle; one of another
//! format is refused, never misread. A key names its kind and the subject's object before anything
//! else, so that no subject's key is another's.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::locator::Locator;
use crate::record::{Record, Session};
use crate::rotation::Ids;
use crate::sid::Sid;
use crate::time::Time;

/// The format that this version reads and writes.
const VERSION: u32 = 1;

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A session: everything that its data and its life depend on.
    Session,
    /// The IDs of a session that has been rotated.
    Ids,
    /// That a session has ended.
    Ended,
    /// When a session was used.
    Activity,
    /// Which session has a later public handle.
    Alias,
}

impl Kind {
    /// What there may be of a session.
    pub(super) const OF_A_SESSION: [Self; 4] =
        [Self::Session, Self::Ids, Self::Ended, Self::Activity];

    const fn letter(self) -> char {
        match self {
            Self::Session => 's',
            Self::Ids => 'i',
            Self::Ended => 'e',
            Self::Activity => 't',
            Self::Alias => 'a',
        }
    }
}

/// The keys of one subject, or of one anonymous session.
#[derive(Debug)]
pub(super) struct Keys {
    object: String,
}

impl Keys {
    pub(super) fn of(locator: Locator) -> Self {
        Self { object: locator.object_name() }
    }

    pub(super) fn key(&self, kind: Kind, sid: &Sid) -> String {
        format!("{}{}", self.prefix(kind), sid.as_str())
    }

    pub(super) fn prefix(&self, kind: Kind) -> String {
        format!("{}/{}/", kind.letter(), self.object)
    }

    /// That all of the subject's sessions were ended.
    pub(super) fn all(&self) -> String {
        format!("b/{}", self.object)
    }

    /// That all of the subject's sessions but one were ended. A key of its own: whoever spares a
    /// session may not have heard that all were ended, and must not undo that.
    pub(super) fn others(&self) -> String {
        format!("o/{}", self.object)
    }
}

/// When a session was used, kept apart from the session, so that writing it down undoes nothing.
#[derive(Serialize, Deserialize)]
struct Activity {
    version: u32,
    touched: Time,
    /// The number of the latest ID that has been presented, and when it first was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seen: Option<(u32, Time)>,
}

/// A session's activity, and since when its current ID counts as seen.
pub(super) fn activity(session: &Session, seen: Option<Time>) -> Result<String, serde_json::Error> {
    let number = session.ids.generation();
    serde_json::to_string(&Activity {
        version: VERSION,
        touched: session.life.touched,
        seen: seen.map(|at| (number, at)),
    })
}

/// Adds what was written of its activity to a session; `None` when that is of another format.
pub(super) fn recall(session: &mut Session, text: &str) -> Option<()> {
    let activity: Activity = serde_json::from_str(text).ok()?;
    if activity.version != VERSION {
        return None;
    }
    session.life.touched = session.life.touched.max(activity.touched);
    let seen = activity.seen;
    if let Some((_, at)) = seen.filter(|(number, _)| *number >= session.ids.generation()) {
        session.ids.see(at);
    }
    Some(())
}

#[derive(Serialize, Deserialize)]
struct Rotated {
    version: u32,
    ids: Ids,
}

/// A session's IDs.
pub(super) fn ids(session: &Session) -> Result<String, serde_json::Error> {
    serde_json::to_string(&Rotated { version: VERSION, ids: session.ids.clone() })
}

/// The IDs; `None` when they are of another format.
pub(super) fn read_ids(text: &str) -> Option<Ids> {
    let rotated: Rotated = serde_json::from_str(text).ok()?;
    (rotated.version == VERSION).then_some(rotated.ids)
}

/// A session that is changed together with its ID, with the number of the new one and what it was
/// before. That counts for whoever does not know of the new ID: it may never have been written.
pub(super) fn rotating(
    part: &Record,
    old: &Session,
    generation: u32,
) -> Result<String, serde_json::Error> {
    with_member(part, "before", &serde_json::to_string(&(generation, old))?)
}

/// Takes back what came together with an ID that is not known, and gives the sessions whose values hold
/// such a thing, with that ID's number; `None` when a value is of another format.
pub(super) fn hold_back<'value>(
    sessions: &mut [Session],
    value: impl Fn(&Sid) -> Option<&'value str>,
) -> Option<Vec<(Sid, u32)>> {
    #[derive(Deserialize)]
    struct Rotating {
        #[serde(default)]
        before: Option<(u32, Session)>,
    }
    let mut held = Vec::new();
    for session in sessions {
        let Some(text) = value(&session.root) else {
            continue;
        };
        let rotating: Rotating = serde_json::from_str(text).ok()?;
        let is_unknown = |(number, _): &(u32, Session)| session.ids.generation() < *number;
        if let Some((number, before)) = rotating.before.filter(is_unknown) {
            // Not its life: one that was made shorter never gets longer again.
            session.auth_time = before.auth_time;
            session.amr = before.amr;
            session.data = before.data;
            held.push((session.root.clone(), number));
        }
    }
    Some(held)
}

/// That all sessions of a subject were ended, and which one was spared: in one value, so that
/// nobody knows of the one and not yet of the other.
pub(super) fn barrier(part: &Record, spared: Option<&Sid>) -> Result<String, serde_json::Error> {
    match spared {
        None => part.to_text(),
        Some(spared) => with_member(part, "spared", &serde_json::to_string(spared)?),
    }
}

fn with_member(part: &Record, name: &str, json: &str) -> Result<String, serde_json::Error> {
    let mut members: Map<String, Value> = serde_json::from_str(&part.to_text()?)?;
    members.insert(name.to_owned(), serde_json::from_str(json)?);
    serde_json::to_string(&members)
}

/// The record in which all sessions were ended, and the one that was spared; `None` when it is of
/// another format.
pub(super) fn read_barrier(text: &str) -> Option<(Record, Option<Sid>)> {
    #[derive(Deserialize)]
    struct Spared {
        #[serde(default)]
        spared: Option<Sid>,
    }
    let spared: Spared = serde_json::from_str(text).ok()?;
    Some((Record::read(text)?, spared.spared))
}
