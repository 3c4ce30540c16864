//! In KV, a change of privilege is not for whoever keeps the ID from before.

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

use edge_session::time::Span;
use serde_json::{Value, json};
use world::{Browser, Kv, Play, World, page, write};

/// Alice gets a new ID with a change of privilege, while a thief who has her ID of before is given a
/// periodic successor in a place that has not heard of it.
fn stolen() -> (World, Browser, Browser) {
    stolen_with(&json!({}))
}

/// The same under these rules of rotation.
fn stolen_with(rotation: &Value) -> (World, Browser, Browser) {
    let mut world = World::with_isolates(&json!({ "store": "kv", "rotation": rotation }), 3);
    world.kv = Some(Kv::late());
    let mut alice = Browser::default();
    world.login(&mut alice, "alice");
    let mut thief = alice.clone();
    world.pass(16 * 60);
    assert_eq!(data(&mut world, 1, &mut thief.clone()), Some(json!({})));
    let op = json!({ "op": "rotate", "set": { "admin": true } });
    assert!(world.go(&mut alice, write("/"), Play::Say(op)).gives_cookie());
    world.pass(30);
    assert!(world.go_at(1, &mut thief, page("/"), Play::Pass).gives_cookie());
    (world, alice, thief)
}

/// What the origin is told of a browser's session, on a request that is answered by the store.
fn data(world: &mut World, at: usize, browser: &mut Browser) -> Option<Value> {
    let seen = world.go_at(at, browser, write("/"), Play::Pass).seen.unwrap();
    seen.sid().map(|_| seen.data().clone())
}

#[test]
fn who_keeps_the_id_from_before_a_change_of_privilege_never_gets_what_came_with_it() {
    let (mut world, mut alice, mut thief) = stolen();
    assert_ne!(thief.session(), alice.session());
    for _ in 0..5 {
        world.pass(61);
        for at in 0..3 {
            assert_ne!(data(&mut world, at, &mut thief), Some(json!({ "admin": true })), "{at}");
            assert_ne!(data(&mut world, at, &mut thief.clone()), Some(json!({ "admin": true })));
        }
    }
    assert_eq!(data(&mut world, 0, &mut alice), Some(json!({ "admin": true })));
}

#[test]
fn an_id_from_before_a_change_of_privilege_lasts_until_the_new_one_is_used_and_no_longer() {
    let (mut world, mut alice, mut thief) = stolen();
    world.pass(61);
    assert_eq!(data(&mut world, 0, &mut alice), Some(json!({ "admin": true })));
    world.pass(61);
    for at in 0..3 {
        assert_eq!(data(&mut world, at, &mut thief), None, "{at}");
        assert_eq!(data(&mut world, at, &mut alice), Some(json!({ "admin": true })), "{at}");
    }
}

#[test]
fn the_new_id_is_good_however_many_successors_the_one_from_before_has_had_meanwhile() {
    for successors in 1..4 {
        let (mut world, mut alice, mut thief) = stolen();
        for _ in 1..successors {
            world.pass(901);
            assert!(world.go_at(1, &mut thief, page("/"), Play::Pass).gives_cookie());
        }
        world.pass(61);
        let admin = Some(json!({ "admin": true }));
        assert_eq!(data(&mut world, 0, &mut alice), admin, "{successors}");
        world.pass(61);
        assert_eq!(data(&mut world, 1, &mut alice), admin, "{successors}");
        assert_eq!(data(&mut world, 1, &mut thief), None, "{successors}");
    }
}

#[test]
fn no_grace_shows_what_came_with_a_change_of_privilege_to_the_id_from_before() {
    let (mut world, mut alice, mut thief) = stolen_with(&json!({ "grace": "5m" }));
    world.pass(61);
    let admin = Some(json!({ "admin": true }));
    assert_eq!(data(&mut world, 0, &mut alice), admin);
    world.pass(61);
    for at in 0..3 {
        assert_eq!(data(&mut world, at, &mut thief), None, "{at}");
        assert_eq!(data(&mut world, at, &mut alice), admin, "{at}");
    }
}

#[test]
fn what_is_on_its_way_for_less_than_a_minute_is_not_overwritten_where_the_clock_is_ahead() {
    let mut world = World::with_isolates(&json!({ "store": "kv" }), 2);
    world.kv = Some(Kv::late());
    let mut alice = Browser::default();
    world.login(&mut alice, "alice");
    // The other place is a second ahead, as clocks may be, and has just read the session.
    let ahead = Span::from_secs(1);
    world.pass_millis(10_900);
    world.now = world.now.plus(ahead);
    assert!(data(&mut world, 1, &mut alice).is_some());
    world.now = world.now.minus(ahead);
    let rotated = world.go(&mut alice, write("/"), Play::Say(json!({ "op": "rotate" })));
    world.pass_millis(59_900);
    world.now = world.now.plus(ahead);
    assert!(data(&mut world, 1, &mut alice).is_some());
    world.pass(61);
    let seen = world.go(&mut alice, write("/"), Play::Pass).seen.unwrap();
    assert_eq!(seen.sid(), Some(rotated.seen.unwrap().jti()), "the handle that came with the ID");
}
