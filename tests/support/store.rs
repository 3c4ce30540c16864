//! A store for tests: it holds texts under object names and decides nothing, as the durable one.

use std::collections::{BTreeMap, HashMap, VecDeque};

use edge_session::record::Record;
use edge_session::store::{self, Command, Fault, Policy, Reply, Request};
use edge_session::time::Time;
use edge_session::verdict::Call;

/// What goes wrong with a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It fails before anything is done.
    Fails,
    /// It is carried out and the reply is lost.
    ReplyLost,
    /// It is carried out, and the connection breaks before the reply.
    Broken,
    /// It runs out of time and is carried out later; see [`Store::land`].
    Late,
    /// What is answered is no answer to the question.
    Odd,
    /// Others have taken the number of the new ID.
    Taken,
}

#[derive(Default)]
pub struct Store {
    /// The stored records, under the names of their objects.
    pub texts: BTreeMap<String, String>,
    /// Commands that reached an object.
    pub operations: usize,
    /// Records written.
    pub writes: usize,
    /// What goes wrong with the next commands; `None` for nothing.
    pub troubles: VecDeque<Option<Trouble>>,
    /// Whatever is asked fails.
    pub is_down: bool,
    /// The kinds of the commands carried out, in order.
    pub asked: Vec<&'static str>,
    late: Vec<Call>,
    policies: HashMap<String, Policy>,
}

impl Store {
    pub fn ask(&mut self, call: &Call, now: Time) -> Result<Reply, Fault> {
        self.operations += 1;
        if self.is_down {
            return Err(Fault::Failed);
        }
        match self.troubles.pop_front().flatten() {
            None => self.carry_out(call, now),
            Some(Trouble::Fails) => Err(Fault::Overloaded),
            Some(Trouble::ReplyLost) => self.carry_out(call, now).and(Err(Fault::Deadline)),
            Some(Trouble::Broken) => self.carry_out(call, now).and(Err(Fault::Failed)),
            Some(Trouble::Odd) => Ok(Reply::Swept),
            Some(Trouble::Taken) => Ok(Reply::Taken { after: 7 }),
            Some(Trouble::Late) => {
                self.late.push(call.clone());
                Err(Fault::Deadline)
            }
        }
    }

    /// Carries out what came too late for its caller.
    pub fn land(&mut self, now: Time) -> Vec<Call> {
        let late = std::mem::take(&mut self.late);
        for call in &late {
            let _ = self.carry_out(call, now);
        }
        late
    }

    /// Wakes every object whose alarm is due.
    pub fn wake(&mut self, now: Time) {
        let names: Vec<String> = self.texts.keys().cloned().collect();
        for name in names {
            let record = Record::read(&self.texts[&name]).unwrap();
            if record.alarm.is_some_and(|alarm| alarm <= now) {
                let policy = self.policies[&name].clone();
                let request = Request { owner: None, command: Command::Sweep, stamp: None, policy };
                self.apply(&name, &request, now).unwrap();
            }
        }
    }

    /// The record of an object as it is stored.
    pub fn record(&self, call: &Call) -> Option<Record> {
        let text = self.texts.get(&call.locator.object_name())?;
        Some(Record::read(text).unwrap())
    }

    fn carry_out(&mut self, call: &Call, now: Time) -> Result<Reply, Fault> {
        // Commands and replies travel as JSON.
        let wire = serde_json::to_string(&call.request).unwrap();
        let request: Request = serde_json::from_str(&wire).unwrap();
        assert_eq!(request, call.request, "a command changed on its way");
        let name = call.locator.object_name();
        self.policies.insert(name.clone(), request.policy.clone());
        self.asked.push(kind(&request.command));
        let reply = self.apply(&name, &request, now)?;
        let wire = serde_json::to_string(&reply).unwrap();
        let read: Reply = serde_json::from_str(&wire).unwrap();
        assert_eq!(read, reply, "a reply changed on its way");
        Ok(read)
    }

    fn apply(&mut self, name: &str, request: &Request, now: Time) -> Result<Reply, Fault> {
        let stored = self.texts.get(name);
        let before = match stored {
            Some(text) => Record::read(text).ok_or(Fault::Unreadable)?,
            None => Record::default(),
        };
        let (after, reply) = store::apply(&before, request, now);
        if let Some(after) = after {
            let text = after.write().unwrap();
            assert!(text.is_none() || text.as_ref() != stored, "a write that changes nothing");
            self.writes += usize::from(text.is_some() || stored.is_some());
            match text {
                Some(text) => self.texts.insert(name.to_owned(), text),
                None => self.texts.remove(name),
            };
        }
        Ok(reply)
    }
}

fn kind(command: &Command) -> &'static str {
    match command {
        Command::Validate { .. } => "validate",
        Command::Create(_) => "create",
        Command::Update { .. } => "update",
        Command::Rotate(_) => "rotate",
        Command::Succeed { .. } => "succeed",
        Command::Destroy { .. } => "destroy",
        Command::DestroyAll { .. } => "destroy_all",
        Command::List => "list",
        Command::Sweep => "sweep",
    }
}
