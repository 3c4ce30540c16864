//! Asking the configured store, and remembering what it said.
//!
//! Guarantees: whatever this isolate changes, it forgets at once, and an answer that was asked for
//! while it changed is not kept.

use std::cell::RefCell;
use std::rc::Rc;

use worker::Env;
use worker::wasm_bindgen_futures::future_to_promise;

use super::flights::Question;
use super::{Responded, env, kv, objects};
use crate::config::StoreKind;
use crate::gate;
use crate::memory::Memory;
use crate::site::Site;
use crate::store::{Fault, Reply};
use crate::verdict::Call;

thread_local! {
    static MEMORY: RefCell<Option<Memory>> = const { RefCell::new(None) };
}

/// Looks into the isolate's memory, or notes something in it.
pub(super) fn memory<T>(site: &Site, look: impl FnOnce(&mut Memory) -> T) -> T {
    MEMORY.with_borrow_mut(|memory| {
        look(memory.get_or_insert_with(|| Memory::new(site.config.memory)))
    })
}

/// Asks whose an ID is, and remembers the answer; gives what `then` makes of it, or a promise of
/// that.
pub(super) fn validate(
    site: &Rc<Site>,
    env: &Env,
    question: &Question,
    call: Call,
    then: impl FnOnce(Result<Reply, Fault>) -> Responded + 'static,
) -> Responded {
    let ticket = memory(site, |memory| memory.asking(&call, env::now()));
    let (id, ticket_after) = (question.id, ticket.of(question.mark));
    let (kept, env) = (Rc::clone(site), env.clone());
    let then = move |call: &Call, reply: Result<Reply, Fault>| {
        memory(&kept, |memory| {
            memory.answered(call, ticket, &reply, &kept.mark_key);
            if let Ok(reply) = &reply {
                gate::remember(&kept, memory, &id, call.locator, ticket_after, reply);
            }
        });
        then(reply)
    };
    match site.config.store {
        StoreKind::Durable => objects::ask_then(&env, call, site.config.store_deadline, then),
        StoreKind::Kv => {
            let site = Rc::clone(site);
            let asked = async move { then(&call, kv::carry_out(&site, &env, &call).await) };
            Ok(future_to_promise(asked).into())
        }
    }
}

/// Asks the store.
pub(super) async fn ask(site: &Site, env: &Env, call: &Call) -> Result<Reply, Fault> {
    let (deadline, begun) = (site.config.store_deadline, env::now());
    let ticket = memory(site, |memory| memory.asking(call, begun));
    let reply = match site.config.store {
        StoreKind::Durable => match objects::ask(env, call, deadline).await {
            Err(fault) if call.is_asked_again_after(fault) => {
                let left = deadline.minus(env::now().since(begun));
                if left.is_zero() { Err(fault) } else { objects::ask(env, call, left).await }
            }
            reply => reply,
        },
        StoreKind::Kv => kv::carry_out(site, env, call).await,
    };
    memory(site, |memory| memory.answered(call, ticket, &reply, &site.mark_key));
    reply
}
