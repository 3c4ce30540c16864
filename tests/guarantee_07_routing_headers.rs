//! No client-supplied identity, control or routing header reaches the origin, on any route, in any spelling;
//! no path chooses the upstream.

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
use world::{Ask, Browser, Play, World, page, read, response, write};

const SPOOFED: [&str; 28] = [
    "Edge-Session-Assertion",
    "edge-session-assertion",
    "EDGE-SESSION-ASSERTION",
    "Edge_Session_Assertion",
    "edge.session.assertion",
    "Edge-Session_Control",
    "Edge-Session-Control",
    "edge-session-anything",
    "edge~session~x",
    "X-Forwarded-For",
    "X_Forwarded_For",
    "x-forwarded-host",
    "X-FORWARDED-PROTO",
    "X-Forwarded-User",
    "X!Forwarded!Port",
    "X-Original-URL",
    "x_original_method",
    "X-Rewrite-URL",
    "X_REWRITE_URL",
    "Forwarded",
    "FORWARDED",
    "X-Real-IP",
    "x_real_ip",
    "X.Real.Ip",
    "Script-Name",
    "SCRIPT_NAME",
    "path-info",
    "Path_Info",
];

const MODES: [&str; 4] =
    ["https://origin.internal:8443", "http://127.0.0.1:3000", "binding:APP", "route"];

fn spoofed(ask: Ask) -> Ask {
    SPOOFED.iter().fold(ask, |ask, name| ask.with(name, "spoofed"))
}

/// The origin's URL in a mode of the configuration.
fn upstream(mode: &str) -> &str {
    if mode.starts_with("http") { mode } else { world::ISSUER }
}

#[test]
fn spoofed_headers_are_removed_on_every_route_and_in_every_origin_mode() {
    for mode in MODES {
        let mut world = World::new(&json!({ "origin": mode }));
        let mut browser = Browser::default();
        world.login(&mut browser, "alice");
        for target in ["/", "/account/x", "/assets/x", "/poll", "//x", "/login"] {
            for ask in [page(target), read(target), write(target)] {
                let ask = spoofed(ask)
                    .with("CF-Connecting-IP", "192.0.2.7")
                    .with("X-Requested-With", "kept");
                let seen = world.go(&mut browser, ask, Play::Pass).seen.unwrap();
                assert!(
                    seen.headers.iter().all(|(_, value)| value != "spoofed"),
                    "{:?}",
                    seen.headers
                );
                assert_eq!(seen.header("x-forwarded-for"), Some("192.0.2.7"));
                assert_eq!(seen.header("x-forwarded-host"), Some("app.example.com"));
                assert_eq!(seen.header("x-forwarded-proto"), Some("https"));
                assert_eq!(seen.header("x-requested-with"), Some("kept"));
            }
        }
    }
}

#[test]
fn the_client_address_is_what_the_platform_says_or_nothing() {
    let mut world = World::new(&json!({}));
    let seen = world.send(page("/").with("X-Forwarded-For", "10.0.0.1"), Play::Pass).seen.unwrap();
    assert_eq!(seen.header("x-forwarded-for"), None);
}

#[test]
fn a_port_of_the_site_is_told() {
    let members = json!({ "issuer": "http://localhost:8787", "origin": "http://localhost:3000" });
    let site = world::site(&world::config(&members), &["k1"]);
    let mut world = World::of(vec![site]);
    let ask =
        Ask::new("GET", "http://localhost:8787/").without("Host").with("Host", "localhost:8787");
    let seen = world.send(ask, Play::Pass).seen.unwrap();
    assert_eq!(seen.header("x-forwarded-host"), Some("localhost:8787"));
    assert_eq!(seen.header("x-forwarded-proto"), Some("http"));
}

#[test]
fn origin_and_referer_arrive_as_sent() {
    let mut world = World::new(&json!({}));
    let ask = write("/").with("Referer", "https://app.example.com/form?x=1");
    let seen = world.send(ask, Play::Pass).seen.unwrap();
    assert_eq!(seen.header("origin"), Some(world::ISSUER));
    assert_eq!(seen.header("referer"), Some("https://app.example.com/form?x=1"));
}

#[test]
fn no_path_chooses_the_upstream_and_every_path_arrives_as_it_was_judged() {
    for mode in MODES {
        let mut world = World::new(&json!({ "origin": mode }));
        let mut browser = Browser::default();
        world.login(&mut browser, "alice");
        for target in [
            "/",
            "//evil.example",
            "//evil.example/x",
            "/@evil.example",
            "/:80@evil.example/",
            "/%5cevil.example",
            "/%2f%2fevil.example",
            "/https://evil.example",
            "/.evil.example",
            "/a%2f..%2fb",
            "/a%2e%2e/b",
            "/a;b=c/d",
            "/a?b=//evil.example#",
            "/?",
            "/%00",
            "/a?\\evil",
            "/%E2%80%AE",
        ] {
            let seen = world.go(&mut browser, read(target), Play::Pass).seen.unwrap();
            let expected = format!("{}{}", upstream(mode), target.trim_end_matches('#'));
            assert_eq!(seen.href, expected, "{mode}");
        }
    }
}

#[test]
fn what_is_below_the_reserved_path_is_never_forwarded() {
    let mut world = World::new(&json!({
        "login_url": null,
        "paths": [{ "path": "/*", "access": "public" }],
    }));
    for target in [
        "/.edge-session",
        "/.edge-session/",
        "/.edge-session/x",
        "/.EDGE-SESSION/x",
        "/.Edge-Session",
        "/.edge-session//",
        "/.edge-session/%2e",
        "/.edge-session/controlx",
        "/.edge-session/control/",
        "/.EDGE-SESSION/control",
        "/.edge-session/logout/x",
        "/.%65dge-session/control",
        "/%2Eedge-session/logout",
        "//.edge-session/control",
        "/.edge-session;x/control",
        "/;/.edge-session/control",
        "/%2F.edge-session/control",
        "/.edge-%C5%BFession/control",
        "/.edge%2Dsession",
        "/.edge-session%3f/x",
        "/.edge-session%23",
        "/a/..%2f.edge-session/control",
        "/a/..;/.edge-session/control",
        "/a;x/..;y/.edge-session;z/control",
        "/.edge-session/%2e%2e%2fopen/x",
        "/.edge-session%5clogout",
        "/a/..%5c.edge-session/control",
        "/.;x/.edge-session/control",
        // Escapes that are none: many servers leave them as they are.
        "/.edge-session/control%",
        "/.edge-session/logout/%zz",
        "/%2eedge-session/x%4",
        "/%/..%2f.edge-session/control",
    ] {
        for ask in [page(target), write(target)] {
            let reaction = world.send(ask, Play::Pass);
            assert_eq!((reaction.status, reaction.code().as_str()), (404, "not_found"), "{target}");
        }
    }
    assert_eq!(world.forwarded, 0);
    for target in ["/_/.edge-session/x", "/.well-known/.edge-session", "/.edge-sessions/x"] {
        assert_eq!(world.send(page(target), Play::Pass).status, 200, "{target}: the origin's own");
    }
}

#[test]
fn the_origin_is_never_shown_the_cookie_but_the_handle_in_its_place() {
    let mut world = World::new(&json!({}));
    let mut browser = Browser::default();
    world.login(&mut browser, "alice");
    let value = browser.session().unwrap().to_owned();
    let cookie = |header: &str, target: &str, world: &mut World| {
        let ask = read(target).with("Cookie", header);
        let seen = world.send(ask, Play::Pass).seen.unwrap();
        (seen.header("cookie").map(str::to_owned), seen.sid().map(str::to_owned))
    };
    let (sent, sid) = cookie(&format!("a=1; __Host-session={value}; b=\"2, 3\""), "/", &mut world);
    assert_eq!(sent, Some(format!("a=1; __Host-session={}; b=\"2, 3\"", sid.unwrap())));
    let (sent, _) = cookie(&format!("a=1; __Host-session={value}; b=2"), "/assets/x", &mut world);
    assert_eq!(sent.as_deref(), Some("a=1; b=2"), "public: no session in either direction");
    let (sent, _) =
        cookie("a=1; __Host-session=forged; __Host-session-fresh=1; b=2", "/", &mut world);
    assert_eq!(sent.as_deref(), Some("a=1; b=2"));
    let (sent, _) = cookie("__Host-session=forged", "/", &mut world);
    assert_eq!(sent, None);
    let (sent, _) =
        cookie("\u{a0}__Host-session=x; =__Host-session=y; __HOST-SESSION=z; k=1", "/", &mut world);
    assert_eq!(sent.as_deref(), Some("k=1"));
}

#[test]
fn an_assertion_says_nothing_of_a_session_where_there_is_none() {
    let mut world = World::new(&json!({}));
    let mut browser = Browser::default();
    world.login(&mut browser, "alice");
    let names =
        |claims: &serde_json::Map<String, Value>| claims.keys().cloned().collect::<Vec<_>>();
    let nobody = ["aud", "exp", "iat", "iss", "jti"];
    let seen = world.go(&mut browser, read("/assets/x"), Play::Pass).seen.unwrap();
    assert_eq!(names(&seen.claims), nobody);
    let seen = world.send(read("/"), Play::Pass).seen.unwrap();
    assert_eq!(names(&seen.claims), nobody);
    let seen = world.go(&mut browser, read("/"), Play::Pass).seen.unwrap();
    let somebody =
        ["aud", "auth_time", "data", "exp", "iat", "iss", "jti", "session", "sid", "sub"];
    assert_eq!(names(&seen.claims), somebody);
    assert_eq!(*seen.data(), json!({}), "with a session always there");
}

#[test]
fn every_request_has_an_assertion_of_its_own() {
    let mut world = World::new(&json!({}));
    let one = world.send(read("/"), Play::Pass).seen.unwrap();
    let two = world.send(read("/"), Play::Pass).seen.unwrap();
    assert_ne!(one.jti(), two.jti());
    assert_eq!(one.claims["exp"].as_u64().unwrap() - one.claims["iat"].as_u64().unwrap(), 60);
}

#[test]
fn no_edge_session_header_of_the_origin_reaches_the_browser() {
    let mut world = World::new(&json!({}));
    let names =
        ["edge-session-control-2", "edge-session-x", "edge.session.y", "edge_session_assertion"];
    let play = Play::With(Box::new(move |_| response(200, &names.map(|name| (name, "x")))));
    let reaction = world.send(page("/"), play);
    assert_eq!(reaction.removed, names);
}

#[test]
fn the_origins_cookies_pass_in_order_and_ours_are_dropped() {
    let mut world = World::new(&json!({}));
    let cookies = [
        ("Set-Cookie", "a=1; Path=/"),
        ("Set-Cookie", "__Host-session=evil; Path=/; Secure"),
        ("Set-Cookie", " __HOST-Session-Fresh=1"),
        ("Set-Cookie", "=__Host-session=x"),
        ("Set-Cookie", "b=__Host-session=2"),
        ("Set-Cookie", "a=3"),
    ];
    let play = Play::With(Box::new(move |_| response(200, &cookies)));
    let reaction = world.send(page("/"), play);
    assert_eq!(reaction.cookies, ["a=1; Path=/", "b=__Host-session=2", "a=3"]);
    assert!(world.logged(&["cookie.shadowed"]));
}
