//! A small world in front of one Durable Object: browsers of one user, isolates, requests that are
//! held up wherever the real ones wait, calls that fail, are lost or come late, and time.

use std::collections::BTreeMap;
use std::hash::Hash;
use std::rc::Rc;

use edge_session::record::Record;
use edge_session::site::Site;
use edge_session::store::{Fault, Reply, apply};
use edge_session::time::Time;
use edge_session::token::{IdHash, Token};
use edge_session::verdict::Call;

use crate::explorer::{Choices, Print, World};
use crate::requests::Kind;
use crate::spec::{FRESH, Moment, Spec};
use crate::visit::{Isolate, Visit};
use crate::world::{Browser, START, config, site};

#[path = "durable_moves.rs"]
mod moves;

/// The key lists of the deployments that a change of keys takes.
const KEYS: [&[&str]; 4] = [&["k1"], &["k1", "k2"], &["k2", "k1"], &["k2"]];

/// What may happen.
#[allow(clippy::struct_excessive_bools, reason = "what may happen and what may not")]
pub struct Rules {
    pub browsers: usize,
    pub isolates: usize,
    pub kinds: Vec<Kind>,
    /// How long may pass, in milliseconds.
    pub passes: Vec<u64>,
    /// How many requests are under way at most.
    pub at_once: usize,
    /// How many calls and answers may go wrong.
    pub faults: usize,
    pub new_keys: bool,
    /// Whether the first browser's session is copied into the second browser at the start.
    pub thief: bool,
    /// Whether nobody but time may end a session.
    pub lawful: bool,
    pub fresh: bool,
}

#[derive(Clone)]
struct Under {
    visit: Visit,
    kind: Kind,
    browser: usize,
    began: Time,
    presented: Option<IdHash>,
    /// What its isolate and its browser had done or heard of when it began.
    known: usize,
    /// The moment of the last command that it was answered to.
    told: Option<Moment>,
    again: bool,
    looked_at: bool,
}

#[derive(Clone)]
pub struct Durable {
    rules: Rc<Rules>,
    sites: Rc<Vec<Rc<Site>>>,
    now: Time,
    gates: Vec<Isolate>,
    stages: Vec<usize>,
    /// When the last isolate had the new key first.
    moved: Time,
    store: BTreeMap<String, Rc<Record>>,
    spec: Spec,
    browsers: Vec<Browser>,
    /// The number of the latest command that an isolate, or a browser, has changed something with.
    heard: Vec<usize>,
    changed: Vec<usize>,
    /// When the commands were carried out, by number.
    moments: Vec<Time>,
    under: Vec<Under>,
    late: Vec<(Rc<Call>, Time)>,
    faults: usize,
    begun: Vec<u8>,
}

impl Durable {
    /// Every browser is logged in at the first isolate.
    pub fn new(rules: Rules) -> Self {
        let site_of = |keys: &&[&str]| Rc::new(site(&config(&moves::settings(&rules)), keys));
        let sites: Rc<Vec<Rc<Site>>> = Rc::new(KEYS.iter().map(site_of).collect());
        let mut all = Self {
            now: START,
            gates: (0..rules.isolates).map(|_| Isolate::new(Rc::clone(&sites[0]))).collect(),
            stages: vec![0; rules.isolates],
            moved: START,
            store: BTreeMap::new(),
            spec: Spec::default(),
            browsers: vec![Browser::default(); rules.browsers],
            heard: vec![0; rules.isolates],
            changed: vec![0; rules.browsers],
            moments: vec![START],
            under: Vec::new(),
            late: Vec::new(),
            faults: 0,
            begun: vec![0; rules.browsers],
            sites,
            rules: Rc::new(rules),
        };
        for browser in 0..all.rules.browsers {
            if browser > 0 && all.rules.thief {
                all.browsers[browser] = all.browsers[0].clone();
                continue;
            }
            all.begin(browser, 0, Kind::Create { end_others: false });
            while let Some(under) = all.under.first() {
                if under.visit.call().is_some() {
                    all.tell(0);
                } else if under.visit.is_told() {
                    all.hear(0);
                } else if under.visit.is_at_origin() {
                    all.answer(0);
                } else {
                    all.deliver(0, true);
                }
            }
        }
        // Nobody has changed anything lately.
        all.now = all.now.plus(FRESH);
        all
    }

    /// Where nothing is remembered, an answer on its way makes no difference.
    fn go_on(&mut self, place: usize) {
        if !self.rules.fresh && self.under[place].visit.is_told() {
            self.hear(place);
        }
    }

    fn number(&self, browser: usize) -> u8 {
        u8::try_from(browser * 64).unwrap() + self.begun[browser]
    }

    fn presented(&self, browser: usize) -> Option<Token> {
        self.gates
            .iter()
            .find_map(|gate| gate.site.cookie_keys.open(self.browsers[browser].session()?))
    }

    fn begin(&mut self, browser: usize, isolate: usize, kind: Kind) {
        self.begun[browser] += 1;
        let presented = self.presented(browser).map(|token| token.hash);
        let session = presented.and_then(|id| self.spec.of(&id));
        let root = session.map_or("none", |place| &self.spec.sessions[place].root);
        let keys = &self.gates[isolate].site.origin_keys;
        let body = kind.body(keys, root, self.number(browser), self.now);
        let facts = self.browsers[browser].dress(kind.ask(), self.now).facts();
        let number = self.number(browser);
        let (visit, behind) =
            Visit::begin(number, isolate, &mut self.gates, facts, body.as_deref(), self.now);
        let known = self.heard[isolate].max(self.changed[browser]);
        self.note_asking(isolate, &visit);
        let under = Under {
            visit,
            kind,
            browser,
            began: self.now,
            presented,
            known,
            told: None,
            again: false,
            looked_at: false,
        };
        if let Some(visit) = behind {
            self.under.push(Under { visit, ..under.clone() });
        }
        self.under.push(under);
        self.look_at(self.under.len() - 1);
        self.pass_on(self.under.len() - 1);
    }

    fn note_asking(&mut self, isolate: usize, visit: &Visit) {
        if visit.call().is_some_and(|call| call.is_change()) {
            self.heard[isolate] = self.moments.len() - 1;
        }
    }

    fn apply(&mut self, call: &Call, began: Time, again: bool) -> Reply {
        let name = call.locator.object_name();
        let before = self.store.get(&name).map_or_else(Rc::default, Rc::clone);
        let (after, reply) = apply(&before, &call.request, self.now);
        if let Some(after) = after {
            assert!(after.clock >= before.clock, "time ran backwards");
            self.store.insert(name, Rc::new(after));
        }
        self.spec.take(call, &reply, self.now, began, again);
        self.moments.push(self.now);
        reply
    }

    fn carry_out(&mut self, place: usize) -> Reply {
        let under = &self.under[place];
        let (call, began, again) = (under.visit.call().unwrap(), under.began, under.again);
        let reply = self.apply(&call, began, again);
        self.under[place].told = Some(self.spec.moment(self.now));
        reply
    }

    fn tell(&mut self, place: usize) {
        let reply = self.carry_out(place);
        self.under[place].visit.tell(Ok(reply));
    }

    fn fail(&mut self, place: usize, fault: Fault) {
        self.faults += 1;
        self.under[place].visit.tell(Err(fault));
    }

    fn hear(&mut self, place: usize) {
        let under = &mut self.under[place];
        let isolate = under.visit.isolate;
        let is_change = under.visit.asked().is_some_and(Call::is_change);
        if is_change {
            self.heard[isolate] = self.moments.len() - 1;
        }
        under.again = false;
        under.visit.hear(&mut self.gates, self.now);
        let visit = self.under[place].visit.clone();
        self.note_asking(isolate, &visit);
        self.look_at(place);
        self.pass_on(place);
    }

    /// An origin that changes nothing may as well answer at once.
    fn pass_on(&mut self, place: usize) {
        let under = &self.under[place];
        if under.kind.is_plain() && under.visit.is_at_origin() {
            self.answer(place);
        } else {
            self.close(place);
        }
    }

    fn answer(&mut self, place: usize) {
        let under = &mut self.under[place];
        let control = under.kind.control(under.visit.number);
        under.visit.answer(&mut self.gates, &control, self.now);
        let visit = under.visit.clone();
        self.note_asking(visit.isolate, &visit);
        self.close(place);
    }

    /// Nothing waits for an answer that changes nothing.
    fn close(&mut self, place: usize) {
        if self.under[place].visit.done().is_some_and(|(_, cookies)| cookies.is_empty()) {
            self.under.remove(place);
        }
    }

    fn deliver(&mut self, place: usize, arrives: bool) {
        let under = self.under.remove(place);
        let (_, cookies) = under.visit.done().unwrap();
        if !arrives {
            self.faults += 1;
            return;
        }
        self.browsers[under.browser].take(cookies, self.now);
        if let (Some(told), true) = (under.told, cookies.iter().any(|it| it.contains("-fresh="))) {
            self.changed[under.browser] = self.changed[under.browser].max(told.number);
        }
    }

    /// Whether the right one was let in, or nobody, once that is decided.
    fn look_at(&mut self, place: usize) {
        let under = &mut self.under[place];
        let is_decided = under.visit.seen.is_some() || under.visit.done().is_some();
        if under.looked_at || !is_decided {
            return;
        }
        under.looked_at = true;
        let Some(seen) = under.visit.seen.clone() else { return };
        let session = under.presented.and_then(|id| self.spec.of(&id));
        let Some(session) = session else {
            assert!(seen["sid"].is_null(), "a session out of nothing");
            return;
        };
        let known = &self.spec.sessions[session];
        let id = under.presented.unwrap();
        if seen["sid"].is_null() {
            let is_free = known.is_over(self.now) || known.was_replaced_at_once();
            assert!(!self.rules.lawful || is_free, "somebody was logged out");
            return;
        }
        assert!(self.now < known.absolute && !known.is_over_by_time(self.now), "past a deadline");
        if !under.visit.from_memory {
            return;
        }
        assert!(matches!(under.kind, Kind::Read | Kind::Page), "memory let a change in");
        // What must be known: whatever was done so long ago, and what isolate and browser have done.
        let old = self.moments.iter().take_while(|at| self.now.since(**at) >= FRESH).count();
        let least = under.known.max(old.saturating_sub(1));
        assert!(
            known.ended.is_none_or(|ended| ended.number > least),
            "an ended session was let in"
        );
        if let Some((since, moment)) = known.dead_since(&id) {
            let is_old = self.now.since(since) >= FRESH && self.now >= since;
            let is_known = moment.is_some_and(|moment| moment.number <= least);
            assert!(!is_old && !is_known, "an ID that is worth nothing was let in");
        }
        let data = seen["data"].as_object().unwrap();
        for (name, at) in &known.data {
            assert!(at.number > least || data.contains_key(name), "what was changed is not shown");
        }
    }
}

impl World for Durable {
    fn go(&mut self, choices: &mut Choices) -> Option<()> {
        let moves = self.moves();
        let it = &moves[choices.pick(moves.len())];
        self.make(it, choices);
        Some(())
    }

    fn print(&self, into: &mut Print) {
        (self.now, &self.stages, self.moved, self.faults, &self.begun).hash(into);
        (&self.heard, &self.changed, &self.moments).hash(into);
        self.gates.iter().for_each(|gate| gate.print(into));
        for (name, record) in &self.store {
            (name, record.to_text().unwrap()).hash(into);
        }
        self.spec.print(into);
        for browser in &self.browsers {
            format!("{browser:?}").hash(into);
        }
        for under in &self.under {
            (under.kind, under.browser, under.began, under.known, under.told, under.again)
                .hash(into);
            under.visit.print(into);
        }
        for (call, began) in &self.late {
            (serde_json::to_string(&call.request).unwrap(), began).hash(into);
        }
    }
}
