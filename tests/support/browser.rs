//! Chromium without a window, driven over pipes by its `DevTools` protocol.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::skip::skipped_here;

/// Names of the program: Debian's, and others'.
const PROGRAMS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
/// Hosts that Chromium asks for itself, whatever it shows.
const OWN_HOSTS: [&str; 2] = [".googleapis.com", ".google.com"];
/// Longest time that a page may take to load at all.
const PATIENCE: Duration = Duration::from_mins(2);

/// A browser with one page.
pub struct Browser {
    process: Child,
    give: ChildStdin,
    take: BufReader<ChildStdout>,
    session: Option<String>,
    last: u64,
    /// Requests of the page since it was opened.
    requests: Vec<String>,
    /// Time that the processors worked for the page's process before it was opened.
    worked: Duration,
    /// Stands for all the world: whatever is asked of another host arrives here.
    proxy: TcpListener,
    _profile: TempDir,
}

impl Browser {
    /// Starts a browser; tells that the test is skipped where there is none.
    pub fn start() -> Option<Self> {
        let is_there = |program: &&str| {
            let version = Command::new(program).arg("--version").output();
            version.is_ok_and(|output| output.status.success())
        };
        let Some(program) = PROGRAMS.into_iter().find(is_there) else {
            skipped_here("no Chromium here, which .ci/setup test installs");
            return None;
        };
        let profile = tempfile::tempdir().expect("a folder");
        let proxy = TcpListener::bind("127.0.0.1:0").expect("a port");
        proxy.set_nonblocking(true).expect("a socket");
        let port = proxy.local_addr().expect("a port").port();
        // Commands come in by descriptor 3, answers go out by 4.
        let mut command = Command::new("sh");
        command
            .args(["-c", "exec \"$@\" 3<&0 4>&1 </dev/null >/dev/null", "sh"])
            .arg(program)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
            ])
            .args(["--disable-dev-shm-usage", "--disable-background-networking"])
            .args([
                "--disable-component-update",
                "--disable-sync",
                "--hide-scrollbars",
            ])
            .args(["--disable-extensions", "--remote-debugging-pipe"])
            .arg(format!("--proxy-server=http://127.0.0.1:{port}"))
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank");
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = spawned.stderr(Stdio::null()).spawn().expect("sh");
        let mut browser = Self {
            give: process.stdin.take().expect("a pipe"),
            take: BufReader::new(process.stdout.take().expect("a pipe")),
            process,
            session: None,
            last: 0,
            requests: Vec::new(),
            worked: Duration::ZERO,
            proxy,
            _profile: profile,
        };
        browser.attach();
        Some(browser)
    }

    fn attach(&mut self) {
        let target = self.call("Target.createTarget", &json!({"url": "about:blank"}));
        let target = json!({"targetId": target["targetId"], "flatten": true});
        let session = self.call("Target.attachToTarget", &target);
        self.session = session["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Network", "Runtime", "Performance"] {
            self.call(&format!("{domain}.enable"), &json!({}));
        }
    }

    /// Calls a method and waits for its answer.
    #[track_caller]
    pub fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.last += 1;
        let mut message = json!({"id": self.last, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let message = format!("{message}\0");
        self.give.write_all(message.as_bytes()).expect("a browser");
        loop {
            let mut answer = self.message();
            if answer["id"] == json!(self.last) {
                assert!(answer.get("error").is_none(), "{method}: {answer}");
                return answer["result"].take();
            }
        }
    }

    fn message(&mut self) -> Value {
        let mut bytes = Vec::new();
        self.take.read_until(0, &mut bytes).expect("a browser");
        bytes.pop();
        let message: Value = serde_json::from_slice(&bytes).expect("JSON");
        if message["method"] == "Network.requestWillBeSent" {
            let url = message["params"]["request"]["url"].as_str();
            self.requests.push(url.expect("a URL").to_owned());
        }
        message
    }

    /// Value of an expression of `JavaScript` in the page.
    #[track_caller]
    pub fn value(&mut self, expression: &str) -> Value {
        let asked = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let mut answer = self.call("Runtime.evaluate", &asked);
        assert!(
            answer.get("exceptionDetails").is_none(),
            "{expression}: {answer}"
        );
        answer["result"]["value"].take()
    }

    /// Texts of all elements that a selector finds, each without spaces around it.
    #[track_caller]
    pub fn texts(&mut self, selector: &str) -> Vec<String> {
        let quoted = Value::from(selector);
        let all = format!("[...document.querySelectorAll({quoted})]");
        let texts = self.value(&format!("{all}.map((it) => it.textContent.trim())"));
        serde_json::from_value(texts).expect("texts")
    }

    /// Opens a file, with what is behind `#` in its address, and waits until it has loaded.
    #[track_caller]
    pub fn open(&mut self, file: &Path, fragment: &str) {
        self.call("Page.navigate", &json!({"url": "about:blank"}));
        self.requests.clear();
        self.worked = self.processor_time();
        let url = format!("file://{}{fragment}", file.display());
        self.call("Page.navigate", &json!({"url": url}));
        let start = Instant::now();
        let is_loaded = "location.href != 'about:blank' && document.readyState == 'complete' \
                         && performance.getEntriesByType('navigation')[0].loadEventEnd > 0";
        while self.value(is_loaded) != json!(true) {
            assert!(start.elapsed() < PATIENCE, "{url} does not load");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Time from the request of the page to the end of its loading, as the page itself has it;
    /// where other work takes the processors, the time that the page's process had of them.
    pub fn load_time(&mut self) -> Duration {
        let time = self.value("performance.getEntriesByType('navigation')[0].loadEventEnd");
        let time = time.as_f64().expect("milliseconds") / 1000.0;
        let time = Duration::from_secs_f64(time);
        let worked = self.processor_time();
        // A new process begins at nothing.
        time.min(worked.checked_sub(self.worked).unwrap_or(worked))
    }

    fn processor_time(&mut self) -> Duration {
        let metrics = self.call("Performance.getMetrics", &json!({}));
        let mut metrics = metrics["metrics"].as_array().expect("metrics").iter();
        let time = metrics.find(|it| it["name"] == "ProcessTime");
        let time = time.and_then(|it| it["value"].as_f64());
        Duration::from_secs_f64(time.expect("seconds"))
    }

    /// Sets the width of the window, in pixels.
    pub fn set_width(&mut self, width: u32) {
        let size = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", &size);
    }

    /// Sets a wish of the reader, as `prefers-color-scheme`.
    pub fn prefer(&mut self, feature: &str, value: &str) {
        let features = json!({"features": [{"name": feature, "value": value}]});
        self.call("Emulation.setEmulatedMedia", &features);
    }

    /// Requests of the page since it was opened.
    pub fn requests(&self) -> &[String] {
        &self.requests
    }

    /// What the page wanted from other hosts, within a moment: the first line of each request.
    pub fn wanted(&self) -> Vec<String> {
        std::thread::sleep(Duration::from_millis(500));
        let asked = std::iter::from_fn(|| self.proxy.accept().ok());
        let lines = asked.map(|(stream, _)| first_line(stream));
        let is_own = |line: &String| OWN_HOSTS.iter().any(|host| line.contains(host));
        lines.filter(|line| !is_own(line)).collect()
    }

    /// The page as it is printed, in a file.
    pub fn print(&mut self, path: &Path) {
        let printed = self.call("Page.printToPDF", &json!({"preferCSSPageSize": true}));
        let bytes = decoded(printed["data"].as_str().expect("base64"));
        let mut file = File::create(path).expect("a file");
        file.write_all(&bytes).expect("a file");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn first_line(stream: TcpStream) -> String {
    let wait = Some(Duration::from_secs(1));
    stream.set_nonblocking(false).expect("a socket");
    stream.set_read_timeout(wait).expect("a socket");
    let mut line = String::new();
    let _ = BufReader::new(stream).read_line(&mut line);
    line
}

fn decoded(base64: &str) -> Vec<u8> {
    data_encoding::BASE64
        .decode(base64.as_bytes())
        .expect("base64")
}
