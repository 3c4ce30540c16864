//! What a record that is written anew carries along: its time, and when its object is to be woken.

#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

#[path = "support/world.rs"]
mod world;

use edge_session::record::Record;
use edge_session::store::{Command, Request, apply};
use edge_session::time::Span;
use serde_json::json;
use world::{Browser, Play, World, page, read, write};

fn record(world: &World) -> Record {
    Record::read(world.store.texts.values().next().unwrap()).unwrap()
}

#[test]
fn an_alarm_that_rings_early_is_set_again_for_when_there_will_be_something_to_clear_away() {
    let mut world = World::new(&json!({ "lifetime": { "idle": "5m" } }));
    let mut alice = Browser::default();
    world.login(&mut alice, "alice");
    let first = record(&world).alarm.unwrap();
    world.pass(200);
    assert!(world.who(0, &mut alice, write("/")).is_some());
    assert_eq!(record(&world).alarm, Some(first), "use moves it only when it has rung");
    let policy = world.site().config.policy();
    let request = Request { owner: None, command: Command::Sweep, stamp: None, policy };
    let (after, _) = apply(&record(&world), &request, world.now);
    assert_eq!(after.unwrap().alarm, Some(first.plus(Span::from_secs(200))));
}

#[test]
fn a_successor_is_written_once_and_with_its_time() {
    let mut world = World::new(&json!({}));
    let mut alice = Browser::default();
    world.login(&mut alice, "alice");
    world.pass(900);
    assert!(world.who(0, &mut alice, write("/")).is_some(), "so that its use is not due");
    world.pass(1);
    let mut slow = alice.clone();
    assert!(world.go(&mut alice, page("/"), Play::Pass).gives_cookie());
    assert_eq!(record(&world).clock, world.now);
    let writes = world.store.writes;
    world.pass(1);
    assert!(world.go(&mut slow, page("/"), Play::Pass).gives_cookie());
    assert_eq!(world.store.writes, writes);
}

#[test]
fn whatever_is_written_down_carries_its_time() {
    let mut world = World::new(&json!({}));
    let (mut alice, mut other) = (Browser::default(), Browser::default());
    world.login(&mut alice, "alice");
    world.pass(61);
    assert!(world.who(0, &mut alice, write("/")).is_some());
    assert_eq!(record(&world).clock, world.now, "its use");
    world.login(&mut other, "alice");
    let mut copy = alice.clone();
    world.go(&mut alice, write("/"), Play::Say(json!({ "op": "rotate" })));
    assert!(world.who(0, &mut alice, write("/")).is_some());
    world.pass(400);
    world.go(&mut copy, read("/account/x"), Play::Pass);
    assert!(world.logged(&["session.ended", "token_reuse"]));
    assert_eq!(record(&world).clock, world.now, "that a copy has ended it");
}
