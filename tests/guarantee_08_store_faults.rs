//! A store fault never lets anyone in, never logs anyone out, and never loses a write that was acknowledged.

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
use world::{Browser, COOKIE, Play, Reaction, Trouble, World, page, read, write};

const TROUBLES: [Trouble; 3] = [Trouble::Fails, Trouble::ReplyLost, Trouble::Late];

fn logged_in() -> (World, Browser) {
    let mut world = World::new(&json!({}));
    let mut browser = Browser::default();
    world.login(&mut browser, "alice");
    browser.forget_freshness();
    (world, browser)
}

fn assert_unavailable(reaction: &Reaction) {
    assert_eq!((reaction.status, reaction.code().as_str()), (503, "store_unavailable"));
    assert!(reaction.header("retry-after").is_some());
    assert!(reaction.cookies.is_empty(), "the cookie is kept: {:?}", reaction.cookies);
    assert!(reaction.is_own, "nothing of the origin's answer is passed on");
}

#[test]
fn a_request_whose_session_cannot_be_looked_up_is_refused_with_its_cookie_kept() {
    for trouble in TROUBLES {
        let (mut world, mut browser) = logged_in();
        for ask in [page("/account/x"), write("/account/x"), read("/"), page("/"), page("//x")] {
            world.pass(11);
            world.store.troubles.push_back(Some(trouble));
            let forwarded = world.forwarded;
            let reaction = world.go(&mut browser, ask, Play::Pass);
            assert_unavailable(&reaction);
            assert_eq!(world.forwarded, forwarded);
        }
        assert!(world.logged(&["store.fault"]));
        world.store.land(world.now);
        assert_eq!(world.who(0, &mut browser, write("/account/x")), Some("alice".to_owned()));
    }
}

#[test]
fn who_leaves_with_two_cookies_waits_for_one_fault_and_not_for_two() {
    let (mut world, browser) = logged_in();
    let mut other = Browser::default();
    world.login(&mut other, "bob");
    let cookies = [&browser, &other].map(|one| format!("{COOKIE}={}", one.session().unwrap()));
    for (trouble, asked) in [(Trouble::Late, 1), (Trouble::Odd, 2)] {
        world.store.operations = 0;
        world.store.troubles.extend([Some(trouble), Some(trouble)]);
        let ask = write("/.edge-session/logout").with("Cookie", &cookies.join("; "));
        assert_unavailable(&world.send(ask, Play::Pass));
        assert_eq!(world.store.operations, asked, "{trouble:?}");
        world.store.troubles.clear();
    }
}

#[test]
fn a_rotation_whose_number_is_always_taken_is_given_up_after_four_attempts() {
    for (attempts, is_done) in [(3, true), (4, false)] {
        let (mut world, mut browser) = logged_in();
        world.pass(11);
        world.go(&mut browser, read("/"), Play::Pass);
        world.store.operations = 0;
        world.store.troubles.push_back(None); // whose ID it is
        world.store.troubles.extend((0..attempts).map(|_| Some(Trouble::Taken)));
        let reaction = world.go(&mut browser, write("/"), Play::Say(json!({ "op": "rotate" })));
        assert_eq!(reaction.gives_cookie(), is_done, "{attempts}");
        if !is_done {
            assert_unavailable(&reaction);
        }
        assert_eq!(world.store.operations, 5, "{attempts}");
    }
}

#[test]
fn what_is_no_answer_to_the_question_is_a_fault() {
    let (mut world, mut browser) = logged_in();
    world.pass(11);
    for ask in [page("/account/x"), read("/"), write("/")] {
        world.store.troubles.push_back(Some(Trouble::Odd));
        assert_unavailable(&world.go(&mut browser, ask, Play::Pass));
    }
    for op in ["create", "update", "rotate", "destroy", "destroy_all"] {
        world.store.troubles.extend([None, Some(Trouble::Odd)]);
        let said = Play::Say(json!({ "op": op }));
        assert_unavailable(&world.go(&mut browser, write("/"), said));
    }
    world.store.troubles.push_back(Some(Trouble::Odd));
    assert_unavailable(&world.go(&mut browser, write("/.edge-session/logout"), Play::Pass));
    assert_eq!(world.who(0, &mut browser, write("/account/x")), Some("alice".to_owned()));
}

#[test]
fn public_paths_and_people_without_a_cookie_need_no_store() {
    let (mut world, mut browser) = logged_in();
    world.store.is_down = true;
    assert_eq!(world.go(&mut browser, page("/assets/x"), Play::Pass).status, 200);
    assert_eq!(world.send(page("/"), Play::Pass).status, 200);
    assert_eq!(world.send(page("/account/x"), Play::Pass).status, 302);
}

#[test]
fn while_the_store_is_down_memory_lets_reads_in_for_the_window_and_nothing_else() {
    let (mut world, mut browser) = logged_in();
    assert!(world.who(0, &mut browser, read("/account/x")).is_some());
    world.store.is_down = true;
    world.pass_millis(9_999);
    assert!(world.who(0, &mut browser, read("/account/x")).is_some());
    assert_unavailable(&world.go(&mut browser, write("/account/x"), Play::Pass));
    world.pass_millis(1);
    assert_unavailable(&world.go(&mut browser, read("/account/x"), Play::Pass));
}

#[test]
fn whatever_fails_while_a_control_is_applied_is_never_shown_as_done() {
    for members in [
        json!({ "op": "create", "sub": "alice" }),
        json!({ "op": "create", "sub": "bob" }),
        json!({ "op": "create" }),
        json!({ "op": "update", "set": { "a": 1 } }),
        json!({ "op": "rotate" }),
        json!({ "op": "destroy" }),
        json!({ "op": "destroy_all" }),
    ] {
        for trouble in TROUBLES {
            let (mut world, mut browser) = logged_in();
            let cookie = browser.session().map(str::to_owned);
            world.store.troubles.extend([None, Some(trouble)]);
            let reaction = world.go(&mut browser, write("/"), Play::Say(members.clone()));
            assert_unavailable(&reaction);
            assert_eq!(browser.session().map(str::to_owned), cookie, "{members} {trouble:?}");
        }
    }
}

#[test]
fn a_command_that_failed_has_changed_nothing() {
    for op in ["update", "rotate", "destroy", "destroy_all"] {
        let (mut world, mut browser) = logged_in();
        let stored = world.store.texts.clone();
        world.store.troubles.extend([None, Some(Trouble::Fails)]);
        world.go(&mut browser, write("/"), Play::Say(json!({ "op": op })));
        assert_eq!(world.store.texts, stored, "{op}");
        assert!(world.who(0, &mut browser, write("/account/x")).is_some(), "{op}");
    }
}

#[test]
fn a_login_whose_old_session_cannot_be_ended_sets_no_cookie() {
    for trouble in TROUBLES {
        let mut world = World::new(&json!({}));
        let mut browser = Browser::default();
        world.go(
            &mut browser,
            write("/"),
            Play::Say(json!({ "op": "create", "data": { "cart": 1 } })),
        );
        let cookie = browser.session().map(str::to_owned);
        world.store.troubles.extend([None, None, Some(trouble)]);
        let play = Play::Say(json!({ "op": "create", "sub": "alice" }));
        let reaction = world.go(&mut browser, write("/login"), play);
        assert_unavailable(&reaction);
        assert_eq!(browser.session().map(str::to_owned), cookie);
        assert_eq!(world.store.asked[world.store.asked.len().min(3) - 1], "create", "made first");
        // Trying again is a login.
        world.login(&mut browser, "alice");
    }
}

#[test]
fn a_logout_that_could_not_be_done_says_that_the_session_is_alive() {
    let (mut world, mut browser) = logged_in();
    world.store.troubles.push_back(Some(Trouble::Fails));
    let reaction = world.go(&mut browser, write("/.edge-session/logout"), Play::Pass);
    assert_unavailable(&reaction);
    assert!(reaction.body.contains("session is alive"), "{}", reaction.body);
    assert_eq!(reaction.header("clear-site-data"), None);
    assert!(world.who(0, &mut browser, write("/account/x")).is_some());
    let reaction = world.go(&mut browser, write("/.edge-session/logout"), Play::Pass);
    assert!(reaction.clears_cookie());
}

#[test]
fn a_message_out_of_band_is_acknowledged_only_once_it_is_done_and_its_repeat_alike() {
    for trouble in TROUBLES {
        let (mut world, mut browser) = logged_in();
        let message = json!({ "op": "destroy_all", "jti": "j", "sub": "alice" });
        world.store.troubles.push_back(Some(trouble));
        assert_unavailable(&world.out_of_band(&message));
        assert_eq!(world.out_of_band(&message).status, 204);
        assert_eq!(world.who(0, &mut browser, write("/account/x")), None);
        // The first one lands after a new login: the operation is known, and ends nothing again.
        world.pass(1);
        world.login(&mut browser, "alice");
        world.store.land(world.now);
        assert!(world.who(0, &mut browser, write("/account/x")).is_some(), "{trouble:?}");
    }
}

#[test]
fn a_rotation_that_could_not_be_confirmed_is_offered_again() {
    for trouble in TROUBLES {
        let (mut world, mut browser) = logged_in();
        world.pass(900);
        world.store.troubles.extend([None, Some(trouble)]);
        let reaction = world.go(&mut browser, page("/account/x"), Play::Pass);
        assert_eq!(reaction.status, 200, "the page is shown all the same");
        assert!(reaction.keeps_cookie());
        world.store.land(world.now);
        assert!(world.go(&mut browser, page("/account/x"), Play::Pass).gives_cookie());
        assert!(world.who(0, &mut browser, write("/account/x")).is_some());
    }
}

#[test]
fn an_acknowledged_write_is_there_whatever_fails_afterwards() {
    let (mut world, mut browser) = logged_in();
    let mut expected = json!({});
    for round in 0..20 {
        let name = format!("m{}", round % 7);
        let trouble = (round % 3 != 0).then(|| TROUBLES[round % 3]);
        world.store.troubles.extend([None, trouble]);
        let members = json!({ "op": "update", "set": { name.as_str(): round } });
        let reaction = world.go(&mut browser, write("/"), Play::Say(members));
        world.store.land(world.now);
        if reaction.status == 200 || trouble != Some(Trouble::Fails) {
            expected[&name] = Value::from(round);
        }
        let seen = world.go(&mut browser, write("/"), Play::Pass).seen.unwrap();
        assert_eq!(*seen.data(), expected, "{round}");
    }
}

#[test]
fn a_record_of_another_format_is_a_fault_and_is_left_as_it_is() {
    let (mut world, mut browser) = logged_in();
    for text in world.store.texts.values_mut() {
        *text = text.replacen("\"version\":1", "\"version\":2", 1);
    }
    let stored = world.store.texts.clone();
    assert_unavailable(&world.go(&mut browser, write("/account/x"), Play::Pass));
    assert_unavailable(&world.go(&mut browser, write("/.edge-session/logout"), Play::Pass));
    assert_eq!(world.store.texts, stored);
}

#[test]
fn a_connection_that_breaks_after_a_new_id_was_issued_logs_nobody_out() {
    for members in [json!({ "op": "rotate" }), json!({ "op": "create", "sub": "alice" })] {
        let (mut world, mut browser) = logged_in();
        world.store.troubles.extend([None, Some(Trouble::Broken)]);
        let reaction = world.go(&mut browser, write("/"), Play::Say(members.clone()));
        assert_eq!(reaction.status, 200, "{members}");
        assert!(world.who(0, &mut browser, write("/account/x")).is_some(), "{members}");
    }
}

#[test]
fn where_no_new_id_is_at_stake_a_store_that_breaks_is_not_asked_again() {
    for op in ["update", "destroy", "destroy_all"] {
        let (mut world, mut browser) = logged_in();
        world.store.troubles.extend([None, Some(Trouble::Broken)]);
        let before = world.store.operations;
        let reaction = world.go(&mut browser, write("/"), Play::Say(json!({ "op": op })));
        assert_unavailable(&reaction);
        assert_eq!(world.store.operations - before, 2, "{op}: whose ID it is, and the command");
    }
}

#[test]
fn a_store_that_breaks_twice_is_not_asked_a_third_time() {
    let (mut world, mut browser) = logged_in();
    world.store.troubles.extend([None, Some(Trouble::Broken), Some(Trouble::Broken)]);
    let before = world.store.operations;
    let reaction = world.go(&mut browser, write("/"), Play::Say(json!({ "op": "rotate" })));
    assert_unavailable(&reaction);
    assert_eq!(world.store.operations - before, 3);
}
