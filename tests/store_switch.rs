//! What a change of the store, and a rollback of the Worker, does to sessions that live.

#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

#[path = "support/world.rs"]
mod world;

use edge_session::config::Config;
use serde_json::{Value, json};
use world::{Browser, Kv, Play, World, config, page, site, write};

const DURABLE: usize = 0;
const KV: usize = 1;

/// One deployment for each store.
fn deployments() -> World {
    let deployment = |store: &str| site(&config(&json!({ "store": store })), &["k1"]);
    let mut world = World::of(vec![deployment("durable"), deployment("kv")]);
    world.kv = Some(Kv::consistent());
    world
}

fn login(world: &mut World, at: usize, browser: &mut Browser) {
    let op = json!({ "op": "create", "sub": "alice" });
    let reaction = world.go_at(at, browser, write("/login"), Play::Say(op));
    assert!(reaction.gives_cookie(), "{}", reaction.body);
}

fn who(world: &mut World, at: usize, browser: &Browser) -> Option<String> {
    world.who(at, &mut browser.clone(), write("/"))
}

/// What the store was asked so far.
fn asked(world: &World) -> (usize, usize) {
    (world.store.operations, world.kv.as_ref().unwrap().reads)
}

#[test]
fn after_a_change_of_the_store_a_cookie_is_no_session_and_nothing_is_asked_for_it() {
    for (before, after) in [(DURABLE, KV), (KV, DURABLE)] {
        let (mut world, mut alice) = (deployments(), Browser::default());
        login(&mut world, before, &mut alice);
        let so_far = asked(&world);
        assert_eq!(who(&mut world, after, &alice), None);
        let page = world.go_at(after, &mut alice, page("/account/x"), Play::Pass);
        assert_eq!((page.status, page.header("location").is_some()), (302, true));
        assert_eq!(asked(&world), so_far);
        login(&mut world, after, &mut alice);
        assert_eq!(who(&mut world, after, &alice).as_deref(), Some("alice"));
    }
}

#[test]
fn going_back_finds_what_still_lives_in_the_first_store() {
    for (first, second) in [(DURABLE, KV), (KV, DURABLE)] {
        let (mut world, mut alice) = (deployments(), Browser::default());
        let mut idle = Browser::default();
        login(&mut world, first, &mut alice);
        login(&mut world, first, &mut idle);
        let kept = alice.clone();
        login(&mut world, second, &mut alice);
        world.pass(60);
        world.go_at(second, &mut alice, write("/"), Play::Say(json!({ "op": "destroy_all" })));
        // Nobody told the first store.
        assert_eq!(who(&mut world, first, &idle).as_deref(), Some("alice"));
        assert_eq!(who(&mut world, first, &kept).as_deref(), Some("alice"));
        // Within its deadlines.
        world.pass(1800);
        assert_eq!(who(&mut world, first, &kept), None);
    }
}

#[test]
fn a_record_of_another_format_is_refused_and_never_misread_in_either_store() {
    let other = |text: &str| text.replace("\"version\":1", "\"version\":2");
    let back = |text: &str| text.replace("\"version\":2", "\"version\":1");
    let (mut world, mut alice, mut bob) = (deployments(), Browser::default(), Browser::default());
    login(&mut world, DURABLE, &mut alice);
    login(&mut world, KV, &mut bob);
    let durable = world.store.texts.clone();
    world.store.texts.values_mut().for_each(|text| *text = other(text));
    world.pass(901);
    world.go_at(KV, &mut bob, page("/"), Play::Pass);
    let op = json!({ "op": "rotate", "end_others": true });
    world.go_at(KV, &mut bob, write("/"), Play::Say(op));
    world.pass(61);
    assert_eq!(who(&mut world, KV, &bob).as_deref(), Some("alice"));

    let unavailable = |world: &mut World, at: usize, browser: &Browser| {
        for ask in [write("/account/x"), write("/"), write("/.edge-session/logout")] {
            let reaction = world.go_at(at, &mut browser.clone(), ask, Play::Pass);
            let found = (reaction.status, reaction.code(), reaction.cookies);
            assert_eq!(found, (503, "store_unavailable".to_owned(), Vec::new()));
        }
    };
    unavailable(&mut world, DURABLE, &alice);
    world.store.texts = durable;
    assert_eq!(who(&mut world, DURABLE, &alice).as_deref(), Some("alice"));
    for kind in ['s', 'i', 't', 'o'] {
        let kv = world.kv.as_mut().unwrap();
        assert!(!kv.keys(kind, world.now).is_empty(), "{kind}");
        kv.rewrite(&[kind], other);
        unavailable(&mut world, KV, &bob);
        world.kv.as_mut().unwrap().rewrite(&[kind], back);
        assert_eq!(who(&mut world, KV, &bob).as_deref(), Some("alice"), "{kind}");
    }
}

#[test]
fn lives_shorter_than_kv_can_keep_are_errors_of_the_configuration() {
    for name in ["idle", "anonymous", "absolute", "remember"] {
        let with = |store: &str, life: &str| {
            let lifetime = json!({ name: life, "touch": "1s" });
            let freshness = json!({ "safe": "1s" });
            let members = json!({ "store": store, "lifetime": lifetime, "freshness": freshness });
            Config::parse(&config(&members)).map(|_| ())
        };
        assert_eq!(with("durable", "59s"), Ok(()), "{name}");
        assert_eq!(with("kv", "60s"), Ok(()), "{name}");
        let problems = with("kv", "59s").unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].contains(&format!("lifetime.{name}")), "{problems:?}");
    }
    let unknown: Value = json!({ "store": "redis" });
    assert!(Config::parse(&config(&unknown)).is_err());
}
