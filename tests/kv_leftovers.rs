//! What is left behind in KV, where nothing clears itself away before its time: how much, and for how
//! long.

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

use serde_json::{Value, json};
use world::{Browser, Kv, Play, World, write};

fn world() -> World {
    let mut world = World::new(&json!({ "store": "kv" }));
    world.kv = Some(Kv::consistent());
    world
}

fn logged_in() -> (World, Browser) {
    let (mut world, mut browser) = (world(), Browser::default());
    world.login(&mut browser, "alice");
    (world, browser)
}

/// How many keys of this kind have not run out.
fn count(world: &World, kind: char) -> usize {
    world.kv.as_ref().unwrap().keys(kind, world.now).len()
}

fn writes(world: &World) -> usize {
    world.kv.as_ref().unwrap().writes
}

fn logout(world: &mut World, browser: &Browser) -> u16 {
    world.go(&mut browser.clone(), write("/.edge-session/logout"), Play::Pass).status
}

fn say(world: &mut World, browser: &mut Browser, op: &Value) -> u16 {
    world.go(browser, write("/"), Play::Say(op.clone())).status
}

#[test]
fn what_is_left_of_dead_sessions_is_cleared_away_by_later_logins() {
    let mut world = world();
    for _ in 0..30 {
        let mut alice = Browser::default();
        world.login(&mut Browser::default(), "alice");
        world.login(&mut alice, "alice");
        world.pass(1);
        say(&mut world, &mut alice, &json!({ "op": "destroy_all" }));
        world.pass(1);
    }
    assert_eq!((count(&world, 's'), count(&world, 'b')), (1, 1));
}

#[test]
fn a_login_clears_away_eight_dead_sessions_at_most() {
    let mut world = world();
    for _ in 0..12 {
        world.login(&mut Browser::default(), "alice");
    }
    // Over for good: use elsewhere would have arrived.
    world.pass(1800 + 60);
    for left in [12 - 8 + 1, 2, 3] {
        world.login(&mut Browser::default(), "alice");
        assert_eq!(count(&world, 's'), left);
    }
}

#[test]
fn what_is_stored_of_a_session_does_not_grow_with_use() {
    let (mut world, mut alice) = logged_in();
    world.pass(1);
    say(&mut world, &mut alice, &json!({ "op": "rotate", "end_others": true }));
    let mut longest = Vec::new();
    for _ in 0..4 {
        for _ in 0..35 {
            world.pass(1);
            say(&mut world, &mut alice, &json!({ "op": "update", "set": { "n": 1 } }));
        }
        longest.push(world.kv.as_ref().unwrap().texts().map(String::len).max().unwrap());
    }
    assert!(longest[3] <= longest[0] + 16, "{longest:?}");
}

#[test]
fn a_life_that_is_nearly_over_is_written_all_the_same() {
    let (mut world, mut alice) = logged_in();
    // KV keeps nothing for less than a minute, and the double refuses to.
    let op = json!({ "op": "update", "set": { "n": 1 }, "absolute": 20 });
    assert_eq!(say(&mut world, &mut alice, &op), 200);
    world.pass(19);
    assert_eq!(world.who(0, &mut alice, write("/")).as_deref(), Some("alice"));
    world.pass(1);
    assert_eq!(world.who(0, &mut alice, write("/")), None);
    assert_eq!(count(&world, 's'), 1, "it is over all the same");
}

#[test]
fn what_is_left_of_sessions_that_ended_together_goes_at_their_absolute_deadline() {
    let (mut world, _) = logged_in();
    let ended = json!({ "op": "destroy_all", "sub": "alice", "jti": "m-1" });
    assert_eq!(world.out_of_band(&ended).status, 204);
    assert_eq!(count(&world, 's'), 1, "nobody asked which there were");
    assert!(!world.logged(&["session.ended"]), "nor knows which to tell of");
    world.pass(12 * 3600);
    assert_eq!(count(&world, 's'), 0);
    world.pass(399 * 86_400);
    assert_eq!(count(&world, 'b'), 1, "that they have ended is known for long");
    world.pass(86_400);
    assert_eq!(count(&world, 'b'), 0);
}

#[test]
fn a_request_that_nothing_is_due_for_writes_nothing() {
    let (mut world, mut alice) = logged_in();
    world.pass(63);
    assert_eq!(world.who(0, &mut alice, write("/")).as_deref(), Some("alice"));
    let before = writes(&world);
    world.pass(5);
    assert_eq!(world.who(0, &mut alice, write("/")).as_deref(), Some("alice"));
    assert_eq!(writes(&world), before);
}

#[test]
fn an_ending_is_one_write_or_with_all_others_two_and_a_second_one_none() {
    for (op, count) in [(json!({ "op": "destroy" }), 1), (json!({ "op": "destroy_all" }), 2)] {
        let (mut world, mut alice) = logged_in();
        world.kv.as_mut().unwrap().refuses_haste = true;
        let (copy, before) = (alice.clone(), writes(&world));
        assert_eq!(say(&mut world, &mut alice, &op), 200);
        assert_eq!(writes(&world), before + count, "{op}");
        if op["op"] == "destroy" {
            assert_eq!(logout(&mut world, &copy), 204);
            assert_eq!(writes(&world), before + 1);
        }
    }
    let (mut world, alice) = logged_in();
    let ended = json!({ "op": "destroy_all", "sub": "alice", "jti": "m-1" });
    assert_eq!(world.out_of_band(&ended).status, 204);
    world.pass(63);
    let before = writes(&world);
    assert_eq!(logout(&mut world, &alice), 204);
    assert_eq!(writes(&world), before, "it ended with all others, which spares none");
}

#[test]
fn the_ending_of_a_session_that_has_not_arrived_is_kept_as_long_as_any_can_last() {
    let (mut world, alice) = logged_in();
    let _ = world.kv.as_mut().unwrap().hide(&['s']);
    assert_eq!(logout(&mut world, &alice), 204);
    world.pass(30 * 86_400 - 1);
    assert_eq!(count(&world, 'e'), 1);
    world.pass(1);
    assert_eq!(count(&world, 'e'), 0);
}
