//! What init does when flowbed has died without taking its network down.
//!
//! The kernel waits for an RCU grace period (some 10 ms) whenever a packet socket is closed, and closes those of a
//! process that ends in a row: seconds for an `ovs-vswitchd` with hundreds of ports. So init does what an orderly end
//! does too: it takes copies of these sockets first, and closes them side by side when their owners are gone.
//!
//! All of this runs in a process forked from one with other threads: system calls and the stack, nothing else
//! (`signal-safety(7)`).

use nix::libc;

/// Processes that close. They only wait: more of them than processors is what makes it fast.
const CLOSERS: libc::c_int = 64;

/// How many numbers without a process behind them, in a row, end the search for processes; and the same for the
/// descriptors of one. What is missed is closed by its owner, which is only slower.
const PROCESS_GAP: libc::c_int = 1 << 15;
const DESCRIPTOR_GAP: libc::c_int = 1 << 10;

/// How many processes with packet sockets are awaited.
const OWNERS: usize = 32;

/// How long a killed process may take until it has let go of its descriptors, in ms.
const PATIENCE: libc::c_int = 2_000;

/// Ends every process of the namespace, quickly.
///
/// # Safety
/// For the first process of a pid namespace alone, where `kill(-1)` means that namespace's processes (`kill(2)`); it
/// must have no descriptor open that it needs.
pub(super) unsafe fn end_namespace() {
    // SAFETY: system calls on integers, and on descriptors made here.
    unsafe {
        // Stopped, nobody makes more sockets while we take those there are.
        libc::kill(-1, libc::SIGSTOP);
        let mut owners = [-1; OWNERS];
        let highest = take(&mut owners);
        libc::kill(-1, libc::SIGKILL);
        for owner in owners.into_iter().filter(|owner| *owner >= 0) {
            // Readable once it has ended (pidfd_open(2)).
            let mut ended = libc::pollfd { fd: owner, events: libc::POLLIN, revents: 0 };
            libc::poll(&raw mut ended, 1, PATIENCE);
        }
        release(highest);
    }
}

/// Takes copies of all packet sockets, and descriptors of their owners. Returns the highest descriptor.
unsafe fn take(owners: &mut [libc::c_int; OWNERS]) -> libc::c_int {
    let mut free = owners.iter_mut();
    let (mut highest, mut process, mut missed) = (-1, 2, 0);
    while missed < PROCESS_GAP {
        // SAFETY: integers only.
        let pidfd = unsafe { libc::syscall(libc::SYS_pidfd_open, process, 0) } as libc::c_int;
        process += 1;
        if pidfd < 0 {
            missed += 1;
            continue;
        }
        missed = 0;
        // SAFETY: the descriptor was just made.
        let last = unsafe { take_from(pidfd) };
        match free.next() {
            Some(slot) if last >= 0 => {
                *slot = pidfd;
                highest = last.max(pidfd).max(highest);
            }
            _ => {
                // SAFETY: as above; nobody else has it.
                unsafe { libc::close(pidfd) };
                highest = last.max(highest);
            }
        }
    }
    highest
}

/// Takes copies of one process's packet sockets. Returns the highest of them, or -1.
unsafe fn take_from(pidfd: libc::c_int) -> libc::c_int {
    let (mut highest, mut number, mut missed) = (-1, 0, 0);
    while missed < DESCRIPTOR_GAP {
        // SAFETY: integers only.
        let copy = unsafe { libc::syscall(libc::SYS_pidfd_getfd, pidfd, number, 0) } as libc::c_int;
        number += 1;
        if copy < 0 {
            missed += 1;
            continue;
        }
        missed = 0;
        let mut domain: libc::c_int = 0;
        let mut length = size_of::<libc::c_int>() as libc::socklen_t;
        // SAFETY: the option is an integer, on the stack, with its length; `copy` was just made.
        unsafe {
            let (value, length) = ((&raw mut domain).cast(), &raw mut length);
            let answer = libc::getsockopt(copy, libc::SOL_SOCKET, libc::SO_DOMAIN, value, length);
            if answer == 0 && domain == libc::AF_PACKET {
                highest = copy.max(highest);
            } else {
                libc::close(copy);
            }
        }
    }
    highest
}

/// Closes all descriptors up to `highest`, side by side, and returns when all are closed.
unsafe fn release(highest: libc::c_int) {
    let share = (highest + CLOSERS) / CLOSERS;
    let mut first = 0;
    while first <= highest {
        let (from, to) = (first.cast_unsigned(), (first + share - 1).cast_unsigned());
        first += share;
        // SAFETY: a zeroed clone_args asks for a fork; with CLONE_FILES the child closes in our own table. It makes
        // system calls alone.
        unsafe {
            let mut arguments = std::mem::zeroed::<libc::clone_args>();
            arguments.flags = libc::CLONE_FILES as u64;
            arguments.exit_signal = libc::SIGCHLD as u64;
            let closer = libc::syscall(libc::SYS_clone3, &raw mut arguments, size_of::<libc::clone_args>());
            if closer <= 0 {
                // In the child; or here, where there is none to be had.
                libc::syscall(libc::SYS_close_range, from, to, 0_u32);
            }
            if closer == 0 {
                libc::_exit(0);
            }
        }
    }
    // SAFETY: integers only. With SIGCHLD ignored this returns when no child is left (wait(2)).
    unsafe { libc::waitpid(-1, std::ptr::null_mut(), 0) };
}
