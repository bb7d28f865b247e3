//! The server of the comparison: nginx with one worker and a fixed answer, on a CPU of its own.

use std::error::Error;
use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::clients::{Case, Spoken};

/// nginx, until it is dropped.
pub struct Nginx {
    child: Child,
    clear: u16,
    tls: u16,
    // Holds its files.
    _dir: tempfile::TempDir,
}

impl Nginx {
    /// Starts it on `cpu`, with a certificate of its own.
    ///
    /// # Errors
    ///
    /// When nginx is not installed or does not come up.
    pub fn start(cpu: usize) -> Result<Self, Box<dyn Error>> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().display().to_string();
        let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])?;
        fs::write(dir.path().join("cert.pem"), own.cert.pem())?;
        fs::write(dir.path().join("key.pem"), own.signing_key.serialize_pem())?;
        let (clear, tls) = (free_port()?, free_port()?);
        let config = format!(
            "worker_processes 1; daemon off; pid {path}/pid; error_log {path}/error.log;\n\
             events {{ worker_connections 12000; }}\n\
             http {{ access_log off; keepalive_requests 1000000000; keepalive_timeout 1h;\n\
             client_body_temp_path {path}/b; proxy_temp_path {path}/p; fastcgi_temp_path {path}/f;\n\
             uwsgi_temp_path {path}/u; scgi_temp_path {path}/s;\n\
             server {{ listen 127.0.0.1:{clear}; location / {{ return 200 \"hello\"; }} }}\n\
             server {{ listen 127.0.0.1:{tls} ssl http2; ssl_certificate {path}/cert.pem;\n\
             ssl_certificate_key {path}/key.pem; ssl_protocols TLSv1.3; http2_max_concurrent_streams 1024;\n\
             location / {{ return 200 \"hello\"; }} }} }}\n"
        );
        let file = dir.path().join("nginx.conf");
        fs::write(&file, config)?;
        let child = Command::new("taskset")
            .args(["-c", &cpu.to_string(), "nginx", "-p", &path, "-c"])
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let server = Self { child, clear, tls, _dir: dir };
        let began = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", tls)).is_err() {
            if began.elapsed() > Duration::from_secs(5) {
                return Err("nginx did not come up: is it installed?".into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(server)
    }

    /// What it is asked for.
    #[must_use]
    pub fn case(&self, spoken: Spoken, connections: usize) -> Case {
        let url = match spoken {
            Spoken::Http1 => format!("http://127.0.0.1:{}/", self.clear),
            Spoken::Tls | Spoken::Http2(_) => format!("https://localhost:{}/", self.tls),
        };
        Case { spoken, connections, url }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // The master takes its worker with it.
        let pid = nix::unistd::Pid::from_raw(self.child.id().cast_signed());
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        let _ = self.child.wait();
    }
}

fn free_port() -> Result<u16, Box<dyn Error>> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
