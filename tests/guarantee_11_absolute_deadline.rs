//! Rotation, touch, update and key rotation never move the absolute deadline.

#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

#[path = "support/world.rs"]
mod world;

use edge_session::time::Time;
use serde_json::{Value, json};
use world::{Browser, Isolate, Play, START, World, config, page, read, site, write};

const END: u64 = START.secs() + 12 * 3600;

/// The deadline that the origin is told, and the one in the cookie.
fn deadline(world: &mut World, browser: &mut Browser) -> (u64, Time) {
    let isolate = world.isolates.len() - 1;
    let reaction = world.go_at(isolate, browser, write("/"), Play::Pass);
    let told = reaction.seen.unwrap().claims["session"]["absolute"].as_u64().unwrap();
    let keys = &world.isolates[isolate].site.cookie_keys;
    (told, keys.open(browser.session().unwrap()).unwrap().absolute)
}

fn logged_in() -> (World, Browser) {
    let mut world = World::new(&json!({}));
    let mut browser = Browser::default();
    world.login(&mut browser, "alice");
    (world, browser)
}

#[test]
fn no_operation_moves_the_absolute_deadline_later() {
    let (mut world, mut browser) = logged_in();
    let longest = 9_000_000_000_u64;
    let operations: Vec<Value> = vec![
        json!({ "op": "update", "set": { "a": 1 } }),
        json!({ "op": "update", "absolute": longest }),
        json!({ "op": "update", "idle": longest }),
        json!({ "op": "rotate" }),
        json!({ "op": "rotate", "absolute": longest, "idle": longest, "auth_time": 1_700_000_000 }),
        json!({ "op": "rotate", "end_others": true }),
    ];
    for operation in operations.iter().cycle().take(30) {
        world.pass(600);
        let reaction = world.go(&mut browser, write("/"), Play::Say(operation.clone()));
        assert_eq!(reaction.status, 200);
        assert_eq!(deadline(&mut world, &mut browser), (END, Time::from_secs(END)), "{operation}");
    }
}

#[test]
fn periodic_rotation_and_activity_do_not_move_it() {
    let (mut world, mut browser) = logged_in();
    let mut rotations = 0;
    for _ in 0..47 {
        world.pass(900);
        rotations +=
            usize::from(world.go(&mut browser, page("/account/x"), Play::Pass).gives_cookie());
        world.go(&mut browser, read("/account/x"), Play::Pass);
        assert_eq!(deadline(&mut world, &mut browser), (END, Time::from_secs(END)));
    }
    assert!(rotations > 40);
}

#[test]
fn new_keys_do_not_move_it() {
    let (mut world, mut browser) = logged_in();
    for keys in [["k1", "k2"], ["k2", "k1"], ["k2", "k3"]] {
        world.isolates = vec![Isolate::new(site(&config(&json!({})), &keys))];
        for _ in 0..2 {
            world.pass(900);
            world.go(&mut browser, page("/account/x"), Play::Pass);
        }
        assert_eq!(deadline(&mut world, &mut browser), (END, Time::from_secs(END)));
    }
}

#[test]
fn a_longer_configuration_does_not_move_it_and_a_shorter_one_counts_at_once() {
    let (mut world, mut browser) = logged_in();
    let with = |absolute: &str| {
        let config = config(&json!({ "lifetime": { "absolute": absolute } }));
        vec![Isolate::new(site(&config, &["k1"]))]
    };
    world.isolates = with("24h");
    assert_eq!(deadline(&mut world, &mut browser).0, END);
    world.isolates = with("1h");
    assert_eq!(deadline(&mut world, &mut browser).0, START.secs() + 3600);
}

#[test]
fn an_origin_can_bring_it_nearer_for_good() {
    let (mut world, mut browser) = logged_in();
    let say = |absolute: u64| Play::Say(json!({ "op": "rotate", "absolute": absolute }));
    world.go(&mut browser, write("/"), say(3600));
    world.go(&mut browser, write("/"), say(7200));
    let end = START.secs() + 3600;
    assert_eq!(deadline(&mut world, &mut browser), (end, Time::from_secs(end)));
}

#[test]
fn a_remembered_cookie_lives_as_long_as_its_session() {
    let mut world = World::new(&json!({}));
    let mut browser = Browser::default();
    let play = Play::Say(json!({ "op": "create", "sub": "alice", "remember": true }));
    world.go(&mut browser, write("/login"), play);
    world.pass(1000);
    let reaction = world.go(&mut browser, write("/"), Play::Say(json!({ "op": "rotate" })));
    assert!(reaction.cookies[0].ends_with("; Max-Age=2591000"), "seconds left, not all over again");
}

#[test]
fn only_a_new_login_begins_a_new_life() {
    let (mut world, mut browser) = logged_in();
    world.pass(600);
    world.login(&mut browser, "alice");
    assert_eq!(deadline(&mut world, &mut browser).0, END + 600);
}
