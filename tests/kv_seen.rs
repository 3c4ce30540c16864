//! In KV, an ID that has been followed by another one does not come back to life where that one is
//! first used again.

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

use serde_json::json;
use world::{Browser, Kv, Play, World, page, write};

/// Found by going through all histories: the second place knew of the new ID, but not that it had been
/// used, wrote down that it was first used now, and gave the old one another grace.
#[test]
fn the_grace_of_an_id_begins_once_wherever_the_new_one_is_used() {
    let mut world = World::with_isolates(&json!({ "store": "kv" }), 2);
    world.kv = Some(Kv::late());
    let mut alice = Browser::default();
    world.login(&mut alice, "alice");
    world.pass(16 * 60);
    let mut thief = alice.clone();
    assert!(world.go(&mut alice, page("/"), Play::Pass).gives_cookie());
    world.pass(1);
    // The other place reads that there is a new ID, and no more, for the next minute.
    assert_eq!(world.who(1, &mut thief.clone(), write("/account/x")).as_deref(), Some("alice"));
    world.pass(1);
    assert_eq!(world.who(0, &mut alice, write("/account/x")).as_deref(), Some("alice"));
    world.pass(31);
    assert_eq!(world.who(0, &mut thief, write("/account/x")), None);
    assert_eq!(world.who(1, &mut alice, write("/account/x")).as_deref(), Some("alice"));
    // Then the first place reads what the other one has written.
    world.pass_millis(29_500);
    assert_eq!(world.who(0, &mut thief, write("/account/x")), None);
}

/// A cookie names the second in which it was sealed, and not the moment.
#[test]
fn a_grace_is_no_shorter_where_the_cookie_was_sealed_late_in_its_second() {
    let mut world = World::with_isolates(&json!({ "store": "kv" }), 1);
    world.kv = Some(Kv::late());
    let mut alice = Browser::default();
    world.login(&mut alice, "alice");
    world.pass_millis(16 * 60_000 + 950);
    let old = alice.clone();
    assert!(world.go(&mut alice, page("/"), Play::Pass).gives_cookie());
    assert_eq!(world.who(0, &mut alice, write("/account/x")).as_deref(), Some("alice"));
    world.pass_millis(29_500);
    assert_eq!(world.who(0, &mut old.clone(), write("/account/x")).as_deref(), Some("alice"));
    world.pass_millis(600);
    assert_eq!(world.who(0, &mut old.clone(), write("/account/x")), None);
}
