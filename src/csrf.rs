//! Cross-site requests: which are turned away before the store or the origin hears of them.
//!
//! Guarantees: an unsafe request, a WebSocket handshake included, passes only when the browser says
//! that this site or the user made it, or an origin that the operator trusts, or when no browser can
//! have sent it with a cookie. A path that the operator exempts takes it from anyone, but without a
//! session. No token, key or store is used. The base is Go's
//! [`CrossOriginProtection`](https://pkg.go.dev/net/http#CrossOriginProtection) over
//! [Fetch Metadata](https://www.w3.org/TR/fetch-metadata/); it is stricter where browsers have had
//! bugs (see `tests/csrf_conformance.rs`, which names each row).

use crate::origin::WebOrigin;
use crate::path::is_plain;
use crate::request::Facts;

/// The rules of one site.
#[derive(Clone, Debug)]
pub struct CrossSite {
    /// Origins that may send anything, as browsers write them.
    pub trusted_origins: Vec<WebOrigin>,
    /// Exact paths, as forwarded, that any site may send to. They get no session.
    pub exempt_paths: Vec<String>,
    /// Whether reads that present a session are refused from other sites.
    pub resource_isolation: bool,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is from this site, or harmless.
    Pass,
    /// It passes for its path's sake alone: without a session.
    PassWithoutSession,
    /// It is another site's.
    Refuse(Reason),
}

/// Why a request was refused: for logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// An `Origin` or `Sec-Fetch-Site` with several values, or one that does not parse.
    MalformedOrigin,
    /// `Origin` names another site.
    ForeignOrigin,
    /// `Sec-Fetch-Site` does not say that the request is the site's own.
    FetchSite,
    /// `Origin: null`, and nothing that says whose it is.
    NullOrigin,
    /// A cookie is presented, and nothing says whose request it is.
    Unattributed,
    /// A read that presents a session, embedded by another site.
    Isolation,
}

impl Reason {
    /// The stable name of the reason.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MalformedOrigin => "malformed_origin",
            Self::ForeignOrigin => "foreign_origin",
            Self::FetchSite => "fetch_site",
            Self::NullOrigin => "null_origin",
            Self::Unattributed => "unattributed",
            Self::Isolation => "isolation",
        }
    }
}

impl CrossSite {
    /// Decides over a request to `path`, as it is forwarded. `presented` says whether a cookie of
    /// our name is there, whatever it is worth; `isolated` whether the path is one that other sites
    /// may not embed.
    #[must_use]
    pub fn decide(
        &self,
        own: &WebOrigin,
        facts: &Facts,
        path: &str,
        presented: bool,
        isolated: bool,
    ) -> Decision {
        if facts.is_unsafe() {
            return self.decide_unsafe(own, facts, path, presented);
        }
        if self.is_welcome_preflight(own, facts, path) {
            return Decision::PassWithoutSession;
        }
        let is_load = facts.method == "GET" || facts.method == "HEAD";
        let is_foreign = matches!(facts.fetch_site(), Some("same-site" | "cross-site"));
        if self.resource_isolation && is_load && presented && isolated && is_foreign {
            let trusted = facts.origin().is_some_and(|origin| self.trusts(origin));
            if !trusted && !facts.is_top_level_navigation() {
                return Decision::Refuse(Reason::Isolation);
            }
        }
        Decision::Pass
    }

    /// Why a change that is asked of an endpoint of our own is refused, if it is: nothing that the
    /// operator trusts or exempts counts there.
    #[must_use]
    pub fn refusal_of_reserved(own: &WebOrigin, facts: &Facts, presented: bool) -> Option<Reason> {
        let nothing_trusted = Self {
            trusted_origins: Vec::new(),
            exempt_paths: Vec::new(),
            resource_isolation: true,
        };
        nothing_trusted.judge(own, facts, presented)
    }

    fn decide_unsafe(
        &self,
        own: &WebOrigin,
        facts: &Facts,
        path: &str,
        presented: bool,
    ) -> Decision {
        match self.judge(own, facts, presented) {
            // Only what would otherwise be refused passes because of its path.
            Some(Reason::MalformedOrigin) => Decision::Refuse(Reason::MalformedOrigin),
            Some(_) if self.exempt_paths.iter().any(|exempt| exempt == path) => {
                Decision::PassWithoutSession
            }
            Some(reason) => Decision::Refuse(reason),
            None => Decision::Pass,
        }
    }

    /// The first rule that fits decides: `None` lets the request pass.
    fn judge(&self, own: &WebOrigin, facts: &Facts, presented: bool) -> Option<Reason> {
        let (origin, fetch_site) = (facts.origin(), facts.fetch_site());
        if [origin, fetch_site].into_iter().flatten().any(|value| value.contains(',')) {
            return Some(Reason::MalformedOrigin);
        }
        if let Some(origin) = origin.filter(|origin| *origin != "null") {
            if WebOrigin::parse(origin).is_none() {
                return Some(Reason::MalformedOrigin);
            }
            if self.trusts(origin) {
                return None;
            }
            // Whatever Sec-Fetch-Site says: WebKit once recomputed it on reload (bug 60289), and still
            // does when it comes back to a form.
            if origin != own.as_str() {
                return Some(Reason::ForeignOrigin);
            }
        }
        match (fetch_site, origin) {
            (Some("same-origin"), _) => None,
            (Some("none"), origin) if origin != Some("null") => None,
            (Some(_), _) => Some(Reason::FetchSite),
            (None, Some("null")) => Some(Reason::NullOrigin),
            (None, Some(_)) => None,
            (None, None) => presented.then_some(Reason::Unattributed),
        }
    }

    /// A preflight carries no cookies and changes nothing; the request that follows it is judged by
    /// itself. Where servers could read the path as another one, nothing is taken on trust.
    fn is_welcome_preflight(&self, own: &WebOrigin, facts: &Facts, path: &str) -> bool {
        facts.is_preflight()
            && is_plain(path)
            && facts.origin().is_some_and(|origin| origin == own.as_str() || self.trusts(origin))
    }

    fn trusts(&self, origin: &str) -> bool {
        self.trusted_origins.iter().any(|trusted| trusted.as_str() == origin)
    }
}
