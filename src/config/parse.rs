//! From the configuration's table to a [`Config`].
//!
//! Guarantees: a value that was set is taken or refused, and never adjusted.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::{Map, Value};

use super::section::{Problems, Section};
use super::together::Together;
use super::{Config, StoreKind, Upstream, durations};
use crate::cookie::{CookieNames, SameSite};
use crate::csrf::CrossSite;
use crate::event::Level;
use crate::origin::WebOrigin;
use crate::path::{Access, Rule};
use crate::time::Span;

/// The most data that a session may have: an assertion with it still fits the header limits of the
/// servers that origins run on.
const MOST_DATA: usize = 4096;

/// The most sessions of a subject: they are one row of the store.
const MOST_SESSIONS: usize = 100;

const ACCESS: [(&str, Access); 3] =
    [("required", Access::Required), ("optional", Access::Optional), ("public", Access::Public)];

pub(super) fn parse(table: Map<String, Value>) -> Result<Config, Vec<String>> {
    let problems: Problems = Rc::new(RefCell::new(Vec::new()));
    let mut root = Section::root(table, Rc::clone(&problems));
    let issuer = issuer(&mut root);
    let audience = root.text("audience").unwrap_or_else(|| "origin".to_owned());
    if audience.is_empty() || audience.chars().any(char::is_control) {
        root.report("audience", "must not be empty or have control characters");
    }
    if issuer.as_ref().is_some_and(|issuer| issuer.as_str() == audience) {
        root.report("audience", "must differ from issuer");
    }
    let upstream = upstream(&mut root, issuer.as_ref());
    let store = root
        .choice("store", &[("durable", StoreKind::Durable), ("kv", StoreKind::Kv)])
        .unwrap_or(StoreKind::Durable);
    let store_deadline = durations::store_deadline(&mut root);
    let default_access = default_access(&mut root);
    let login_url = root.text("login_url");
    let login_return_param =
        root.text("login_return_param").unwrap_or_else(|| "return_to".to_owned());
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if login_return_param.is_empty() || !login_return_param.bytes().all(is_name) {
        root.report("login_return_param", "must be letters, digits, \"_\" or \"-\"");
    }
    let logout_url = root.text("logout_url").unwrap_or_else(|| "/".to_owned());
    let cookie = cookie(root.table("cookie"));
    let assertion_ttl = durations::assertion_ttl(root.table("assertion"));
    let lifetimes = durations::lifetimes(root.table("lifetime"), store);
    let rotation = durations::rotation(root.table("rotation"));
    let (fresh_for, memory) = durations::freshness(root.table("freshness"), &lifetimes);
    let rules = rules(&mut root, lifetimes.idle.min(lifetimes.anonymous));
    let longest_fresh = rules.iter().filter_map(Rule::freshness).fold(fresh_for, Span::max);
    let mut limits = root.table("limits");
    let per_subject = limits.number("per_subject", 50, MOST_SESSIONS);
    let data = limits.number("data", 2048, MOST_DATA);
    limits.finish();
    let (csrf, csrf_report_only) = csrf(root.table("csrf"));
    let mut log = root.table("log");
    let levels = [
        ("off", Level::Off),
        ("warn", Level::Warn),
        ("info", Level::Info),
        ("debug", Level::Debug),
    ];
    let log_level = log.choice("level", &levels).unwrap_or(Level::Info);
    let log_ip = log.flag("ip", false);
    let server_timing = log.flag("server_timing", false);
    log.finish();
    let together = Together {
        issuer: issuer.as_ref(),
        rules: &rules,
        default_access,
        login_url: login_url.as_deref(),
        logout_url: &logout_url,
        exempt_paths: &csrf.exempt_paths,
    };
    together.check(&root);
    root.finish();
    let (Some(issuer), Some(upstream), true) = (issuer, upstream, problems.borrow().is_empty())
    else {
        return Err(problems.take());
    };
    Ok(Config {
        issuer,
        audience,
        upstream,
        store,
        store_deadline,
        default_access,
        rules,
        login_url,
        login_return_param,
        logout_url,
        cookie,
        assertion_ttl,
        lifetimes,
        rotation,
        fresh_for,
        longest_fresh,
        memory,
        per_subject,
        data,
        csrf,
        csrf_report_only,
        log_level,
        log_ip,
        server_timing,
    })
}

fn issuer(root: &mut Section) -> Option<WebOrigin> {
    let Some(text) = root.text("issuer") else {
        if !root.has("issuer") {
            root.report(
                "issuer",
                "must be set to the site's public origin, like \"https://app.example.com\"",
            );
        }
        return None;
    };
    let issuer = WebOrigin::parse(&text);
    match &issuer {
        None => root.report(
            "issuer",
            "must be an origin as browsers write it, like \"https://app.example.com\": lower case, no path and no slash at the end, no default port",
        ),
        Some(origin) if origin.scheme() == "https" => {}
        Some(origin) if origin.scheme() == "http" && origin.is_loopback() => {}
        Some(_) => {
            root.report("issuer", "must be https; http is for loopback hosts only");
            return None;
        }
    }
    issuer
}

fn upstream(root: &mut Section, issuer: Option<&WebOrigin>) -> Option<Upstream> {
    const FORMS: &str =
        "must be \"https://host\", \"http://\" and a loopback host, \"binding:NAME\" or \"route\"";
    let Some(text) = root.text("origin") else {
        root.report("origin", FORMS);
        return None;
    };
    if text == "route" {
        if issuer.is_some_and(WebOrigin::is_loopback) {
            root.report("origin", "\"route\" on a loopback issuer would lead back to this Worker");
            return None;
        }
        return Some(Upstream::Route);
    }
    if let Some(name) = text.strip_prefix("binding:") {
        let fits = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !fits {
            root.report("origin", "the name after \"binding:\" must be letters, digits and \"_\"");
        }
        return fits.then(|| Upstream::Binding(name.to_owned()));
    }
    let fits = |origin: &WebOrigin| {
        origin.scheme() == "https" || (origin.scheme() == "http" && origin.is_loopback())
    };
    let Some(origin) = WebOrigin::parse(&text).filter(fits) else {
        root.report("origin", FORMS);
        return None;
    };
    if issuer.is_some_and(|issuer| issuer.authority() == origin.authority()) {
        root.report(
            "origin",
            "is the issuer's own host: use \"route\" to reach the server behind it",
        );
        return None;
    }
    Some(Upstream::Url(origin))
}

fn default_access(root: &mut Section) -> Access {
    if let Some(access) = root.choice("insecure_default_access", &[("public", Access::Public)]) {
        if root.has("default_access") {
            root.report("insecure_default_access", "contradicts default_access: set one of them");
            let _ = root.text("default_access");
        }
        return access;
    }
    let access = root.choice("default_access", &ACCESS).unwrap_or(Access::Required);
    if access == Access::Public {
        root.report("default_access", "\"public\" is set as insecure_default_access");
    }
    access
}

fn rules(root: &mut Section, longest_freshness: Span) -> Vec<Rule> {
    let mut rules = Vec::new();
    for mut table in root.tables("paths") {
        let access = table.choice("access", &ACCESS);
        let activity = table.flag("activity", true);
        let freshness = table.span("freshness", Span::ZERO, Some(longest_freshness));
        if freshness.is_some() && access == Some(Access::Public) {
            table.report("freshness", "means nothing on a public path");
        }
        match (table.text("path"), access) {
            (Some(path), Some(access)) => match Rule::parse(&path, access, activity) {
                Ok(rule) if rule.is_reserved() => {
                    table.report("path", "is the gate's own: no rule counts there");
                }
                Ok(rule) if rules.iter().any(|earlier: &Rule| earlier.hides(&rule)) => {
                    table.report("path", "can never match: an earlier rule covers it");
                }
                Ok(rule) => rules.push(rule.with_freshness(freshness)),
                Err(problem) => table.report("path", problem),
            },
            _ => table.report("path", "a rule needs a path and an access"),
        }
        table.finish();
    }
    rules
}

fn cookie(mut table: Section) -> CookieNames {
    let name = table.text("name").unwrap_or_else(|| "__Host-session".to_owned());
    let fits = name.strip_prefix("__Host-").is_some_and(|rest| {
        (1..=48).contains(&rest.len())
            && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
    });
    if !fits {
        table.report("name", "must be \"__Host-\" and 1 to 48 letters, digits, \"_\" or \"-\"");
    }
    let choices = [("Lax", SameSite::Lax), ("Strict", SameSite::Strict)];
    let same_site = table.choice("same_site", &choices).unwrap_or(SameSite::Lax);
    table.finish();
    CookieNames::new(&name, same_site)
}

fn csrf(mut table: Section) -> (CrossSite, bool) {
    let mut trusted_origins = Vec::new();
    for text in table.texts("trusted_origins") {
        match WebOrigin::parse(&text) {
            Some(origin) => trusted_origins.push(origin),
            None => table.report(
                "trusted_origins",
                "must be origins as browsers write them, like \"https://partner.example.com\"",
            ),
        }
    }
    let exempt_paths = table.texts("insecure_exempt_paths");
    for path in &exempt_paths {
        if path.ends_with("/*") {
            table.report("insecure_exempt_paths", "are exact paths, never patterns");
        } else if let Err(problem) = Rule::parse(path, Access::Optional, true) {
            table.report("insecure_exempt_paths", problem);
        }
    }
    let report_only = table.flag("insecure_report_only", false);
    let resource_isolation = table.flag("resource_isolation", true);
    table.finish();
    (CrossSite { trusted_origins, exempt_paths, resource_isolation }, report_only)
}
