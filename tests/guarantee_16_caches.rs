//! No cache behind, in or before the gate answers one user with another's page.

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

use serde_json::json;
use world::{Browser, Play, World, page, read, response, write};

fn logged_in(subject: &str, world: &mut World) -> Browser {
    let mut browser = Browser::default();
    world.login(&mut browser, subject);
    browser.forget_freshness();
    browser
}

#[test]
fn requests_where_a_session_counts_pass_every_cache_behind_the_gate_by() {
    let mut world = World::new(&json!({}));
    let mut alice = logged_in("alice", &mut world);
    for target in ["/", "/poll", "/account/x", "/account/x/logo.png", "//x"] {
        let seen = world.go(&mut alice, read(target), Play::Pass).seen.unwrap();
        assert!(seen.no_store, "{target}");
        // The platform would send `no-cache`, and some origins then never answer 304.
        assert_eq!(seen.header("cache-control"), Some("max-age=0"));
    }
    assert!(
        world.send(read("/logo.png"), Play::Pass).seen.unwrap().no_store,
        "without a session too"
    );
    let ask = read("/").with("Cache-Control", "no-cache");
    let seen = world.send(ask, Play::Pass).seen.unwrap();
    assert_eq!(seen.header("cache-control"), Some("no-cache"), "as the client sent it");
    let seen = world.go(&mut alice, read("/assets/x"), Play::Pass).seen.unwrap();
    assert!(!seen.no_store && seen.header("cache-control").is_none(), "public is left alone");
}

#[test]
fn what_the_origin_reads_as_the_cookie_tells_users_apart() {
    let mut world = World::new(&json!({}));
    let seen = world.send(read("/"), Play::Pass).seen.unwrap();
    assert_eq!(seen.header("cookie"), None);
    let mut alice = logged_in("alice", &mut world);
    let mut bob = logged_in("bob", &mut world);
    let mut cookie = |browser: &mut Browser, target: &str| {
        let seen = world.go(browser, read(target), Play::Pass).seen.unwrap();
        seen.header("cookie").map(str::to_owned)
    };
    let (one, two) = (cookie(&mut alice, "/"), cookie(&mut bob, "/"));
    assert!(one.is_some() && two.is_some() && one != two);
    assert_eq!(cookie(&mut alice, "/"), one, "and is the same for one session");
    assert_eq!(cookie(&mut alice, "/assets/x"), None, "a public page is everyone's");
}

#[test]
fn a_response_that_carries_our_cookie_or_a_control_is_kept_by_no_cache() {
    let caching = [
        ("Cache-Control", "public, max-age=600"),
        ("CDN-Cache-Control", "max-age=600"),
        ("Cloudflare-CDN-Cache-Control", "max-age=600"),
        ("Surrogate-Control", "max-age=600"),
        ("Vercel-CDN-Cache-Control", "max-age=1"),
        ("Edge-Control", "max-age=1"),
        ("X-Accel-Expires", "60"),
        ("X-Kept", "1"),
    ];
    for members in [
        json!({ "op": "create", "sub": "alice" }),
        json!({ "op": "update", "set": { "a": 1 } }),
        json!({ "op": "rotate" }),
        json!({ "op": "destroy" }),
        json!({ "op": "destroy_all", "sub": "nobody" }),
    ] {
        let mut world = World::new(&json!({}));
        let mut browser = logged_in("alice", &mut world);
        let play = Play::SayOn(response(200, &caching), members.clone());
        let reaction = world.go(&mut browser, write("/"), play);
        assert_eq!(reaction.status, 200, "{members}");
        assert_eq!(reaction.header("cache-control"), Some("private, no-store"), "{members}");
        let mut removed = reaction.removed;
        removed.sort_unstable();
        let expected = [
            "cdn-cache-control",
            "cloudflare-cdn-cache-control",
            "edge-control",
            "edge-session-control",
            "surrogate-control",
            "vercel-cdn-cache-control",
            "x-accel-expires",
        ];
        assert_eq!(removed, expected, "{members}");
    }
}

#[test]
fn a_control_that_does_nothing_is_kept_by_no_cache_either() {
    let mut world = World::new(&json!({}));
    let play =
        Play::SayOn(response(200, &[("Cache-Control", "public")]), json!({ "op": "destroy" }));
    let reaction = world.send(read("/"), play);
    assert_eq!(reaction.header("cache-control"), Some("private, no-store"));
}

#[test]
fn a_page_that_needs_a_session_is_private_unless_the_origin_says_what_it_is() {
    let mut world = World::new(&json!({}));
    let mut alice = logged_in("alice", &mut world);
    let reaction = world.go(&mut alice, read("/account/x"), Play::Pass);
    assert_eq!(reaction.header("cache-control"), Some("private, no-store"));
    let play =
        || Play::With(Box::new(|_| response(200, &[("CDN-Cache-Control", "public, max-age=600")])));
    let reaction = world.go(&mut alice, read("/account/x"), play());
    assert_eq!(reaction.header("cache-control"), Some("private, no-store"));
    assert_eq!(reaction.removed, ["cdn-cache-control"], "what caches believe more is gone");
    let play =
        || Play::With(Box::new(|_| response(200, &[("Cache-Control", "private, max-age=5")])));
    let reaction = world.go(&mut alice, read("/account/x"), play());
    assert_eq!(reaction.header("cache-control"), None, "left as it is");
    let reaction = world.go(&mut alice, read("/assets/x"), Play::Pass);
    assert_eq!(reaction.header("cache-control"), None, "a public page is everyone's");
}

#[test]
fn a_page_that_may_have_a_session_is_private_where_it_had_one_unless_the_origin_says_what_it_is() {
    let mut world = World::new(&json!({}));
    let mut alice = logged_in("alice", &mut world);
    let reaction = world.go(&mut alice, read("/"), Play::Pass);
    assert_eq!(reaction.header("cache-control"), Some("private, no-cache"));
    let play = || Play::With(Box::new(|_| response(200, &[("Cache-Control", "max-age=5")])));
    assert_eq!(world.go(&mut alice, read("/"), play()).header("cache-control"), None, "as it is");
    let play = || Play::With(Box::new(|_| response(200, &[("CDN-Cache-Control", "max-age=5")])));
    assert_eq!(world.go(&mut alice, read("/"), play()).header("cache-control"), None, "as it is");
    let play = || Play::With(Box::new(|_| response(600, &[])));
    assert_eq!(world.go(&mut alice, read("/"), play()).header("cache-control"), None, "as it is");
    assert_eq!(world.send(read("/"), Play::Pass).header("cache-control"), None, "nobody's page");
}

#[test]
fn a_page_whose_cache_control_says_nothing_of_caches_is_private_like_one_without() {
    let mut world = World::new(&json!({}));
    let mut alice = logged_in("alice", &mut world);
    // With such a header caches still keep what looks old enough (RFC 9111 section 4.2.2).
    for value in [
        "",
        " ",
        ",",
        "no-transform",
        "must-revalidate",
        "immutable, stale-if-error=60",
        "private=\"set-cookie\"",
        "x=\"no-store\"",
    ] {
        let play = || Play::With(Box::new(move |_| response(200, &[("Cache-Control", value)])));
        let reaction = world.go(&mut alice, read("/account/x"), play());
        assert_eq!(reaction.header("cache-control"), Some("private, no-store"), "{value}");
        let reaction = world.go(&mut alice, read("/"), play());
        assert_eq!(reaction.header("cache-control"), Some("private, no-cache"), "{value}");
    }
    for value in ["No-Cache", "no-transform , MAX-AGE=5", "s-maxage=1", "no-store", "public"] {
        let play = || Play::With(Box::new(move |_| response(200, &[("Cache-Control", value)])));
        for target in ["/account/x", "/"] {
            let reaction = world.go(&mut alice, read(target), play());
            assert_eq!(reaction.header("cache-control"), None, "{value}: as it is");
        }
    }
}

#[test]
fn whatever_the_gate_answers_itself_is_kept_by_no_cache() {
    let mut world = World::new(&json!({}));
    for ask in [
        page("/account/x"),
        read("/account/x"),
        page("http://app.example.com/"),
        page("/.edge-session/x"),
        write("/.edge-session/logout"),
    ] {
        let reaction = world.send(ask, Play::Pass);
        assert!(reaction.is_own);
        assert_eq!(reaction.header("cache-control"), Some("no-store"));
    }
}

#[test]
fn one_isolate_never_mixes_up_what_it_remembers_of_two_users() {
    let mut world = World::new(&json!({}));
    let mut browsers: Vec<(String, Browser)> = (0..30)
        .map(|number| {
            let subject = format!("user-{number}");
            let browser = logged_in(&subject, &mut world);
            (subject, browser)
        })
        .collect();
    for _ in 0..3 {
        for (subject, browser) in &mut browsers {
            assert_eq!(world.who(0, browser, read("/account/x")).as_ref(), Some(&*subject));
        }
    }
}
