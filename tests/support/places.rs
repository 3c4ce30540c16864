//! A small world in front of one KV: browsers of one user, places, requests of which one may be held up
//! at its origin or between its writes, writes that fail, answers that are lost, and time.

use std::collections::VecDeque;
use std::hash::Hash;
use std::rc::Rc;

use edge_session::kv::Write;
use edge_session::site::Site;
use edge_session::store::{Fault, Gone, Reply};
use edge_session::time::{Span, Time};
use edge_session::token::Token;
use serde_json::json;

use crate::explorer::{Choices, Print, World};
use crate::known::{Change, Deed, Known, Rotation};
use crate::requests::Kind;
use crate::versions::Versions;
use crate::visit::{Isolate, Visit};
use crate::world::{Browser, START, config, site};

#[path = "places_judge.rs"]
mod judge;

pub struct Rules {
    pub browsers: usize,
    pub kinds: Vec<Kind>,
    /// How long may pass, in milliseconds.
    pub passes: Vec<u64>,
    pub faults: usize,
    /// How many requests may be held up.
    pub holds: usize,
    /// Whether the last browser has the cookies of the first.
    pub thief: bool,
    /// How long ago the browsers logged in, in milliseconds.
    pub age: u64,
    pub every: &'static str,
    /// Whether one request may be shown one thing and then an older one.
    pub flickers: bool,
}

const PLACES: usize = 2;
const ROTATION: Rotation = Rotation { grace: Span::from_secs(30), idle: Span::from_secs(1800) };

#[derive(Clone)]
struct Under {
    visit: Visit,
    kind: Kind,
    browser: usize,
    began: Deed,
    presented: Option<Token>,
    /// When its command was decided, and what is still to be written.
    decided: Time,
    writes: VecDeque<Write>,
    reply: Option<Reply>,
    has_new_id: bool,
    has_failed: bool,
    looked_at: bool,
}

#[derive(Clone)]
pub struct Places {
    rules: Rc<Rules>,
    now: Time,
    gates: Vec<Isolate>,
    kv: Versions,
    browsers: Vec<Browser>,
    known: Vec<Known>,
    held: Option<Under>,
    faults: usize,
    holds: usize,
    begun: Vec<u8>,
    /// When all sessions, or all others, were ended, or may have been.
    swept: Vec<(Time, u8)>,
}

impl Places {
    pub fn new(rules: Rules) -> Self {
        let members = json!({
            "store": "kv", "login_url": null, "freshness": { "safe": "0s" },
            "rotation": { "every": rules.every },
        });
        let site: Rc<Site> = Rc::new(site(&config(&members), &["k1"]));
        let mut all = Self {
            now: START,
            gates: vec![Isolate::new(site); PLACES],
            kv: Versions::new(PLACES, !rules.flickers),
            browsers: vec![Browser::default(); rules.browsers],
            known: Vec::new(),
            held: None,
            faults: rules.faults,
            holds: rules.holds,
            begun: vec![0; rules.browsers],
            swept: Vec::new(),
            rules: Rc::new(rules),
        };
        (all.faults, all.holds) = (0, 0);
        for browser in 0..all.browsers.len() {
            if browser > 0 && browser + 1 == all.browsers.len() && all.rules.thief {
                all.browsers[browser] = all.browsers[0].clone();
                continue;
            }
            all.now = all.now.plus(Span::from_millis(1));
            all.request(browser, 0, Kind::Create { end_others: false }, &mut Choices::default());
        }
        (all.faults, all.holds) = (all.rules.faults, all.rules.holds);
        all.now = all.now.plus(Span::from_millis(all.rules.age));
        all
    }

    fn presented(&self, browser: usize) -> Option<Token> {
        self.gates[0].site.cookie_keys.open(self.browsers[browser].session()?)
    }

    fn of(&self, token: Option<&Token>) -> Option<usize> {
        let token = token?;
        self.known.iter().position(|known| known.place_of(&token.hash).is_some())
    }

    fn request(&mut self, browser: usize, place: usize, kind: Kind, choices: &mut Choices) {
        self.begun[browser] += 1;
        let number = u8::try_from(browser * 64).unwrap() + self.begun[browser];
        let presented = self.presented(browser);
        let session = self.of(presented.as_ref());
        let root = session.map_or("none", |session| &self.known[session].root);
        let keys = &self.gates[place].site.origin_keys;
        let body = kind.body(keys, root, number, self.now);
        let facts = self.browsers[browser].dress(kind.ask(), self.now).facts();
        let (visit, _) =
            Visit::begin(number, place, &mut self.gates, facts, body.as_deref(), self.now);
        let under = Under {
            visit,
            kind,
            browser,
            began: Deed { at: self.now, place },
            presented,
            decided: self.now,
            writes: VecDeque::new(),
            reply: None,
            has_new_id: false,
            has_failed: false,
            looked_at: false,
        };
        choices.tell(&format!("browser {browser} at {place}: {kind:?} ({number})"));
        self.go_on(under, choices);
    }

    /// Goes on with a request until it is answered or held up.
    fn go_on(&mut self, mut under: Under, choices: &mut Choices) {
        loop {
            self.look_at(&mut under);
            if let Some((_, cookies)) = under.visit.done() {
                let cookies = cookies.to_vec();
                Self::conclude(&under, &cookies);
                let may_be_lost = !cookies.is_empty() && self.faults > 0;
                if may_be_lost && choices.pick(2) == 1 {
                    self.faults -= 1;
                    return choices.tell(", its answer is lost");
                }
                self.browsers[under.browser].take(&cookies, self.now);
                return;
            }
            if under.visit.is_at_origin() {
                if self.may_hold(under.kind) && choices.pick(2) == 1 {
                    self.holds -= 1;
                    self.held = Some(under);
                    return choices.tell(", held up at its origin");
                }
                let control = under.kind.control(under.visit.number);
                under.visit.answer(&mut self.gates, &control, self.now);
                continue;
            }
            let call = under.visit.call().unwrap();
            let place = under.began.place;
            match self.kv.decide(place, &call, self.now, choices) {
                Ok((reply, writes)) => {
                    choices.tell(&format!(" {}", brief(&reply)));
                    under.has_new_id = false;
                    (under.decided, under.reply, under.writes) =
                        (self.now, Some(reply), writes.into());
                    self.note_decided(&under);
                    let count = under.writes.len();
                    let is_required = under.writes.iter().any(|write| write.required);
                    if is_required && self.faults > 0 {
                        let made = choices.pick(count + 2);
                        if made <= count {
                            self.faults -= 1;
                            choices.tell(&format!(", a fault after {made} of {count} writes"));
                            self.make(&mut under, made);
                            under.writes.clear();
                            under.has_failed = true;
                            self.tell(&mut under);
                            continue;
                        }
                    }
                    if count > 0 && self.may_hold(under.kind) {
                        let made = choices.pick(count + 1);
                        if made < count {
                            self.make(&mut under, made);
                            if let Some(session) =
                                self.of(under.presented.as_ref()).filter(|_| made > 0)
                            {
                                let written = Deed { at: self.now, place };
                                let change = Change { decided: self.now, written };
                                self.known[session].changes.push(change);
                            }
                            self.holds -= 1;
                            self.held = Some(under);
                            return choices
                                .tell(&format!(", held up after {made} of {count} writes"));
                        }
                    }
                    self.make(&mut under, count);
                    self.tell(&mut under);
                }
                Err(fault) => {
                    choices.tell(&format!(" {fault:?}"));
                    let is_over = self.may_be_over(self.of(under.presented.as_ref()));
                    assert!(is_over, "{fault:?} although KV keeps to what it says");
                    under.has_failed = true;
                    under.visit.tell(Err(fault));
                    under.visit.hear(&mut self.gates, self.now);
                }
            }
        }
    }

    fn may_hold(&self, kind: Kind) -> bool {
        self.holds > 0 && self.held.is_none() && kind != Kind::Write
    }

    fn make(&mut self, under: &mut Under, count: usize) {
        for write in under.writes.drain(..count) {
            under.has_new_id |= write.key.starts_with("i/");
            self.kv.make(under.began.place, &write, self.now);
        }
    }

    /// The command has come to its end.
    fn tell(&mut self, under: &mut Under) {
        let reply = under.reply.clone().unwrap();
        self.note_done(under, &reply);
        let reply = if under.has_failed { Err(Fault::Failed) } else { Ok(reply) };
        under.visit.tell(reply);
        under.visit.hear(&mut self.gates, self.now);
    }
}

fn brief(reply: &Reply) -> String {
    match reply {
        Reply::Live(view) => {
            format!("live({}{})", view.generation, if view.succeeded.is_some() { "+" } else { "" })
        }
        Reply::Gone(Gone::Superseded { ended, .. }) => format!("superseded({ended})"),
        Reply::Gone(gone) => format!("{gone:?}"),
        Reply::Ended { ended, .. } => format!("ended {}", ended.len()),
        Reply::Created { .. } => "created".to_owned(),
        Reply::Rotated { by, .. } => format!("rotated {}", by.is_some()),
        Reply::Offer(lasting) => format!("offer({})", lasting.generation),
        other => format!("{other:?}"),
    }
}

impl World for Places {
    fn go(&mut self, choices: &mut Choices) -> Option<()> {
        let rules = Rc::clone(&self.rules);
        let requests = rules.browsers * PLACES * rules.kinds.len();
        let pick = choices.pick(requests + rules.passes.len() + usize::from(self.held.is_some()));
        // Of more than one change a second KV promises nothing.
        self.now = self.now.plus(Span::from_millis(1001));
        self.kv.forget();
        if pick < requests {
            let (rest, kind) = (pick / rules.kinds.len(), rules.kinds[pick % rules.kinds.len()]);
            let (browser, place) = (rest / PLACES, rest % PLACES);
            // Where nobody has done anything yet, all places are alike.
            let is_first = self.begun.iter().all(|begun| *begun <= 1) && self.held.is_none();
            if is_first && place > 0 && rules.age >= 100_000 {
                return None;
            }
            self.request(browser, place, kind, choices);
            return Some(());
        }
        if let Some(millis) = rules.passes.get(pick - requests) {
            // No command takes its time, but an origin may.
            let is_quick = self.held.as_ref().is_some_and(|under| !under.visit.is_at_origin());
            if is_quick && *millis >= 2000 {
                return None;
            }
            self.now = self.now.plus(Span::from_millis(*millis));
            choices.tell(&format!("{millis} ms pass"));
            return Some(());
        }
        let mut under = self.held.take()?;
        choices.tell(&format!("{:?} ({}) goes on", under.kind, under.visit.number));
        if under.visit.is_at_origin() {
            let control = under.kind.control(under.visit.number);
            under.visit.answer(&mut self.gates, &control, self.now);
        } else {
            let count = under.writes.len();
            self.make(&mut under, count);
            self.tell(&mut under);
        }
        self.go_on(under, choices);
        Some(())
    }

    fn print(&self, into: &mut Print) {
        (self.now, self.faults, self.holds, &self.begun, &self.swept).hash(into);
        self.kv.print(self.now, into);
        for known in &self.known {
            known.print(into);
        }
        for browser in &self.browsers {
            format!("{browser:?}").hash(into);
        }
        if let Some(under) = &self.held {
            (under.kind, under.browser, under.began, under.writes.len(), under.has_failed)
                .hash(into);
            for write in &under.writes {
                (&write.key, &write.value).hash(into);
            }
            under.visit.print(into);
        }
    }
}
