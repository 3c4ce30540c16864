//! What is particular to KV as a store: writes that fail, writers who know nothing of each other, and
//! news that is late. What outlasts it is in `kv_endings.rs`, what is left behind in
//! `kv_leftovers.rs`, what every store does in `store_contract.rs`.

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

use places::{ALICE, kv, logged_in, say, who, world};
use serde_json::{Value, json};
use world::{Browser, Kv, Play, Reaction, Trouble, World, page, read, write};

fn data(world: &mut World, at: usize, browser: &Browser) -> Value {
    let mut flight = world.fly(at, browser, write("/"), Play::Pass);
    world.finish(&mut flight).seen.unwrap().data().clone()
}

fn assert_unavailable(reaction: &Reaction) {
    assert_eq!((reaction.status, reaction.code().as_str()), (503, "store_unavailable"));
    assert!(reaction.cookies.is_empty(), "{:?}", reaction.cookies);
}

#[test]
fn a_login_whose_write_fails_is_503_without_a_cookie_and_the_session_before_lives() {
    for trouble in [Trouble::Fails, Trouble::ReplyLost] {
        let (mut world, mut alice) = logged_in(Kv::consistent());
        world.pass(2);
        kv(&mut world).troubles.push_back(Some(trouble));
        let op = json!({ "op": "create", "sub": "bob" });
        let reaction = world.go(&mut alice, write("/login"), say(op));
        assert_unavailable(&reaction);
        assert_eq!(who(&mut world, 0, &alice).as_deref(), ALICE);
    }
}

#[test]
fn a_login_whose_session_before_cannot_be_ended_is_503_without_a_cookie() {
    let (mut world, mut alice) = logged_in(Kv::consistent());
    world.pass(2);
    kv(&mut world).troubles.extend([None, Some(Trouble::Fails)]);
    let op = json!({ "op": "create", "sub": "bob" });
    let reaction = world.go(&mut alice, write("/login"), say(op));
    assert_unavailable(&reaction);
    assert_eq!(who(&mut world, 0, &alice).as_deref(), ALICE);
}

#[test]
fn a_new_id_whose_write_fails_leaves_the_old_one_good_whichever_write_it_was() {
    for good in 0..4 {
        let (mut world, mut alice) = logged_in(Kv::consistent());
        let mut bob = Browser::default();
        world.pass(2);
        world.login(&mut bob, "alice");
        world.pass(2);
        let troubles = &mut kv(&mut world).troubles;
        troubles.extend(vec![None; good]);
        troubles.push_back(Some(Trouble::Fails));
        let op = json!({ "op": "rotate", "set": { "n": 1 }, "end_others": true });
        let reaction = world.go(&mut alice, write("/"), say(op.clone()));
        assert_unavailable(&reaction);
        assert_eq!(who(&mut world, 0, &alice).as_deref(), ALICE, "{good}");
        world.pass(2);
        kv(&mut world).troubles.clear();
        let again = world.go(&mut alice, write("/"), say(op));
        assert!(again.gives_cookie(), "{good}");
        assert_eq!(who(&mut world, 0, &alice).as_deref(), ALICE, "{good}");
        assert_eq!(who(&mut world, 0, &bob), None, "{good}");
    }
}

#[test]
fn a_second_write_within_a_second_that_kv_refuses_is_503_and_loses_nothing_acknowledged() {
    let (mut world, mut alice) = logged_in(Kv::consistent());
    kv(&mut world).refuses_haste = true;
    world.pass(2);
    let set = |n: u64| say(json!({ "op": "update", "set": { "n": n } }));
    assert_eq!(world.go(&mut alice, write("/"), set(1)).status, 200);
    assert_unavailable(&world.go(&mut alice, write("/"), set(2)));
    assert_eq!(data(&mut world, 0, &alice), json!({ "n": 1 }));
    world.pass(1);
    assert_eq!(world.go(&mut alice, write("/"), set(3)).status, 200);
    assert_eq!(data(&mut world, 0, &alice), json!({ "n": 3 }));
}

#[test]
fn a_logout_that_fails_says_that_the_session_lives_and_the_next_one_ends_it() {
    for trouble in [Trouble::Fails, Trouble::ReplyLost] {
        let (mut world, mut alice) = logged_in(Kv::late());
        let stolen = alice.clone();
        kv(&mut world).troubles.push_back(Some(trouble));
        let logout = || write("/.edge-session/logout");
        assert_unavailable(&world.go(&mut alice, logout(), Play::Pass));
        assert!(alice.session().is_some());
        assert_eq!(world.go(&mut alice, logout(), Play::Pass).status, 204);
        assert_eq!(who(&mut world, 0, &stolen), None);
    }
}

#[test]
fn activity_that_cannot_be_written_stops_nobody() {
    let (mut world, alice) = logged_in(Kv::consistent());
    world.pass(61);
    kv(&mut world).troubles.push_back(Some(Trouble::Fails));
    assert_eq!(who(&mut world, 0, &alice).as_deref(), ALICE);
    assert_eq!(kv(&mut world).writes, 1, "the login's");
    assert_eq!(who(&mut world, 0, &alice).as_deref(), ALICE);
    assert_eq!(kv(&mut world).writes, 2);
}

#[test]
fn an_idle_time_that_is_made_shorter_counts_from_then_whatever_else_cannot_be_written() {
    for (op, second) in [("rotate", None), ("update", None), ("update", Some(Trouble::Fails))] {
        let (mut world, mut alice) = logged_in(Kv::late());
        // Longer than the new idle time, and not long enough for its use to be written down.
        world.pass(50);
        kv(&mut world).troubles.extend([None, second]);
        let play = say(json!({ "op": op, "idle": 30 }));
        let reaction = world.go(&mut alice, write("/"), play);
        assert_eq!(reaction.status, 200, "{op}");
        kv(&mut world).troubles.clear();
        world.pass(29);
        assert_eq!(who(&mut world, 0, &alice).as_deref(), ALICE, "{op} {second:?}");
        world.pass(30);
        assert_eq!(who(&mut world, 0, &alice), None, "{op} {second:?}");
    }
}

#[test]
fn of_parallel_writers_none_undoes_an_ending_or_a_new_id() {
    for order in [[0, 1], [1, 0]] {
        for op in [json!({ "op": "update", "set": { "n": 1 } }), json!({ "op": "rotate" })] {
            let (mut world, mut alice) = logged_in(Kv::consistent());
            let (stolen, mut other) = (alice.clone(), alice.clone());
            world.pass(2);
            kv(&mut world).held = Some(Vec::new());
            world.go(&mut other, write("/"), say(op));
            world.go(&mut alice, write("/"), say(json!({ "op": "destroy" })));
            let now = world.now;
            kv(&mut world).release(&order, now);
            assert_eq!(who(&mut world, 0, &stolen), None);
            assert_eq!(who(&mut world, 0, &other), None);
        }
        let (mut world, mut alice) = logged_in(Kv::consistent());
        let (stolen, mut other) = (alice.clone(), alice.clone());
        world.pass(61);
        kv(&mut world).held = Some(Vec::new());
        world.go(&mut alice, write("/"), say(json!({ "op": "rotate" })));
        let update = json!({ "op": "update", "set": { "n": 1 } });
        world.go(&mut other, write("/"), say(update));
        // Each of them was activity as well.
        let order: Vec<usize> = order.iter().flat_map(|one| [one * 2, one * 2 + 1]).collect();
        let now = world.now;
        kv(&mut world).release(&order, now);
        assert_eq!(who(&mut world, 0, &stolen), None);
        assert_eq!(who(&mut world, 0, &alice).as_deref(), ALICE);
    }
}

#[test]
fn a_login_that_was_under_way_while_everything_was_ended_elsewhere_does_not_last() {
    let (mut world, mut alice) = logged_in(Kv::late());
    let mut intruder = Browser::default();
    // At place 1 it is known for a while that nothing was ended.
    assert_eq!(who(&mut world, 1, &alice).as_deref(), ALICE);
    let op = json!({ "op": "create", "sub": "alice" });
    let mut flight = world.fly(1, &intruder, write("/login"), say(op));
    world.until_at_origin(&mut flight);
    world.pass_millis(500);
    world.go(&mut alice, write("/"), say(json!({ "op": "destroy_all" })));
    world.pass_millis(500);
    let reaction = world.finish(&mut flight);
    intruder.take(&reaction.cookies, world.now);
    assert_eq!(who(&mut world, 0, &intruder), None);
    world.pass(61);
    assert_eq!(who(&mut world, 1, &intruder), None);
}

#[test]
fn no_session_is_asked_for_before_it_is_there() {
    let mut world = world(Kv::late(), &json!({ "limits": { "per_subject": 2 } }));
    for round in 0..12 {
        let mut alice = Browser::default();
        world.login(&mut alice, "alice");
        for at in 0..3 {
            world.go_at(at, &mut alice, page("/"), Play::Pass);
        }
        world.pass(400);
        world.go(&mut alice, write("/"), say(json!({ "op": "rotate" })));
        world.pass(600);
        world.go_at(round % 3, &mut alice, page("/"), Play::Pass);
        world.login(&mut alice, "alice");
    }
    let too_early = &kv(&mut world).asked_too_early;
    assert!(!too_early.is_empty(), "endings are asked for before they are there");
    let sessions = too_early.iter().filter(|key| key.starts_with(['s', 'a']));
    assert_eq!(sessions.count(), 0);
}

#[test]
fn a_session_that_has_not_arrived_is_a_fault_at_first_and_never_remembered_as_ended() {
    let (mut world, mut alice) = logged_in(Kv::late());
    let show = kv(&mut world).hide(&['s']);
    for seconds in [0, 60] {
        world.pass(seconds);
        let refused = world.go_at(1, &mut alice, page("/account/x"), Play::Pass);
        assert_unavailable(&refused);
    }
    world.pass(1);
    let refused = world.go_at(1, &mut alice, read("/account/x"), Play::Pass);
    assert_eq!((refused.status, refused.code().as_str()), (401, "session_required"));
    assert!(alice.session().is_some());
    show(kv(&mut world));
    let allowed = world.go_at(1, &mut alice, read("/account/x"), Play::Pass);
    assert_eq!(allowed.status, 200);
}

#[test]
fn a_session_is_known_to_have_run_out_only_when_its_use_elsewhere_would_have_arrived() {
    for (seconds, reason) in [(0, "unknown"), (59, "unknown"), (60, "expired")] {
        let (mut world, mut alice) = logged_in(Kv::late());
        world.pass(1800 + seconds);
        let refused = world.go_at(1, &mut alice, read("/account/x"), Play::Pass);
        assert_eq!(refused.code(), "session_required");
        let said = format!("\"reason\":\"{reason}\"");
        assert!(world.logged(&["session.refused", &said]), "{seconds}: {:?}", world.lines);
    }
}

#[test]
fn a_logout_of_a_session_that_has_not_arrived_ends_it() {
    for seconds in [1, 61] {
        let (mut world, mut alice) = logged_in(Kv::late());
        let stolen = alice.clone();
        let show = kv(&mut world).hide(&['s']);
        world.pass(seconds);
        let ask = || write("/.edge-session/logout");
        kv(&mut world).troubles.push_back(Some(Trouble::Fails));
        assert_unavailable(&world.go_at(1, &mut alice, ask(), Play::Pass));
        assert_eq!(world.go_at(1, &mut alice, ask(), Play::Pass).status, 204);
        show(kv(&mut world));
        for at in 0..3 {
            assert_eq!(who(&mut world, at, &stolen), None, "{seconds} {at}");
        }
    }
}
