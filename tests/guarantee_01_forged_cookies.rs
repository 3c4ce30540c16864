//! A forged, truncated or altered cookie causes no store operation and no 500.

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
use edge_session::token::Stamp;
use serde_json::json;
use world::{Browser, Play, World, page, read, write};

/// Sends a cookie value and says what came of it.
fn present(world: &mut World, value: &str) {
    let before = world.store.operations;
    for ask in [
        page("/account/x"),
        read("/account/x"),
        write("/account/x"),
        page("/"),
        write("/.edge-session/logout"),
    ] {
        let path = ask.target.clone();
        let reaction =
            world.send(ask.with("Cookie", &format!("__Host-session={value}")), Play::Pass);
        let expected: &[u16] = match path.as_str() {
            "/account/x" => &[302, 401],
            "/" => &[200],
            _ => &[204],
        };
        assert!(expected.contains(&reaction.status), "{} {value}", reaction.status);
        assert!(reaction.keeps_cookie(), "a dead cookie is left alone");
        if let Some(seen) = reaction.seen {
            assert_eq!(seen.subject(), None, "{value}");
            assert_eq!(seen.header("cookie"), None, "{value}");
        }
    }
    assert_eq!(world.store.operations, before, "the store was asked about {value}");
}

fn logged_in() -> (World, String) {
    let mut world = World::new(&json!({}));
    let mut browser = Browser::default();
    world.login(&mut browser, "alice");
    let value = browser.session().unwrap().to_owned();
    (world, value)
}

#[test]
fn the_cookie_of_a_login_is_asked_about_and_accepted() {
    let (mut world, value) = logged_in();
    let before = world.store.operations;
    let ask = write("/account/x").with("Cookie", &format!("__Host-session={value}"));
    let seen = world.send(ask, Play::Pass).seen.unwrap();
    assert_eq!(seen.subject(), Some("alice"));
    assert_eq!(world.store.operations, before + 1);
}

#[test]
fn a_cookie_truncated_at_any_length_asks_no_store() {
    let (mut world, value) = logged_in();
    for length in 0..value.len() {
        present(&mut world, &value[..length]);
    }
}

#[test]
fn a_cookie_with_any_character_changed_asks_no_store() {
    let (mut world, value) = logged_in();
    for place in 0..value.len() {
        let mut changed = value.clone().into_bytes();
        changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
        present(&mut world, std::str::from_utf8(&changed).unwrap());
    }
}

#[test]
fn a_cookie_with_anything_added_asks_no_store() {
    let (mut world, value) = logged_in();
    for text in [
        format!("{value}="),
        format!("{value}A"),
        format!("{value}AAAA"),
        format!("A{value}"),
        format!("\"{value}\""),
        format!("{value}%20"),
        format!("{value}.{value}"),
        format!("{value}\u{a0}"),
        "A".repeat(16_000),
        String::new(),
    ] {
        present(&mut world, &text);
    }
}

#[test]
fn a_cookie_sealed_with_another_key_for_another_site_or_another_name_asks_no_store() {
    let other_key = world::site(&world::config(&json!({})), &["k2"]);
    let other_site =
        world::site(&world::config(&json!({ "issuer": "https://other.example.com" })), &["k1"]);
    let other_name =
        world::site(&world::config(&json!({ "cookie": { "name": "__Host-other" } })), &["k1"]);
    let (mut world, value) = logged_in();
    let id = world.site().cookie_keys.open(&value).unwrap();
    for site in [other_key, other_site, other_name] {
        let stamp = Stamp { root: Sid::from_entropy(&[7; 16]), generation: 0, sealed: id.absolute };
        let sealed = site.cookie_keys.seal(&id.id, id.absolute, &stamp);
        present(&mut world, sealed.expose());
    }
}

#[test]
fn a_forged_cookie_beside_the_real_one_changes_nothing() {
    let (mut world, value) = logged_in();
    for header in [
        format!("__Host-session=x; __Host-session={value}"),
        format!("__Host-session={value}; __Host-session="),
        format!("__Host-session={value}; __Host-session={value}"),
    ] {
        let seen = world.send(page("/account/x").with("Cookie", &header), Play::Pass).seen.unwrap();
        assert_eq!(seen.subject(), Some("alice"), "{header}");
    }
    assert!(world.logged(&["token.forged"]));
}

#[test]
fn two_different_real_cookies_count_as_none() {
    let (mut world, value) = logged_in();
    let mut attacker = Browser::default();
    world.login(&mut attacker, "mallory");
    let before = world.store.operations;
    let header = format!("__Host-session={}; __Host-session={value}", attacker.session().unwrap());
    let reaction = world.send(write("/account/x").with("Cookie", &header), Play::Pass);
    assert_eq!((reaction.status, reaction.code().as_str()), (401, "session_required"));
    assert_eq!(world.store.operations, before);
    assert!(world.logged(&["token.ambiguous"]));
}

#[test]
fn a_cookie_past_its_absolute_deadline_asks_no_store() {
    let (mut world, value) = logged_in();
    world.pass(12 * 3600);
    present(&mut world, &value);
}
