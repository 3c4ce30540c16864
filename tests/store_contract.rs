//! What every store does, case by case (`tests/data/store_contract.json`), natively: the in-memory
//! store with the semantics of the Durable Object, a consistent KV, and a KV that shows news late.
//! The same cases run on workerd in `tests/e2e/store_contract.test.mjs`.

#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

#[path = "support/world.rs"]
mod world;

use std::collections::{BTreeSet, HashMap};
use std::panic::catch_unwind;

use serde_json::{Value, json};
use world::{Ask, Browser, Flight, Kv, Play, World, envelope, extend, page, sign, write};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Memory,
    ConsistentKv,
    LateKv,
}

struct Run {
    world: World,
    kind: Kind,
    browsers: HashMap<String, Browser>,
    /// The handles that a browser's session has had.
    sids: HashMap<String, Vec<String>>,
    messages: HashMap<String, Value>,
}

fn contract() -> Value {
    serde_json::from_str(include_str!("data/store_contract.json")).unwrap()
}

fn run(kind: Kind, config: &Value, case: &Value) {
    let store = if kind == Kind::Memory { "durable" } else { "kv" };
    let members = extend(config.clone(), &json!({ "store": store }));
    let mut world = World::with_isolates(&members, 3);
    world.kv = match kind {
        Kind::Memory => None,
        Kind::ConsistentKv => Some(Kv::consistent()),
        Kind::LateKv => Some(Kv::late()),
    };
    let mut run = Run {
        world,
        kind,
        browsers: HashMap::new(),
        sids: HashMap::new(),
        messages: HashMap::new(),
    };
    for (number, step) in case["steps"].as_array().unwrap().iter().enumerate() {
        let late = &step["late"];
        let is_late = kind == Kind::LateKv && late.is_object();
        let step = if is_late { extend(step.clone(), late) } else { step.clone() };
        let what = format!("{kind:?}: {}: step {number}: {step}", case["name"]);
        run.step(&step, &what);
    }
    run.world.assert_no_secret_leaked();
}

impl Run {
    fn step(&mut self, step: &Value, what: &str) {
        let at = usize::try_from(step["at"].as_u64().unwrap_or(0)).unwrap();
        let name = |member: &str| step[member].as_str().map(str::to_owned);
        if let Some(seconds) = step["advance"].as_u64() {
            self.world.pass(seconds);
        } else if let Some(from) = name("copy") {
            let to = name("to").unwrap();
            let browser = self.browser(&from).clone();
            self.browsers.insert(to.clone(), browser);
            let sids = self.sids.get(&from).cloned().unwrap_or_default();
            self.sids.insert(to, sids);
        } else if let Some(who) = name("say") {
            self.say(&who, at, step, what);
        } else if let Some(who) = name("expect") {
            self.expect(&who, at, step, what);
        } else if let Some(who) = name("open") {
            let mut browser = self.browser(&who).clone();
            let before = browser.clone();
            let reaction = self.world.go_at(at, &mut browser, page("/"), Play::Pass);
            assert_eq!(reaction.status, 200, "{what}");
            let gives = step["gives"].as_bool().unwrap();
            assert_eq!(reaction.gives_cookie(), gives, "{what}");
            let lost = step["lost"] == true;
            self.browsers.insert(who, if lost { before } else { browser });
        } else if let Some(who) = name("logout") {
            let mut browser = self.browser(&who).clone();
            let ask = write("/.edge-session/logout");
            let reaction = self.world.go_at(at, &mut browser, ask, Play::Pass);
            assert_eq!(reaction.status, 204, "{what}");
            self.browsers.insert(who, browser);
        } else if let Some(who) = name("has") {
            let has = self.browser(&who).session().is_some();
            assert_eq!(Value::Bool(has), step["is"], "{what}");
        } else if step["tell"].is_object() {
            let (status, _) = self.tell(&step["tell"], at, step);
            assert_eq!(Value::from(status), step["status"], "{what}");
        } else if let Some(subject) = name("list") {
            self.list(&subject, at, step, what);
        } else {
            panic!("no such step: {what}");
        }
    }

    fn browser(&mut self, name: &str) -> &mut Browser {
        self.browsers.entry(name.to_owned()).or_default()
    }

    fn say(&mut self, who: &str, at: usize, step: &Value, what: &str) {
        let mut browser = self.browser(who).clone();
        let play = Play::Say(step["op"].clone());
        let reaction = self.world.go_at(at, &mut browser, write("/do"), play);
        let status = step["status"].as_u64().unwrap_or(200);
        let body = &reaction.body;
        assert_eq!(u64::from(reaction.status), status, "{what}: {body}");
        self.browsers.insert(who.to_owned(), browser);
        if matches!(step["op"]["op"].as_str(), Some("create" | "rotate")) && status == 200 {
            let jti = reaction.seen.unwrap().jti().to_owned();
            let sids = self.sids.entry(who.to_owned()).or_default();
            if step["op"]["op"] == "create" {
                sids.clear();
            }
            sids.push(jti);
        }
    }

    fn expect(&mut self, who: &str, at: usize, step: &Value, what: &str) {
        let browser = self.browser(who).clone();
        let mut flight = self.world.fly(at, &browser, write("/claims"), Play::Pass);
        let reaction = self.world.finish(&mut flight);
        let seen = reaction
            .seen
            .unwrap_or_else(|| panic!("{what}: {} {}", reaction.status, reaction.body));
        let Some(expected) = step["session"].as_object() else {
            assert_eq!(seen.sid(), None, "{what}");
            return;
        };
        assert!(seen.sid().is_some(), "{what}: nobody is there");
        for (member, value) in expected {
            let found = seen.claims.get(member).cloned().unwrap_or_default();
            let value = match member.as_str() {
                "sid" => self.sids[value.as_str().unwrap()].last().unwrap().as_str().into(),
                _ => value.clone(),
            };
            assert_eq!(found, value, "{what}");
        }
    }

    /// Sends a message out of band.
    fn tell(&mut self, op: &Value, at: usize, step: &Value) -> (u16, String) {
        let mut claims = extend(envelope(self.world.now), op);
        if let Some(of) = step["sid"].as_str() {
            let (who, is_first) = match of.strip_suffix(":first") {
                Some(who) => (who, true),
                None => (of, false),
            };
            let sids = &self.sids[who];
            let sid = if is_first { sids.first() } else { sids.last() };
            claims["sid"] = sid.unwrap().as_str().into();
        }
        let count = self.messages.len();
        let jti = step["jti"].as_str().map_or_else(|| format!("m{count}"), str::to_owned);
        claims["jti"] = jti.as_str().into();
        // A repeat is the very same message.
        if step["same"] == true {
            claims = self.messages[&jti].clone();
        } else {
            self.messages.entry(jti).or_insert_with(|| claims.clone());
        }
        let message = sign(&self.world.site().origin_keys, &claims);
        let mut flight = Flight::new(at, Ask::new("POST", "/.edge-session/control"), Play::Pass);
        flight.body = Some(message);
        let reaction = self.world.finish(&mut flight);
        (reaction.status, reaction.body)
    }

    fn list(&mut self, subject: &str, at: usize, step: &Value, what: &str) {
        let op = json!({ "op": "list", "sub": subject });
        let (status, body) = self.tell(&op, at, &json!({}));
        assert_eq!(status, 200, "{what}: {body}");
        let body: Value = serde_json::from_str(&body).unwrap();
        let listed = body["sessions"].as_array().unwrap().iter();
        let listed: Vec<&str> = listed.map(|one| one["sid"].as_str().unwrap()).collect();
        let names = step["are"].as_array().unwrap().iter();
        let expected: Vec<&str> =
            names.map(|name| self.sids[name.as_str().unwrap()].last().unwrap().as_str()).collect();
        assert_eq!(listed, expected, "{what} ({:?})", self.kind);
    }
}

fn run_all(kind: Kind) {
    let contract = contract();
    let broken = contract["cases"].as_array().unwrap().iter().filter(|case| {
        // The rest is tried all the same: one fault tends to break several.
        catch_unwind(|| run(kind, &contract["config"], case)).is_err()
    });
    let broken: Vec<&str> = broken.filter_map(|case| case["name"].as_str()).collect();
    assert!(broken.is_empty(), "{kind:?}: {broken:#?}");
}

#[test]
fn the_store_in_memory_keeps_the_contract() {
    run_all(Kind::Memory);
}

#[test]
fn a_consistent_kv_keeps_the_contract_as_a_durable_object_does() {
    run_all(Kind::ConsistentKv);
}

#[test]
fn a_late_kv_keeps_it_but_for_what_the_readme_says() {
    run_all(Kind::LateKv);
}

#[test]
fn every_weaker_promise_is_a_row_of_the_readme() {
    let readme = include_str!("../README.md");
    let rows: BTreeSet<&str> =
        readme.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next()).collect();
    let contract = contract();
    for case in contract["cases"].as_array().unwrap() {
        for step in case["steps"].as_array().unwrap() {
            assert_eq!(step["late"].is_null(), step["row"].is_null(), "{step}");
            if let Some(row) = step["row"].as_str() {
                assert!(rows.contains(row), "no row {row:?} in the README");
            }
        }
    }
}
