//! Asking Workers KV.
//!
//! Guarantees: every command ends by the deadline; a write that the command depends on and that
//! fails is a fault; one that it does not depend on is logged.

use worker::Env;
use worker::js_sys::{Array, Map, Object, Promise, Reflect};
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::wasm_bindgen_futures::JsFuture;

use super::bindings::KvNamespace;
use super::{env, flights, journal};
use crate::event::Event;
use crate::kv::{Errand, Need, Write};
use crate::site::Site;
use crate::store::{Fault, Reply};
use crate::time::Time;
use crate::verdict::Call;

/// The binding of the namespace.
pub(super) const BINDING: &str = "SESSIONS_KV";

/// How old an answer of KV's own cache may be, in seconds: the least that KV takes.
const CACHE: u32 = 30;

/// How many keys one call may ask for.
const MOST_KEYS: usize = 100;

/// Carries a command out.
pub(super) async fn carry_out(site: &Site, env: &Env, call: &Call) -> Result<Reply, Fault> {
    let namespace: KvNamespace = env::binding(env, BINDING).ok_or(Fault::Failed)?.unchecked_into();
    let until = env::now().plus(site.config.store_deadline);
    let mut errand = Errand::new(call);
    loop {
        match errand.need() {
            Need::Nothing => break,
            Need::Names(prefix) => errand.learn_names(&names(&namespace, &prefix, until).await?),
            Need::Values(keys) => {
                for some in keys.chunks(MOST_KEYS) {
                    read(&namespace, some, until, &mut errand).await?;
                }
            }
        }
    }
    let (reply, writes) = errand.decide(env::now())?;
    for write in writes {
        if let Err(fault) = carry(&namespace, &write, until).await {
            if write.required {
                return Err(fault);
            }
            journal::write(&site.config, &[Event::store_fault(fault)]);
        }
    }
    Ok(reply)
}

async fn read(
    namespace: &KvNamespace,
    keys: &[String],
    until: Time,
    errand: &mut Errand<'_>,
) -> Result<(), Fault> {
    let list: Array = keys.iter().map(|key| JsValue::from_str(key)).collect();
    let options = options(&[("cacheTtl", CACHE.into()), ("type", "text".into())]);
    let found: Map = settled(&namespace.get_all(&list, &options), until)
        .await?
        .dyn_into()
        .map_err(|_| Fault::Unreadable)?;
    for key in keys {
        errand.learn(key.clone(), found.get(&key.into()).as_string());
    }
    Ok(())
}

async fn names(namespace: &KvNamespace, prefix: &str, until: Time) -> Result<Vec<String>, Fault> {
    let options = options(&[("prefix", prefix.into())]);
    let page = settled(&namespace.list(&options), until).await?;
    // One page holds a thousand keys, ten times as many as a subject may have sessions.
    let keys = Reflect::get(&page, &"keys".into()).map_err(|_| Fault::Unreadable)?;
    let keys: Array = keys.dyn_into().map_err(|_| Fault::Unreadable)?;
    let name = |key: JsValue| Reflect::get(&key, &"name".into()).ok()?.as_string();
    Ok(keys.iter().filter_map(name).collect())
}

async fn carry(namespace: &KvNamespace, write: &Write, until: Time) -> Result<(), Fault> {
    let promise = match &write.value {
        None => namespace.delete(&write.key),
        Some(value) => {
            // Whole seconds are far below 2^53.
            #[allow(clippy::cast_precision_loss)]
            let seconds = write.seconds as f64;
            let options = options(&[("expirationTtl", seconds.into())]);
            namespace.put(&write.key, value, &options)
        }
    };
    settled(&promise, until).await.map(|_| ())
}

/// What a promise comes to, if that is in time.
async fn settled(promise: &Promise, until: Time) -> Result<JsValue, Fault> {
    let late = flights::timer(until.since(env::now()));
    let first = Promise::race(&Array::of2(promise, &late));
    let value = JsFuture::from(first).await.map_err(|_| Fault::Failed)?;
    // KV never answers with a symbol.
    if value == flights::late() { Err(Fault::Deadline) } else { Ok(value) }
}

fn options(members: &[(&str, JsValue)]) -> JsValue {
    let object = Object::new();
    for (name, value) in members {
        // Setting a member of an object made here does not fail.
        let _ = Reflect::set(&object, &(*name).into(), value);
    }
    object.into()
}
