//! No path that an origin could read as a protected one is treated as weaker than `required`.

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
use world::{Browser, Play, World, page, read, write};

/// A site that protects one corner and opens the rest.
fn world() -> World {
    World::new(&json!({
        "login_url": null,
        "paths": [
            { "path": "/admin/*", "access": "required" },
            { "path": "/Settings", "access": "required" },
            { "path": "/stra%C3%9Fe", "access": "required" },
            { "path": "/*", "access": "public" },
        ],
    }))
}

fn is_shut(world: &mut World, target: &str) -> bool {
    let forwarded = world.forwarded;
    let reaction = world.send(write(target), Play::Pass);
    let shut = reaction.code() == "session_required";
    assert_eq!(world.forwarded == forwarded, shut, "{target}");
    shut
}

#[test]
fn a_protected_path_is_protected_in_every_letter_case() {
    let mut world = world();
    for target in [
        "/admin",
        "/admin/",
        "/admin/x",
        "/ADMIN/x",
        "/aDmIn",
        "/settings",
        "/SETTINGS",
        "/admin?x",
        "/Admin/?a=/public",
    ] {
        assert!(is_shut(&mut world, target), "{target}");
    }
    for target in ["/", "/public", "/administrator", "/x/admin", "/settings2"] {
        assert!(!is_shut(&mut world, target), "{target}");
    }
}

#[test]
fn letters_that_only_some_comparisons_take_for_each_other_are_protected_too() {
    let mut world = world();
    // The Kelvin sign, the long s, dotless and dotted i, sharp s: equal to K, S, I and SS where letter case is
    // ignored in one way and different in another.
    for target in [
        "/%C5%BFettings",
        "/%C5%BFETTINGS",
        "/adm%C4%B1n/x",
        "/adm%C4%B0n/x",
        "/SETT%C4%B0NGS",
        "/STRASSE",
        "/strasse",
        "/stra%E1%BA%9Ee",
        "/STRA%C3%9FE",
    ] {
        assert!(is_shut(&mut world, target), "{target}");
    }
}

#[test]
fn a_query_that_is_escaped_hides_no_protected_path() {
    let mut world = world();
    for target in ["/settings%3Fx", "/settings%23", "/admin%3f", "/admin/%3Fa", "/Settings/%3Fx"] {
        assert!(is_shut(&mut world, target), "{target}");
    }
    for target in ["/wiki/What%3F", "/c%23", "/settings2%3F"] {
        assert!(!is_shut(&mut world, target), "{target}");
    }
}

#[test]
fn dots_and_spaces_at_the_end_that_some_servers_drop_hide_no_protected_path() {
    let mut world = world();
    for target in [
        "/admin.",
        "/admin./x",
        "/admin%20/x",
        "/ADMIN.%20./x",
        "/settings.",
        "/Settings%20",
        "/settings./",
        "/settings.%20.",
        "/settings.%3Fx",
    ] {
        assert!(is_shut(&mut world, target), "{target}");
    }
    for target in ["/settings.x", "/.settings", "/x.", "/x%20/y", "/.../x"] {
        assert!(!is_shut(&mut world, target), "{target}");
    }
}

#[test]
fn dots_that_are_a_step_upwards_only_for_some_are_protected() {
    let mut world = world();
    for target in [
        "/x/..%20",
        "/x/..%20/admin",
        "/x/.%20%20/y",
        "/%20/admin",
        "/x/..%3F",
        "/x/..%3Fy/z",
        "/x/.%23",
        "/x/..%20%23",
    ] {
        assert!(is_shut(&mut world, target), "{target}");
    }
}

#[test]
fn a_path_that_servers_read_in_two_ways_is_protected_whatever_the_rules_say() {
    let mut world = world();
    for target in [
        "//",
        "//admin",
        "/x//admin",
        "/admin;x",
        "/x;/admin",
        "/x;a=b",
        "/%61dmin",
        "/%41DMIN",
        "/x%2fadmin",
        "/x%2F..%2Fadmin",
        "/x%5cadmin",
        "/x%5C",
        "/x%2e%2e/admin",
        "/%2e%2e%2fadmin",
        "/x%252fadmin",
        "/%2561dmin",
        "/x%00",
        "/admin%00.png",
        "/x%0d%0a",
        "/x%09",
        "/x%7f",
        "/x%c2%85",
        "/x%3B",
        "/x%3b/admin",
        "/x%",
        "/x%4",
        "/x%zz",
        "/x%u0061dmin",
        "/x%c0%afadmin",
        "/x%ff",
        "/x%ed%a0%80",
    ] {
        assert!(is_shut(&mut world, target), "{target}");
    }
}

#[test]
fn what_is_plain_is_as_open_as_the_rules_say() {
    let mut world = world();
    for target in [
        "/",
        "/x.png",
        "/a-b_c~d",
        "/caf%C3%A9",
        "/a%20b",
        "/@user",
        "/a:b",
        "/a,b",
        "/a=b",
        "/x/",
        "/x?a=//admin;%2f%00",
    ] {
        assert!(!is_shut(&mut world, target), "{target}");
    }
}

#[test]
fn a_path_that_is_not_plain_needs_a_session_and_is_open_with_one() {
    let mut world = World::new(&json!({}));
    let mut browser = Browser::default();
    world.login(&mut browser, "alice");
    for target in ["//x", "/a%2fb", "/assets//x", "/assets/%2e%2e/account"] {
        let seen = world.go(&mut browser, read(target), Play::Pass).seen.unwrap();
        assert_eq!(seen.subject(), Some("alice"), "{target}");
        assert!(seen.href.ends_with(target), "the path that was judged is the one that is sent");
        assert_eq!(world.send(read(target), Play::Pass).status, 401, "{target}");
    }
}

#[test]
fn an_anonymous_session_opens_no_protected_path() {
    let mut world = World::new(&json!({}));
    let mut browser = Browser::default();
    world.go(&mut browser, write("/"), Play::Say(json!({ "op": "create" })));
    for ask in [write("/account/x"), read("/account/x"), read("//x")] {
        assert_eq!(world.go(&mut browser, ask, Play::Pass).code(), "session_required");
    }
    // Neither does memory.
    browser.forget_freshness();
    for _ in 0..2 {
        assert_eq!(world.go(&mut browser, read("/poll"), Play::Pass).status, 200);
        assert_eq!(world.go(&mut browser, read("/account/x"), Play::Pass).status, 401);
    }
}

#[test]
fn no_match_is_required_unless_it_is_said_otherwise() {
    let access = |members: &Value| {
        let mut members = members.clone();
        members["default_access"] = members.get("default_access").cloned().unwrap_or(Value::Null);
        members["login_url"] = Value::Null;
        World::new(&members).send(read("/somewhere"), Play::Pass).status
    };
    assert_eq!(access(&json!({})), 401);
    assert_eq!(access(&json!({ "default_access": "optional" })), 200);
    assert_eq!(access(&json!({ "insecure_default_access": "public" })), 200);
}

#[test]
fn a_person_without_a_session_is_sent_to_the_login_and_back_to_a_local_path() {
    let mut world = World::new(&json!({}));
    let mut location = |target: &str| {
        let reaction = world.send(page(target), Play::Pass);
        assert_eq!((reaction.status, reaction.header("cache-control")), (302, Some("no-store")));
        reaction.header("location").unwrap().to_owned()
    };
    assert_eq!(
        location("/account/x?a=b&c=%2F"),
        "/login?return_to=%2Faccount%2Fx%3Fa%3Db%26c%3D%252F"
    );
    for target in [
        "//evil.example",
        "//evil.example/%2f",
        "/account/x?\\",
        &format!("/account/{}", "x".repeat(1015)),
    ] {
        assert_eq!(location(target), "/login", "{target}");
    }
    let longest = format!("/account/{}", "x".repeat(1014));
    assert!(location(&longest).starts_with("/login?return_to=%2Faccount"), "just under 1 KiB");
    world = World::new(&json!({ "login_url": "/login?by=mail", "login_return_param": "next" }));
    let reaction = world.send(page("/account/x"), Play::Pass);
    assert_eq!(reaction.header("location"), Some("/login?by=mail&next=%2Faccount%2Fx"));
}

#[test]
fn whoever_is_not_a_person_opening_a_page_is_told_401() {
    let mut world = World::new(&json!({}));
    for ask in [
        read("/account/x"),
        write("/account/x"),
        page("/account/x").with("Sec-Purpose", "prefetch"),
    ] {
        let reaction = world.send(ask, Play::Pass);
        assert_eq!((reaction.status, reaction.code().as_str()), (401, "session_required"));
        assert_eq!(reaction.header("www-authenticate"), Some("Cookie realm=\"edge-session\""));
    }
}
