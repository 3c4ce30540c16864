//! What the platform gives: variables, secrets, clock and entropy.
//!
//! Guarantees: a site is read once for each isolate, since a deployment's variables and secrets do
//! not change under it; the clock is `Date.now()`, which the platform freezes while a request
//! computes and which tests can move.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::Value;
use worker::Env;
use worker::js_sys::{self, Reflect};
use worker::wasm_bindgen::{JsCast, JsValue};

use super::{kv, objects};
use crate::config::{StoreKind, Upstream};
use crate::gate::Entropy;
use crate::site::{Secrets, Site};
use crate::time::Time;

type Known = Result<Rc<Site>, Rc<Vec<String>>>;

thread_local! {
    static SITE: RefCell<Option<Known>> = const { RefCell::new(None) };
}

/// The site, or everything that is wrong with its configuration.
pub(super) fn site(env: &Env) -> Known {
    if let Some(known) = SITE.with_borrow(Clone::clone) {
        return known;
    }
    read(env)
}

/// Reads the site for the first request.
#[cold]
fn read(env: &Env) -> Known {
    let secrets = Secrets {
        session: text(env, "EDGE_SESSION_KEYS"),
        origin: text(env, "EDGE_SESSION_ORIGIN_KEYS"),
        locator: text(env, "EDGE_SESSION_LOCATOR_KEY"),
    };
    let known = Site::new(&table(env), &secrets)
        .and_then(|site| bound(site, env))
        .map(Rc::new)
        .map_err(Rc::new);
    SITE.with_borrow_mut(|site| *site = Some(known.clone()));
    known
}

/// The time now.
pub(super) fn now() -> Time {
    // Positive, whole, and far below 2^53.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    Time::from_millis(js_sys::Date::now() as u64)
}

/// Randomness for one request.
pub(super) fn entropy() -> Result<Entropy, JsValue> {
    let mut entropy = Entropy { jti: [0; 16], secret: [0; 32] };
    let mut bytes = [0_u8; 48];
    getrandom::fill(&mut bytes).map_err(|_| "no entropy")?;
    let (jti, secret) = bytes.split_at(16);
    entropy.jti.copy_from_slice(jti);
    entropy.secret.copy_from_slice(secret);
    Ok(entropy)
}

/// A binding of this name; `None` when there is none.
pub(super) fn binding(env: &Env, name: &str) -> Option<JsValue> {
    let binding = Reflect::get(env, &name.into()).ok()?;
    (!binding.is_undefined() && !binding.is_null()).then_some(binding)
}

/// The site, if everything that it relies on is bound.
fn bound(site: Site, env: &Env) -> Result<Site, Vec<String>> {
    let store = match site.config.store {
        StoreKind::Durable => objects::BINDING,
        StoreKind::Kv => kv::BINDING,
    };
    let origin = match &site.config.upstream {
        Upstream::Binding(name) => Some(name.as_str()),
        Upstream::Url(_) | Upstream::Route => None,
    };
    let missing: Vec<String> = origin
        .into_iter()
        .chain([store])
        .filter(|name| binding(env, name).is_none())
        .map(|name| format!("the binding {name} is missing"))
        .collect();
    if missing.is_empty() { Ok(site) } else { Err(missing) }
}

fn text(env: &Env, name: &str) -> String {
    binding(env, name).and_then(|value| value.as_string()).unwrap_or_default()
}

/// The configuration's table: an object of the platform, or text.
fn table(env: &Env) -> Value {
    let Some(binding) = binding(env, "EDGE_SESSION") else {
        return Value::Null;
    };
    if let Some(text) = binding.as_string() {
        return Value::String(text);
    }
    let text = js_sys::JSON::stringify(binding.unchecked_ref::<JsValue>());
    text.ok().and_then(|text| text.as_string()).map_or(Value::Null, Value::String)
}
