//! One object of the store as the shell runs it, alarm and all, and what is known of its sessions from
//! outside.

use edge_session::data::{Change, Data};
use edge_session::lifetime::Shorter;
use edge_session::record::{Owner, Record};
use edge_session::sid::Sid;
use edge_session::store::{
    Command, Create, Operation, Policy, Reply, Request, Rotate, Which, apply,
};
use edge_session::subject::Subject;
use edge_session::time::{Span, Time};
use edge_session::token::IdHash;

use crate::steps::{Known, LIVES, Step, candidate, hash, policies, wish};
use crate::world::START;

/// The soonest that the object asks to be woken after an alarm, and when one failed.
const SOON: Span = Span::from_secs(60);
const LATER: Span = Span::from_secs(3600);

pub struct Object {
    text: Option<String>,
    alarm: Option<Time>,
    now: Time,
    policies: Vec<Policy>,
    deployed: usize,
    known: Vec<Known>,
    draws: u8,
}

impl Object {
    pub fn new() -> Self {
        Self {
            text: None,
            alarm: None,
            now: START,
            policies: policies(),
            deployed: 0,
            known: Vec::new(),
            draws: 0,
        }
    }

    fn record(&self) -> Record {
        self.text.as_ref().map_or_else(Record::default, |text| Record::read(text).unwrap())
    }

    /// The time that counts.
    fn time(&self) -> Time {
        self.now.max(self.record().clock)
    }

    /// As the shell carries a command out.
    fn ask(&mut self, command: Command) -> Reply {
        self.note_what_is_over();
        let before = self.record();
        let (alarm, soonest) = match command {
            Command::Sweep => (None, self.now.plus(SOON)),
            _ => (before.alarm, self.now),
        };
        let owner = Some(Owner::Subject(Subject::parse("alice").unwrap()));
        let policy = self.policies[self.deployed].clone();
        let request = Request { owner, command, stamp: None, policy };
        let (after, reply) = apply(&before, &request, self.now);
        let clock = before.clock;
        let record = match after {
            None => before,
            Some(after) => {
                assert!(after.clock >= clock, "time ran backwards");
                let text = after.write().unwrap();
                assert!(text.is_none() || text != self.text, "a write that changes nothing");
                self.text = text;
                if self.text.is_none() {
                    self.alarm = None;
                    return reply;
                }
                after
            }
        };
        if let Some(next) = record.alarm.filter(|_| record.alarm != alarm) {
            self.alarm = Some(next.max(soonest));
        }
        reply
    }

    /// Whoever may be over under the configuration of now may be cleared away by this command.
    fn note_what_is_over(&mut self) {
        let (now, [idle, absolute, remember]) = (self.time(), LIVES[self.deployed]);
        for known in &mut self.known {
            let seconds = Span::from_secs;
            let (idle, absolute) =
                if known.remember { (remember, remember) } else { (idle, absolute) };
            let ends = known.surely.plus(known.idle.min(seconds(idle)));
            let ends = ends.min(known.created.plus(seconds(absolute)).minus(seconds(1)));
            known.is_free |= now >= ends || now >= known.absolute.minus(seconds(1));
        }
    }

    fn id(&mut self) -> IdHash {
        self.draws = self.draws.wrapping_add(1);
        hash([self.draws; 32])
    }

    fn sid(&mut self) -> Sid {
        self.draws = self.draws.wrapping_add(1);
        Sid::from_entropy(&[self.draws; 16])
    }

    fn operation(&mut self) -> Operation {
        let id = self.sid().as_str().to_owned();
        Operation {
            digest: id.clone(),
            id,
            until: self.now.plus(Span::from_secs(120)),
            out_of_band: false,
        }
    }

    pub fn live(&mut self, step: &Step) {
        let count = self.known.len();
        let pick = |session: usize| count.checked_sub(1 + session % count.max(1));
        match *step {
            Step::Pass(millis) => self.now = self.now.plus(Span::from_millis(millis)),
            Step::Rewind(millis) => self.now = self.now.minus(Span::from_millis(millis)),
            Step::Deploy(to) => self.deployed = to,
            Step::Ring => {
                if self.alarm.is_some_and(|alarm| alarm <= self.now) {
                    self.ring();
                }
            }
            Step::RingEarly => self.ring(),
            Step::RingTwice => {
                self.ring();
                if self.text.is_some() {
                    self.ask(Command::Sweep);
                }
            }
            Step::RingInVain => {
                if self.alarm.is_some() {
                    self.alarm = Some(self.now.plus(LATER));
                }
            }
            Step::Create { remember, end_others, idle, absolute } => {
                self.create(remember, end_others, wish(idle, absolute));
            }
            Step::DestroyAll => {
                let operation = self.operation();
                self.ask(Command::DestroyAll { presented: None, operation });
                self.known.iter_mut().for_each(|known| known.ended = true);
            }
            Step::Validate { session, age, slide } => {
                if let Some(session) = pick(session) {
                    self.validate(session, age, slide);
                }
            }
            Step::Update { session, idle, absolute } => {
                if let Some(session) = pick(session) {
                    self.update(session, wish(idle, absolute));
                }
            }
            Step::Rotate { session, end_others } => {
                if let Some(session) = pick(session) {
                    self.rotate(session, end_others);
                }
            }
            Step::Succeed { session } => {
                if let Some(session) = pick(session) {
                    let known = &self.known[session];
                    let candidate = candidate(known);
                    let reply = self.ask(Command::Succeed { candidate: candidate.clone() });
                    if let Reply::Offer(_) = reply {
                        assert!(!self.known[session].ended, "a new ID for what has ended");
                        self.known[session].ids.insert(0, candidate.hash);
                    }
                }
            }
            Step::Destroy { session } => {
                if let Some(session) = pick(session) {
                    let which = Which::Root(self.known[session].sid.clone());
                    let reply = self.ask(Command::Destroy { which, operation: None });
                    assert!(matches!(reply, Reply::Ended { .. }), "{reply:?}");
                    self.known[session].ended = true;
                }
            }
        }
        assert_eq!(self.text.is_some(), self.alarm.is_some(), "something is kept without an alarm");
    }

    fn ring(&mut self) {
        if self.alarm.take().is_some() {
            self.ask(Command::Sweep);
        }
    }

    fn create(&mut self, remember: bool, end_others: bool, shorter: Shorter) {
        let (id, sid) = (self.id(), self.sid());
        let create = Create {
            id,
            sid: sid.clone(),
            age: Span::ZERO,
            sent: self.now,
            replaces: None,
            end_others,
            data: Data::default(),
            auth_time: None,
            amr: None,
            remember,
            shorter,
            shown: true,
        };
        let Reply::Created { ended, .. } = self.ask(Command::Create(Box::new(create))) else {
            return;
        };
        for known in &mut self.known {
            known.ended |= end_others
                || ended.contains(&known.sid)
                || ended.iter().any(|sid| known.later.contains(sid));
        }
        let (now, [idle, absolute, long]) = (self.time(), LIVES[self.deployed]);
        let (idle, absolute) = if remember { (long, long) } else { (idle, absolute) };
        let (idle, absolute) = (Span::from_secs(idle), Span::from_secs(absolute));
        self.known.push(Known {
            sid,
            later: Vec::new(),
            ids: vec![id],
            absolute: now.plus(shorter.absolute.map_or(absolute, |wish| wish.min(absolute))),
            idle: shorter.idle.map_or(idle, |wish| wish.min(idle)),
            remember,
            created: now,
            used: now,
            surely: now,
            ended: false,
            is_free: false,
        });
    }

    fn validate(&mut self, session: usize, age: usize, slide: bool) {
        let known = &self.known[session];
        let age = age.min(known.ids.len() - 1);
        let id = known.ids[age];
        let reply = self.ask(Command::Validate { id, slide });
        let now = self.time();
        let is_free = self.known[session].is_free;
        let policy = self.policies[self.deployed].clone();
        let known = &mut self.known[session];
        match reply {
            Reply::Live(view) => {
                assert!(!known.ended, "an ended session was accepted");
                assert!(self.now < known.absolute, "past its absolute deadline");
                assert!(self.now < known.used.plus(known.idle), "past its idle deadline");
                assert!(view.absolute <= known.absolute, "the absolute deadline moved");
                if slide {
                    known.used = known.used.max(now);
                    let touch = policy.lifetimes.touch;
                    known.surely = known.surely.max(now.minus(touch.min(known.idle.quarter())));
                }
            }
            Reply::Gone(edge_session::store::Gone::Superseded { ended, .. }) => {
                assert!(age > 0, "the current ID is superseded");
                known.ended |= ended;
            }
            reply => {
                assert!(known.ended || is_free || age > 0, "somebody was logged out: {reply:?}");
            }
        }
    }

    fn update(&mut self, session: usize, shorter: Shorter) {
        let which = Which::Root(self.known[session].sid.clone());
        let (change, operation) = (Change::default(), self.operation());
        let reply = self.ask(Command::Update { which, change, shorter, activity: None, operation });
        let now = self.time();
        let known = &mut self.known[session];
        if reply != Reply::Updated {
            assert!(known.ended || known.is_free, "somebody was logged out: {reply:?}");
            return;
        }
        assert!(!known.ended, "an ended session was changed");
        if let Some(absolute) = shorter.absolute {
            known.absolute = known.absolute.min(now.plus(absolute));
        }
        if let Some(idle) = shorter.idle {
            // The latest wish counts, up to what is configured then; it ends no later than before.
            let [configured, _, long] = LIVES[self.deployed];
            let longest = Span::from_secs(if known.remember { long } else { configured });
            known.idle = known.idle.max(idle.min(longest));
            known.is_free = true;
        }
    }

    fn rotate(&mut self, session: usize, end_others: bool) {
        let known = &self.known[session];
        let (which, candidate) = (Which::Root(known.sid.clone()), candidate(known));
        let (sid, operation) = (self.sid(), self.operation());
        let rotate = Rotate {
            which,
            candidate: candidate.clone(),
            sid: sid.clone(),
            change: Change::default(),
            auth_time: None,
            amr: None,
            shorter: Shorter::default(),
            end_others,
            activity: None,
            operation,
        };
        if let Reply::Rotated { .. } = self.ask(Command::Rotate(Box::new(rotate))) {
            assert!(!self.known[session].ended, "an ended session was changed");
            for (number, known) in self.known.iter_mut().enumerate() {
                known.ended |= end_others && number != session;
            }
            self.known[session].ids.insert(0, candidate.hash);
            self.known[session].later.push(sid);
        }
    }

    /// Nobody comes any more.
    pub fn leave(&mut self) {
        for _ in 0..20 {
            let Some(alarm) = self.alarm else {
                assert!(self.text.is_none(), "something is kept without an alarm");
                return;
            };
            self.now = self.now.max(alarm);
            self.ring();
        }
        panic!("it is woken again and again: {:?}", self.text);
    }
}
