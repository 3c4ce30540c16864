//! The decisions of every store.
//!
//! Guarantees: `create` is not `save`: it only ever adds a session, and a session that is there gets
//! a new ID from [`Ids`] alone, so no ID is ever overwritten into somebody else's session; what
//! changes nothing leaves the record as it is; time never runs backwards in a record, whatever the
//! clock says.

use std::borrow::Cow;
use std::rc::Rc;

use super::end;
use super::validate::{validate, view};
use super::{Command, Create, Lasting, Listed, Operation, Policy, Reply, Request, Rotate, Which};
use crate::data::{Change, Data};
use crate::lifetime::{Life, Shorter};
use crate::record::{BARRIER_KEPT, Owner, Record, Session};
use crate::rotation::{Candidate, Ids, Replaced, Standing};
use crate::sid::Sid;
use crate::time::{Span, Time};

/// The longest that a login is believed to have been on its way from gate to store: beyond that
/// their clocks differ.
const LONGEST_TRAVEL: Span = Span::from_secs(60);

/// Carries a command out on the record that it is for. Gives the record that has to take its place,
/// if any: most commands change nothing.
#[must_use]
pub fn apply(before: &Record, request: &Request, now: Time) -> (Option<Record>, Reply) {
    let now = now.max(before.clock);
    if let (Some(owner), Some(claimed)) = (&before.owner, &request.owner)
        && owner != claimed
    {
        return (None, Reply::Foreign);
    }
    let mut object = Object { record: Cow::Borrowed(before), policy: &request.policy, now };
    let reply = object.carry_out(request);
    let after = match object.record {
        Cow::Owned(after) => Some(after).filter(|after| after != before),
        Cow::Borrowed(_) => None,
    };
    (after, reply)
}

/// A record at work; copied when it is first changed.
pub(super) struct Object<'a> {
    pub(super) record: Cow<'a, Record>,
    pub(super) policy: &'a Policy,
    pub(super) now: Time,
}

impl Object<'_> {
    fn carry_out(&mut self, request: &Request) -> Reply {
        match &request.command {
            Command::Validate { id, slide } => validate(self, id, *slide),
            Command::Create(create) => self.create(create, request.owner.as_ref()),
            Command::Update { which, change, shorter, activity, operation } => {
                self.once(operation, |object| object.update(which, change, *shorter, *activity))
            }
            Command::Rotate(rotate) => self.once(&rotate.operation, |object| object.rotate(rotate)),
            Command::Succeed { candidate } => self.succeed(candidate),
            Command::Destroy { which, operation: None } => end::one(self, which),
            Command::Destroy { which, operation: Some(operation) } => {
                self.once(operation, |object| end::one(object, which))
            }
            Command::DestroyAll { presented, operation } => self.once(operation, |object| {
                if object.record.owner.is_none() {
                    object.record.to_mut().owner.clone_from(&request.owner);
                }
                end::all(object, presented.as_ref())
            }),
            Command::List => self.list(),
            Command::Sweep => {
                self.record.to_mut().alarm = None;
                self.written();
                Reply::Swept
            }
        }
    }

    fn create(&mut self, create: &Create, owner: Option<&Owner>) -> Reply {
        if let Some(reply) = self.created(create, Vec::new()) {
            return reply;
        }
        // What ended the subject's sessions while this was on its way bars it as well.
        let travelled = self.now.since(create.sent).min(LONGEST_TRAVEL);
        let age = create.age.plus(travelled);
        let reached = self.now.minus(age);
        let barred = self.record.barrier.is_some_and(|barrier| reached <= barrier);
        if barred || age >= BARRIER_KEPT {
            return Reply::Raced;
        }
        if create.data.size() > self.policy.data {
            return Reply::TooLarge;
        }
        self.record.to_mut().owner = owner.cloned();
        let mut ended = Vec::new();
        if create.end_others {
            ended.extend(end::others(self, None));
        }
        let old = create.replaces.as_ref();
        if let Some(place) =
            old.and_then(|old| self.record.sessions.iter().position(|session| session.is(old)))
        {
            ended.push(self.record.to_mut().sessions.remove(place).ids.sid().clone());
        }
        let life = Life::begin(
            &self.policy.lifetimes,
            self.record.is_signed_in(),
            create.remember,
            create.shorter,
            self.now,
        );
        let record = self.record.to_mut();
        record.sessions.push(Session {
            root: create.sid.clone(),
            ids: Ids::first(create.id, create.sid.clone(), self.now),
            life,
            auth_time: create.auth_time,
            amr: create.amr.clone(),
            data: create.data.clone(),
            spared: create.end_others.then_some(self.now),
        });
        record.sweep(&self.policy.lifetimes, self.now);
        ended.extend(end::beyond_limit(self, &create.sid));
        self.written();
        self.created(create, ended).unwrap_or(Reply::NoSession)
    }

    /// What is answered to a login whose session is there.
    fn created(&self, create: &Create, ended: Vec<Sid>) -> Option<Reply> {
        let lasting = self.lasting(&Which::Root(create.sid.clone()))?;
        let view = create.shown.then(|| view(self, &create.id)).flatten().map(Rc::new);
        Some(Reply::Created { lasting, ended, view })
    }

    fn update(
        &mut self,
        which: &Which,
        change: &Change,
        shorter: Shorter,
        activity: Option<Span>,
    ) -> Reply {
        let Some(place) = self.place(which) else {
            return Reply::NoSession;
        };
        let (signed_in, now) = (self.record.is_signed_in(), self.now);
        let Some(session) = self.record.to_mut().sessions.get_mut(place) else {
            return Reply::NoSession;
        };
        let Some(data) = changed(session, change, self.policy.data) else {
            return Reply::TooLarge;
        };
        session.data = data;
        session.life.shorten(&self.policy.lifetimes, signed_in, shorter, now);
        session.life.used(activity, now);
        Reply::Updated
    }

    fn rotate(&mut self, rotate: &Rotate) -> Reply {
        let Some(place) = self.place(&rotate.which) else {
            return Reply::NoSession;
        };
        let (signed_in, now) = (self.record.is_signed_in(), self.now);
        let Some(session) = self.record.to_mut().sessions.get_mut(place) else {
            return Reply::NoSession;
        };
        let Some(data) = changed(session, &rotate.change, self.policy.data) else {
            return Reply::TooLarge;
        };
        let sid = signed_in.then_some(&rotate.sid);
        let by = match session.ids.replace(&rotate.candidate, sid, &self.policy.rotation, now) {
            Replaced::New => Some(rotate.candidate.by.clone()),
            Replaced::Same(by) => Some(by),
            Replaced::Overtaken => None,
            Replaced::Taken { after } => return Reply::Taken { after },
        };
        session.data = data;
        session.life.shorten(&self.policy.lifetimes, signed_in, rotate.shorter, now);
        session.life.used(rotate.activity, now);
        session.auth_time = rotate.auth_time.or(session.auth_time);
        session.amr = rotate.amr.clone().or_else(|| session.amr.take());
        let root = session.root.clone();
        let ended = if rotate.end_others { end::others(self, Some(&root)) } else { Vec::new() };
        match self.lasting(&Which::Root(root)) {
            Some(lasting) => Reply::Rotated { by, lasting, ended },
            None => Reply::NoSession,
        }
    }

    fn succeed(&mut self, candidate: &Candidate) -> Reply {
        let Some(place) = self.place(&Which::Id(candidate.from)) else {
            return Reply::NoOffer;
        };
        let (rules, now) = (&self.policy.rotation, self.now);
        let Some(session) = self.record.to_mut().sessions.get_mut(place) else {
            return Reply::NoOffer;
        };
        let counts = matches!(
            session.ids.standing(&candidate.from, rules, now),
            Some(Standing::Current | Standing::Preceding(_))
        );
        let known = session.ids.knows(&candidate.hash);
        if !counts || !session.ids.succeed(candidate, now) {
            return Reply::NoOffer;
        }
        if !known {
            self.written();
        }
        self.lasting(&Which::Id(candidate.hash)).map_or(Reply::NoOffer, Reply::Offer)
    }

    fn list(&self) -> Reply {
        let lifetimes = &self.policy.lifetimes;
        let listed = self.record.sessions.iter().filter_map(|session| {
            let deadlines = self.record.deadlines(session, lifetimes);
            let lives = self.record.is_live(session, lifetimes, self.now);
            lives.then(|| Listed {
                sid: session.ids.sid().clone(),
                created: session.life.created,
                idle: deadlines.idle,
                absolute: deadlines.absolute,
            })
        });
        Reply::List(listed.collect())
    }

    /// Carries an operation out unless that has been done, and remembers what it did.
    fn once(&mut self, operation: &Operation, act: impl FnOnce(&mut Self) -> Reply) -> Reply {
        if let Some(reply) = self.record.answer_to(operation) {
            return reply;
        }
        if !self.record.has_room_for(operation, self.now) {
            return Reply::Busy;
        }
        let reply = act(self);
        let did_something = match &reply {
            Reply::Updated | Reply::Rotated { .. } => true,
            Reply::Ended { ended, .. } => {
                !ended.is_empty() || self.record.barrier == Some(self.now)
            }
            _ => false,
        };
        if did_something {
            self.record.to_mut().remember(operation.clone(), reply.clone());
            self.written();
        }
        reply
    }

    /// The place of a live session.
    pub(super) fn place(&self, which: &Which) -> Option<usize> {
        self.record.place(&self.policy.lifetimes, self.now, |session| session.is(which))
    }

    /// Everything that follows from having changed the record.
    pub(super) fn written(&mut self) {
        let record = self.record.to_mut();
        record.clock = self.now;
        record.sweep(&self.policy.lifetimes, self.now);
        record.set_alarm(&self.policy.lifetimes, self.now);
    }

    /// What a cookie for a live session needs to know.
    fn lasting(&self, which: &Which) -> Option<Lasting> {
        let session = self.record.sessions.get(self.place(which)?)?;
        let deadlines = self.record.deadlines(session, &self.policy.lifetimes);
        Some(Lasting {
            root: session.root.clone(),
            generation: session.ids.generation(),
            absolute: deadlines.absolute,
            remember: session.life.remember,
        })
    }
}

/// A session's data after a change; `None` when that is too large. Data that a smaller limit has
/// made too large may stay as it is.
fn changed(session: &Session, change: &Change, limit: usize) -> Option<Data> {
    let data = session.data.clone().changed(change);
    (data.size() <= limit || change.is_empty()).then_some(data)
}
