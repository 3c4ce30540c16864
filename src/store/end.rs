//! How sessions end on purpose.
//!
//! Guarantees: an ending is atomic with everything it comes with; what has ended is gone from the
//! record at once, and a login that was under way while all of a subject's sessions were ended is
//! known by the time that is left behind.

use super::apply::Object;
use super::{Reply, Which};
use crate::sid::Sid;
use crate::token::IdHash;

/// Ends one session, and says so if it lived. One that is over goes as well: under a configuration
/// that comes back it would live again.
pub(super) fn one(object: &mut Object<'_>, which: &Which) -> Reply {
    let mut ended = Vec::new();
    if let Some(place) = object.record.sessions.iter().position(|session| session.is(which)) {
        let lived = object.place(which) == Some(place);
        let session = object.record.to_mut().sessions.remove(place);
        ended.extend(lived.then(|| session.ids.sid().clone()));
        object.written();
    }
    Reply::Ended { presented: !ended.is_empty(), ended }
}

/// Ends every session of the subject.
pub(super) fn all(object: &mut Object<'_>, presented: Option<&IdHash>) -> Reply {
    let presented = presented.is_some_and(|id| object.place(&Which::Id(*id)).is_some());
    let ended = others(object, None);
    Reply::Ended { ended, presented }
}

/// Ends every session but the one that is named by its first handle.
pub(super) fn others(object: &mut Object<'_>, kept: Option<&Sid>) -> Vec<Sid> {
    let record = object.record.to_mut();
    record.sweep(&object.policy.lifetimes, object.now);
    record.barrier = Some(object.now);
    let (kept, ended): (Vec<_>, Vec<_>) = core::mem::take(&mut record.sessions)
        .into_iter()
        .partition(|session| Some(&session.root) == kept);
    record.sessions = kept;
    for session in &mut record.sessions {
        session.spared = Some(object.now);
    }
    ended.iter().map(|session| session.ids.sid().clone()).collect()
}

/// Ends the oldest sessions while there are more than allowed; never the one just made.
pub(super) fn beyond_limit(object: &mut Object<'_>, made: &Sid) -> Vec<Sid> {
    let mut ended = Vec::new();
    while object.record.sessions.len() > object.policy.per_subject {
        let oldest = object
            .record
            .sessions
            .iter()
            .enumerate()
            .filter(|(_, session)| session.root != *made)
            .min_by_key(|(_, session)| session.life.created);
        let Some((place, _)) = oldest else { break };
        ended.push(object.record.to_mut().sessions.remove(place).ids.sid().clone());
    }
    ended
}
