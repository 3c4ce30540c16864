//! `POST /.edge-session/control`: instructions that answer no request.
//!
//! Guarantees: success is answered only once the store has done it; the signature is the only
//! authority; what was done is answered as the first time when the message is repeated within its
//! life. What did nothing is tried anew then: to remember that there is no session, an object would
//! have to be made for it.

use serde::Serialize;

use super::control::{note_ended, rejected};
use super::passage::call;
use super::resume::store_unavailable;
use crate::control::{self, Addressed, ControlError, OutOfBand};
use crate::error::Code;
use crate::event::Event;
use crate::locator::Locator;
use crate::record::Owner;
use crate::sid::Sid;
use crate::site::Site;
use crate::store::{Command, Fault, Listed, Reply, Which};
use crate::time::Time;
use crate::verdict::{Answer, Call};

/// An instruction that the store was asked to carry out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// About one session: that it does not exist is an answer.
    One,
    /// About all sessions of a subject.
    All,
}

/// Reads a message; `body` is `None` when it was too long to be read.
///
/// # Errors
/// The answer, when it is no instruction.
pub fn read(
    site: &Site,
    body: Option<&str>,
    now: Time,
    events: &mut Vec<Event>,
) -> Result<(Call, Asked), Answer> {
    let message = body.ok_or(ControlError::TooLong);
    let read = message.and_then(|message| {
        control::read_out_of_band(&site.origin_keys, site.parties(), message, now)
    });
    let (instruction, operation) = read.map_err(|error| refuse(error, events))?;
    Ok(match instruction {
        OutOfBand::Update(addressed, change, shorter) => {
            let (locator, owner, which) = place(site, addressed);
            let command = Command::Update { which, change, shorter, activity: None, operation };
            (call(site, locator, Some(owner), command), Asked::One)
        }
        OutOfBand::Destroy(addressed) => {
            let (locator, owner, which) = place(site, addressed);
            let command = Command::Destroy { which, operation: Some(operation) };
            (call(site, locator, Some(owner), command), Asked::One)
        }
        OutOfBand::DestroyAll(subject) => {
            let locator = site.locator_key.of_subject(&subject);
            let command = Command::DestroyAll { presented: None, operation };
            (call(site, locator, Some(Owner::Subject(subject)), command), Asked::All)
        }
        OutOfBand::List(subject) => {
            let locator = site.locator_key.of_subject(&subject);
            (call(site, locator, Some(Owner::Subject(subject)), Command::List), Asked::All)
        }
    })
}

impl Asked {
    /// The answer, with the store's.
    #[must_use]
    pub fn answer(
        self,
        site: &Site,
        reply: Result<Reply, Fault>,
        events: &mut Vec<Event>,
    ) -> Answer {
        match reply {
            Ok(Reply::Updated) => Answer::new(204),
            Ok(Reply::Ended { ended, .. }) if self == Self::All || !ended.is_empty() => {
                note_ended(site, &ended, "out_of_band", events);
                Answer::new(204)
            }
            Ok(Reply::List(sessions)) => {
                let list = List { sessions: sessions.iter().map(Shown::of).collect() };
                // It holds nothing that serialising could refuse.
                let body = serde_json::to_string(&list).unwrap_or_default();
                Answer::new(200).with_body("application/json", body)
            }
            Ok(Reply::NoSession | Reply::Ended { .. } | Reply::Foreign) => {
                Code::NotFound.problem().into()
            }
            Ok(Reply::TooLarge) => refuse(ControlError::TooLarge, events),
            Ok(Reply::Conflict) => refuse(ControlError::Invalid("its jti was used"), events),
            Ok(Reply::Busy) => store_unavailable(Fault::Overloaded, events),
            Ok(_) => store_unavailable(Fault::Unreadable, events),
            Err(fault) => store_unavailable(fault, events),
        }
    }
}

fn place(site: &Site, addressed: Addressed) -> (Locator, Owner, Which) {
    let Addressed { subject, sid } = addressed;
    match subject {
        Some(subject) => {
            let locator = site.locator_key.of_subject(&subject);
            (locator, Owner::Subject(subject), Which::Sid(sid))
        }
        None => (site.locator_key.of_anonymous(&sid), Owner::Anonymous, Which::Sid(sid)),
    }
}

#[derive(Serialize)]
struct List<'a> {
    sessions: Vec<Shown<'a>>,
}

/// A session in a list, with times as integer `NumericDate`s (RFC 7519).
#[derive(Serialize)]
struct Shown<'a> {
    sid: &'a Sid,
    created: u64,
    idle: u64,
    absolute: u64,
}

impl<'a> Shown<'a> {
    fn of(session: &'a Listed) -> Self {
        Self {
            sid: &session.sid,
            created: session.created.secs(),
            idle: session.idle.secs(),
            absolute: session.absolute.secs(),
        }
    }
}

fn refuse(error: ControlError, events: &mut Vec<Event>) -> Answer {
    let (code, event) = rejected(error);
    events.push(event.with("channel", "out_of_band"));
    code.problem_of_request().into()
}
