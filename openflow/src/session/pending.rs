//! Requests that wait for their answers.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::config::Config;
use super::event::{Reply, RequestError};
use crate::error::ErrorMsg;
use crate::extension::{BundleControl, BundleId, BundleStep, Extension};
use crate::ids::Xid;
use crate::message::Body;
use crate::multipart::{MultipartBody, MultipartReply};

type Answer = Result<Reply, RequestError>;

/// What answers a request.
#[derive(Debug)]
pub(super) enum Expect {
    /// A single message of this type.
    Reply(u8),
    /// The step that answers one of this bundle's.
    Bundle(BundleId, BundleStep),
    /// Parts of this kind, up to the last.
    Multipart { kind: u16, parts: usize, gathered: Option<MultipartBody> },
    /// The reply to a barrier: its own (a barrier request), or that of its epoch (a modification).
    Barrier,
}

impl Expect {
    /// What OpenFlow defines as the reply to `body`.
    pub(super) fn reply_to(body: &Body) -> Option<Expect> {
        /// Message types of OF 1.3.5 §7.1 whose reply has the number after their own.
        const ANSWERED_BY_NEXT: [u8; 5] = [5, 7, 22, 24, 26];
        match body {
            Body::BarrierRequest => Some(Expect::Barrier),
            Body::MultipartRequest(request) => {
                Some(Expect::Multipart { kind: request.kind(), parts: 0, gathered: None })
            }
            Body::Extension(it) => match **it {
                Extension::BundleControl(it) => it.step.reply().map(|reply| Expect::Bundle(it.bundle, reply)),
                _ => None,
            },
            other => {
                ANSWERED_BY_NEXT.contains(&other.msg_type()).then(|| Expect::Reply(other.msg_type() + 1))
            }
        }
    }

    /// Whether `body` is the single reply that is awaited.
    fn is_met_by(&self, body: &Body) -> bool {
        match self {
            Expect::Reply(msg_type) => *msg_type == body.msg_type(),
            Expect::Bundle(bundle, step) => match body {
                Body::Extension(it) => {
                    matches!(**it, Extension::BundleControl(BundleControl { bundle: b, step: s, .. })
                    if (b, s) == (*bundle, *step))
                }
                _ => false,
            },
            Expect::Multipart { .. } | Expect::Barrier => false,
        }
    }

    /// Whether a message of this type may be the answer, as far as one that can't be read tells.
    fn is_of_type(&self, msg_type: u8) -> bool {
        const ERROR: u8 = 1;
        const EXPERIMENTER: u8 = 4;
        const MULTIPART_REPLY: u8 = 19;
        match self {
            _ if msg_type == ERROR => true,
            Expect::Reply(expected) => *expected == msg_type,
            Expect::Bundle(..) => msg_type == EXPERIMENTER,
            Expect::Multipart { .. } => msg_type == MULTIPART_REPLY,
            Expect::Barrier => false,
        }
    }
}

#[derive(Debug)]
struct Entry {
    expect: Expect,
    deadline: Instant,
}

/// Modifications between two barriers, and the barrier behind them.
#[derive(Debug)]
struct Epoch {
    barrier: Xid,
    members: Vec<Xid>,
}

#[derive(Debug)]
pub(super) struct Pending {
    entries: HashMap<Xid, Entry>,
    /// In the order of sending. All waits are equally long, so this is the order of the deadlines too,
    /// save for those that a part of a multipart reply has put off.
    order: VecDeque<(Instant, Xid)>,
    open_epoch: Vec<Xid>,
    /// By number, in the order of sending.
    epochs: BTreeMap<u64, Epoch>,
    next_epoch: u64,
    /// The epoch that each barrier closes.
    barriers: HashMap<Xid, u64>,
    answers: VecDeque<(Xid, Answer)>,
    timeout: Duration,
    max_outstanding: usize,
    max_parts: usize,
}

impl Pending {
    pub(super) fn new(config: &Config) -> Pending {
        Pending {
            entries: HashMap::new(),
            order: VecDeque::new(),
            open_epoch: Vec::new(),
            epochs: BTreeMap::new(),
            next_epoch: 0,
            barriers: HashMap::new(),
            answers: VecDeque::new(),
            timeout: config.request_timeout,
            max_outstanding: config.max_outstanding,
            max_parts: config.max_multipart_parts,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.entries.len() >= self.max_outstanding
    }

    pub(super) fn contains(&self, xid: Xid) -> bool {
        self.entries.contains_key(&xid) || self.barriers.contains_key(&xid)
    }

    pub(super) fn insert(&mut self, xid: Xid, expect: Expect, now: Instant) {
        let deadline = now + self.timeout;
        self.entries.insert(xid, Entry { expect, deadline });
        self.order.push_back((deadline, xid));
    }

    pub(super) fn has_answers(&self) -> bool {
        !self.answers.is_empty()
    }

    pub(super) fn next_answer(&mut self) -> Option<(Xid, Answer)> {
        self.answers.pop_front()
    }

    // Epochs: which modifications a barrier acknowledges.

    pub(super) fn join_epoch(&mut self, xid: Xid) {
        self.open_epoch.push(xid);
    }

    pub(super) fn has_open_epoch(&self) -> bool {
        !self.open_epoch.is_empty()
    }

    /// The caller's own barrier request serves those before it as well.
    pub(super) fn close_epoch(&mut self, barrier: Xid) {
        let mut members = std::mem::take(&mut self.open_epoch);
        members.push(barrier);
        self.push_epoch(Epoch { barrier, members });
    }

    /// A barrier of the session's own, for which nobody waits.
    pub(super) fn close_epoch_unasked(&mut self, barrier: Xid, now: Instant) {
        let members = std::mem::take(&mut self.open_epoch);
        // The wait counts from the barrier: a modification that lay in the batch has lost nothing.
        for xid in &members {
            if let Some(entry) = self.entries.get_mut(xid) {
                entry.deadline = now + self.timeout;
            }
        }
        self.push_epoch(Epoch { barrier, members });
    }

    fn push_epoch(&mut self, epoch: Epoch) {
        self.barriers.insert(epoch.barrier, self.next_epoch);
        self.epochs.insert(self.next_epoch, epoch);
        self.next_epoch += 1;
    }

    fn take_epoch(&mut self, number: u64) -> Option<Epoch> {
        let epoch = self.epochs.remove(&number)?;
        self.barriers.remove(&epoch.barrier);
        Some(epoch)
    }

    /// Replies to barriers come in order, so one answers for all barriers before it too.
    pub(super) fn barrier(&mut self, barrier: Xid) {
        let Some(last) = self.barriers.get(&barrier).copied() else { return };
        while let Some((&number, _)) = self.epochs.range(..=last).next() {
            for xid in self.take_epoch(number).into_iter().flat_map(|epoch| epoch.members) {
                self.finish(xid, || Ok(Reply::Done));
            }
        }
    }

    #[cfg(test)]
    pub(super) fn epochs(&self) -> usize {
        self.epochs.len()
    }

    // Answers.

    /// Whether this is the single reply that is awaited under this transaction id.
    pub(super) fn awaits(&self, xid: Xid, body: &Body) -> bool {
        self.entries.get(&xid).is_some_and(|entry| entry.expect.is_met_by(body))
    }

    /// A single reply. What nobody waits for is given back.
    pub(super) fn reply(&mut self, xid: Xid, body: Body) -> Option<Body> {
        if !self.awaits(xid, &body) {
            return Some(body);
        }
        self.finish(xid, || Ok(Reply::Body(Box::new(body))));
        None
    }

    /// A part of a multipart reply. What nobody waits for is given back.
    pub(super) fn gather(&mut self, xid: Xid, reply: MultipartReply, now: Instant) -> Option<MultipartReply> {
        let max_parts = self.max_parts;
        let deadline = now + self.timeout;
        let Some(entry) = self.entries.get_mut(&xid) else { return Some(reply) };
        let Expect::Multipart { kind, parts, gathered } = &mut entry.expect else { return Some(reply) };
        if reply.body.kind() != *kind {
            return Some(reply);
        }
        *parts += 1;
        entry.deadline = deadline;
        let more = reply.more;
        let joined = match gathered {
            None => {
                *gathered = Some(reply.body);
                Ok(())
            }
            Some(so_far) => so_far.extend(reply.body).map_err(|e| RequestError::BadReply(e.to_string())),
        };
        let outcome = match joined {
            Err(error) => Some(Err(error)),
            Ok(()) if !more => gathered.take().map(|body| Ok(Reply::Multipart(body))),
            Ok(()) if *parts >= max_parts => Some(Err(RequestError::TooManyParts(max_parts))),
            Ok(()) => None,
        };
        if let Some(outcome) = outcome {
            self.finish(xid, || outcome);
        }
        None
    }

    /// The switch's error. It belongs to the request with its transaction id; to a whole epoch where it
    /// refuses the barrier. Else it is given back.
    pub(super) fn refuse(&mut self, xid: Xid, error: ErrorMsg) -> Option<ErrorMsg> {
        if let Some(epoch) = self.barriers.get(&xid).copied().and_then(|number| self.take_epoch(number)) {
            for member in epoch.members {
                self.finish(member, || Err(RequestError::Refused(error.clone())));
            }
            return None;
        }
        if self.entries.contains_key(&xid) {
            self.finish(xid, || Err(RequestError::Refused(error)));
            return None;
        }
        Some(error)
    }

    /// A message of this type and transaction id can't be read: it ends the request that awaits such a one.
    pub(super) fn unreadable(&mut self, xid: Xid, msg_type: u8, why: impl FnOnce() -> RequestError) {
        if self.entries.get(&xid).is_some_and(|entry| entry.expect.is_of_type(msg_type)) {
            self.finish(xid, || Err(why()));
        }
    }

    pub(super) fn disconnect(&mut self) {
        self.epochs.clear();
        self.barriers.clear();
        self.open_epoch.clear();
        for (_, xid) in std::mem::take(&mut self.order) {
            self.finish(xid, || Err(RequestError::Disconnected));
        }
    }

    fn finish(&mut self, xid: Xid, answer: impl FnOnce() -> Answer) {
        if self.entries.remove(&xid).is_some() {
            self.answers.push_back((xid, answer()));
        }
    }

    // Time.

    pub(super) fn next_deadline(&mut self) -> Option<Instant> {
        self.settle();
        self.order.front().map(|(deadline, _)| *deadline)
    }

    pub(super) fn expire(&mut self, now: Instant) {
        loop {
            self.settle();
            match self.order.front() {
                Some((deadline, xid)) if *deadline <= now => {
                    let xid = *xid;
                    self.finish(xid, || Err(RequestError::Timeout));
                }
                _ => break,
            }
        }
        // A peer that never answers barriers must not make the list of epochs grow.
        while let Some((&number, epoch)) = self.epochs.first_key_value() {
            if epoch.members.iter().any(|xid| self.entries.contains_key(xid)) {
                break;
            }
            self.take_epoch(number);
        }
    }

    /// Brings an entry to the front that still waits, with its true deadline.
    fn settle(&mut self) {
        while let Some((deadline, xid)) = self.order.front().copied() {
            match self.entries.get(&xid) {
                None => drop(self.order.pop_front()),
                Some(entry) if entry.deadline > deadline => {
                    let put_off = (entry.deadline, xid);
                    self.order.pop_front();
                    self.order.push_back(put_off);
                }
                Some(_) => return,
            }
        }
    }
}
