//! A cross-site unsafe request or WebSocket handshake reaches neither store nor origin.

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
use world::{Ask, Browser, Play, World, foreign, page, read, write};

fn logged_in(members: &serde_json::Value) -> (World, Browser) {
    let mut world = World::new(members);
    let mut browser = Browser::default();
    world.login(&mut browser, "alice");
    browser.forget_freshness();
    (world, browser)
}

fn socket(target: &str) -> Ask {
    // Browsers send no Sec-Fetch-* with a handshake.
    Ask::new("GET", target).with("Upgrade", "websocket").with("Connection", "Upgrade")
}

const TURNED_AWAY: &str = "/.edge-session/cross-site";

fn assert_refused(world: &mut World, browser: &Browser, ask: Ask) {
    let (operations, forwarded) = (world.store.operations, world.forwarded);
    let what = format!("{} {} {:?}", ask.method, ask.target, ask.headers);
    let says = |name, value| ask.headers.iter().any(|(one, said)| one == name && said == value);
    let hides_its_origin = ask.method == "POST"
        && says("Sec-Fetch-Mode", "navigate")
        && (says("Origin", "null") || ask.headers.iter().all(|(name, _)| name != "Origin"));
    let mut flight = world.fly(0, browser, ask, Play::Pass);
    let reaction = world.finish(&mut flight);
    if hides_its_origin {
        // Nothing is left in the browser's history that could be sent again.
        let location = reaction.header("location").map(str::to_owned);
        assert_eq!((reaction.status, location.as_deref()), (303, Some(TURNED_AWAY)), "{what}");
    } else {
        assert_eq!((reaction.status, reaction.code().as_str()), (403, "cross_site"), "{what}");
    }
    assert_eq!((world.store.operations, world.forwarded), (operations, forwarded), "{what}");
    assert!(reaction.cookies.is_empty(), "{what}");
}

#[test]
fn unsafe_requests_of_another_site_are_refused_with_and_without_a_session() {
    let (mut world, browser) = logged_in(&json!({}));
    for method in ["POST", "PUT", "PATCH", "DELETE", "PROPFIND", "post", "get"] {
        for target in ["/", "/login", "/account/x", "/assets/x", "//x"] {
            for browser in [&browser, &Browser::default()] {
                assert_refused(&mut world, browser, foreign(Ask::new(method, target)));
            }
        }
    }
}

#[test]
fn a_websocket_handshake_is_judged_by_its_origin() {
    let (mut world, mut browser) = logged_in(&json!({}));
    for origin in [
        "https://attacker.example",
        "null",
        "http://app.example.com",
        "https://app.example.com.",
        "https://app.example.com:444",
        "https://app.example.com@evil.example",
    ] {
        assert_refused(&mut world, &browser, socket("/account/live").with("Origin", origin));
    }
    // Without anything that says whose it is, a cookie is enough to refuse it.
    assert_refused(&mut world, &browser, socket("/account/live"));
    let own = socket("/account/live").with("Origin", world::ISSUER);
    assert_eq!(world.who(0, &mut browser, own), Some("alice".to_owned()));
}

#[test]
fn a_method_override_makes_a_read_unsafe_in_every_spelling() {
    let (mut world, browser) = logged_in(&json!({}));
    for name in [
        "X-HTTP-Method-Override",
        "x_http_method_override",
        "X-HTTP-Method",
        "X-Method-Override",
        "X.METHOD.OVERRIDE",
    ] {
        let ask = foreign(Ask::new("GET", "/account/x")).with(name, "DELETE");
        assert_refused(&mut world, &browser, ask);
    }
}

#[test]
fn a_login_of_another_site_is_refused_before_there_is_a_session() {
    let mut world = World::new(&json!({}));
    let mut browser = Browser::default();
    let play = Play::Say(json!({ "op": "create", "sub": "mallory" }));
    let reaction = world.go(&mut browser, foreign(write("/login")), play);
    assert_eq!(reaction.code(), "cross_site");
    assert_eq!((browser.session(), world.store.operations, world.forwarded), (None, 0, 0));
}

/// `WebKit` comes back to a refused form by sending it again, with the cookies and as the site's own.
#[test]
fn a_form_that_hides_its_origin_is_led_to_a_page_that_says_so_and_is_not_in_the_history() {
    let (mut world, browser) = logged_in(&json!({}));
    for target in ["/account/x", "/login", "/assets/x", "/.edge-session/logout"] {
        for site in ["cross-site", "same-site"] {
            let form = Ask::new("POST", target)
                .with("Origin", "null")
                .with("Sec-Fetch-Site", site)
                .with("Sec-Fetch-Mode", "navigate")
                .with("Sec-Fetch-Dest", "document");
            assert_refused(&mut world, &browser, form);
        }
    }
    for browser in [&browser, &Browser::default()] {
        let mut flight = world.fly(0, browser, page(TURNED_AWAY), Play::Pass);
        let reaction = world.finish(&mut flight);
        assert_eq!((reaction.status, reaction.code().as_str()), (403, "cross_site"));
    }
    let reaction = world.send(write(TURNED_AWAY), Play::Pass);
    assert_eq!((reaction.status, reaction.header("allow")), (405, Some("GET, HEAD")));
}

#[test]
fn the_logout_endpoint_trusts_and_exempts_nobody() {
    let (mut world, mut browser) = logged_in(&json!({
        "csrf": {
            "trusted_origins": ["https://attacker.example"],
            "insecure_exempt_paths": ["/.edge-session/logout"],
            "insecure_report_only": true,
        },
    }));
    assert_refused(&mut world, &browser, foreign(write("/.edge-session/logout")));
    assert_refused(&mut world, &browser, Ask::new("POST", "/.edge-session/logout"));
    assert!(world.who(0, &mut browser, write("/account/x")).is_some());
    // A GET changes nothing, whoever sends it.
    let reaction = world.go(&mut browser, page("/.edge-session/logout"), Play::Pass);
    assert_eq!((reaction.status, reaction.header("allow")), (405, Some("POST")));
}

#[test]
fn a_trusted_origin_may_send_anything() {
    let (mut world, mut browser) =
        logged_in(&json!({ "csrf": { "trusted_origins": ["https://attacker.example"] } }));
    assert!(world.who(0, &mut browser, foreign(write("/account/x"))).is_some());
    assert!(world.who(0, &mut browser, foreign(read("/account/x"))).is_some());
}

#[test]
fn a_sign_in_that_another_site_posts_back_begins_a_session_on_an_exempt_path_alone() {
    let members = json!({ "csrf": { "insecure_exempt_paths": ["/acs"] } });
    let (mut world, mut browser) = (World::new(&members), Browser::default());
    let login = || Play::Say(json!({ "op": "create", "sub": "alice" }));
    assert_eq!(world.go(&mut browser, foreign(write("/other")), login()).status, 403);
    assert_eq!(world.who(0, &mut browser, write("/")), None);
    assert_eq!(world.go(&mut browser, foreign(write("/acs")), login()).status, 200);
    assert_eq!(world.who(0, &mut browser, write("/")), Some("alice".to_owned()));
}

#[test]
fn an_exempt_path_gets_no_session_from_another_site_and_keeps_ours() {
    let members = json!({ "csrf": { "insecure_exempt_paths": ["/hook"] } });
    let (mut world, mut browser) = logged_in(&members);
    let operations = world.store.operations;
    let seen = world.go(&mut browser, foreign(write("/hook")), Play::Pass).seen.unwrap();
    assert_eq!((seen.subject(), seen.sid(), seen.header("cookie")), (None, None, None));
    assert_eq!(world.store.operations, operations);
    assert_eq!(world.who(0, &mut browser, write("/hook")), Some("alice".to_owned()));
    for target in ["/hook/", "/HOOK", "/hook/x", "/hoo%6b", "//hook"] {
        assert_refused(&mut world, &browser, foreign(write(target)));
    }
}

#[test]
fn report_only_logs_and_lets_through() {
    let (mut world, mut browser) = logged_in(&json!({ "csrf": { "insecure_report_only": true } }));
    assert!(world.who(0, &mut browser, foreign(write("/account/x"))).is_some());
    assert!(world.logged(&["csrf.refused", "report_only", "foreign_origin"]));
}

#[test]
fn a_read_that_another_site_embeds_is_refused_where_it_presents_a_cookie() {
    let (mut world, mut browser) = logged_in(&json!({}));
    for site in ["same-site", "cross-site"] {
        let embedded =
            |target: &str| read(target).without("Sec-Fetch-Site").with("Sec-Fetch-Site", site);
        for target in ["/", "/account/x", "//"] {
            assert_refused(&mut world, &browser, embedded(target));
        }
        let image = embedded("/assets/logo.png");
        assert_eq!(world.go(&mut browser, image, Play::Pass).status, 200, "public");
        let anonymous = world.send(embedded("/"), Play::Pass);
        assert_eq!(anonymous.status, 200, "nothing is presented");
        let frame = page("/account/x")
            .without("Sec-Fetch-Site")
            .with("Sec-Fetch-Site", site)
            .without("Sec-Fetch-Dest")
            .with("Sec-Fetch-Dest", "iframe");
        assert_refused(&mut world, &browser, frame);
        let handed_on = page("/account/x")
            .without("Sec-Fetch-Site")
            .with("Sec-Fetch-Site", site)
            .without("Sec-Fetch-Dest")
            .with("Sec-Fetch-Dest", "empty");
        assert!(
            world.who(0, &mut browser, handed_on).is_some(),
            "a link is followed where the site's service worker hands it on"
        );
        let link = page("/account/x").without("Sec-Fetch-Site").with("Sec-Fetch-Site", site);
        assert!(world.who(0, &mut browser, link).is_some(), "a link is followed");
    }
}

#[test]
fn resource_isolation_can_be_turned_off() {
    let (mut world, mut browser) = logged_in(&json!({ "csrf": { "resource_isolation": false } }));
    let embedded =
        read("/account/x").without("Sec-Fetch-Site").with("Sec-Fetch-Site", "cross-site");
    assert!(world.who(0, &mut browser, embedded).is_some());
}

#[test]
fn a_preflight_of_our_own_or_a_trusted_origin_passes_without_a_session() {
    let members = json!({ "csrf": { "trusted_origins": ["https://partner.example"] } });
    let (mut world, browser) = logged_in(&members);
    let preflight = |origin: &str| {
        Ask::new("OPTIONS", "/account/x")
            .with("Origin", origin)
            .with("Access-Control-Request-Method", "PUT")
    };
    for origin in [world::ISSUER, "https://partner.example"] {
        let mut flight = world.fly(0, &browser, preflight(origin), Play::Pass);
        let seen = world.finish(&mut flight).seen.unwrap();
        assert_eq!((seen.subject(), seen.header("cookie")), (None, None), "{origin}");
    }
    let reaction = world.send(preflight("https://attacker.example"), Play::Pass);
    assert_eq!(reaction.code(), "session_required");
}

#[test]
fn what_only_looks_like_a_preflight_needs_a_session_like_anything_else() {
    let (mut world, _) = logged_in(&json!({}));
    let preflight = |target: &str| {
        Ask::new("OPTIONS", target)
            .with("Origin", world::ISSUER)
            .with("Access-Control-Request-Method", "PUT")
    };
    for ask in [
        preflight("/account/x").with("Content-Length", "2"),
        preflight("/account/x").with("Transfer-Encoding", "chunked"),
        preflight("/account/x").with("X-HTTP-Method-Override", "DELETE"),
        preflight("/account/x").with("Upgrade", "websocket"),
        preflight("/a/..%2faccount/x"),
        preflight("//account/x"),
        preflight("/account/x").without("Access-Control-Request-Method"),
        preflight("/account/x").without("Origin"),
    ] {
        let reaction = world.send(ask.clone(), Play::Pass);
        assert_eq!(reaction.code(), "session_required", "{ask:?}");
        assert!(reaction.seen.is_none(), "{ask:?}");
    }
    assert_eq!(
        world.send(preflight("/account/x").with("Content-Length", "0"), Play::Pass).status,
        200
    );
}

#[test]
fn refusals_are_logged_with_rule_and_reason_and_without_path_or_query() {
    let (mut world, browser) = logged_in(&json!({}));
    assert_refused(&mut world, &browser, foreign(write("/account/secret-path?secret-query")));
    assert!(world.logged(&["csrf.refused", "foreign_origin", "\"rule\":\"/account/*\""]));
    world.pass(2);
    assert_refused(&mut world, &browser, foreign(write("/.edge-session/logout")));
    assert!(world.logged(&["csrf.refused", "foreign_origin", "\"rule\":\"/.edge-session\""]));
    assert!(!world.logged(&["secret-"]));
}
