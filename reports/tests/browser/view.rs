//! A page in a window: what is wrong with it, and a picture of it.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use serde_json::{Value, json};

use crate::devtools::Browser;

/// How a reader looks at the page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    pub(crate) name: &'static str,
    /// Of the window, in CSS pixels.
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// "light" or "dark".
    pub(crate) theme: &'static str,
    /// "screen" or "print".
    pub(crate) media: &'static str,
}

pub(crate) const DESKTOP_LIGHT: View =
    View { name: "desktop-light", width: 1280, height: 900, theme: "light", media: "screen" };
pub(crate) const DESKTOP_DARK: View = View { name: "desktop-dark", theme: "dark", ..DESKTOP_LIGHT };
pub(crate) const PHONE_LIGHT: View = View { name: "phone-light", width: 390, height: 844, ..DESKTOP_LIGHT };
pub(crate) const PHONE_DARK: View = View { name: "phone-dark", theme: "dark", ..PHONE_LIGHT };
/// A4 without its margins, printed from a dark screen.
pub(crate) const PRINT: View =
    View { name: "print", width: 718, height: 1047, theme: "dark", media: "print" };

/// The pictures' folder, for people to look at.
fn pictures() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    target.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target")).join("browser")
}

/// Opens `page` in `view` and gives everything that is wrong with it. `charts` is how many there must be at least.
pub(crate) fn complaints(browser: &mut Browser, page: &Path, view: View, charts: usize) -> Vec<String> {
    show(browser, page, view);
    let inspect = format!("({})({charts})", include_str!("inspect.js"));
    let found = browser.evaluate(&inspect);
    let found = found.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
    let own = url_of(page);
    let noise: Vec<String> = browser.events.iter().filter_map(|event| noise(event, &own)).collect();
    found.chain(noise).map(|what| format!("{}: {what}", view.name)).collect()
}

fn url_of(page: &Path) -> String {
    format!("file://{}", page.canonicalize().unwrap().display())
}

fn show(browser: &mut Browser, page: &Path, view: View) {
    let size = json!({ "width": view.width, "height": view.height, "deviceScaleFactor": 1, "mobile": false });
    browser.call("Emulation.setDeviceMetricsOverride", &size);
    let theme = json!([{ "name": "prefers-color-scheme", "value": view.theme }]);
    browser.call("Emulation.setEmulatedMedia", &json!({ "media": view.media, "features": theme }));
    // The last page's events are not this one's.
    browser.call("Page.navigate", &json!({ "url": "about:blank" }));
    browser.await_event("Page.loadEventFired");
    browser.events.clear();
    browser.call("Page.navigate", &json!({ "url": url_of(page) }));
    browser.await_event("Page.loadEventFired");
    browser.evaluate("document.fonts.ready.then(() => true)");
}

/// What an event says that a quiet, self-contained page would not.
fn noise(event: &Value, own: &str) -> Option<String> {
    let params = &event["params"];
    match event["method"].as_str()? {
        "Runtime.consoleAPICalled" => Some(format!("the console says {}", params["args"][0]["value"])),
        "Runtime.exceptionThrown" => Some(format!("a script failed: {}", params["exceptionDetails"]["text"])),
        "Log.entryAdded" => Some(format!("the browser notes {}", params["entry"]["text"])),
        "Network.requestWillBeSent" => {
            let url = params["request"]["url"].as_str()?;
            let inside = url == own || url.starts_with("data:") || url.starts_with("blob:");
            (!inside).then(|| format!("the page asks for {url}"))
        }
        _ => None,
    }
}

/// Takes a picture of the whole page as it is shown now, into `target/browser/`.
pub(crate) fn picture(browser: &mut Browser, name: &str) -> PathBuf {
    /// The most that Chromium draws at once.
    const TALLEST: f64 = 16_000.0;
    let size = browser.call("Page.getLayoutMetrics", &json!({}))["cssContentSize"].clone();
    let height = size["height"].as_f64().unwrap().min(TALLEST);
    let clip = json!({ "x": 0, "y": 0, "width": size["width"], "height": height, "scale": 1 });
    let shot = browser.call(
        "Page.captureScreenshot",
        &json!({ "format": "png", "captureBeyondViewport": true, "clip": clip }),
    );
    let png = base64::engine::general_purpose::STANDARD.decode(shot["data"].as_str().unwrap()).unwrap();
    let path = pictures().join(format!("{name}.png"));
    fs::create_dir_all(pictures()).unwrap();
    fs::write(&path, png).unwrap();
    path
}
