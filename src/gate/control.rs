//! Carrying out what the origin said, one store command after the other.
//!
//! Guarantees: the browser is told of a login or logout only when the store has done it; a new
//! session is made before the old one ends; a cookie is cleared only by an ending that ended its
//! session, so a late answer never deletes the cookie of a new login; a store that fails on the way
//! is 503 and never a cookie.

mod rotation;

use super::Turn;
use super::cookies::{fresh, given, sealed};
use super::passage::{Context, call, call_about};
use super::respond::edits;
use super::resume::{derive, store_unavailable};
use crate::control::{self, ControlError, Instruction};
use crate::cookie::SetCookie;
use crate::error::Code;
use crate::event::{Event, What};
use crate::path::Access;
use crate::record::Owner;
use crate::sid::Sid;
use crate::site::Site;
use crate::store::{self, Command, Fault, Lasting, Reply, Which};
use crate::time::Time;
use crate::token::{SessionId, Token};
use crate::verdict::{Answer, Call, Outcome, ResponseFacts};
use crate::view::View;

/// What the store was asked, and what follows from its answer.
#[derive(Clone, Debug)]
pub enum Pending {
    /// A session is being made under this ID.
    Creating(SessionId),
    /// The session that the request came with is being ended; the new one's cookie waits.
    EndingOld(SessionId, Lasting),
    /// A session is being changed.
    Updating,
    /// A session is being given a new ID.
    Rotating(Box<store::Rotate>, u32),
    /// A periodic successor is being prepared.
    Succeeding(SessionId),
    /// The session is being ended.
    Destroying,
    /// All of a subject's sessions are being ended.
    DestroyingAll,
}

/// Reads the origin's instruction and asks the store for the first thing that it takes.
pub(super) fn begin(
    site: &Site,
    context: &Context,
    response: &ResponseFacts,
    message: &str,
    now: Time,
    events: &mut Vec<Event>,
) -> Turn {
    let invalid =
        |why, events: &mut Vec<Event>| refuse(context, ControlError::Invalid(why), events);
    if context.access == Access::Public {
        return invalid("its path is public", events);
    }
    if response.status == 101 || !response.can_be_changed() {
        return invalid("it came with a 101, or with no status of HTTP", events);
    }
    let read = control::read_answer(&site.origin_keys, site.parties(), message, &context.jti, now);
    let (instruction, operation) = match read {
        Ok(read) => read,
        Err(error) => return refuse(context, error, events),
    };
    match instruction {
        Instruction::Create(create) => {
            if create.data.size() > site.config.data {
                return refuse(context, ControlError::TooLarge, events);
            }
            let id = new_id(site, context, &create);
            ask(creation(site, context, &id, *create, now), Pending::Creating(id))
        }
        Instruction::Update(change, shorter) => {
            let Some((token, view)) = forwarded(context) else {
                return invalid("there is no session to update", events);
            };
            let (which, activity) = (Which::Root(view.root.clone()), context.activity(now));
            let command = Command::Update { which, change, shorter, activity, operation };
            let owner = Some(owner_of(view));
            ask(call(site, token.id.locator, owner, command), Pending::Updating)
        }
        Instruction::Rotate(rotate) => {
            rotation::begin(site, context, *rotate, operation, now, events)
        }
        Instruction::Destroy => {
            let Some(token) = &context.presented else {
                return done(site, context, response, Vec::new(), events);
            };
            let which = presented_session(context, token);
            let command = Command::Destroy { which, operation: Some(operation) };
            ask(call_about(site, token, command), Pending::Destroying)
        }
        Instruction::DestroyAll(subject) => {
            let own = context.session.as_ref().and_then(|view| view.subject.clone());
            let Some(subject) = subject.or(own) else {
                return invalid("there is no subject whose sessions to end", events);
            };
            let locator = site.locator_key.of_subject(&subject);
            let presented = context.presented.as_ref().map(|token| token.hash);
            let command = Command::DestroyAll { presented, operation };
            let owner = Some(Owner::Subject(subject));
            let call = call(site, locator, owner, command).stamped_by(context.presented.as_ref());
            ask(call, Pending::DestroyingAll)
        }
    }
}

/// Goes on with the store's answer.
pub fn settle(
    site: &Site,
    context: &Context,
    response: &ResponseFacts,
    pending: Pending,
    reply: Result<Reply, Fault>,
    now: Time,
    events: &mut Vec<Event>,
) -> Turn {
    let reply = match reply {
        Ok(reply) => reply,
        Err(fault) if matches!(pending, Pending::Succeeding(_)) => {
            // Nothing is lost: a later response offers the same successor.
            events.push(Event::store_fault(fault));
            return done(site, context, response, Vec::new(), events);
        }
        Err(fault) => return replace(store_unavailable(fault, events)),
    };
    match (pending, reply) {
        (_, Reply::TooLarge) => refuse(context, ControlError::TooLarge, events),
        (Pending::Creating(id), Reply::Created { lasting, ended, view: _ }) => {
            events.push(Event::new(What::SessionCreated).of(&site.log_key, &context.jti));
            note_ended(site, &ended, "replaced", events);
            match &context.presented {
                // A store that holds the subject's sessions together has ended it in the same step.
                Some(old) if old.id.locator != id.locator || old.stamp.is_some() => {
                    let which = presented_session(context, old);
                    let command = Command::Destroy { which, operation: None };
                    ask(call_about(site, old, command), Pending::EndingOld(id, lasting))
                }
                _ => done(site, context, response, given(site, context, &id, lasting, now), events),
            }
        }
        (Pending::Creating(_), Reply::Raced) => {
            let code = Code::SessionRaced;
            let event = Event::new(What::SessionRefused).with("code", code.as_str());
            events.push(event.at(context.rule.as_deref()));
            replace(code.problem().into())
        }
        (Pending::EndingOld(id, lasting), Reply::Ended { ended, .. }) => {
            note_ended(site, &ended, "replaced", events);
            done(site, context, response, given(site, context, &id, lasting, now), events)
        }
        (Pending::Updating, Reply::Updated) => {
            done(site, context, response, fresh(site, context), events)
        }
        (Pending::Rotating(..), Reply::Rotated { by, lasting, ended }) => {
            let mut event = rotated(site, context, "origin");
            if by.is_some() && is_signed_in(context) {
                event = event.becoming(&site.log_key, &context.jti);
            }
            events.push(event);
            note_ended(site, &ended, "end_others", events);
            let id = by.and_then(|by| context.presented.as_ref().and_then(|t| derive(site, t, by)));
            let cookies = match id {
                Some((id, _)) => given(site, context, &id, lasting, now),
                // Another request was first, with another ID: its response brings the cookie.
                None => fresh(site, context),
            };
            done(site, context, response, cookies, events)
        }
        (Pending::Rotating(rotate, attempt), Reply::Taken { after })
            if attempt < rotation::MOST_ATTEMPTS =>
        {
            rotation::again(site, context, *rotate, attempt, after, events)
        }
        (Pending::Updating | Pending::Rotating(..), Reply::NoSession)
        | (Pending::Succeeding(_), Reply::NoOffer) => {
            done(site, context, response, Vec::new(), events)
        }
        (Pending::Succeeding(id), Reply::Offer(lasting)) => {
            // The same one is offered until it has been seen; only the first time is news.
            if context.session.as_ref().is_some_and(|view| view.succeeded.is_none()) {
                events.push(rotated(site, context, "periodic"));
            }
            let cookie = sealed(site, &id, lasting, now);
            done(site, context, response, vec![cookie], events)
        }
        (Pending::Destroying, Reply::Ended { ended, .. }) => {
            note_ended(site, &ended, "destroy", events);
            let cookies = if ended.is_empty() { Vec::new() } else { site.config.cookie.clear() };
            done(site, context, response, cookies, events)
        }
        (Pending::DestroyingAll, Reply::Ended { ended, presented }) => {
            note_ended(site, &ended, "destroy_all", events);
            let cookies = if presented { site.config.cookie.clear() } else { fresh(site, context) };
            done(site, context, response, cookies, events)
        }
        (_, Reply::Busy) => replace(store_unavailable(Fault::Overloaded, events)),
        _ => replace(store_unavailable(Fault::Unreadable, events)),
    }
}

fn new_id(site: &Site, context: &Context, create: &control::Create) -> SessionId {
    let locator = match &create.subject {
        Some(subject) => site.locator_key.of_subject(subject),
        None => site.locator_key.of_anonymous(&context.jti),
    };
    SessionId::new(locator, context.spare.clone())
}

fn creation(
    site: &Site,
    context: &Context,
    id: &SessionId,
    create: control::Create,
    now: Time,
) -> Call {
    let old = context.presented.as_ref().filter(|old| old.id.locator == id.locator);
    let command = Command::Create(Box::new(store::Create {
        id: id.hash(),
        sid: context.jti.clone(),
        age: now.since(context.received),
        sent: now,
        replaces: old.map(|old| presented_session(context, old)),
        end_others: create.end_others,
        data: create.data,
        auth_time: create.auth_time,
        amr: create.amr,
        remember: create.remember,
        shorter: create.shorter,
        shown: !site.config.longest_fresh.is_zero(),
    }));
    let owner = create.subject.map_or(Owner::Anonymous, Owner::Subject);
    call(site, id.locator, Some(owner), command)
}

/// The session of the presented ID, dead or alive. It may have moved on from that ID meanwhile.
fn presented_session(context: &Context, token: &Token) -> Which {
    match &context.session {
        Some(view) => Which::Root(view.root.clone()),
        None => Which::Id(token.hash),
    }
}

/// The session that the request was forwarded with, and the ID that it presented for it.
fn forwarded(context: &Context) -> Option<(&Token, &View)> {
    Some((context.presented.as_ref()?, context.session.as_deref()?))
}

fn owner_of(view: &View) -> Owner {
    view.subject.clone().map_or(Owner::Anonymous, Owner::Subject)
}

fn ask(call: Call, pending: Pending) -> Turn {
    Turn::Ask(Box::new(call), Box::new(pending))
}

fn done(
    site: &Site,
    context: &Context,
    response: &ResponseFacts,
    cookies: Vec<SetCookie>,
    events: &mut Vec<Event>,
) -> Turn {
    Turn::Done(Outcome::Pass(edits(site, context, response, cookies, events)))
}

fn replace(answer: Answer) -> Turn {
    Turn::Done(Outcome::Replace(answer))
}

/// The code and the event of an instruction that does not count.
pub(super) fn rejected(error: ControlError) -> (Code, Event) {
    let (code, why, member) = match error {
        ControlError::Invalid(why) => (Code::ControlInvalid, why, None),
        ControlError::Member(name, why) => (Code::ControlInvalid, why, Some(name)),
        ControlError::TooLong => (Code::ControlTooLarge, "it is over 8 KiB", None),
        ControlError::TooLarge => (Code::ControlTooLarge, "its data is over limits.data", None),
    };
    let event = Event::new(What::ControlInvalid).with("code", code.as_str()).with("why", why);
    (code, member.into_iter().fold(event, |event, name| event.with("member", name)))
}

fn refuse(context: &Context, error: ControlError, events: &mut Vec<Event>) -> Turn {
    let (code, event) = rejected(error);
    events.push(event.at(context.rule.as_deref()));
    replace(code.problem().into())
}

/// Whether the request was forwarded with somebody's session.
fn is_signed_in(context: &Context) -> bool {
    context.session.as_ref().is_some_and(|view| view.subject.is_some())
}

fn rotated(site: &Site, context: &Context, reason: &'static str) -> Event {
    let sid = context.session.as_ref().map_or(&context.jti, |view| &view.sid);
    Event::new(What::SessionRotated).of(&site.log_key, sid).with("reason", reason)
}

pub(super) fn note_ended(
    site: &Site,
    ended: &[Sid],
    reason: &'static str,
    events: &mut Vec<Event>,
) {
    events.extend(
        ended.iter().map(|sid| {
            Event::new(What::SessionEnded).of(&site.log_key, sid).with("reason", reason)
        }),
    );
}
