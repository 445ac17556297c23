//! The kernel's process events (linux/cn_proc.h over linux/connector.h): which process was born,
//! became another, or ended. They exist in the first network and process namespaces only, and for
//! CAP_NET_ADMIN.
use rtnetlink::sys::{
    AsyncSocket, AsyncSocketExt, SocketAddr, TokioSocket, protocols::NETLINK_CONNECTOR,
};
use std::{io, time::Duration};

/// CN_IDX_PROC and CN_VAL_PROC; the first is the multicast group too.
const PROC: u32 = 1;
/// PROC_CN_MCAST_LISTEN.
const LISTEN: u32 = 1;
const NLMSG_DONE: u16 = 3;
/// struct nlmsghdr, struct cn_msg.
const HEADERS: usize = 16 + 20;
/// From the start of struct proc_event to what depends on the kind.
const EVENT_HEADER: usize = 16;
/// A burst of some thousands of events.
const RECEIVE_BUFFER: usize = 1 << 20;
/// How long the kernel may take to confirm; in a namespace it says nothing at all.
const PATIENCE: Duration = Duration::from_millis(500);

/// What happened to a process; threads are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProcEvent {
    /// It is new, or has another name or command line.
    Changed(i32),
    Ended(i32),
    /// The answer to our request to listen: 0, or an errno.
    Confirmed(u32),
}

pub(super) struct ProcEvents {
    socket: TokioSocket,
    buffer: Vec<u8>,
}

impl ProcEvents {
    /// Begins to listen, or says why that is refused.
    pub(super) async fn open() -> io::Result<Self> {
        let mut registered = TokioSocket::new(NETLINK_CONNECTOR)?;
        let socket = registered.socket_mut();
        socket.bind(&SocketAddr::new(0, PROC))?;
        if let Err(error) = socket.set_rx_buf_sz(RECEIVE_BUFFER) {
            tracing::debug!("receive buffer of process events: {error}");
        }
        socket.send_to(&listen(), &SocketAddr::new(0, 0), 0)?;
        let mut events = Self { socket: registered, buffer: Vec::with_capacity(4096) };
        let confirmed = async {
            loop {
                if let ProcEvent::Confirmed(errno) = events.next().await? {
                    return match i32::try_from(errno) {
                        Ok(0) => Ok(()),
                        Ok(errno) => Err(io::Error::from_raw_os_error(errno)),
                        Err(_) => Err(io::Error::from(io::ErrorKind::InvalidData)),
                    };
                }
            }
        };
        match tokio::time::timeout(PATIENCE, confirmed).await {
            Ok(done) => done?,
            Err(_) => return Err(io::Error::from(io::ErrorKind::TimedOut)),
        }
        Ok(events)
    }

    /// The next event. After ENOBUFS some were lost.
    pub(super) async fn next(&mut self) -> io::Result<ProcEvent> {
        loop {
            self.buffer.clear();
            self.socket.recv(&mut self.buffer).await?;
            if let Some(event) = decode(&self.buffer) {
                return Ok(event);
            }
        }
    }
}

/// nlmsghdr, cn_msg, and the operation.
fn listen() -> Vec<u8> {
    let mut bytes = vec![];
    let total = u32::try_from(HEADERS + 4).unwrap_or(0);
    bytes.extend(total.to_ne_bytes());
    bytes.extend(NLMSG_DONE.to_ne_bytes());
    bytes.extend([0; 2 + 4 + 4]);
    bytes.extend(PROC.to_ne_bytes());
    bytes.extend(PROC.to_ne_bytes());
    bytes.extend([0; 4 + 4]);
    bytes.extend(4_u16.to_ne_bytes());
    bytes.extend([0; 2]);
    bytes.extend(LISTEN.to_ne_bytes());
    bytes
}

/// None for what is of no interest, and for what is cut short.
fn decode(message: &[u8]) -> Option<ProcEvent> {
    let event = message.get(HEADERS..)?;
    let word = |at: usize| {
        let bytes = event.get(at..at + 4)?;
        Some(u32::from_ne_bytes(bytes.try_into().ok()?))
    };
    let pid = |at: usize| i32::try_from(word(EVENT_HEADER + at)?).ok();
    // Of a process both numbers are the same; of its further threads they differ.
    let process = |at: usize| pid(at).filter(|first| pid(at + 4) == Some(*first));
    match word(0)? {
        0 => Some(ProcEvent::Confirmed(word(EVENT_HEADER)?)),
        // Fork: the parent's two numbers come first. Exec. Another name.
        1 => process(8).map(ProcEvent::Changed),
        2 => pid(4).map(ProcEvent::Changed),
        0x200 => process(0).map(ProcEvent::Changed),
        0x8000_0000 => process(0).map(ProcEvent::Ended),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(what: u32, words: &[u32]) -> Vec<u8> {
        let mut bytes = vec![0; HEADERS];
        bytes.extend(what.to_ne_bytes());
        bytes.extend([0; 12]);
        words.iter().for_each(|word| bytes.extend(word.to_ne_bytes()));
        bytes
    }

    #[test]
    fn events_of_processes_and_not_of_threads() {
        use ProcEvent::{Changed, Confirmed, Ended};
        for (what, words, expected) in [
            (0, &[0][..], Some(Confirmed(0))),
            (0, &[1], Some(Confirmed(1))),
            (1, &[7, 7, 9, 9], Some(Changed(9))),
            (1, &[7, 7, 9, 7], None),
            (2, &[10, 9], Some(Changed(9))),
            (0x200, &[9, 9, 0, 0, 0, 0], Some(Changed(9))),
            (0x200, &[10, 9, 0, 0, 0, 0], None),
            (0x8000_0000, &[9, 9, 0, 17], Some(Ended(9))),
            (0x8000_0000, &[10, 9, 0, 17], None),
            (4, &[9, 9, 0, 0], None),
            (1, &[7, 7, 9], None),
        ] {
            assert_eq!(decode(&message(what, words)), expected, "{what:#x} {words:?}");
        }
        assert_eq!(decode(&[0; 10]), None);
        assert_eq!(listen().len(), 40);
    }

    /// In containers and for others than root the kernel refuses, and there is nothing to see.
    #[tokio::test]
    async fn the_kernel_tells_of_a_process_where_it_may() {
        let Ok(mut events) = ProcEvents::open().await else { return };
        let mut child = std::process::Command::new("sleep").arg("100").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let heard = async |events: &mut ProcEvents, wanted| {
            while events.next().await.unwrap() != wanted {}
        };
        let both = async {
            heard(&mut events, ProcEvent::Changed(pid)).await;
            child.kill().unwrap();
            heard(&mut events, ProcEvent::Ended(pid)).await;
        };
        tokio::time::timeout(Duration::from_secs(30), both).await.unwrap();
        child.wait().unwrap();
    }
}
