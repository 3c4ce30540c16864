//! Once `destroy` or `destroy_all` has been answered, no unsafe request with that ID is accepted, and no
//! safe one after the freshness window. That a client which disconnects early changes nothing about that
//! is shown on the built Worker, in `e2e/logout.test.mjs`.

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

use edge_session::site::{Secrets, Site};
use serde_json::{Value, json};
use world::{Browser, COOKIE, Play, Trouble, World, config, page, read, site, write};

/// Two isolates, and a browser that both of them remember.
fn logged_in() -> (World, Browser) {
    let mut world = World::with_isolates(&json!({}), 2);
    let mut browser = Browser::default();
    world.login(&mut browser, "alice");
    browser.forget_freshness();
    for isolate in 0..2 {
        assert!(world.who(isolate, &mut browser, read("/account/x")).is_some());
    }
    (world, browser)
}

/// Nobody is let in with this browser's old cookie: by no isolate where something may change, and
/// by none at all once the window has passed.
fn assert_ended(world: &mut World, old: &Browser) {
    // Before anything asks the store, whose answer memory would take in.
    assert_eq!(world.who(0, &mut old.clone(), read("/account/x")), None, "where it was ended");
    for isolate in 0..2 {
        assert_eq!(world.who(isolate, &mut old.clone(), write("/account/x")), None, "{isolate}");
    }
    world.pass(10);
    for isolate in 0..2 {
        assert_eq!(world.who(isolate, &mut old.clone(), read("/account/x")), None, "{isolate}");
    }
    assert!(!world.store.texts.values().any(|text| text.contains("\"sessions\"")));
}

fn end(members: &Value) {
    let (mut world, mut browser) = logged_in();
    let old = browser.clone();
    let reaction = world.go(&mut browser, write("/"), Play::Say(members.clone()));
    assert_eq!(reaction.status, 200);
    assert!(reaction.clears_cookie());
    assert_eq!(browser.session(), None);
    assert_ended(&mut world, &old);
}

#[test]
fn destroy_ends_the_session_everywhere() {
    end(&json!({ "op": "destroy" }));
}

#[test]
fn destroy_all_ends_the_session_everywhere() {
    end(&json!({ "op": "destroy_all" }));
}

#[test]
fn destroy_all_of_the_own_subject_by_name_ends_the_session_everywhere() {
    end(&json!({ "op": "destroy_all", "sub": "alice" }));
}

#[test]
fn the_logout_endpoint_ends_the_session_everywhere() {
    let (mut world, mut browser) = logged_in();
    let old = browser.clone();
    let reaction = world.go(&mut browser, write("/.edge-session/logout"), Play::Pass);
    assert_eq!(reaction.status, 204);
    assert_eq!(reaction.header("clear-site-data"), Some("\"cache\""));
    assert!(reaction.clears_cookie());
    assert_ended(&mut world, &old);
}

#[test]
fn a_form_that_logs_out_is_sent_on() {
    let (mut world, mut browser) = logged_in();
    let form =
        write("/.edge-session/logout").without("Sec-Fetch-Mode").with("Sec-Fetch-Mode", "navigate");
    let reaction = world.go(&mut browser, form.clone(), Play::Pass);
    assert_eq!((reaction.status, reaction.header("location")), (303, Some("/")));
    // Without a session the answer is the same, and no cookie is touched.
    let reaction = world.go(&mut browser, form, Play::Pass);
    assert_eq!((reaction.status, reaction.header("location")), (303, Some("/")));
    assert!(reaction.cookies.is_empty());
}

#[test]
fn a_message_out_of_band_ends_the_session_everywhere() {
    for by_sid in [true, false] {
        let (mut world, mut browser) = logged_in();
        let seen = world.go(&mut browser, read("/"), Play::Pass).seen.unwrap();
        let message = if by_sid {
            json!({ "op": "destroy", "jti": "1", "sub": "alice", "sid": seen.sid() })
        } else {
            json!({ "op": "destroy_all", "jti": "1", "sub": "alice" })
        };
        for time in ["the first time", "a repeat"] {
            let reaction = world.out_of_band(&message);
            assert_eq!((reaction.status, reaction.body.as_str()), (204, ""), "{time}");
        }
        assert_ended(&mut world, &browser);
    }
}

#[test]
fn destroy_all_ends_every_browser_of_the_subject_and_nobody_elses() {
    let (mut world, mut browser) = logged_in();
    let mut second = Browser::default();
    let mut other = Browser::default();
    world.login(&mut second, "alice");
    world.login(&mut other, "bob");
    world.go(&mut browser, write("/"), Play::Say(json!({ "op": "destroy_all" })));
    assert_eq!(world.who(1, &mut second, write("/account/x")), None);
    assert_eq!(world.who(1, &mut other, write("/account/x")), Some("bob".to_owned()));
}

#[test]
fn a_logout_whose_answer_never_arrives_has_ended_the_session() {
    let (mut world, browser) = logged_in();
    let mut flight = world.fly(0, &browser, write("/"), Play::Say(json!({ "op": "destroy" })));
    let _ = world.finish(&mut flight);
    assert_ended(&mut world, &browser);
}

#[test]
fn an_answer_that_was_under_way_while_the_session_ended_is_not_remembered() {
    let (mut world, browser) = logged_in();
    world.pass(11);
    let mut slow = world.fly(0, &browser, read("/account/x"), Play::Pass);
    // It has been asked and answered, but not taken in.
    world.advance(&mut slow);
    world.advance(&mut slow);
    world.go(&mut browser.clone(), write("/"), Play::Say(json!({ "op": "destroy" })));
    assert!(world.finish(&mut slow).seen.is_some(), "it was let in before");
    assert_ended(&mut world, &browser);
}

#[test]
fn a_logout_whose_reply_is_lost_is_not_remembered_as_a_live_session() {
    let (mut world, mut browser) = logged_in();
    world.store.troubles.extend([None, Some(Trouble::ReplyLost)]);
    let reaction = world.go(&mut browser, write("/"), Play::Say(json!({ "op": "destroy" })));
    assert_eq!(reaction.status, 503);
    assert!(reaction.keeps_cookie());
    assert_ended(&mut world, &browser);
}

#[test]
fn a_superseded_id_may_still_log_out() {
    let (mut world, mut browser) = logged_in();
    let old = browser.clone();
    let rotated = world.go(&mut browser, write("/"), Play::Say(json!({ "op": "rotate" })));
    assert!(rotated.gives_cookie());
    let reaction = world.go(&mut old.clone(), write("/.edge-session/logout"), Play::Pass);
    assert!(reaction.clears_cookie());
    assert_ended(&mut world, &browser);
}

#[test]
fn a_destroy_ends_its_session_however_often_the_id_has_changed_meanwhile() {
    let (mut world, mut browser) = logged_in();
    let play = Play::Say(json!({ "op": "destroy" }));
    let mut slow = world.fly(0, &browser, page("/account/x"), play);
    world.until_at_origin(&mut slow);
    // More often than former IDs are remembered.
    for _ in 0..10 {
        let rotate = Play::Say(json!({ "op": "rotate" }));
        assert!(world.go(&mut browser, write("/"), rotate).gives_cookie());
    }
    assert_eq!(world.finish(&mut slow).status, 200);
    assert_ended(&mut world, &browser);
}

#[test]
fn a_login_over_a_session_ends_that_session() {
    for subject in [Some("alice"), Some("bob"), None] {
        let (mut world, mut browser) = logged_in();
        let old = browser.clone();
        let play = Play::Say(json!({ "op": "create", "sub": subject }));
        assert!(world.go(&mut browser, write("/login"), play).gives_cookie());
        assert_eq!(world.who(1, &mut old.clone(), write("/account/x")), None);
        let seen = world.go(&mut browser, page("/"), Play::Pass).seen.unwrap();
        assert_eq!(seen.subject(), subject);
        assert!(seen.sid().is_some());
    }
}

#[test]
fn end_others_ends_the_others_and_keeps_this_one() {
    for op in ["rotate", "create"] {
        let (mut world, mut browser) = logged_in();
        let mut second = Browser::default();
        world.login(&mut second, "alice");
        world.pass(1);
        let sub = (op == "create").then_some("alice");
        let play = Play::Say(json!({ "op": op, "sub": sub, "end_others": true }));
        assert!(world.go(&mut browser, write("/"), play).gives_cookie());
        assert_eq!(world.who(1, &mut second, write("/account/x")), None, "{op}");
        assert!(world.who(1, &mut browser, write("/account/x")).is_some(), "{op}");
    }
}

#[test]
fn a_login_with_the_old_password_does_not_slip_through() {
    let (mut world, mut browser) = logged_in();
    let mut thief = Browser::default();
    let play = Play::Say(json!({ "op": "create", "sub": "alice" }));
    let mut login = world.fly(1, &thief, write("/login"), play);
    world.until_at_origin(&mut login);
    world.pass(1);
    world.go(&mut browser, write("/"), Play::Say(json!({ "op": "rotate", "end_others": true })));
    world.pass(1);
    let reaction = world.finish(&mut login);
    assert_eq!((reaction.status, reaction.code().as_str()), (503, "session_raced"));
    assert!(world.logged(&["session.refused", "session_raced", "\"rule\":\"default\""]));
    thief.take(&reaction.cookies, world.now);
    assert_eq!(thief.session(), None);
    // And one that comes afterwards is a login like any other.
    world.pass(1);
    world.login(&mut thief, "alice");
}

#[test]
fn a_login_that_travels_while_all_sessions_are_ended_does_not_slip_through() {
    let (mut world, mut browser) = logged_in();
    let mut second = Browser::default();
    let login = Play::Say(json!({ "op": "create", "sub": "alice" }));
    let mut slow = world.fly(1, &second, write("/login"), login);
    world.until_commanding(&mut slow);
    world.pass(1);
    world.go(&mut browser, write("/"), Play::Say(json!({ "op": "destroy_all" })));
    world.pass(1);
    let reaction = world.finish(&mut slow);
    assert_eq!(reaction.code(), "session_raced");
    second.take(&reaction.cookies, world.now);
    assert_eq!(second.session(), None);
    // Who logs in after that is let in.
    world.login(&mut second, "alice");
}

#[test]
fn a_login_ends_the_session_it_came_with_however_often_that_has_rotated_meanwhile() {
    for subject in ["alice", "bob"] {
        let (mut world, mut browser) = logged_in();
        let login = Play::Say(json!({ "op": "create", "sub": subject }));
        let mut slow = world.fly(0, &browser, write("/login"), login);
        world.until_at_origin(&mut slow);
        for _ in 0..9 {
            world.pass(1);
            world.go(&mut browser, write("/"), Play::Say(json!({ "op": "rotate" })));
        }
        assert!(world.who(0, &mut browser, write("/account/x")).is_some());
        let reaction = world.finish(&mut slow);
        assert_eq!(reaction.status, 200);
        assert_eq!(world.who(0, &mut browser, write("/account/x")), None, "{subject}");
    }
}

#[test]
fn who_leaves_with_two_valid_cookies_leaves_both_sessions() {
    let (mut world, browser) = logged_in();
    let mut other = Browser::default();
    world.login(&mut other, "bob");
    let value = |browser: &Browser| browser.session().unwrap().to_owned();
    let both = format!("{COOKIE}={}; {COOKIE}={}", value(&browser), value(&other));
    let ask = write("/.edge-session/logout").with("Cookie", &both);
    let reaction = world.send(ask, Play::Pass);
    assert_eq!(reaction.status, 204);
    assert!(reaction.clears_cookie());
    for mut browser in [browser, other] {
        assert_eq!(world.who(0, &mut browser, write("/account/x")), None);
    }
}

#[test]
fn with_another_locator_key_nobody_stays_logged_in_where_no_ending_would_find_them() {
    let config = world::config(&json!({}));
    let another = Secrets {
        session: world::key_list(&["k1"]),
        origin: world::key_list(&["o1"]),
        locator: world::key_list(&["another"]).split_off("another:".len()),
    };
    let sites = vec![world::site(&config, &["k1"]), Site::new(&config, &another).unwrap()];
    for anonymous in [false, true] {
        let mut world = World::of(sites.clone());
        let mut browser = Browser::default();
        let sub = (!anonymous).then_some("alice");
        world.go(&mut browser, write("/"), Play::Say(json!({ "op": "create", "sub": sub })));
        browser.forget_freshness();
        for (isolate, is_somebody) in [(0, true), (1, false)] {
            for ask in [write("/"), read("/"), read("/")] {
                let seen = world.go_at(isolate, &mut browser.clone(), ask, Play::Pass).seen;
                assert_eq!(seen.unwrap().sid().is_some(), is_somebody, "{isolate} {anonymous}");
            }
        }
        assert_eq!(world.who(1, &mut browser.clone(), read("/account/x")), None);
        // Who leaves, or logs in anew, still ends it.
        let leave = write("/.edge-session/logout");
        assert!(world.go_at(1, &mut browser.clone(), leave, Play::Pass).clears_cookie());
        assert_eq!(world.who(0, &mut browser.clone(), write("/account/x")), None);
    }
}

#[test]
fn a_logout_from_a_session_that_a_shorter_configuration_has_ended_lasts_when_that_is_taken_back() {
    let shorter = site(&config(&json!({ "lifetime": { "idle": "60s" } })), &["k1"]);
    let mut world = World::of(vec![site(&config(&json!({})), &["k1"]), shorter]);
    let mut alice = Browser::default();
    world.login(&mut alice, "alice");
    let copy = alice.clone();
    world.pass(61);
    let reaction = world.go_at(1, &mut alice, write("/.edge-session/logout"), Play::Pass);
    assert_eq!(reaction.status, 204);
    assert_eq!(world.who(0, &mut copy.clone(), write("/")), None);
}
