//! Endings and new IDs in KV outlast whatever others write who have not heard of them.

#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

#[path = "support/kv_places.rs"]
#[allow(unreachable_pub, reason = "a module of this test alone")]
mod places;
#[path = "support/world.rs"]
mod world;

use places::{ALICE, kv, logged_in, say, who};
use serde_json::json;
use world::{Browser, Kv, Play, World, config, site, write};

#[test]
fn an_ending_outlasts_whatever_another_configuration_lets_others_write() {
    let long = site(&config(&json!({ "store": "kv" })), &["k1"]);
    let short = json!({ "store": "kv", "lifetime": { "absolute": "60s", "remember": "60s" } });
    let mut world = World::of(vec![long.clone(), site(&config(&short), &["k1"])]);
    world.kv = Some(Kv::late());
    for ending in ["destroy", "destroy_all"] {
        let (mut alice, mut late) = (Browser::default(), Browser::default());
        world.login(&mut alice, "alice");
        late.clone_from(&alice);
        world.pass(1);
        assert_eq!(who(&mut world, 0, &alice).as_deref(), ALICE);
        let op = json!({ "op": ending });
        world.go_at(1, &mut alice, write("/"), say(op));
        // Place 0 has not heard of it.
        let op = json!({ "op": "update", "set": { "n": 1 } });
        assert_eq!(world.go(&mut late, write("/"), say(op)).status, 200, "{ending}");
        world.pass(600);
        assert_eq!(who(&mut world, 0, &late), None, "{ending}");
    }
}

#[test]
fn an_ending_outlasts_what_those_write_who_have_not_heard_that_the_life_was_shortened() {
    for ending in ["destroy", "destroy_all"] {
        let (mut world, mut alice) = logged_in(Kv::late());
        let mut late = alice.clone();
        world.pass(1);
        assert_eq!(who(&mut world, 1, &alice).as_deref(), ALICE);
        let soon = json!({ "op": "update", "set": {}, "absolute": 60 });
        assert_eq!(world.go(&mut alice, write("/"), say(soon)).status, 200);
        assert_eq!(world.go(&mut alice, write("/"), say(json!({ "op": ending }))).status, 200);
        let op = json!({ "op": "update", "set": { "n": 1 } });
        assert_eq!(world.go_at(1, &mut late, write("/"), say(op)).status, 200, "{ending}");
        world.pass(600);
        assert_eq!(who(&mut world, 2, &late), None, "{ending}");
    }
}

#[test]
fn a_logout_of_a_session_whose_shortened_life_is_over_outlasts_what_those_write_who_have_not_heard_of_it()
 {
    let (mut world, mut alice) = logged_in(Kv::late());
    let mut late = alice.clone();
    world.pass(1);
    assert_eq!(who(&mut world, 1, &alice).as_deref(), ALICE);
    let soon = json!({ "op": "update", "set": {}, "absolute": 1 });
    assert_eq!(world.go(&mut alice, write("/"), say(soon)).status, 200);
    world.pass(2);
    assert_eq!(world.go(&mut alice, write("/.edge-session/logout"), Play::Pass).status, 204);
    let op = json!({ "op": "update", "set": { "n": 1 } });
    assert_eq!(world.go_at(1, &mut late, write("/"), say(op)).status, 200);
    world.pass(600);
    assert_eq!(who(&mut world, 2, &late), None);
}

#[test]
fn a_new_id_outlasts_what_those_write_who_have_not_heard_that_the_life_was_shortened() {
    let (mut world, mut alice) = logged_in(Kv::late());
    let mut late = alice.clone();
    world.pass(1);
    assert_eq!(who(&mut world, 1, &alice).as_deref(), ALICE);
    let op = json!({ "op": "rotate", "absolute": 60 });
    assert!(world.go(&mut alice, write("/"), say(op)).gives_cookie());
    let op = json!({ "op": "update", "set": { "n": 1 } });
    assert_eq!(world.go_at(1, &mut late, write("/"), say(op)).status, 200);
    world.pass(600);
    assert_eq!(who(&mut world, 2, &late), None);
}

#[test]
fn a_logout_from_a_session_that_a_shorter_configuration_has_ended_outlasts_what_others_write() {
    let deployment = |idle: &str| {
        site(&config(&json!({ "store": "kv", "lifetime": { "idle": idle } })), &["k1"])
    };
    let mut world = World::of(vec![deployment("30m"), deployment("60s")]);
    world.kv = Some(Kv::late());
    let mut alice = Browser::default();
    world.login(&mut alice, "alice");
    let mut other_tab = alice.clone();
    world.pass(80);
    assert_eq!(world.who(1, &mut alice.clone(), write("/")), None);
    world.pass(45);
    assert_eq!(who(&mut world, 0, &alice).as_deref(), ALICE);
    let reaction = world.go_at(1, &mut alice, write("/.edge-session/logout"), Play::Pass);
    assert_eq!(reaction.status, 204);
    // A place that has not heard of it, under the longer idle time, writes the session again.
    world.go_at(0, &mut other_tab, write("/"), say(json!({ "op": "update", "set": { "n": 1 } })));
    world.pass(121);
    assert_eq!(who(&mut world, 0, &other_tab), None);
}

#[test]
fn who_has_just_logged_in_and_ended_all_sessions_is_nobody_and_not_told_that_kv_is_late() {
    let (mut world, mut alice) = logged_in(Kv::consistent());
    let other_tab = alice.clone();
    world.go(&mut alice, write("/"), say(json!({ "op": "destroy_all" })));
    assert_eq!(who(&mut world, 0, &other_tab), None);
    assert_eq!(who(&mut world, 1, &other_tab), None);
}

#[test]
fn who_logged_in_a_moment_before_others_ended_all_is_nobody_when_that_is_cleared_away() {
    let (mut world, alice) = logged_in(Kv::consistent());
    let mut other = Browser::default();
    world.login(&mut other, "alice");
    world.go(&mut other, write("/"), say(json!({ "op": "destroy_all" })));
    world.pass(1);
    world.login(&mut other, "alice");
    assert_eq!(who(&mut world, 1, &alice), None);
    let now = world.now;
    assert_eq!(kv(&mut world).keys('s', now).len(), 1);
}
