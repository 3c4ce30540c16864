//! Forwarding to the origin.
//!
//! Guarantees: the request goes to the configured host and no other, checked on the very URL that
//! is sent; redirects are the browser's to follow; the body is the received stream itself.

use worker::wasm_bindgen::{JsCast, JsValue};
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::{
    Request, RequestCache, RequestInit, RequestRedirect, Response, WorkerGlobalScope,
};
use worker::{Env, js_sys};

use super::bindings::Fetcher;
use super::env;
use crate::config::{Config, Upstream};
use crate::cookie::Forwarded;
use crate::target::Target;
use crate::verdict::Outbound;

/// The header that carries the statement of who is asking.
const ASSERTION: &str = "edge-session-assertion";

/// Sends a request on and waits for the head of the answer.
pub(super) async fn fetch(
    config: &Config,
    env: &Env,
    request: &Request,
    outbound: &Outbound,
) -> Result<Response, JsValue> {
    let forwarded = differing(request, outbound)?;
    check_host(config, &forwarded)?;
    let init = RequestInit::new();
    init.set_redirect(RequestRedirect::Manual);
    if outbound.no_store {
        init.set_cache(RequestCache::NoStore);
    }
    let answer = match &config.upstream {
        Upstream::Binding(name) => {
            let binding = env::binding(env, name).ok_or("the origin's binding is missing")?;
            binding.unchecked_ref::<Fetcher>().fetch_request(&forwarded, &init)
        }
        Upstream::Url(_) | Upstream::Route => {
            let global: WorkerGlobalScope = js_sys::global().unchecked_into();
            global.fetch_with_request_and_init(&forwarded, &init)
        }
    };
    Ok(JsFuture::from(answer).await?.unchecked_into())
}

/// The received request with its differences. Made from the parsed URL's text: made from the
/// request alone it would go out under another path than the one that was judged.
fn differing(request: &Request, outbound: &Outbound) -> Result<Request, JsValue> {
    let forwarded = Request::new_with_str_and_init(&outbound.href, request.unchecked_ref())?;
    let headers = forwarded.headers();
    for name in &outbound.remove {
        headers.delete(name)?;
    }
    match &outbound.cookie {
        Forwarded::Keep => {}
        Forwarded::Replace(text) => headers.set("cookie", text)?,
        Forwarded::Remove => headers.delete("cookie")?,
    }
    for (name, value) in &outbound.set {
        headers.set(name, value)?;
    }
    headers.set(ASSERTION, outbound.assertion.expose())?;
    Ok(forwarded)
}

fn check_host(config: &Config, forwarded: &Request) -> Result<(), JsValue> {
    let configured = match &config.upstream {
        Upstream::Url(origin) => origin,
        Upstream::Binding(_) | Upstream::Route => &config.issuer,
    };
    let is_there = Target::parse(&forwarded.url()).is_some_and(|target| target.is_at(configured));
    if is_there { Ok(()) } else { Err("the request is for another host".into()) }
}
