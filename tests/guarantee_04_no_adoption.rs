//! An ID that the gate did not issue is never adopted; every `create` and `rotate` issues a new one and
//! the old one is dead.

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

use edge_session::sid::Sid;
use edge_session::token::{Secret, SessionId, Stamp};
use serde_json::{Value, json};
use world::{Browser, Kv, Play, Trouble, World, page, read, write};

fn logged_in() -> (World, Browser) {
    let mut world = World::new(&json!({}));
    let mut browser = Browser::default();
    world.login(&mut browser, "alice");
    (world, browser)
}

fn say(members: &Value) -> Play {
    Play::Say(members.clone())
}

#[test]
fn an_id_that_was_sealed_but_never_issued_is_not_adopted() {
    let (mut world, browser) = logged_in();
    let token = world.site().cookie_keys.open(browser.session().unwrap()).unwrap();
    // The same object, and one that does not exist.
    for locator in [
        token.id.locator,
        world.site().locator_key.of_anonymous(&edge_session::sid::Sid::from_entropy(&[7; 16])),
    ] {
        let id = SessionId::new(locator, Secret::from_entropy([9; 32]));
        let stamp =
            Stamp { root: Sid::from_entropy(&[7; 16]), generation: 0, sealed: token.absolute };
        let sealed = world.site().cookie_keys.seal(&id, token.absolute, &stamp);
        let mut planted = Browser::default();
        planted.plant(sealed.expose());
        let stored = world.store.texts.clone();
        assert_eq!(world.who(0, &mut planted, write("/account/x")), None);
        for op in ["update", "rotate", "destroy"] {
            let reaction = world.go(&mut planted, write("/"), say(&json!({ "op": op })));
            assert!(!reaction.gives_cookie(), "{op}");
        }
        assert_eq!(world.store.texts, stored, "nothing was made of it");
    }
}

#[test]
fn a_login_never_goes_on_with_the_id_that_came_in() {
    let mut world = World::new(&json!({}));
    let mut attacker = Browser::default();
    world.go(&mut attacker, write("/"), say(&json!({ "op": "create", "data": { "cart": 1 } })));
    // The attacker's anonymous cookie is planted with the victim, who logs in.
    let mut victim = attacker.clone();
    let before = victim.session().unwrap().to_owned();
    world.login(&mut victim, "alice");
    assert_ne!(victim.session(), Some(before.as_str()));
    assert!(world.logged(&["session.ended", "replaced"]));
    let seen = world.go(&mut attacker, read("/"), Play::Pass).seen.unwrap();
    assert_eq!((seen.subject(), seen.sid()), (None, None));
}

#[test]
fn every_create_and_every_rotate_issues_a_new_id_and_the_old_one_is_dead() {
    let (mut world, mut browser) = logged_in();
    let mut past = Vec::new();
    for round in 0..20 {
        past.push(browser.clone());
        let op = if round % 3 == 0 { "create" } else { "rotate" };
        let sub = (op == "create").then_some("alice");
        let reaction = world.go(&mut browser, write("/"), say(&json!({ "op": op, "sub": sub })));
        assert!(reaction.gives_cookie(), "{op}");
        for old in &past {
            assert_ne!(old.session(), browser.session());
            assert_eq!(world.who(0, &mut old.clone(), write("/account/x")), None, "{op}");
        }
        assert!(world.who(0, &mut browser, write("/account/x")).is_some(), "{op}");
    }
    let mut values: Vec<_> = past.iter().map(|browser| browser.session().unwrap()).collect();
    values.sort_unstable();
    values.dedup();
    assert_eq!(values.len(), 20);
}

#[test]
fn a_rotate_leaves_no_grace_to_periodic_predecessors_either() {
    let (mut world, mut browser) = logged_in();
    let first = browser.clone();
    world.pass(900);
    assert!(world.go(&mut browser, page("/account/x"), Play::Pass).gives_cookie());
    let second = browser.clone();
    world.who(0, &mut browser, read("/account/x"));
    assert!(world.who(0, &mut first.clone(), write("/account/x")).is_some(), "it has its grace");
    world.go(&mut browser, write("/"), say(&json!({ "op": "rotate" })));
    for old in [first, second] {
        assert_eq!(world.who(0, &mut old.clone(), write("/account/x")), None);
    }
}

#[test]
fn a_session_is_named_by_the_request_that_made_it() {
    let mut world = World::new(&json!({}));
    let mut browser = Browser::default();
    let login = world.login(&mut browser, "alice").seen.unwrap();
    let seen = world.go(&mut browser, read("/"), Play::Pass).seen.unwrap();
    assert_eq!(seen.sid(), Some(login.jti()));
    let rotate = world.go(&mut browser, write("/"), say(&json!({ "op": "rotate" }))).seen.unwrap();
    let seen = world.go(&mut browser, read("/"), Play::Pass).seen.unwrap();
    assert_eq!(seen.sid(), Some(rotate.jti()));
    // Periodic rotation is no news to the application.
    world.pass(900);
    assert!(world.go(&mut browser, page("/"), Play::Pass).gives_cookie());
    let seen = world.go(&mut browser, read("/"), Play::Pass).seen.unwrap();
    assert_eq!(seen.sid(), Some(rotate.jti()));
}

#[test]
fn an_anonymous_session_keeps_its_first_name() {
    let mut world = World::new(&json!({}));
    let mut browser = Browser::default();
    let create = world.go(&mut browser, write("/"), say(&json!({ "op": "create" }))).seen.unwrap();
    world.go(&mut browser, write("/"), say(&json!({ "op": "rotate" })));
    let seen = world.go(&mut browser, read("/"), Play::Pass).seen.unwrap();
    assert_eq!(seen.sid(), Some(create.jti()));
}

#[test]
fn the_subject_of_a_session_never_changes_and_objects_are_never_shared() {
    let (mut world, mut browser) = logged_in();
    for op in ["update", "rotate"] {
        let reaction = world.go(&mut browser, write("/"), say(&json!({ "op": op, "sub": "bob" })));
        assert_eq!(reaction.code(), "control_invalid", "{op}");
    }
    assert_eq!(world.who(0, &mut browser, write("/account/x")), Some("alice".to_owned()));
    let mut other = Browser::default();
    world.login(&mut other, "bob");
    assert_eq!(world.store.texts.len(), 2);
}

#[test]
fn a_change_of_privilege_whose_new_id_kv_does_not_take_changes_nothing_for_the_old_one() {
    let mut world = World::new(&json!({ "store": "kv" }));
    world.kv = Some(Kv::consistent());
    let mut browser = Browser::default();
    world.login(&mut browser, "alice");
    let told = |world: &mut World, browser: &mut Browser| {
        let claims = world.go(browser, write("/"), Play::Pass).seen.unwrap().claims;
        ["data", "amr", "auth_time"].map(|name| claims.get(name).cloned().unwrap_or_default())
    };
    let before = told(&mut world, &mut browser);
    let set = json!({ "admin": 1 });
    let op = json!({ "op": "rotate", "set": set, "amr": ["otp"], "auth_time": 1 });
    for _ in 0..2 {
        // The handle, the session, and then the ID.
        world.kv.as_mut().unwrap().troubles.extend([None, None, Some(Trouble::Fails)]);
        assert_eq!(world.go(&mut browser, write("/"), say(&op)).status, 503);
        assert_eq!(told(&mut world, &mut browser), before);
    }
    world.pass(901);
    assert!(world.go(&mut browser, page("/account/x"), Play::Pass).gives_cookie());
    assert_eq!(told(&mut world, &mut browser), before, "nor with the ID that time brings");
    let update = json!({ "op": "update", "set": { "n": 1 } });
    world.go(&mut browser, write("/"), say(&update));
    assert_eq!(told(&mut world, &mut browser)[0], json!({ "n": 1 }), "nor later");
    assert!(world.go(&mut browser, write("/"), say(&op)).gives_cookie());
    let after = [json!({ "admin": 1, "n": 1 }), json!(["otp"]), json!(1)];
    assert_eq!(told(&mut world, &mut browser), after);
}
