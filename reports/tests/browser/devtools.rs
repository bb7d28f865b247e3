//! The Chrome DevTools Protocol over a pipe: JSON messages, each ended by a zero byte. Needs no port and no network.

use std::env;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// No step of a test takes this long; a browser that hangs ends the test with its name on it.
const DEADLINE: Duration = Duration::from_secs(60);

const FLAGS: [&str; 14] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    // The same pixels on every machine.
    "--force-device-scale-factor=1",
    "--hide-scrollbars",
    "--font-render-hinting=none",
    "--remote-debugging-pipe",
    "about:blank",
];

/// A headless Chromium with one page, ended when dropped.
pub(crate) struct Browser {
    process: Child,
    // Taken when it is ended, which tells the browser to go.
    input: Option<ChildStdin>,
    messages: Receiver<Value>,
    /// What the page did since the last navigation.
    pub(crate) events: Vec<Value>,
    session: Option<String>,
    last_id: u64,
    profile: tempfile::TempDir,
}

impl Browser {
    /// Starts the browser that `BROWNOUT_CHROMIUM` names.
    pub(crate) fn start() -> Self {
        let program = env::var_os("BROWNOUT_CHROMIUM").unwrap_or_else(|| {
            panic!("BROWNOUT_CHROMIUM is not set: it names a Chromium, as script/chromium is one that needs no installation")
        });
        let profile = tempfile::tempdir().unwrap();
        let complaints = File::create(profile.path().join("stderr")).unwrap();
        // The browser reads its third and writes its fourth descriptor.
        let mut process = Command::new("/bin/sh")
            .args(["-c", r#"exec "$0" "$@" 3<&0 4>&1 1>&2"#])
            .arg(program)
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", profile.path().join("profile").display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(complaints)
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let (sender, messages) = mpsc::channel();
        thread::spawn(move || {
            for message in output.split(0).map_while(Result::ok) {
                let Ok(message) = serde_json::from_slice(&message) else { break };
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let input = process.stdin.take();
        let mut browser =
            Self { process, input, messages, events: Vec::new(), session: None, last_id: 0, profile };
        browser.open_page();
        browser
    }

    fn open_page(&mut self) {
        let page = self.call("Target.createTarget", &json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": page["targetId"], "flatten": true });
        let session = self.call("Target.attachToTarget", &attach);
        self.session = session["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            self.call(&format!("{domain}.enable"), &json!({}));
        }
    }

    /// Calls a method and waits for its result.
    pub(crate) fn call(&mut self, method: &str, params: &Value) -> Value {
        self.last_id += 1;
        let id = self.last_id;
        let mut message = json!({ "id": id, "method": method, "params": params });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        let written = self.input.as_mut().unwrap().write_all(&bytes);
        let answer = written.ok().and_then(|()| self.wait_for(|message| message["id"] == id));
        let answer = answer.unwrap_or_else(|| panic!("{method}: no answer; {}", self.last_words()));
        assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
        answer["result"].clone()
    }

    /// Waits for an event of the page.
    pub(crate) fn await_event(&mut self, method: &str) {
        if self.events.iter().any(|event| event["method"] == method) {
            return;
        }
        let event = self.wait_for(|message| message["method"] == method);
        let event = event.unwrap_or_else(|| panic!("{method} did not come; {}", self.last_words()));
        self.events.push(event);
    }

    /// The first message that is `wanted`; events on the way are kept.
    fn wait_for(&mut self, wanted: impl Fn(&Value) -> bool) -> Option<Value> {
        let give_up = Instant::now() + DEADLINE;
        loop {
            let left = give_up.saturating_duration_since(Instant::now());
            let message = self.messages.recv_timeout(left).ok()?;
            if wanted(&message) {
                return Some(message);
            }
            if message.get("method").is_some() {
                self.events.push(message);
            }
        }
    }

    /// Runs JavaScript in the page and gives its value.
    pub(crate) fn evaluate(&mut self, script: &str) -> Value {
        let result = self.call(
            "Runtime.evaluate",
            &json!({ "expression": script, "returnByValue": true, "awaitPromise": true }),
        );
        assert!(result["exceptionDetails"].is_null(), "the script failed: {}", result["exceptionDetails"]);
        result["result"]["value"].clone()
    }

    fn last_words(&self) -> String {
        let said = fs::read_to_string(self.profile.path().join("stderr")).unwrap_or_default();
        let lines: Vec<&str> = said.lines().filter(|line| !line.contains("dbus")).collect();
        format!("the browser's last words: {}", lines[lines.len().saturating_sub(5)..].join(" | "))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        drop(self.input.take());
        // Its other processes end with the one that was started.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
