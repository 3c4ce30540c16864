//! What options have to be to each other.
//!
//! Guarantees: a configuration sends nobody where nobody can get to, and exempts no path that needs
//! a session.

use super::Config;
use super::section::Section;
use crate::origin::WebOrigin;
use crate::path::{Access, is_forwarded_form, is_reserved};

pub(super) fn check(root: &Section, config: &Config) {
    check_destinations(root, config);
    check_exemptions(root, config);
}

/// Where people are sent must be somewhere that they can get to.
fn check_destinations(root: &Section, config: &Config) {
    if let Some(url) = &config.login_url {
        match path_here(config, url) {
            Err(()) => root.report("login_url", "must be a path on this site or an https URL"),
            Ok(Some(path)) if is_reserved(path) => {
                root.report("login_url", "must not be one of the gate's own paths");
            }
            Ok(Some(path)) if config.rule(path).access != Access::Optional => root.report(
                "login_url",
                "its path must be optional: people without a session must get there, and leave with one",
            ),
            Ok(_) => {}
        }
    }
    match path_here(config, &config.logout_url) {
        Err(()) => root.report("logout_url", "must be a path on this site or an https URL"),
        Ok(Some(path)) if is_reserved(path) => {
            root.report("logout_url", "must not be one of the gate's own paths");
        }
        Ok(_) => {}
    }
}

/// The path of a URL, if it is on this site; an error when it is no URL to send people to.
fn path_here<'url>(config: &Config, url: &'url str) -> Result<Option<&'url str>, ()> {
    if !url.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') || url.contains('#') {
        return Err(());
    }
    let path_of = |url: &'url str| url.split('?').next().filter(|path| !path.starts_with("//"));
    if url.starts_with('/') {
        // Browsers resolve dot segments before they ask.
        return path_of(url).filter(|path| is_forwarded_form(path)).map(Some).ok_or(());
    }
    let start = url.find("://").and_then(|place| place.checked_add(3)).ok_or(())?;
    let end = url
        .get(start..)
        .and_then(|rest| rest.find(['/', '?']))
        .map_or(url.len(), |place| start.saturating_add(place));
    let origin = url.get(..end).and_then(WebOrigin::parse).ok_or(())?;
    let is_safe = origin.scheme() == "https" || (origin.scheme() == "http" && origin.is_loopback());
    if !is_safe {
        return Err(());
    }
    let path = url.get(end..).unwrap_or_default().split('?').next().unwrap_or_default();
    let path = if path.is_empty() { "/" } else { path };
    if origin != config.issuer {
        return Ok(None);
    }
    if is_forwarded_form(path) { Ok(Some(path)) } else { Err(()) }
}

fn check_exemptions(root: &Section, config: &Config) {
    for path in &config.csrf.exempt_paths {
        if config.rule(path).access == Access::Required {
            root.report("csrf.insecure_exempt_paths", "must not be required: they get no session");
        }
    }
}
