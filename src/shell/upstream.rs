//! Forwarding to the origin.
//!
//! Guarantees: the request goes to the configured origin and no other, checked on the very URL that
//! is sent; redirects are the browser's to follow; the body is the received stream itself.

use worker::Env;
use worker::wasm_bindgen::JsValue;
use worker::web_sys::Request;

use super::{bindings, env, http};
use crate::config::{Config, Upstream};
use crate::cookie::Forwarded;
use crate::verdict::Outbound;

/// The header that carries the statement of who is asking.
const ASSERTION: &str = "edge-session-assertion";

/// The binding of the origin, where there is one; undefined for the network.
pub(super) fn fetcher(config: &Config, env: &Env) -> Result<JsValue, JsValue> {
    match &config.upstream {
        Upstream::Binding(name) => {
            env::binding(env, name).ok_or_else(|| "the origin's binding is missing".into())
        }
        Upstream::Url(_) | Upstream::Route => Ok(JsValue::UNDEFINED),
    }
}

/// Sends a request on, and gives a promise of what `then` makes of the head of the answer.
pub(super) fn send(
    config: &Config,
    fetcher: &JsValue,
    request: &Request,
    outbound: &Outbound,
    then: JsValue,
) -> Result<JsValue, JsValue> {
    let origin = config.upstream_origin();
    let mut changes = http::Changes::default();
    for name in &outbound.remove {
        changes.remove(name);
    }
    match &outbound.cookie {
        Forwarded::Keep => {}
        Forwarded::Replace(text) => changes.set("cookie", text),
        Forwarded::Remove => changes.remove("cookie"),
    }
    for (name, value) in &outbound.set {
        changes.set(name, value);
    }
    changes.set(ASSERTION, outbound.assertion.expose());
    let (href, changes) = (&outbound.href, changes.as_str());
    bindings::send(fetcher, request, href, origin.as_str(), changes, outbound.no_store, then)
}
