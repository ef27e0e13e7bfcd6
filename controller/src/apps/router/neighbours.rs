//! Who is in a router's subnets, as far as it had to ask: a machine without a clock or a socket.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::time::Duration;

use super::flows::{Known, Place};
use crate::TimerId;

/// Addresses that are asked for, or known, at one time.
const MOST: usize = 16_384;
/// Of these, addresses that nobody has answered for yet: who scans a subnet must not take the others' place.
const MOST_ASKED: usize = 1024;
/// Packets that wait for one answer.
const MOST_WAITING: usize = 8;
/// Questions without an answer after which nobody is there.
const QUESTIONS: u8 = 3;
/// Between questions (RFC 4861 §10, RETRANS_TIMER).
const AGAIN: Duration = Duration::from_secs(1);
/// After an answer the neighbour is asked once more, so that one that has gone is noticed.
const REFRESH: Duration = Duration::from_secs(60);

#[derive(Debug)]
struct Neighbour<P> {
    interface: usize,
    place: Option<Place>,
    /// Since the last answer.
    questions: u8,
    waiting: Vec<P>,
    timer: Option<TimerId>,
}

/// All neighbours of a router; `P` are packets that wait.
#[derive(Debug)]
pub(super) struct Neighbours<P> {
    all: BTreeMap<IpAddr, Neighbour<P>>,
    timers: HashMap<TimerId, IpAddr>,
    /// How many have no place.
    unanswered: usize,
}

impl<P> Default for Neighbours<P> {
    fn default() -> Self {
        Neighbours { all: BTreeMap::new(), timers: HashMap::new(), unanswered: 0 }
    }
}

/// What is to be done with a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is sent there.
    Send(Place),
    /// It waits, and this is asked.
    Ask(Ask),
    /// It waits with others.
    Waits,
    /// It is dropped: too many wait.
    Full,
}

/// What is to be done when a timer has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Due<P> {
    /// This is asked again.
    Ask(Ask),
    /// Nobody is there; these have waited in vain.
    Gone(Vec<P>),
}

/// What an answer brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer<P> {
    /// Whether the neighbour was not known to be there.
    pub(super) is_news: bool,
    /// What has waited for it.
    pub(super) waiting: Vec<P>,
    /// When [`Neighbours::timer`] is to be called.
    pub(super) again: Duration,
}

/// A question that is to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) interface: usize,
    pub(super) address: IpAddr,
    /// Where the neighbour was; `None` is everywhere on the interface.
    pub(super) at: Option<Place>,
    /// When [`Neighbours::timer`] is to be called.
    pub(super) again: Duration,
}

impl<P> Neighbours<P> {
    /// A packet is for this address of the subnet of an interface.
    pub(super) fn want(&mut self, address: IpAddr, interface: usize, packet: P) -> Outcome {
        let (full, unanswered) = (self.all.len() >= MOST, &mut self.unanswered);
        match self.all.get_mut(&address) {
            Some(Neighbour { place: Some(place), .. }) => Outcome::Send(*place),
            Some(asked) if asked.waiting.len() >= MOST_WAITING => Outcome::Full,
            Some(asked) => {
                asked.waiting.push(packet);
                Outcome::Waits
            }
            None if full || *unanswered >= MOST_ASKED => Outcome::Full,
            None => {
                *unanswered += 1;
                let new =
                    Neighbour { interface, place: None, questions: 1, waiting: vec![packet], timer: None };
                self.all.insert(address, new);
                Outcome::Ask(Ask { interface, address, at: None, again: AGAIN })
            }
        }
    }

    /// The timer that is to come after a question or an answer; the one before counts no more.
    pub(super) fn set_timer(&mut self, address: IpAddr, timer: TimerId) {
        if let Some(neighbour) = self.all.get_mut(&address) {
            if let Some(before) = neighbour.timer.replace(timer) {
                self.timers.remove(&before);
            }
            self.timers.insert(timer, address);
        }
    }

    /// A timer has come; `None` if it is not one of these.
    pub(super) fn timer(&mut self, timer: TimerId) -> Option<Due<P>> {
        let address = self.timers.remove(&timer)?;
        let neighbour = self.all.get_mut(&address)?;
        if neighbour.questions >= QUESTIONS {
            let waiting = self.forget(address);
            return Some(Due::Gone(waiting));
        }
        // Who does not answer where it was may have moved.
        let at = neighbour.place.filter(|_| neighbour.questions == 0);
        neighbour.questions += 1;
        Some(Due::Ask(Ask { interface: neighbour.interface, address, at, again: AGAIN }))
    }

    /// A neighbour tells where it is; `None` if it is none that was asked for.
    pub(super) fn answered(&mut self, address: IpAddr, place: Place) -> Option<Answer<P>> {
        let neighbour = self.all.get_mut(&address)?;
        let before = neighbour.place.replace(place);
        neighbour.questions = 0;
        if before.is_none() {
            self.unanswered -= 1;
        }
        let waiting = std::mem::take(&mut neighbour.waiting);
        Some(Answer { is_news: before != Some(place), waiting, again: REFRESH })
    }

    /// Forgets all for which `keep` is false.
    pub(super) fn retain(&mut self, keep: impl Fn(IpAddr, usize) -> bool) {
        let gone = self.all.iter().filter(|(address, it)| !keep(**address, it.interface));
        let gone: Vec<IpAddr> = gone.map(|(address, _)| *address).collect();
        for address in gone {
            self.forget(address);
        }
    }

    fn forget(&mut self, address: IpAddr) -> Vec<P> {
        let Some(neighbour) = self.all.remove(&address) else { return Vec::new() };
        if neighbour.place.is_none() {
            self.unanswered -= 1;
        }
        if let Some(timer) = neighbour.timer {
            self.timers.remove(&timer);
        }
        neighbour.waiting
    }

    /// Those that are there.
    pub(super) fn known(&self) -> Known {
        self.all.iter().filter_map(|(address, it)| Some((*address, it.place?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use openflow::{MacAddr, PortNo};

    use super::*;

    const HOST: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 1, 5));

    fn place(port: u32) -> Place {
        Place { mac: MacAddr([2, 0, 0, 0, 0, 5]), port: PortNo(port), vlan: None }
    }

    #[test]
    fn packets_wait_for_an_answer_and_not_more_than_a_few() {
        let mut it = Neighbours::default();
        let ask = Ask { interface: 2, address: HOST, at: None, again: AGAIN };
        assert_eq!(it.want(HOST, 2, 0), Outcome::Ask(ask));
        for packet in 1..MOST_WAITING {
            assert_eq!(it.want(HOST, 2, packet), Outcome::Waits);
        }
        assert_eq!(it.want(HOST, 2, 99), Outcome::Full);
        let answer = it.answered(HOST, place(3)).unwrap();
        assert_eq!((answer.is_news, answer.waiting.len()), (true, MOST_WAITING));
        assert_eq!(it.want(HOST, 2, 0), Outcome::Send(place(3)));
        assert_eq!(it.known(), Known::from([(HOST, place(3))]));
        assert!(!it.answered(HOST, place(3)).unwrap().is_news);
        assert!(it.answered(HOST, place(4)).unwrap().is_news, "it has moved");
        assert_eq!(it.answered([10, 0, 1, 6].into(), place(4)), None, "nobody asked");
    }

    #[test]
    fn who_does_not_answer_three_questions_is_gone() {
        let mut it = Neighbours::default();
        it.want(HOST, 0, 'p');
        for number in 0..3 {
            it.set_timer(HOST, TimerId(number));
            match it.timer(TimerId(number)).unwrap() {
                Due::Ask(ask) => assert!(number < 2 && ask.at.is_none()),
                Due::Gone(waiting) => assert_eq!((number, waiting), (2, vec!['p'])),
            }
        }
        assert!(it.all.is_empty() && it.timers.is_empty() && it.unanswered == 0);
        // One that was known is asked where it was, and its old timers mean nothing.
        it.want(HOST, 0, 'p');
        it.set_timer(HOST, TimerId(7));
        it.answered(HOST, place(3));
        it.set_timer(HOST, TimerId(8));
        assert_eq!(it.timer(TimerId(7)), None);
        let Some(Due::Ask(ask)) = it.timer(TimerId(8)) else { panic!("asked again") };
        assert_eq!(ask.at, Some(place(3)));
        it.set_timer(HOST, TimerId(9));
        let Some(Due::Ask(ask)) = it.timer(TimerId(9)) else { panic!("asked again") };
        assert_eq!(ask.at, None, "it may have moved");
    }

    #[test]
    fn who_scans_a_subnet_takes_no_more_than_the_room_for_that() {
        let mut it = Neighbours::default();
        let address = |number: u32| IpAddr::V4((0x0a00_0000 + number).into());
        for number in 0..MOST_ASKED as u32 {
            assert!(matches!(it.want(address(number), 0, ()), Outcome::Ask(_)));
        }
        assert_eq!(it.want(address(9999), 0, ()), Outcome::Full);
        it.answered(address(1), place(1));
        assert!(matches!(it.want(address(9999), 0, ()), Outcome::Ask(_)));
        it.retain(|_, _| false);
        assert_eq!((it.all.len(), it.unanswered), (0, 0));
    }
}
