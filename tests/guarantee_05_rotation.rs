//! N parallel requests across a rotation: all succeed, one rotation happens, all end with the same ID; a
//! lost response logs nobody out.

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

use serde_json::{Value, json};
use world::{
    Ask, Browser, Flight, Isolate, Kv, Play, Reaction, World, config, page, read, response,
    secret_in, site, write,
};

fn logged_in(mut world: World) -> (World, Browser) {
    let mut browser = Browser::default();
    world.login(&mut browser, "alice");
    browser.forget_freshness();
    (world, browser)
}

/// Isolates in the middle of a change of keys: not moved yet, moved, and one that has only the old.
fn during_a_key_change() -> (World, Browser) {
    let config = config(&json!({}));
    let (mut world, browser) = logged_in(World::of(vec![site(&config, &["k1"])]));
    world.isolates.push(Isolate::new(site(&config, &["k1", "k2"])));
    world.isolates.push(Isolate::new(site(&config, &["k2", "k1"])));
    (world, browser)
}

fn secret(reaction: &Reaction) -> Option<[u8; 32]> {
    reaction.cookies.iter().find_map(|cookie| secret_in(cookie))
}

fn rotations(world: &World) -> usize {
    world.lines.iter().filter(|line| line.contains("session.rotated")).count()
}

#[test]
fn parallel_requests_on_isolates_with_different_key_lists_are_given_the_same_id() {
    let (mut world, browser) = during_a_key_change();
    world.pass(900);
    let asks = [page("/account/x"), page("/account/y"), page("/")];
    let mut flights: Vec<Flight> = (0..50)
        .map(|number| world.fly(number % 3, &browser, asks[number % 3].clone(), Play::Pass))
        .collect();
    // All of them wait at every point for all the others.
    world.interleave(&mut flights);
    let reactions: Vec<Reaction> =
        flights.iter().map(|flight| flight.reaction().unwrap().clone()).collect();
    assert!(reactions.iter().all(|reaction| reaction.status == 200));
    assert!(
        reactions.iter().all(|reaction| reaction.seen.as_ref().unwrap().subject() == Some("alice"))
    );
    let first = secret(&reactions[0]);
    assert!(first.is_some());
    assert!(reactions.iter().all(|reaction| secret(reaction) == first), "all end with one ID");
    let text = world.store.texts.values().next().unwrap();
    assert_eq!(text.matches("\"generation\"").count(), 1, "one rotation: {text}");
    // Whichever answer arrives last, the browser goes on.
    for reaction in [&reactions[0], &reactions[49]] {
        let mut browser = browser.clone();
        browser.take(&reaction.cookies, world.now);
        assert!(world.who(1, &mut browser, write("/account/x")).is_some());
    }
}

#[test]
fn requests_that_are_one_step_apart_are_given_the_same_id() {
    let (mut world, browser) = during_a_key_change();
    world.pass(900);
    let mut secrets = Vec::new();
    for number in 0..10 {
        let mut flight = world.fly(number % 3, &browser, page("/account/x"), Play::Pass);
        let reaction = world.finish(&mut flight);
        secrets.push(secret(&reaction).unwrap());
        world.pass(1);
    }
    secrets.dedup();
    assert_eq!(secrets.len(), 1);
}

#[test]
fn the_log_follows_a_session_across_a_change_of_its_handle() {
    for (subject, is_renamed) in [(Some("alice"), true), (None, false)] {
        let mut world = World::new(&json!({ "default_access": "optional" }));
        let mut browser = Browser::default();
        let mut say = |op: &str| {
            let mut message = json!({ "op": op });
            if op == "create" {
                message["sub"] = subject.map_or(Value::Null, Value::from);
                message.as_object_mut().unwrap().retain(|_, member| !member.is_null());
            }
            let lines = world.lines.len();
            world.go(&mut browser, write("/x"), Play::Say(message));
            serde_json::from_str::<Value>(&world.lines[lines]).unwrap()
        };
        let created = say("create");
        let rotated = say("rotate");
        let ended = say("destroy");
        assert_eq!(rotated["session"], created["session"]);
        let last = if is_renamed { &rotated["becomes"] } else { &rotated["session"] };
        assert_eq!(&ended["session"], last);
        assert_eq!(rotated["becomes"].is_string(), is_renamed);
    }
}

#[test]
fn a_lost_response_logs_nobody_out() {
    let (mut world, mut browser) = logged_in(World::new(&json!({})));
    let mut offered = Vec::new();
    for _ in 0..30 {
        world.pass(900);
        let mut flight = world.fly(0, &browser, page("/account/x"), Play::Pass);
        let reaction = world.finish(&mut flight);
        assert_eq!(reaction.status, 200);
        offered.push(secret(&reaction).unwrap());
    }
    offered.dedup();
    assert_eq!(offered.len(), 1, "until it has been seen, the same one is offered");
    assert_eq!(rotations(&world), 1, "whoever never takes it floods no log");
    // The one that arrives in the end is good.
    world.go(&mut browser, page("/account/x"), Play::Pass);
    assert!(world.who(0, &mut browser, write("/account/x")).is_some());
}

#[test]
fn the_predecessor_has_its_grace_once_the_successor_was_seen() {
    let (mut world, mut browser) = logged_in(World::new(&json!({})));
    let old = browser.clone();
    world.pass(900);
    world.go(&mut browser, page("/account/x"), Play::Pass);
    world.pass(600);
    assert!(world.who(0, &mut old.clone(), write("/account/x")).is_some(), "not seen yet");
    assert!(world.who(0, &mut browser, write("/account/x")).is_some());
    world.pass_millis(29_999);
    assert!(world.who(0, &mut old.clone(), write("/account/x")).is_some(), "in its grace");
    world.pass_millis(1);
    assert_eq!(world.who(0, &mut old.clone(), write("/account/x")), None);
    assert!(world.logged(&["token.reuse", "refused"]));
    assert!(world.who(0, &mut browser, write("/account/x")).is_some(), "the session lives");
}

#[test]
fn a_superseded_id_that_comes_back_late_ends_the_session() {
    let (mut world, mut browser) = logged_in(World::new(&json!({})));
    let stolen = browser.clone();
    world.pass(900);
    world.go(&mut browser, page("/account/x"), Play::Pass);
    assert!(world.who(0, &mut browser, write("/account/x")).is_some());
    world.pass(300);
    assert_eq!(world.who(0, &mut stolen.clone(), write("/account/x")), None);
    assert_eq!(world.who(0, &mut browser, write("/account/x")), None);
    assert!(world.logged(&["session.ended", "token_reuse"]));
}

#[test]
fn reuse_can_be_refused_without_ending_the_session() {
    let members = json!({ "rotation": { "reuse": "refuse" } });
    let (mut world, mut browser) = logged_in(World::new(&members));
    let stolen = browser.clone();
    world.pass(900);
    world.go(&mut browser, page("/account/x"), Play::Pass);
    assert!(world.who(0, &mut browser, write("/account/x")).is_some());
    world.pass(300);
    assert_eq!(world.who(0, &mut stolen.clone(), write("/account/x")), None);
    assert!(world.who(0, &mut browser, write("/account/x")).is_some());
}

#[test]
fn rotation_waits_for_a_page_and_after_twice_the_time_for_nothing() {
    let (mut world, mut browser) = logged_in(World::new(&json!({})));
    let mut rotates =
        |world: &mut World, ask: Ask| world.go(&mut browser, ask, Play::Pass).gives_cookie();
    world.pass(899);
    assert!(!rotates(&mut world, page("/")));
    world.pass(1);
    for ask in
        [read("/"), write("/"), page("/").with("Sec-Purpose", "prefetch"), Ask::new("HEAD", "/")]
    {
        assert!(!rotates(&mut world, ask));
    }
    world.pass(899);
    assert!(!rotates(&mut world, read("/")));
    world.pass(1);
    assert!(!rotates(&mut world, page("/").with("Sec-Purpose", "prefetch")));
    assert!(rotates(&mut world, read("/")));
    assert_eq!(rotations(&world), 1);
}

#[test]
fn rotation_can_be_turned_off() {
    let (mut world, mut browser) = logged_in(World::new(&json!({ "rotation": { "every": "0s" } })));
    for _ in 0..40 {
        world.pass(900);
        assert!(!world.go(&mut browser, page("/"), Play::Pass).gives_cookie());
    }
}

#[test]
fn no_new_id_goes_out_with_a_response_that_a_cache_could_give_to_others() {
    let (mut world, mut browser) = logged_in(World::new(&json!({})));
    world.pass(900);
    for headers in [
        [("Cache-Control", "public, max-age=60")],
        [("Cache-Control", "S-MAXAGE=60")],
        [("CDN-Cache-Control", "public")],
        [("CDN-Cache-Control", "s-maxage=9")],
    ] {
        let play = Play::With(Box::new(move |_| response(200, &headers)));
        assert!(!world.go(&mut browser, page("/"), play).gives_cookie(), "{headers:?}");
    }
    assert_eq!(rotations(&world), 0);
    let private = response(200, &[("CDN-Cache-Control", "no-store")]);
    let play = Play::With(Box::new(move |_| private.clone()));
    let reaction = world.go(&mut browser, page("/"), play);
    assert!(reaction.gives_cookie(), "a later response offers it");
    assert_eq!(reaction.header("cache-control"), Some("private, no-store"));
}

#[test]
fn no_new_id_goes_out_to_an_id_that_is_dead_by_the_time_of_the_answer() {
    for (wait, is_given) in [(29, true), (30, false)] {
        let (mut world, mut browser) = logged_in(World::with_isolates(&json!({}), 2));
        world.pass(900);
        let mut slow = world.fly(1, &browser, page("/account/x"), Play::Pass);
        world.until_at_origin(&mut slow);
        assert!(world.go(&mut browser, page("/account/x"), Play::Pass).gives_cookie());
        assert!(world.who(0, &mut browser, write("/account/x")).is_some(), "the new one is seen");
        world.pass(wait);
        let reaction = world.finish(&mut slow);
        assert_eq!((reaction.status, reaction.gives_cookie()), (200, is_given), "{wait}");
    }
}

#[test]
fn no_new_id_goes_out_for_a_session_that_ended_or_moved_on_meanwhile() {
    for op in ["destroy", "rotate", "create"] {
        let (mut world, mut browser) = logged_in(World::with_isolates(&json!({}), 2));
        world.pass(900);
        let mut slow = world.fly(1, &browser, page("/account/x"), Play::Pass);
        world.until_at_origin(&mut slow);
        let sub = (op == "create").then_some("alice");
        world.go(&mut browser, write("/"), Play::Say(json!({ "op": op, "sub": sub })));
        let reaction = world.finish(&mut slow);
        assert_eq!(reaction.status, 200);
        assert!(reaction.keeps_cookie(), "{op}");
    }
}

#[test]
fn of_two_rotates_that_presented_one_id_both_give_the_same_cookie_and_both_changes_count() {
    let (mut world, browser) = during_a_key_change();
    let say = |name: &str| Play::Say(json!({ "op": "rotate", "set": { name: true } }));
    let mut one = world.fly(0, &browser, write("/"), say("a"));
    let mut two = world.fly(2, &browser, write("/"), say("b"));
    world.until_commanding(&mut one);
    world.until_commanding(&mut two);
    let (one, two) = (world.finish(&mut one), world.finish(&mut two));
    assert_eq!(secret(&one).unwrap(), secret(&two).unwrap());
    for reaction in [one, two] {
        let mut browser = browser.clone();
        browser.take(&reaction.cookies, world.now);
        let seen = world.go_at(1, &mut browser, write("/account/x"), Play::Pass).seen.unwrap();
        assert_eq!(*seen.data(), json!({ "a": true, "b": true }));
    }
}

#[test]
fn of_two_rotates_that_presented_one_id_either_ones_handle_names_the_session() {
    for store in ["durable", "kv"] {
        for which in 0..2 {
            let mut world = World::with_isolates(&json!({ "store": store }), 2);
            world.kv = Some(Kv::consistent());
            let (mut world, browser) = logged_in(world);
            let fly = |world: &World, isolate| {
                let play = Play::Say(json!({ "op": "rotate" }));
                world.fly(isolate, &browser, write("/"), play)
            };
            let mut flights = [fly(&world, 0), fly(&world, 1)];
            for flight in &mut flights {
                world.until_commanding(flight);
            }
            let mut browser = browser.clone();
            let mut sids = Vec::new();
            for flight in &mut flights {
                let reaction = world.finish(flight);
                browser.take(&reaction.cookies, world.now);
                sids.push(reaction.seen.unwrap().jti().to_owned());
            }
            let sid = &sids[which];
            let destroy = json!({ "op": "destroy", "jti": "1", "sub": "alice", "sid": sid });
            assert_eq!(world.out_of_band(&destroy).status, 204, "{store}: the {which}th");
            assert_eq!(world.who(0, &mut browser, write("/account/x")), None, "{store}");
        }
    }
}

#[test]
fn a_key_change_in_three_steps_logs_nobody_out() {
    let config = config(&json!({}));
    let (mut world, mut browser) = logged_in(World::of(vec![site(&config, &["k1"])]));
    for keys in [&["k1", "k2"][..], &["k2", "k1"], &["k2"]] {
        // One isolate is ahead of the other; both see the browser.
        world.isolates.push(Isolate::new(site(&config, keys)));
        for _ in 0..3 {
            world.pass(900);
            for isolate in 0..world.isolates.len() {
                let who = world.who(isolate, &mut browser, page("/account/x"));
                assert_eq!(who, Some("alice".to_owned()), "{keys:?}");
            }
        }
        world.isolates.remove(0);
    }
}

#[test]
fn an_id_that_nine_others_have_followed_is_dead_and_goes_unnoticed() {
    let (mut world, mut browser) = logged_in(World::new(&json!({})));
    let mut old = Vec::new();
    for _ in 0..9 {
        old.push(browser.clone());
        world.pass(900);
        world.go(&mut browser, page("/account/x"), Play::Pass);
        assert!(world.who(0, &mut browser, write("/account/x")).is_some());
    }
    world.pass(300);
    assert_eq!(world.who(0, &mut old[0].clone(), write("/account/x")), None);
    assert!(!world.logged(&["token.reuse"]));
    assert!(world.who(0, &mut browser, write("/account/x")).is_some(), "the session lives");
    assert_eq!(world.who(0, &mut old[1].clone(), write("/account/x")), None);
    assert!(world.logged(&["token.reuse", "ended"]), "the eighth is known");
}

#[test]
fn an_id_that_a_change_of_privilege_has_replaced_is_told_as_refused_at_once() {
    let (mut world, mut browser) = logged_in(World::new(&json!({})));
    let old = browser.clone();
    world.go(&mut browser, write("/"), Play::Say(json!({ "op": "rotate" })));
    assert_eq!(world.who(0, &mut old.clone(), write("/account/x")), None);
    assert!(world.logged(&["token.reuse", "refused"]));
}
