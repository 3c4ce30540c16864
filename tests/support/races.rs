//! Commands on a late KV that go on at once, write by write, and what is known of their sessions from
//! outside.

use std::collections::{HashMap, VecDeque};

use edge_session::time::{Span, Time};
use serde_json::json;

use crate::steps::{DEADLINE, FRESH, Kind, Known, SLOTS, SUBJECTS, Step, Under};
use crate::world::{Browser, COOKIE, Kv, LAG, Play, World, page, secret_in, write};

pub struct History {
    world: World,
    browsers: Vec<Browser>,
    slots: Vec<Option<Under>>,
    known: Vec<Known>,
    of_secret: HashMap<[u8; 32], usize>,
    /// When an ID was first followed by another one.
    followed: HashMap<[u8; 32], Time>,
    /// The step in which something that ends all of a subject's sessions last began or ended.
    swept: HashMap<&'static str, usize>,
    step: usize,
}

impl History {
    pub fn new() -> Self {
        let members = json!({ "store": "kv", "rotation": { "every": "60s" } });
        let mut world = World::with_isolates(&members, 3);
        let mut kv = Kv::late();
        kv.stepwise = Some(VecDeque::new());
        world.kv = Some(kv);
        Self {
            world,
            browsers: vec![Browser::default(); 3],
            slots: (0..SLOTS).map(|_| None).collect(),
            known: Vec::new(),
            of_secret: HashMap::new(),
            followed: HashMap::new(),
            swept: HashMap::new(),
            step: 0,
        }
    }

    pub fn live(&mut self, step: &Step) {
        // Of a login and an ending at the very same moment nobody knows which was first.
        self.world.pass_millis(1);
        self.step += 1;
        match *step {
            Step::Begin(slot, place, browser, kind) => {
                self.finish(slot, true);
                self.world.pass_millis(1);
                self.begin(slot, place, browser, kind);
            }
            Step::Advance(slot, steps) => {
                for _ in 0..steps {
                    self.advance(slot);
                }
            }
            Step::Finish(slot, arrives) => self.finish(slot, arrives),
            Step::Copy(from, to) => {
                if let Some((_, session)) = self.presented(from).filter(|_| from != to) {
                    self.known[session].is_free = true;
                }
                self.browsers[to] = self.browsers[from].clone();
            }
            Step::Pass(seconds) => {
                if seconds > DEADLINE {
                    (0..SLOTS).for_each(|slot| self.settle(slot));
                }
                self.world.pass(seconds);
            }
            Step::Trouble(after, trouble) => {
                let troubles = &mut self.world.kv.as_mut().unwrap().troubles;
                troubles.extend(std::iter::repeat_n(None, after));
                troubles.push_back(Some(trouble));
            }
        }
    }

    /// The ID that a browser presents, and whose it is.
    fn presented(&self, browser: usize) -> Option<([u8; 32], usize)> {
        let value = self.browsers[browser].session()?;
        let secret = secret_in(&format!("{COOKIE}={value}"))?;
        Some((secret, *self.of_secret.get(&secret)?))
    }

    fn begin(&mut self, slot: usize, place: usize, browser: usize, kind: Kind) {
        let presented = self.presented(browser);
        let play = |op| Play::Say(op);
        let (ask, play) = match kind {
            Kind::Open => (page("/"), Play::Pass),
            Kind::Write => (write("/"), Play::Pass),
            Kind::Logout => (write("/.edge-session/logout"), Play::Pass),
            Kind::Create { who, end_others } => (
                write("/"),
                play(json!({ "op": "create", "sub": SUBJECTS[who], "end_others": end_others })),
            ),
            Kind::Update => (write("/"), play(json!({ "op": "update", "set": { "n": 1 } }))),
            Kind::Rotate { end_others } => {
                (write("/"), play(json!({ "op": "rotate", "end_others": end_others })))
            }
            Kind::Destroy => (write("/"), play(json!({ "op": "destroy" }))),
            Kind::DestroyAll => (write("/"), play(json!({ "op": "destroy_all" }))),
        };
        let flight = self.world.fly(place, &self.browsers[browser], ask, play);
        let under = Under {
            flight,
            writes: VecDeque::new(),
            place,
            browser,
            kind,
            began: self.step,
            presented: presented.map(|(secret, _)| secret),
            session: presented.map(|(_, session)| session),
            has_failed_write: false,
            looked_at: false,
            is_concluded: false,
        };
        self.unsettle(&under);
        self.slots[slot] = Some(under);
        self.advance(slot);
    }

    /// Whether a request may end a session, or give it a new ID at once.
    fn concerns(&self, under: &Under, session: usize) -> bool {
        let others = self.whose(under);
        let changes = !matches!(under.kind, Kind::Open | Kind::Write | Kind::Update);
        let is_own = changes && under.session == Some(session);
        is_own || others == Some(self.known[session].subject)
    }

    /// Whose sessions a request may end altogether.
    fn whose(&self, under: &Under) -> Option<&'static str> {
        let subject = under.session.map(|session| self.known[session].subject);
        match under.kind {
            Kind::Create { who, end_others: true } => Some(SUBJECTS[who]),
            Kind::Rotate { end_others: true } | Kind::DestroyAll => subject,
            _ => None,
        }
    }

    fn unsettle(&mut self, under: &Under) {
        if let Some(subject) = self.whose(under) {
            self.swept.insert(subject, self.step);
        }
        for session in 0..self.known.len() {
            if self.concerns(under, session) {
                self.known[session].unsettled = self.step;
            }
        }
    }

    fn advance(&mut self, slot: usize) {
        let Some(mut under) = self.slots[slot].take() else { return };
        self.step += 1;
        self.one(&mut under);
        self.slots[slot] = Some(under);
    }

    /// Whatever it waits for but the origin comes.
    fn settle(&mut self, slot: usize) {
        let is_under_way = |under: &Under| {
            let is_waiting = under.flight.is_at_origin() && under.writes.is_empty();
            !is_waiting && !under.is_concluded
        };
        while self.slots[slot].as_ref().is_some_and(is_under_way) {
            self.advance(slot);
        }
    }

    /// One step. Says whether all is done.
    fn one(&mut self, under: &mut Under) -> bool {
        let now = self.world.now;
        let kv = self.world.kv.as_mut().unwrap();
        if let Some(write) = under.writes.pop_front() {
            let is_lost = matches!(kv.troubles.front(), Some(Some(_))) && write.value.is_some();
            if let Some(session) = under.session.filter(|_| is_lost && !write.required) {
                self.known[session].is_free = true;
            }
            if let Err(fault) = kv.make(under.place, &write, now) {
                under.writes.clear();
                under.has_failed_write = true;
                under.flight.fail(fault);
            }
            return false;
        }
        if under.flight.reaction().is_some() {
            if !std::mem::replace(&mut under.is_concluded, true) {
                self.unsettle(under);
                self.conclude(under);
            }
            return true;
        }
        self.world.advance(&mut under.flight);
        let kv = self.world.kv.as_mut().unwrap();
        under.writes = kv.stepwise.replace(VecDeque::new()).unwrap();
        if let Some(seen) = under.flight.seen.clone().filter(|_| !under.looked_at) {
            under.looked_at = true;
            self.look_at(under, seen.sid().is_some(), seen.subject());
        }
        false
    }

    fn finish(&mut self, slot: usize, arrives: bool) {
        let Some(mut under) = self.slots[slot].take() else { return };
        self.step += 1;
        while !self.one(&mut under) {}
        let is_plain = matches!(under.kind, Kind::Open | Kind::Write);
        if arrives || !is_plain {
            let cookies = under.flight.reaction().unwrap().cookies.clone();
            self.browsers[under.browser].take(&cookies, self.world.now);
        }
    }

    fn look_at(&mut self, under: &Under, is_let_in: bool, subject: Option<&str>) {
        let now = under.flight.resumed.unwrap();
        let is_free = under.session.is_some_and(|session| {
            self.slots.iter().flatten().any(|other| self.concerns(other, session))
        });
        let Some(known) = under.session.map(|session| &mut self.known[session]) else {
            assert!(!is_let_in, "a session out of nothing");
            return;
        };
        if is_let_in {
            assert_eq!(subject, Some(known.subject), "another one's session");
            if let Some((ended, step, at)) = known.ended {
                let is_known = at == under.place || now >= ended.plus(LAG).plus(FRESH);
                assert!(!is_known || under.began < step, "an ended session was accepted");
            }
            known.uses.push(now);
            return;
        }
        let age = |used: &Time| now.since(*used).secs();
        let is_used = age(&known.uses[0]) < 1700
            || known.uses.iter().any(|used| (61..1700).contains(&age(used)));
        let is_young = now.since(known.created) < Span::from_secs(40_000);
        let is_settled = !is_free && known.unsettled < under.began;
        let followed = self.followed.get(&under.presented.unwrap());
        let is_in_grace = followed.is_none_or(|at| now.since(*at) < Span::from_secs(30));
        if is_in_grace && is_used && is_young && is_settled && !known.is_free {
            assert!(known.ended.is_some(), "somebody was logged out");
        }
    }

    fn conclude(&mut self, under: &Under) {
        let reaction = under.flight.reaction().unwrap().clone();
        let is_done = matches!(reaction.status, 200 | 204);
        let given = reaction.cookies.iter().find_map(|cookie| secret_in(cookie));
        let (now, step, place) = (self.world.now, self.step, under.place);
        let has_mark = reaction.cookies.iter().any(|cookie| cookie.contains("-fresh="));
        let mut ended: Vec<usize> = Vec::new();
        // What was not answered as done may have been done.
        if !is_done || under.has_failed_write {
            for known in &mut self.known {
                known.is_free |= known.unsettled == step;
            }
        }
        match (under.kind, given) {
            (Kind::Create { who, end_others }, Some(secret)) => {
                ended.extend(under.session);
                if end_others {
                    self.end_others(SUBJECTS[who], under, None);
                }
                self.of_secret.insert(secret, self.known.len());
                self.known.push(Known {
                    subject: SUBJECTS[who],
                    created: now,
                    uses: vec![now],
                    ended: None,
                    is_free: self.is_overlapped(SUBJECTS[who], under.began),
                    unsettled: step,
                });
            }
            (_, Some(secret)) => {
                let session = under.session.unwrap();
                self.of_secret.insert(secret, session);
                let presented = under.presented.unwrap();
                let before = *self.followed.entry(presented).or_insert(now);
                let was_dead = before == Time::default();
                if matches!(under.kind, Kind::Rotate { .. }) {
                    // Everything before it is dead at once.
                    let all = self.of_secret.iter();
                    let dead = all.filter(|(other, of)| **of == session && **other != secret);
                    self.followed.extend(dead.map(|(other, _)| (*other, Time::default())));
                    self.followed.remove(&secret);
                } else if was_dead || self.known[session].unsettled >= under.began {
                    // Offered a moment before that and maybe told later, or where nobody knew of it.
                    self.followed.insert(secret, Time::default());
                }
                if matches!(under.kind, Kind::Rotate { end_others: true }) {
                    self.end_others(self.known[session].subject, under, Some(session));
                }
            }
            // What a logout is answered is decided in one step here, before its writes are made.
            (Kind::Logout, None) if under.has_failed_write => {
                self.known[under.session.unwrap()].is_free = true;
            }
            // Another request was first, with another ID.
            (Kind::Rotate { end_others: true }, None) if has_mark => {
                let session = under.session.unwrap();
                self.end_others(self.known[session].subject, under, Some(session));
            }
            (Kind::Destroy | Kind::Logout, None) if reaction.clears_cookie() => {
                ended.extend(under.session);
            }
            (Kind::DestroyAll, None) if has_mark || reaction.clears_cookie() => {
                let subject = self.known[under.session.unwrap()].subject;
                self.end_others(subject, under, None);
                ended.extend(under.session);
            }
            _ => {}
        }
        for session in ended {
            self.known[session].ended.get_or_insert((now, step, place));
        }
    }

    /// Whether something that ends all of a subject's sessions went on since.
    fn is_overlapped(&self, subject: &str, began: usize) -> bool {
        let is_under_way =
            self.slots.iter().flatten().any(|other| self.whose(other) == Some(subject));
        is_under_way || self.swept.get(subject).is_some_and(|step| *step >= began)
    }

    fn end_others(&mut self, subject: &str, under: &Under, but: Option<usize>) {
        let (now, step, place) = (self.world.now, self.step, under.place);
        // Whoever ends all others at the same time, or was ended so a moment ago elsewhere, may be spared.
        for (number, known) in self.known.iter_mut().enumerate() {
            if known.subject != subject {
                continue;
            }
            if Some(number) == but {
                if known.ended.is_some() {
                    (known.is_free, known.ended) = (true, None);
                }
            } else if now.since(known.created) <= LAG.plus(Span::from_secs(5)) {
                known.is_free = true;
            } else if !known.is_free {
                known.ended.get_or_insert((now, step, place));
            }
        }
    }

    /// Everything that is under way comes to its end.
    pub fn end(&mut self) {
        (0..SLOTS).for_each(|slot| self.finish(slot, true));
        self.world.assert_no_secret_leaked();
    }
}
