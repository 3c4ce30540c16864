//! Asking the configured store, and remembering what it said.
//!
//! Guarantees: whatever this isolate changes, it forgets at once, and an answer that was asked for
//! while it changed is not kept.

use std::cell::RefCell;

use worker::Env;

use super::{env, kv, objects};
use crate::config::StoreKind;
use crate::gate;
use crate::mark::Mark;
use crate::memory::Memory;
use crate::site::Site;
use crate::store::{Fault, Reply};
use crate::token::IdHash;
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

/// Asks whose an ID is, and remembers the answer.
pub(super) async fn validate(
    site: &Site,
    env: &Env,
    call: &Call,
    id: &IdHash,
    mark: Option<Mark>,
) -> Result<Reply, Fault> {
    let ticket = memory(site, |memory| memory.ticket(env::now())).of(mark);
    let reply = ask(site, env, call).await?;
    memory(site, |memory| gate::remember(site, memory, id, call.locator, ticket, &reply));
    Ok(reply)
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
