//! Bad input of clients, each kind with its own stable code, and never a panic or a 500: cookies, URLs,
//! methods and Host headers. Paths are in `guarantee_15_paths.rs`, spoofed headers in
//! `guarantee_07_routing_headers.rs`, tokens in `guarantee_01_forged_cookies.rs`.

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
use world::{Ask, Browser, HOST, Play, Reaction, World, page, read, write};

fn logged_in() -> (World, Browser) {
    let mut world = World::new(&json!({}));
    let mut browser = Browser::default();
    world.login(&mut browser, "alice");
    (world, browser)
}

fn assert_code(reaction: &Reaction, status: u16, code: &str, what: &str) {
    assert_eq!((reaction.status, reaction.code().as_str()), (status, code), "{what}");
    assert!(reaction.cookies.is_empty(), "{what}");
}

#[test]
fn any_number_of_cookies_of_our_name_is_read_without_a_fault() {
    let (mut world, browser) = logged_in();
    let value = browser.session().unwrap().to_owned();
    let good = format!("__Host-session={value}");
    let mut who = |header: &str| {
        let reaction = world.send(read("/").with("Cookie", header), Play::Pass);
        assert_eq!(reaction.status, 200, "{header}");
        reaction.seen.unwrap().subject().map(str::to_owned)
    };
    let alice = Some("alice".to_owned());
    assert_eq!(who(""), None);
    assert_eq!(who(&format!("{good}; {good}")), alice, "two of one value");
    assert_eq!(who(&vec![good.clone(); 50].join("; ")), alice, "fifty of one value");
    let seven = ["__Host-session=x"; 7].join("; ");
    assert_eq!(who(&format!("{seven}; {good}")), alice, "the eighth is looked at");
    assert_eq!(who(&format!("{seven}; __Host-session=x; {good}")), None, "the ninth is not");
}

#[test]
fn odd_cookie_headers_are_read_in_one_way() {
    let (mut world, browser) = logged_in();
    let good = format!("__Host-session={}", browser.session().unwrap());
    let mut who = |header: &str| {
        let reaction = world.send(read("/").with("Cookie", header), Play::Pass);
        assert_eq!(reaction.status, 200, "{header}");
        let seen = reaction.seen.unwrap();
        let cookie = seen.header("cookie").unwrap_or_default();
        assert!(seen.sid().is_none() || !cookie.contains(&good), "{header}");
        seen.subject().is_some()
    };
    let big = "x".repeat(16_000);
    for header in [
        format!("a={big}; {good}"),
        format!("\t {good} \t; b"),
        format!("=; {good}"),
        format!(";;;{good};;"),
        format!("a; b; {good}"),
        format!("\u{fffd}=\u{fffd}; {good}"),
        format!("a=\"; {good}; b=\""),
        format!("{good}, a=1"),
        format!("a==;{good}"),
    ] {
        assert!(who(&header), "{header}");
    }
    for header in [
        format!("\u{a0}{good}"),
        format!("\u{3000}{good}"),
        format!("\u{feff}{good}"),
        format!("a=1, {good}"),
        format!("a=\"{good}\""),
        good.replacen("__Host", "__host", 1),
        good.replacen('=', " \u{a0}=", 1),
        format!("\"{good}\""),
        format!("x{good}"),
        good.replacen('=', "", 1),
        good.replacen('=', "=\"", 1) + "\"",
        good.replacen("__Host-session", "__Host%2Dsession", 1),
    ] {
        assert!(!who(&header), "{header}");
    }
}

#[test]
fn urls_and_methods_that_are_none_have_codes_of_their_own() {
    let (mut world, browser) = logged_in();
    let mut go = |ask: Ask| {
        let mut flight = world.fly(0, &browser, ask, Play::Pass);
        let reaction = world.finish(&mut flight);
        assert!(reaction.seen.is_none());
        reaction
    };
    for href in [
        "",
        "nonsense",
        "https://",
        "ftp://app.example.com/",
        "https://app.example.com",
        "https://app.example.com/a\\b",
        "https:///x",
        "https://app.example.com/é",
    ] {
        let ask = Ask { target: href.to_owned(), ..page("/") };
        assert_code(&go(ask), 400, "malformed", href);
    }
    for method in ["TRACE", "TRACK", "CONNECT"] {
        let reaction = go(Ask::new(method, "/"));
        assert_code(&reaction, 405, "method_not_allowed", method);
        assert!(reaction.header("allow").is_some());
    }
    for method in ["GET", "HEAD"] {
        assert_code(
            &go(Ask::new(method, "/").with("Content-Length", "1")),
            400,
            "malformed",
            method,
        );
        assert_code(
            &go(Ask::new(method, "/").with("Transfer-Encoding", "chunked")),
            400,
            "malformed",
            method,
        );
    }
}

#[test]
fn another_host_in_url_or_header_is_421() {
    let (mut world, browser) = logged_in();
    let mut go = |ask: Ask| {
        let mut flight = world.fly(0, &browser, ask, Play::Pass);
        world.finish(&mut flight)
    };
    for host in [
        "evil.example",
        "app.example.com:443",
        "app.example.com.",
        "APP.EXAMPLE.COM",
        "app.example.com/",
        "app.example.com/x",
        "user@app.example.com",
        "",
        " app.example.com",
        "app.example.com, app.example.com",
    ] {
        let ask = read("/").without("Host").with("Host", host);
        assert_code(&go(ask), 421, "wrong_host", host);
    }
    assert_code(&go(read("/").without("Host")), 421, "wrong_host", "none");
    assert_code(&go(read("/").with("Host", HOST)), 421, "wrong_host", "twice");
    for href in [
        "https://evil.example/",
        "https://app.example.com:8443/",
        "https://user@app.example.com/",
        "https://@app.example.com/",
        "https://app.example.com@evil.example/",
        "http://evil.example/",
    ] {
        assert_code(&go(Ask { target: href.to_owned(), ..read("/") }), 421, "wrong_host", href);
    }
}

#[test]
fn plain_http_is_redirected_where_nothing_is_lost_and_refused_otherwise() {
    let mut world = World::new(&json!({}));
    let reaction = world
        .send(Ask { target: "http://app.example.com//evil?x".to_owned(), ..page("/") }, Play::Pass);
    assert_eq!(
        (reaction.status, reaction.header("location")),
        (308, Some("https://app.example.com//evil?x"))
    );
    for target in ["http://app.example.com/", "http://app.example.com/.edge-session/logout"] {
        let reaction = world.send(Ask { target: target.to_owned(), ..write("/") }, Play::Pass);
        assert_code(&reaction, 403, "https_required", target);
    }
}
