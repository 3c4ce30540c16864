//! Bad configuration: everything that is wrong is reported at once, by the option's full name and
//! without repeating a value, and nothing is adjusted in silence.

#![allow(
    missing_docs,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

#[path = "support/options.rs"]
mod options;

use edge_session::base64url;
use edge_session::config::Config;
use edge_session::site::{Secrets, Site};
use edge_session::time::Span;
use options::{assert_problem, base, problems, with};
use serde_json::{Value, json};

/// The options that wrangler.toml names behind a `#`, with the values that it says are the defaults.
fn documented() -> Value {
    let mut config = base();
    let mut table = "";
    let lines = include_str!("../wrangler.toml").lines();
    for line in lines.skip_while(|line| *line != "[vars.EDGE_SESSION]") {
        if let Some(name) = line.strip_prefix("[vars.EDGE_SESSION.") {
            table = name.trim_end_matches(']');
            config[table] = json!({});
        }
        let option = line.strip_prefix("# ").and_then(|line| line.split_once(" = "));
        // Without a default, so what stands there is an example.
        let Some((name, rest)) = option.filter(|(name, _)| *name != "login_url") else {
            continue;
        };
        // What TOML and JSON write alike, and a comment after it.
        let value = serde_json::Deserializer::from_str(rest).into_iter::<Value>().next();
        let value = value.unwrap().unwrap();
        let members = if table.is_empty() { &mut config } else { &mut config[table] };
        members[name] = value;
    }
    config
}

#[test]
fn the_defaults_that_wrangler_toml_names_are_the_defaults() {
    let named = documented();
    assert_eq!(named["freshness"]["entries"], 2000, "they were read: {named}");
    let with_all = format!("{:?}", Config::parse(&named).unwrap());
    assert_eq!(with_all, format!("{:?}", Config::parse(&base()).unwrap()));
}

#[test]
fn two_options_are_enough_and_the_defaults_are_those_of_the_documentation() {
    let config = Config::parse(&base()).unwrap();
    let lifetimes = &config.lifetimes;
    assert_eq!(lifetimes.idle, Span::from_secs(1800));
    assert_eq!(lifetimes.anonymous, Span::from_secs(1800));
    assert_eq!(lifetimes.absolute, Span::from_secs(43_200));
    assert_eq!(lifetimes.remember, Span::from_secs(30 * 86_400));
    assert_eq!(lifetimes.touch, Span::from_secs(60));
    assert_eq!(config.rotation.every, Some(Span::from_secs(900)));
    assert_eq!(config.rotation.rules.grace, Span::from_secs(30));
    assert_eq!(config.rotation.rules.reuse_after, Span::from_secs(300));
    assert_eq!(config.fresh_for, Span::from_secs(10));
    assert_eq!(config.store_deadline, Span::from_secs(2));
    assert_eq!(config.assertion_ttl, Span::from_secs(60));
    assert_eq!((config.per_subject, config.data), (50, 2048));
    assert!(config.rotation.reuse_ends && config.csrf.resource_isolation);
    assert!(!config.csrf_report_only && !config.log_ip);
    assert_eq!(config.default_access, edge_session::path::Access::Required);
}

#[test]
fn json_text_is_read_like_the_table() {
    let text = Value::String(base().to_string());
    assert!(Config::parse(&text).is_ok());
    for text in
        ["", "{", "[]", "null", r#"{"issuer":"https://a.example","issuer":"https://b.example"}"#]
    {
        assert_eq!(
            Config::parse(&Value::String(text.to_owned())).err().unwrap().len(),
            1,
            "{text}"
        );
    }
    for value in [Value::Null, json!([]), json!(1)] {
        assert!(Config::parse(&value).is_err(), "{value}");
    }
}

#[test]
fn what_is_missing_is_reported_at_once() {
    let found = Config::parse(&json!({})).err().unwrap();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("issuer: ") && found[1].starts_with("origin: "), "{found:?}");
}

#[test]
fn contradictions_are_reported_also_where_issuer_and_origin_are_wrong() {
    let wrong = json!({
        "issuer": "app.example.com",
        "login_url": "/login",
        "logout_url": "/.edge-session/logout",
        "csrf": { "insecure_exempt_paths": ["/hook"] },
    });
    let options = ["issuer", "origin", "login_url", "logout_url", "csrf.insecure_exempt_paths"];
    let found = Config::parse(&wrong).err().unwrap();
    assert_eq!(found.len(), options.len(), "{found:?}");
    for (problem, option) in found.iter().zip(options) {
        assert!(problem.starts_with(&format!("{option}: ")), "{option}: {problem}");
    }
    // Whether an address is this site's cannot be told where there is no issuer.
    let away = json!({ "login_url": "https://app.example.com/login" });
    assert_eq!(Config::parse(&away).err().unwrap().len(), 2);
}

#[test]
fn unknown_keys_are_errors_in_every_table() {
    for table in
        ["cookie", "assertion", "lifetime", "rotation", "freshness", "limits", "csrf", "log"]
    {
        assert_problem(&format!("{table}.nonsense"), &json!({ table: { "nonsense": 1 } }));
        assert_problem(table, &json!({ table: "text" }));
        assert_problem(table, &json!({ table: [] }));
    }
    assert_problem("nonsense", &json!({ "nonsense": 1 }));
    assert_problem("Audience", &json!({ "Audience": "x" }));
    let rule = json!({ "path": "/a", "access": "optional", "nonsense": 1 });
    assert_problem("paths[1].nonsense", &json!({ "paths": [rule] }));
}

#[test]
fn contradictions_are_errors() {
    assert_problem("lifetime.idle", &json!({ "lifetime": { "idle": "2h", "absolute": "1h" } }));
    assert_problem(
        "lifetime.anonymous",
        &json!({ "lifetime": { "anonymous": "2h", "absolute": "1h" } }),
    );
    assert_problem(
        "rotation.grace",
        &json!({ "rotation": { "grace": "2m", "reuse_after": "1m" } }),
    );
    assert_problem("freshness.safe", &json!({ "freshness": { "safe": "31m" } }));
    for lifetime in [json!({ "idle": "1m" }), json!({ "anonymous": "1m" })] {
        let rule = json!({ "path": "/a", "access": "optional", "freshness": "61s" });
        assert_problem("paths[1].freshness", &json!({ "lifetime": lifetime, "paths": [rule] }));
        let freshness = json!({ "safe": "61s" });
        assert_problem("freshness.safe", &json!({ "lifetime": lifetime, "freshness": freshness }));
    }
    for audience in ["https://app.example.com", "", "a\nb"] {
        assert_problem("audience", &json!({ "audience": audience }));
    }
    let rule = json!({ "path": "/a", "access": "public", "freshness": "1s" });
    assert_problem("paths[1].freshness", &json!({ "paths": [rule] }));
    assert_problem(
        "insecure_default_access",
        &json!({ "default_access": "optional", "insecure_default_access": "public" }),
    );
    assert_problem("login_url", &json!({ "login_url": "/login" }));
    let exempt = json!({ "csrf": { "insecure_exempt_paths": ["/hook"] } });
    assert_problem("csrf.insecure_exempt_paths", &exempt);
}

#[test]
fn hosts_and_origins_are_checked() {
    for issuer in [
        "",
        "app.example.com",
        "http://app.example.com",
        "https://app.example.com/",
        "https://App.example.com",
        "https://app.example.com:443",
        "https://user@app.example.com",
        "ws://app.example.com",
        "http://localhost.evil.example",
    ] {
        assert_problem("issuer", &json!({ "issuer": issuer }));
    }
    for origin in [
        "",
        "origin",
        "http://origin.internal",
        "https://origin.internal/",
        "https://origin.internal/base",
        "https://user@origin",
        "binding:",
        "binding:1A",
        "binding:A-B",
        "Route",
        "https://app.example.com",
    ] {
        assert_problem("origin", &json!({ "origin": origin }));
    }
    assert_problem("origin", &json!({ "issuer": "http://localhost:8787", "origin": "route" }));
    for origin in ["binding:APP", "route", "http://127.0.0.1:3000", "http://[::1]:3000"] {
        assert_eq!(problems(&json!({ "origin": origin })), [""; 0], "{origin}");
    }
}

#[test]
fn cookies_rules_and_destinations_are_checked() {
    for name in [
        "session",
        "__Secure-session",
        "__host-session",
        "__Host-",
        "__Host-a b",
        "__Host-a=b",
        "__Host-é",
        &format!("__Host-{}", "x".repeat(49)),
    ] {
        assert_problem("cookie.name", &json!({ "cookie": { "name": name } }));
    }
    for same_site in ["None", "none", "lax", ""] {
        assert_problem("cookie.same_site", &json!({ "cookie": { "same_site": same_site } }));
    }
    for rule in [
        json!({ "path": "/a" }),
        json!({ "access": "public" }),
        json!({ "path": "a", "access": "public" }),
        json!({ "path": "/a", "access": "open" }),
    ] {
        assert!(!problems(&json!({ "paths": [rule] })).is_empty(), "{rule}");
    }
    for url in [
        "//evil.example",
        "javascript:alert(1)",
        "http://evil.example/",
        "/\\evil",
        "/a b",
        "/a#b",
        "evil",
        "https://",
        "https://other.example/#b",
        "",
    ] {
        assert_problem("logout_url", &json!({ "logout_url": url }));
        let members = json!({ "default_access": "optional", "login_url": url });
        assert_problem("login_url", &members);
    }
    for (name, value) in [
        ("per_subject", json!(0)),
        ("per_subject", json!(101)),
        ("data", json!(4097)),
        ("data", json!(-1)),
        ("data", json!("2048")),
        ("data", json!(1.5)),
    ] {
        assert_problem(&format!("limits.{name}"), &json!({ "limits": { name: value } }));
    }
    for name in ["", "return to", "a&b", "a=b", "é"] {
        assert_problem("login_return_param", &json!({ "login_return_param": name }));
    }
    assert_problem("store", &json!({ "store": "redis" }));
    let open = json!({ "default_access": "public" });
    assert_problem("default_access", &open);
    assert!(problems(&open)[0].contains("insecure_default_access"), "what it is called");
    assert_problem("log.level", &json!({ "log": { "level": "loud" } }));
}

#[test]
fn everything_that_is_wrong_with_configuration_and_secrets_is_reported_at_once_without_a_value() {
    let key = |byte: u8| base64url::encode(&[byte; 32]);
    let secrets = Secrets {
        session: format!("a:{},a:{},dev-b:{}", key(1), key(1), base64url::encode(&[2; 31])),
        origin: format!("o:{}", key(1)),
        locator: String::new(),
    };
    let config = with(
        &json!({ "origin": "hunter2", "lifetime": { "idle": "hunter2" }, "hunter3": "hunter2" }),
    );
    let problems = Site::new(&config, &secrets).err().unwrap();
    for part in [
        "origin: ",
        "lifetime.idle: ",
        "hunter3: ",
        "entry 2 appears twice",
        "entry 3 must be",
        "EDGE_SESSION_ORIGIN_KEYS",
        "EDGE_SESSION_LOCATOR_KEY: is not set",
    ] {
        assert!(problems.iter().any(|problem| problem.contains(part)), "{part}: {problems:?}");
    }
    for problem in &problems {
        assert!(!problem.contains("hunter2") && !problem.contains(&key(1)), "{problem}");
    }
}

#[test]
fn development_keys_are_refused_unless_the_issuer_is_a_loopback_host() {
    let key = |byte: u8| base64url::encode(&[byte; 32]);
    let secrets = Secrets {
        session: format!("dev-a:{}", key(1)),
        origin: format!("dev-o:{}", key(2)),
        locator: key(3),
    };
    assert_eq!(Site::new(&base(), &secrets).err().unwrap().len(), 2);
    let unknown = json!({ "issuer": "localhost:8787", "origin": "binding:APP" });
    assert_eq!(Site::new(&unknown, &secrets).err().unwrap().len(), 1, "whose keys, is not known");
    let local = with(&json!({ "issuer": "http://localhost:8787" }));
    assert!(Site::new(&local, &secrets).is_ok());
}

#[test]
fn rules_that_another_rule_leaves_nothing_to_are_contradictions() {
    let rule = |path: &str, access: &str| json!({ "path": path, "access": access });
    for (first, second) in [
        (rule("/a", "public"), rule("/a", "public")),
        (rule("/a/*", "public"), rule("/a/*", "required")),
        (rule("/a/*", "public"), rule("/a/b", "optional")),
        (rule("/a/*", "required"), rule("/A/b/*", "public")),
        (rule("/a/*", "required"), rule("/a", "public")),
        (rule("/a", "required"), rule("/A/", "public")),
        (rule("/a", "required"), rule("/a.", "optional")),
        (rule("/a/*", "public"), rule("/a", "required")),
        (rule("/a/*", "optional"), rule("/a", "public")),
        (rule("/*", "optional"), rule("/a", "public")),
        (rule("/*", "optional"), rule("/admin/*", "required")),
        (rule("/api/*", "optional"), rule("/api/admin", "required")),
    ] {
        assert_problem("paths[2].path", &json!({ "paths": [first, second] }));
    }
    for (first, second) in [
        (rule("/a/b", "public"), rule("/a/*", "required")),
        // It still covers other letter cases.
        (rule("/a/*", "public"), rule("/A/b", "required")),
        (rule("/a/*", "public"), rule("/ab", "public")),
        // Rules that weaken are about one spelling each.
        (rule("/a/*", "public"), rule("/A/*", "public")),
        (rule("/a", "optional"), rule("/A", "public")),
    ] {
        assert_eq!(problems(&json!({ "paths": [first, second] })), [""; 0]);
    }
    assert_problem("paths[1].path", &json!({ "paths": [rule("/.edge-session/*", "public")] }));
}

#[test]
fn nobody_is_sent_where_nobody_can_stay() {
    for url in ["/.edge-session/logout", "/.Edge-Session", "https://app.example.com/.edge-session"]
    {
        assert_problem("logout_url", &json!({ "logout_url": url }));
        assert_problem("login_url", &json!({ "default_access": "optional", "login_url": url }));
    }
    for url in ["/login/../admin", "/./login", "https://app.example.com/a/../login"] {
        assert_problem("login_url", &json!({ "default_access": "optional", "login_url": url }));
    }
}
