//! Options that could contradict each other.
//!
//! Guarantees: a configuration sends nobody where nobody can get to, and exempts no path that needs
//! a session from the cross-site rules.

use super::section::Section;
use crate::origin::WebOrigin;
use crate::path::{Access, Rule, decide, is_forwarded_form, is_reserved};

/// The options that depend on each other.
pub(super) struct Together<'table> {
    /// `None` where it is wrong itself: what else is wrong is reported all the same.
    pub(super) issuer: Option<&'table WebOrigin>,
    pub(super) rules: &'table [Rule],
    pub(super) default_access: Access,
    pub(super) login_url: Option<&'table str>,
    pub(super) logout_url: &'table str,
    pub(super) exempt_paths: &'table [String],
}

impl Together<'_> {
    pub(super) fn check(&self, root: &Section) {
        check_destinations(root, self);
        check_exemptions(root, self);
    }

    fn access(&self, path: &str) -> Access {
        decide(self.rules, self.default_access, path).access
    }
}

/// Where people are sent must be somewhere that they can get to.
fn check_destinations(root: &Section, options: &Together<'_>) {
    if let Some(url) = options.login_url {
        match path_here(options.issuer, url) {
            Err(()) => root.report("login_url", "must be a path on this site or an https URL"),
            Ok(Some(path)) if is_reserved(path) => {
                root.report("login_url", "must not be one of the gate's own paths");
            }
            Ok(Some(path)) if options.access(path) != Access::Optional => root.report(
                "login_url",
                "its path must be optional: people without a session must get there, and leave with one",
            ),
            Ok(_) => {}
        }
    }
    match path_here(options.issuer, options.logout_url) {
        Err(()) => root.report("logout_url", "must be a path on this site or an https URL"),
        Ok(Some(path)) if is_reserved(path) => {
            root.report("logout_url", "must not be one of the gate's own paths");
        }
        Ok(_) => {}
    }
}

/// The path of a URL, if it is on this site; an error when it is no URL to send people to.
fn path_here<'url>(issuer: Option<&WebOrigin>, url: &'url str) -> Result<Option<&'url str>, ()> {
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
    if issuer != Some(&origin) {
        return Ok(None);
    }
    if is_forwarded_form(path) { Ok(Some(path)) } else { Err(()) }
}

fn check_exemptions(root: &Section, options: &Together<'_>) {
    for path in options.exempt_paths {
        if options.access(path) == Access::Required {
            root.report("csrf.insecure_exempt_paths", "must not be required: they get no session");
        }
    }
}
