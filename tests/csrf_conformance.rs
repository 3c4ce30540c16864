//! The cross-site rules against the published case table of Go's `CrossOriginProtection`
//! (`tests/data/csrf_go_cases.json` says of which commit), row by row.
//!
//! Where this gate is stricter on purpose, the row is named below with the reason. There is no row
//! where it is more generous.

#![allow(
    missing_docs,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

use edge_session::config::Config;
use edge_session::csrf::{CrossSite, Decision, Reason};
use edge_session::origin::WebOrigin;
use edge_session::request::Facts;
use serde_json::{Value, json};

/// Rows that Go lets through and this gate refuses when a cookie of our name is presented.
const STRICTER_WITH_A_COOKIE: [(&str, &str); 3] = [
    (
        "no header with no origin",
        "rule 6: a cookie makes it a browser's, and a browser that says nothing of where a request \
         comes from is too old to be believed",
    ),
    (
        "GET allowed",
        "resource isolation: a cross-site load that presents a session is refused unless it is a \
         top-level navigation",
    ),
    ("HEAD allowed", "resource isolation, as for GET"),
];

/// Rows that Go lets through and this gate refuses in any case.
const STRICTER: [(&str, &str); 1] = [(
    "wildcard bypass",
    "exempt paths are exact and never patterns (CVE-2025-47910): \"/only/{foo}\" cannot be said",
)];

struct Row {
    group: String,
    name: String,
    method: String,
    path: String,
    fetch_site: String,
    origin: String,
    passes: bool,
}

fn table() -> Value {
    serde_json::from_str(include_str!("data/csrf_go_cases.json")).unwrap()
}

fn rows() -> Vec<Row> {
    let table = table();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let rows = table["rows"].as_array().unwrap().iter().map(|row| Row {
        group: text(&row[0]),
        name: text(&row[1]),
        method: text(&row[2]),
        path: text(&row[3]),
        fetch_site: text(&row[4]),
        origin: text(&row[5]),
        passes: row[6] == 200,
    });
    rows.collect()
}

fn own() -> WebOrigin {
    WebOrigin::parse("https://example.com").unwrap()
}

/// The rules that a group of rows is about. Go's patterns become exact paths; of those with a
/// method, only the one that its row expects to match is there.
fn rules(group: &str) -> CrossSite {
    let list = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let trusted = group.strip_prefix("TrustedOrigin[").and_then(|rest| rest.strip_suffix(']'));
    let exempt: &[&str] = if group.starts_with("Bypass[") {
        &["/bypass/", "/no-trailing", "/yes-trailing/", "/post-only/"]
    } else {
        &[]
    };
    CrossSite {
        trusted_origins: trusted.and_then(WebOrigin::parse).into_iter().collect(),
        exempt_paths: list(exempt),
        resource_isolation: true,
    }
}

fn facts(method: &str, fetch_site: &str, origin: &str) -> Facts {
    Facts {
        method: method.to_owned(),
        fetch_site: Some(fetch_site.to_owned()),
        origin: Some(origin.to_owned()),
        ..Facts::default()
    }
}

fn decide(row: &Row, presented: bool) -> Decision {
    let facts = facts(&row.method, &row.fetch_site, &row.origin);
    rules(&row.group).decide(&own(), &facts, &row.path, presented, true)
}

#[test]
fn every_row_is_decided_as_go_decides_it_or_named_as_stricter() {
    let rows = rows();
    assert_eq!(rows.len(), 33, "the whole table");
    for row in &rows {
        for presented in [false, true] {
            let listed = |list: &[(&str, &str)]| list.iter().any(|(name, _)| *name == row.name);
            let stricter = listed(&STRICTER) || (presented && listed(&STRICTER_WITH_A_COOKIE));
            let decision = decide(row, presented);
            let passes = !matches!(decision, Decision::Refuse(_));
            let what = format!("{} / {} (cookie: {presented}): {decision:?}", row.group, row.name);
            assert_eq!(passes, row.passes && !stricter, "{what}");
            assert!(!stricter || row.passes, "only what Go lets through can be stricter: {what}");
        }
    }
}

#[test]
fn every_row_that_is_named_as_stricter_is_in_the_table() {
    let rows = rows();
    for (name, reason) in STRICTER.iter().chain(&STRICTER_WITH_A_COOKIE) {
        assert!(rows.iter().any(|row| row.name == *name), "{name}");
        assert!(reason.len() > 10, "{name}");
    }
}

#[test]
fn what_passes_for_its_path_alone_passes_without_a_session() {
    for row in rows().iter().filter(|row| row.group.starts_with("Bypass[")) {
        let decision = decide(row, true);
        assert_ne!(decision, Decision::Pass, "{}", row.name);
    }
}

#[test]
fn trusted_origins_of_a_configuration_are_validated_as_in_go() {
    let table = table();
    let rows = table["trusted_origin_config_validation"].as_array().unwrap();
    assert_eq!(rows.len(), 12);
    for row in rows {
        let config = json!({
            "issuer": "https://app.example.com", "origin": "binding:APP", "csrf": { "trusted_origins": [row[0]] },
        });
        assert_eq!(Config::parse(&config).is_ok(), row[1] == "ok", "{row}");
    }
}

#[test]
fn exempt_paths_of_a_configuration_are_exact() {
    for path in
        ["/only/{foo}", "PUT /put-only/", "/bypass/*", "/a//b", "/a;b", "/%61", "/a/../b", "a", ""]
    {
        let config = json!({
            "issuer": "https://app.example.com", "origin": "binding:APP", "default_access": "optional",
            "csrf": { "insecure_exempt_paths": [path] },
        });
        assert!(Config::parse(&config).is_err(), "{path}");
    }
}

/// Decides over a POST with both headers.
fn both(fetch_site: &str, origin: &str) -> Decision {
    let facts = facts("POST", fetch_site, origin);
    rules("TrustedOrigin[https://trusted.example]").decide(&own(), &facts, "/", true, true)
}

#[test]
fn known_bug_go_78563_an_origin_with_userinfo_is_no_origin() {
    for origin in [
        "http://evil@example.com",
        "https://evil@example.com",
        "https://example.com@evil",
        "https://a:b@trusted.example",
    ] {
        for fetch_site in ["", "same-origin", "none"] {
            let expected = Decision::Refuse(Reason::MalformedOrigin);
            assert_eq!(both(fetch_site, origin), expected, "{origin} {fetch_site}");
        }
    }
}

#[test]
fn known_bug_cve_2025_47910_an_exempt_path_is_the_one_that_is_forwarded() {
    let rules = rules("Bypass[]");
    let facts = facts("POST", "cross-site", "https://attacker.example");
    for path in [
        "/bypass",
        "/bypass//",
        "/bypass/x",
        "/bypass/../api",
        "//bypass/",
        "/BYPASS/",
        "/bypass/?",
        "/%62ypass/",
        "/api/../bypass/",
    ] {
        let decision = rules.decide(&own(), &facts, path, false, true);
        assert!(matches!(decision, Decision::Refuse(_)), "{path}");
    }
}

#[test]
fn known_bug_webkit_60289_a_foreign_origin_counts_whatever_sec_fetch_site_says() {
    for fetch_site in ["same-origin", "none", "same-site", "cross-site", ""] {
        for origin in [
            "https://attacker.example",
            "http://example.com",
            "https://example.com:444",
            "https://sub.example.com",
        ] {
            let expected = Decision::Refuse(Reason::ForeignOrigin);
            assert_eq!(both(fetch_site, origin), expected, "{origin} {fetch_site}");
        }
    }
    assert_eq!(both("none", "null"), Decision::Refuse(Reason::FetchSite), "stricter than Go");
}

#[test]
fn several_values_are_refused_even_where_one_of_them_is_good() {
    for (fetch_site, origin) in [
        ("same-origin, same-origin", ""),
        ("same-origin", "https://example.com, https://example.com"),
        ("", "null, null"),
        ("", "https://trusted.example,https://trusted.example"),
        (",", ""),
        ("", "https://example.com https://example.com"),
    ] {
        let expected = Decision::Refuse(Reason::MalformedOrigin);
        assert_eq!(both(fetch_site, origin), expected, "{fetch_site} {origin}");
    }
}

#[test]
fn values_are_compared_byte_for_byte() {
    for origin in [
        "HTTPS://example.com",
        "https://EXAMPLE.com",
        "https://example.com:443",
        "https://example.com/",
        "https://example.com.",
        "NULL",
        "https://еxample.com",
    ] {
        assert!(matches!(both("same-origin", origin), Decision::Refuse(_)), "{origin}");
    }
    for fetch_site in ["Same-Origin", "SAME-ORIGIN", "None", "same_origin", "same-origin;", "x"] {
        assert_eq!(both(fetch_site, ""), Decision::Refuse(Reason::FetchSite), "{fetch_site}");
    }
}

#[test]
fn the_rules_in_their_order() {
    let pass = |fetch_site, origin| both(fetch_site, origin) == Decision::Pass;
    assert!(pass("cross-site", "https://trusted.example"), "2: trusted");
    assert!(!pass("same-origin", "https://attacker.example"), "3: foreign");
    assert!(pass("same-origin", "https://example.com"), "4");
    assert!(pass("same-origin", "null"), "4: a page without an origin of its own site");
    assert!(pass("none", ""), "4: the person");
    assert!(!pass("same-site", "https://example.com"), "4: all else");
    assert!(pass("", "https://example.com"), "5: own");
    assert!(!pass("", "null"), "5: null");
    assert!(!pass("", ""), "6: a cookie and nothing that says whose");
}
