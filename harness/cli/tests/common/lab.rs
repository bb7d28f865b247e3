//! A lab that is up, seen from its nodes.

use std::process::Command;

use nix::sys::signal::Signal;

use super::{Background, Ended, Home, await_up, by};

/// A lab in the background, taken down with the test.
pub struct Lab<'a> {
    home: &'a Home,
    running: Background,
    name: String,
}

/// Speaks HTTP as a program on the client's computer does, and prints status, head and body. Certificates are verified.
const GET: &str = r#"
import http.client, json, ssl, sys
method, url, body = sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None
scheme, _, rest = url.partition("://")
host, slash, path = rest.partition("/")
if scheme == "https":
    trust = ssl.create_default_context(cafile="/run/brownout/tls/authority.pem")
    c = http.client.HTTPSConnection(host, timeout=10, context=trust)
else:
    c = http.client.HTTPConnection(host, timeout=10)
c.request(method, "/" + path, body, {"Content-Type": "application/json"} if body else {})
r = c.getresponse()
print(r.status)
for name, value in r.getheaders():
    print("%s: %s" % (name.lower(), value))
print()
print(r.read().decode())
"#;

/// Tells of each port, after at most a second, whether it is open, closed (refused) or silent.
const SCAN: &str = r#"
import socket, sys
from concurrent.futures import ThreadPoolExecutor
def tell(port):
    s = socket.socket()
    s.settimeout(1)
    try:
        s.connect((sys.argv[1], int(port)))
        return "open"
    except socket.timeout:
        return "silent"
    except OSError:
        return "closed"
    finally:
        s.close()
ports = sys.argv[2:]
with ThreadPoolExecutor(len(ports)) as pool:
    for port, found in zip(ports, pool.map(tell, ports)):
        print(port, found)
"#;

/// What a test asks of a lab is what it does, not how fast: with more than the usual share of a core for each node it is
/// asked sooner.
const NODE: [&str; 2] = ["--node-cores", "1"];

impl<'a> Lab<'a> {
    /// Brings `design` up, with the logs in `logs` below the home's working directory.
    pub fn up(home: &'a Home, design: &str) -> Self {
        Self::started(home, home.brownout([&["up", design, "--logs", "logs"], &NODE[..]].concat()))
    }

    /// The same by who may not leave a group, as in an ordinary user's lab.
    pub fn up_without_groups(home: &'a Home, design: &str) -> Self {
        let asked = home.brownout([&["up", design, "--logs", "logs"], &NODE[..]].concat());
        Self::started(home, by(&["unshare", "--user", "--map-root-user", "--"], &asked, home))
    }

    fn started(home: &'a Home, command: Command) -> Self {
        let mut running = Background::start(command);
        await_up(&mut running);
        let name = running.0.id().to_string();
        Self { home, running, name }
    }

    /// Runs a command on a node.
    pub fn on(&self, node: &str, argv: &[&str]) -> Ended {
        self.home.run(["exec", "--lab", &self.name, node, "--"].iter().chain(argv))
    }

    /// A shell command on a node that must work; what it printed.
    #[track_caller]
    pub fn sh(&self, node: &str, command: &str) -> String {
        let ended = self.on(node, &["/bin/bash", "-c", command]);
        ended.expect(0, &[]);
        ended.stdout.trim().to_owned()
    }

    /// The status, the head in small letters and the body that the client gets; the error when there is no answer.
    pub fn ask(&self, method: &str, url: &str, body: Option<&str>) -> String {
        let mut argv = vec!["/usr/bin/python3", "-c", GET, method, url];
        argv.extend(body);
        let ended = self.on("client", &argv);
        if ended.code == 0 { ended.stdout } else { ended.stderr }
    }

    /// "80 open\n443 silent": what a stranger on `from` finds at `address`.
    pub fn scan(&self, from: &str, address: &str, ports: &[u16]) -> String {
        let mut argv =
            vec!["/usr/bin/python3".to_owned(), "-c".to_owned(), SCAN.to_owned(), address.to_owned()];
        argv.extend(ports.iter().map(u16::to_string));
        let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
        let ended = self.on(from, &argv);
        ended.expect(0, &[]);
        ended.stdout
    }

    /// What a database says.
    #[track_caller]
    pub fn sql(&self, node: &str, sql: &str) -> String {
        let socket = format!("/run/brownout/nodes/{node}/mariadbd/mysql.sock");
        self.sh(
            node,
            &format!("mariadb --no-defaults --socket={socket} -u root -N -B -e \"{sql}\" 2>&1 || true"),
        )
    }

    /// Kills a process and everything that it started.
    pub fn kill(&self, node: &str, process: &str) {
        self.sh(node, &format!("kill -KILL -$(cat /run/brownout/nodes/{node}/{process}.pid)"));
    }

    /// Takes it down in good order.
    pub fn down(self) -> Ended {
        self.running.signal(Signal::SIGINT);
        self.running.finish()
    }
}
