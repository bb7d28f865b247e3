//! `bare -c CONNECTIONS -d SECONDSs -p MICROSECONDS http://ADDRESS:PORT/`: the least that a client can do on epoll. It
//! receives, reads the clock and sends, parses nothing and keeps nothing. It tells how much of what the others need is the
//! kernel's. Where a wait brought fewer than 16 answers it pauses for so many microseconds before the next one, much as
//! Brownout's worker does while it is busy: with 0 it takes each answer at once.

use std::error::Error;
use std::io::Write;
use std::net::TcpStream;
use std::num::NonZeroU64;
use std::os::fd::AsFd;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::event::Timespec;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use rustix::thread::set_current_timer_slack;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [_, connections, _, length, _, pause, url] = words.as_slice() else {
        return Err("usage: bare -c CONNECTIONS -d SECONDSs -p MICROSECONDS http://ADDRESS:PORT/".into());
    };
    let pause = Duration::from_micros(pause.parse()?);
    set_current_timer_slack(NonZeroU64::new(1))?;
    let (connections, seconds): (usize, f64) = (connections.parse()?, length.trim_end_matches('s').parse()?);
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    let request =
        format!("GET / HTTP/1.1\r\nHost: {address}\r\nUser-Agent: bare\r\nAccept: */*\r\n\r\n").into_bytes();

    let watcher = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let mut sockets = Vec::with_capacity(connections);
    for index in 0..connections {
        let mut socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        socket.write_all(&request)?;
        socket.set_nonblocking(true)?;
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        epoll::add(&watcher, &socket, EventData::new_u64(index as u64), flags)?;
        sockets.push(socket);
    }
    let (began, length) = (Instant::now(), Duration::from_secs_f64(seconds));
    let mut now = began;
    let mut events: Vec<epoll::Event> = Vec::with_capacity(256);
    let mut buffer = vec![0u8; 65_536];
    let (mut answers, wait) = (0u64, Timespec { tv_sec: 0, tv_nsec: 50_000_000 });
    while now - began < length {
        events.clear();
        match epoll::wait(&watcher, rustix::buffer::spare_capacity(&mut events), Some(&wait)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        for event in &events {
            let socket = sockets[usize::try_from(event.data.u64())?].as_fd();
            match recv(socket, &mut buffer[..], RecvFlags::empty()) {
                Ok((0, _)) => return Err("the server closed a connection".into()),
                Ok(_) => {
                    now = Instant::now();
                    answers += 1;
                    send(socket, &request, SendFlags::NOSIGNAL)?;
                }
                Err(Errno::AGAIN) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        if events.is_empty() {
            now = Instant::now();
        }
        if events.len() < 16 && !pause.is_zero() {
            sleep(pause);
        }
    }
    println!("  {answers} requests in {:.2}s", began.elapsed().as_secs_f64());
    Ok(())
}
