"""A real browser for tests: Chromium without a window, driven over the WebDriver protocol by its chromedriver.

Only the few commands that the tests need, over plain HTTP, so that no Python package has to be installed.
"""

import base64
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request


def find():
    """Paths of browser and driver, or None where this system has not both."""
    driver = shutil.which("chromedriver") or shutil.which("chromedriver", path=os.environ.get("CHROMEWEBDRIVER", ""))
    for name in ("chromium", "chromium-browser", "google-chrome", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"):
        if driver and shutil.which(name):
            return shutil.which(name), driver
    return None


def is_missed():
    """Whether a test of the page has to be skipped: on Linux, set-up brings a browser, and CI insists on it."""
    required = sys.platform == "linux" and os.environ.get("MLBENCH_REQUIRE_FRAMEWORKS")
    return find() is None and not required


class Browser:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # whatever proxy the system has

    def __init__(self, folder, dark=False):
        browser, driver = find()
        self.process = subprocess.Popen([driver, "--port=0"], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        port = next(m.group(1) for m in (re.search(r"successfully on port (\d+)", line) for line in self.process.stdout) if m)
        self.base = f"http://127.0.0.1:{port}"
        args = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                "--disable-background-networking", "--no-first-run", f"--user-data-dir={folder}/profile"]
        always = {"browserName": "chrome", "goog:chromeOptions": {"binary": browser, "args": args},
                  "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}
        session = self.call("POST", "/session", {"capabilities": {"alwaysMatch": always}})
        self.base += "/session/" + session["sessionId"]
        self.call("POST", "/timeouts", {"script": 60000, "pageLoad": 60000})
        self.set_color_scheme(dark)

    def close(self):
        try:
            self.call("DELETE", "")
        finally:
            self.process.terminate()
            self.process.wait()
            self.process.stdout.close()

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with self.direct.open(request, timeout=120) as reply:
                return json.load(reply)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()[:2000]) from error

    def cdp(self, command, **params):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": params})

    def set_color_scheme(self, dark):
        self.cdp("Emulation.setEmulatedMedia",
                 features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def set_size(self, width, height, mobile=False):
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)

    def open(self, path, patience_s=60):
        """Opens a file and waits until the page says that all of it is drawn."""
        self.call("POST", "/url", {"url": pathlib.Path(path).resolve().as_uri()})
        deadline = time.monotonic() + patience_s
        while self.js("return document.documentElement.dataset.ready") != "yes":
            if time.monotonic() > deadline:
                raise AssertionError("the page was not drawn: " + str(self.console()))
            time.sleep(0.05)

    def js(self, script, *args):
        return self.call("POST", "/execute/sync", {"script": script, "args": list(args)})

    def js_async(self, script, *args):
        """`script` calls its last argument with the result."""
        return self.call("POST", "/execute/async", {"script": script, "args": list(args)})

    def log(self, kind):
        return self.call("POST", "/se/log", {"type": kind})

    def console(self):
        """Errors and warnings that the page has written since the last call."""
        return [entry["message"] for entry in self.log("browser") if entry["level"] in ("SEVERE", "WARNING")]

    def requested(self):
        """Every address that a page asked for since the last call; the browser's own pages are left out."""
        messages = [json.loads(entry["message"])["message"] for entry in self.log("performance")]
        return [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"
                and not m["params"]["request"]["url"].startswith(("chrome://", "chrome-untrusted://"))]

    def press(self, key):
        code, text = {"Tab": (9, "\t"), "Enter": (13, "\r")}[key]
        self.cdp("Input.dispatchKeyEvent", type="keyDown", key=key, code=key, windowsVirtualKeyCode=code, text=text)
        self.cdp("Input.dispatchKeyEvent", type="keyUp", key=key, code=key, windowsVirtualKeyCode=code)

    def pdf(self):
        return base64.b64decode(self.call("POST", "/print", {"background": True}))

    def screenshot(self, path, height=None):
        """The page from its top, `height` pixels of it or all."""
        size = self.cdp("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": height or min(size["height"], 9000), "scale": 1}
        shot = self.cdp("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        pathlib.Path(path).write_bytes(base64.b64decode(shot["data"]))
