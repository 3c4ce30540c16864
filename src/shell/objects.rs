//! Asking the Durable Objects.
//!
//! Guarantees: every call ends by the deadline, whatever the object does; what an object that did
//! not answer has done is unknown and treated so; nothing is tried again here.

use wasm_bindgen::prelude::*;
use worker::Env;
use worker::js_sys::{Promise, Reflect};
use worker::wasm_bindgen_futures::JsFuture;

use super::{Responded, bindings, env};
use crate::store::{Fault, Reply};
use crate::time::Span;
use crate::verdict::Call;

/// The binding of the objects' namespace.
pub(super) const BINDING: &str = "SESSIONS";

/// Asks the object that a call is for.
pub(super) async fn ask(env: &Env, call: &Call, deadline: Span) -> Result<Reply, Fault> {
    let asked = begin(env, call, deadline)?(JsValue::UNDEFINED);
    reply(&JsFuture::from(asked).await.unwrap_or_else(|thrown| thrown))
}

/// Asks the object that a call is for, and gives what `then` makes of the call and the answer, or a
/// promise of that. A future would be queued as a microtask twice, which costs a request that the
/// store is asked about a twentieth.
pub(super) fn ask_then(
    env: &Env,
    call: Call,
    deadline: Span,
    then: impl FnOnce(&Call, Result<Reply, Fault>) -> Responded + 'static,
) -> Responded {
    match begin(env, &call, deadline) {
        Err(fault) => then(&call, Err(fault)),
        Ok(ask) => {
            // In a box: what is left of a closure once it was called is the garbage collector's.
            let then: Box<dyn FnOnce(JsValue) -> Responded> =
                Box::new(move |told| then(&call, reply(&told)));
            Ok(ask(Closure::once(then).into_js_value()).into())
        }
    }
}

fn begin(
    env: &Env,
    call: &Call,
    deadline: Span,
) -> Result<impl FnOnce(JsValue) -> Promise + use<>, Fault> {
    let question = serde_json::to_string(&call.request).map_err(|_| Fault::Failed)?;
    let namespace = env::binding(env, BINDING).ok_or(Fault::Failed)?;
    let millis = u32::try_from(deadline.millis()).unwrap_or(u32::MAX);
    let name = call.locator.object_name();
    Ok(move |then| bindings::ask(&namespace, &name, &question, millis, then))
}

/// What the object said. It answers in text; all else is null, or was thrown.
fn reply(told: &JsValue) -> Result<Reply, Fault> {
    let text = told.as_string().ok_or_else(|| fault(told))?;
    serde_json::from_str(&text).map_err(|_| Fault::Unreadable)
}

fn fault(error: &JsValue) -> Fault {
    // Null has no members. Asking for one throws, and whatever throws where a value was to be returned
    // leaves a place in the glue's table of values taken for good.
    if error.is_null() {
        return Fault::Failed;
    }
    let member = |name: &str| Reflect::get(error, &name.into()).unwrap_or(JsValue::UNDEFINED);
    if member("overloaded").is_truthy() {
        Fault::Overloaded
    } else if member("name").as_string().as_deref() == Some("TimeoutError") {
        Fault::Deadline
    } else {
        Fault::Failed
    }
}
