//! A reference for random histories: what is known of every session from outside, and what may
//! never be seen whatever happens.

#[path = "kinds.rs"]
mod kinds;

use std::collections::{HashMap, HashSet};

use edge_session::time::{Span, Time};
use serde_json::{Value, json};

use kinds::{FRESH, KEYS, SUBJECTS, seconds, secret_of, settings, sum};
pub use kinds::{Kind, Reached};

use crate::world::{
    Browser, Flight, Isolate, Reaction, START, Seen, World, config, secret_in, site,
};

/// A session that a browser was given a cookie of.
struct Known {
    subject: Option<String>,
    idle: u64,
    /// Not alive from then on, whatever happens.
    absolute: Time,
    told: u64,
    /// The latest time at which activity can have been written down.
    used: Time,
    sids: HashSet<String>,
    made: u64,
    ended: Option<(u64, Span)>,
    acknowledged: Vec<(String, u64, Span)>,
}

/// A request under way.
pub struct Under {
    pub flight: Flight,
    pub browser: usize,
    kind: Kind,
    began: u64,
    at: Span,
    presented: Option<[u8; 32]>,
    session: Option<usize>,
    member: String,
    looked_at: bool,
}

pub struct Reference {
    pub reached: Reached,
    pub world: World,
    pub browsers: Vec<Browser>,
    known: Vec<Known>,
    of_secret: HashMap<[u8; 32], usize>,
    offered: HashMap<[u8; 32], [u8; 32]>,
    stages: Vec<usize>,
    moved: Time,
    step: u64,
    /// Time that has passed, whatever the clock says.
    passed: Span,
    /// How far the clock has stepped back, and the latest time it has shown.
    back: Span,
    high: Time,
}

impl Reference {
    pub fn new() -> Self {
        let site = site(&config(&settings()), KEYS[0]);
        Self {
            reached: Reached::default(),
            world: World::of(vec![site; 3]),
            browsers: vec![Browser::default(); 3],
            known: Vec::new(),
            of_secret: HashMap::new(),
            offered: HashMap::new(),
            stages: vec![0; 3],
            moved: START,
            step: 0,
            passed: Span::ZERO,
            back: Span::ZERO,
            high: START,
        }
    }

    pub fn pass(&mut self, millis: u64) {
        self.world.pass_millis(millis);
        self.passed = sum(self.passed, Span::from_millis(millis));
        self.high = self.high.max(self.world.now);
    }

    pub fn step_back(&mut self, millis: u64) {
        self.world.now = self.world.now.minus(Span::from_millis(millis));
        self.back = sum(self.back, Span::from_millis(millis));
    }

    /// Whatever ran out of time is carried out now; a lookup among it is activity of now.
    pub fn land(&mut self) {
        let now = self.world.now;
        if self.world.store.land(now).is_empty() {
            return;
        }
        let alive = |known: &&mut Known| now < known.used.plus(seconds(known.idle));
        for known in self.known.iter_mut().filter(alive) {
            known.used = known.used.max(self.high);
        }
    }

    /// Takes an isolate one deployment further in a change of keys, as an operator may.
    pub fn deploy(&mut self, isolate: usize) {
        let (stage, last) = (self.stages[isolate], *self.stages.iter().min().unwrap());
        let next = stage + 1;
        // The old key goes after the longest lifetime of what was signed with it.
        let is_over = self.world.now >= self.moved.plus(seconds(300));
        if next > last + 1 || next >= KEYS.len() || (next + 1 == KEYS.len() && !is_over) {
            return;
        }
        self.stages[isolate] = next;
        self.moved = if stage == 1 { self.high } else { self.moved };
        let new = Isolate::new(site(&config(&settings()), KEYS[next]));
        self.world.isolates[isolate].site = new.site;
    }

    pub fn begin(&mut self, isolate: usize, browser: usize, kind: Kind) -> Under {
        self.step += 1;
        let member = format!("m{}", self.step);
        let presented = secret_of(&self.browsers[browser]);
        let session = presented.and_then(|secret| self.of_secret.get(&secret).copied());
        let owner = session.and_then(|place| self.known[place].subject.clone());
        let (ask, play) = kind.request(&member, owner.as_deref());
        let flight = self.world.fly(isolate, &self.browsers[browser], ask, play);
        Under {
            flight,
            browser,
            kind,
            began: self.step,
            at: self.passed,
            presented,
            session,
            member,
            looked_at: false,
        }
    }

    /// Makes one step of a request and looks at everything that could have gone wrong.
    pub fn advance(&mut self, under: &mut Under) -> bool {
        if under.flight.reaction().is_some() {
            return true;
        }
        self.step += 1;
        let done = self.world.advance(&mut under.flight);
        if let Some(known) = under.session.map(|place| &mut self.known[place])
            && self.world.now < known.used.plus(seconds(known.idle))
        {
            known.used = known.used.max(self.high);
        }
        if let Some(seen) = under.flight.seen.clone().filter(|_| !under.looked_at) {
            under.looked_at = true;
            self.look_at(under, &seen);
        }
        if done {
            let reaction = under.flight.reaction().unwrap().clone();
            self.conclude(under, &reaction);
        }
        self.look_at_store();
        done
    }

    pub fn deliver(&mut self, under: &Under) {
        if let Some(reaction) = under.flight.reaction() {
            self.browsers[under.browser].take(&reaction.cookies, self.world.now);
        }
    }

    /// The origin was told something.
    fn look_at(&mut self, under: &Under, seen: &Seen) {
        let Some(sid) = seen.sid() else {
            let alive = under.session.is_some_and(|place| self.known[place].ended.is_none());
            self.reached.expired += usize::from(alive);
            assert_eq!((seen.subject(), seen.data()), (None, &Value::Null), "nobody has something");
            return;
        };
        let resumed = under.flight.resumed.unwrap();
        self.reached.let_in += 1;
        let checked = seen.claims["session"]["checked"].as_u64().unwrap();
        self.reached.from_memory += usize::from(checked + 1 < resumed.secs());
        let place = under.session.expect("a session without a cookie that was given out");
        let slack = sum(seconds(FRESH), self.back);
        let is_late = |since: u64, at: Span| {
            under.began > since && (!under.kind.is_safe() || under.at >= sum(at, slack))
        };
        let known = &mut self.known[place];
        assert!(known.sids.contains(sid), "another session's handle");
        assert_eq!(seen.subject().map(str::to_owned), known.subject, "another one's session");
        assert!(resumed < known.absolute, "past its absolute deadline");
        assert!(resumed < known.used.plus(seconds(known.idle)), "past its idle deadline");
        let told = seen.claims["session"]["absolute"].as_u64().unwrap();
        assert!(told <= known.told, "the absolute deadline moved");
        known.told = told;
        if let Some((since, at)) = known.ended {
            assert!(!is_late(since, at), "an ended session was accepted");
        }
        for (member, since, at) in &known.acknowledged {
            let is_there = seen.data().get(member).is_some();
            assert!(is_there || !is_late(*since, *at), "an acknowledged write was lost");
        }
        let owner = json!(known.subject);
        let mut values = seen.data().as_object().unwrap().values();
        assert!(values.all(|value| *value == owner), "another one's data");
        if matches!(under.kind, Kind::Rotate { .. }) {
            known.sids.insert(seen.jti().to_owned());
        }
    }

    /// The browser is about to be told something.
    fn conclude(&mut self, under: &Under, reaction: &Reaction) {
        let is_ending = matches!(under.kind, Kind::Destroy | Kind::DestroyAll | Kind::Logout);
        assert!(is_ending || !reaction.clears_cookie(), "a cookie was cleared for no reason");
        assert!(reaction.status < 500 || reaction.cookies.is_empty(), "a fault and a cookie");
        let end = (self.step, self.passed);
        self.reached.faults += usize::from(reaction.status == 503);
        let is_done = reaction.cookies.iter().any(|cookie| cookie.contains("-fresh="));
        let given = reaction.cookies.iter().find_map(|cookie| secret_in(cookie));
        let session = under.session;
        let mut ended: Vec<usize> = Vec::new();
        match (under.kind, given) {
            (Kind::Create { who, remember, end_others }, Some(secret)) => {
                let subject = SUBJECTS[who].map(str::to_owned);
                ended.extend(session);
                if end_others {
                    ended.extend(self.others(under, subject.as_deref()));
                }
                let life = if remember { 300 } else { 200 };
                let idle = if remember { 300 } else { [40, 60, 60][who] };
                let jti = reaction.seen.as_ref().unwrap().jti().to_owned();
                self.of_secret.insert(secret, self.known.len());
                self.known.push(Known {
                    subject,
                    idle,
                    absolute: self.high.plus(seconds(life)),
                    told: u64::MAX,
                    used: self.high,
                    sids: HashSet::from([jti]),
                    made: self.step,
                    ended: None,
                    acknowledged: vec![(under.member.clone(), end.0, end.1)],
                });
            }
            (_, Some(secret)) => {
                let place = session.expect("a new ID for a session that nobody presented");
                let before = self.of_secret.insert(secret, place);
                assert!(before.is_none_or(|before| before == place), "an ID of two sessions");
                if matches!(under.kind, Kind::Rotate { .. }) {
                    self.reached.rotated += 1;
                } else {
                    self.reached.periodic += 1;
                    let first = *self.offered.entry(under.presented.unwrap()).or_insert(secret);
                    assert_eq!(first, secret, "two rotations for one race");
                }
            }
            (Kind::Destroy | Kind::Logout, None) if reaction.clears_cookie() => {
                ended.extend(session);
            }
            (Kind::DestroyAll, None) if is_done => {
                let subject = self.known[session.unwrap()].subject.clone();
                ended.extend(self.others(under, subject.as_deref()));
            }
            _ => {}
        }
        if matches!(under.kind, Kind::Update | Kind::Rotate { .. }) && is_done {
            self.reached.acknowledged += 1;
            let known = &mut self.known[session.unwrap()];
            known.acknowledged.push((under.member.clone(), end.0, end.1));
            if matches!(under.kind, Kind::Rotate { end_others: true }) {
                let subject = known.subject.clone();
                ended.extend(
                    self.others(under, subject.as_deref())
                        .into_iter()
                        .filter(|it| Some(*it) != session),
                );
            }
        }
        self.reached.ended += ended.len();
        for place in ended {
            self.known[place].ended.get_or_insert(end);
        }
    }

    /// The sessions of a subject that were there before the request began.
    fn others(&self, under: &Under, subject: Option<&str>) -> Vec<usize> {
        let known = self.known.iter().enumerate();
        let theirs = known.filter(|(_, known)| {
            subject.is_some() && known.subject.as_deref() == subject && known.made < under.began
        });
        theirs.map(|(place, _)| place).collect()
    }

    /// A periodic successor follows only upon an ID that was seen.
    fn look_at_store(&self) {
        for text in self.world.store.texts.values() {
            let record: Value = serde_json::from_str(text).unwrap();
            for session in record["sessions"].as_array().into_iter().flatten() {
                let former = session["ids"]["former"].as_array().cloned().unwrap_or_default();
                let mut successor = &session["ids"]["current"];
                for issued in &former {
                    let is_periodic = successor["at_once"] != true;
                    assert!(!is_periodic || issued["seen"].is_u64(), "rotated twice: {text}");
                    successor = issued;
                }
            }
        }
    }
}
