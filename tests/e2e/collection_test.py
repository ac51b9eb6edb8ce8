"""Many runs as one page, in a real browser: it fills, filters and sorts, and takes every name as text."""

import html
import json
import re
import subprocess
import unittest

import browser
import harness

CHROMIUM = (browser.find() or [None])[0]
HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"

# Runs in the page after its own script; what it finds goes into an element of its own.
PROBE = """
<script>
{
const seen = {title: document.title, errors: window.pageErrors, ready: document.documentElement.dataset.ready};
const rows = () => [...document.querySelectorAll('#table tbody tr')].map((r) => [...r.cells].map((c) => c.innerText));
const count = () => document.getElementById('count').textContent;
seen.all = count();
seen.rates = rows().map((r) => r[3]);
const machine = document.getElementById('machine');
machine.value = [...machine.options].find((o) => o.textContent.includes('M4 Pro')).value;
machine.dispatchEvent(new Event('input'));
seen.machines = [...new Set(rows().map((r) => r[0]))];
document.querySelectorAll('#table th button')[2].click();
seen.sorted = [document.querySelectorAll('#table th')[2].getAttribute('aria-sort'), rows().map((r) => r[2])];
machine.value = '';
const sound = document.getElementById('sound');
sound.checked = true;
sound.dispatchEvent(new Event('input'));
seen.without_doubts = count();
sound.checked = false;
const text = document.getElementById('case');
text.value = 'owned';
text.dispatchEvent(new Event('input'));
seen.hostile = rows().map((r) => r[2]);
seen.images = document.images.length;
seen.width = [document.documentElement.scrollWidth, innerWidth];
document.body.append(Object.assign(document.createElement('pre'), {id: 'seen', textContent: JSON.stringify(seen)}));
}
</script>
"""


@unittest.skipIf(browser.is_missed(), "there is no Chromium with its chromedriver on this system")
class CollectionTest(harness.MlbenchTest):
    def collection(self, runs, cases):
        """A folder of made-up runs, one hostile import and one broken file."""
        folder = self.folder / "collection"
        subprocess.run(["python3", harness.ROOT / "tools/collection/make_collection.py", folder, "--runs", str(runs),
                        "--cases", str(cases), "--samples", "24"], check=True, stdout=subprocess.DEVNULL)
        source = self.write("hostile.json", json.dumps(
            {"hardware": {"chip": "Apple M4"}, HOSTILE: {"framework": HOSTILE, "model": HOSTILE, "time_ms": 1.5, "tflops": 900.0}}))
        self.assert_code(self.mlbench("import", source, "--imported", folder), 0)
        (folder / "broken.jsonl").write_text("{}\n", encoding="utf-8")
        return folder

    def probed(self, page, size):
        text = page.read_text(encoding="utf-8")
        watch = "<script>window.pageErrors = []; addEventListener('error', (e) => pageErrors.push(String(e.message)));</script>"
        copy = self.folder / "probed.html"
        copy.write_text(text.replace("<style>", watch + "<style>", 1).replace("</body>", PROBE + "</body>"), encoding="utf-8")
        done = subprocess.run(
            [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={self.folder / 'profile'}",
             f"--window-size={size}", "--dump-dom", copy.as_uri()],
            capture_output=True, text=True, encoding="utf-8", timeout=harness.PATIENCE_S, check=True)
        found = re.search(r'<pre id="seen">(.*?)</pre>', done.stdout, re.S)
        self.assertIsNotNone(found, done.stdout[-2000:] + done.stderr[-2000:])
        return json.loads(html.unescape(found.group(1)))

    def test_page_fills_filters_sorts_and_takes_names_as_text(self):
        page = self.folder / "page.html"
        done = self.mlbench("report", self.collection(14, 20), "--collection", "--html", "--output", page)
        self.assert_code(done, 0)
        self.assertIn("broken.jsonl", done.err)
        text = page.read_text(encoding="utf-8")
        self.assertNotRegex(text, r'(src|href)="https?:')
        for size in ("1280,900", "500,900"):
            seen = self.probed(page, size)
            self.assertEqual([seen["title"], seen["errors"], seen["ready"], seen["images"]], ["mlbench: collection", [], "yes", 0])
            self.assertEqual(seen["all"], "561 of 561 results")
            self.assertEqual(len(seen["rates"]), 100)
            self.assertTrue(all("FLOP/s" in rate for rate in seen["rates"]))
            self.assertEqual(len(seen["machines"]), 1)
            self.assertIn("M4 Pro", seen["machines"][0])
            self.assertEqual(seen["sorted"][0], "ascending")
            self.assertEqual(len(set(seen["sorted"][1])), 20)
            self.assertLess(int(seen["without_doubts"].split()[0]), 561)
            self.assertEqual(len(seen["hostile"]), 1)
            self.assertIn("<script>", seen["hostile"][0])
            self.assertLessEqual(seen["width"][0], seen["width"][1])

    def test_schemes_phone_print_and_accessibility(self):
        page = self.folder / "page.html"
        self.assert_code(self.mlbench("report", self.collection(14, 20), "--collection", "--html", "--output", page), 0)
        axe = (harness.ROOT / "third_party/axe-core/axe.min.js").read_text(encoding="utf-8")
        b = browser.Browser(self.folder)
        self.addCleanup(b.close)
        backgrounds = set()
        for width, dark in ((1280, True), (1280, False), (400, False), (400, True)):
            with self.subTest(width=width, dark=dark):
                b.set_color_scheme(dark)
                b.set_size(width, 900, mobile=width < 500)
                b.open(page)
                backgrounds.add((dark, b.js("return getComputedStyle(document.body).backgroundColor")))
                self.assertLessEqual(b.js("return document.documentElement.scrollWidth"), width, "the page is wider than the screen")
                b.js(axe)
                found = b.js_async("const done = arguments[0]; axe.run(document, {resultTypes: ['violations']}).then(r => done(r.violations"
                                   ".map(v => [v.impact, v.id, v.nodes.slice(0, 3).map(n => n.html.slice(0, 200))])))")
                self.assertEqual([v for v in found if v[0] in ("serious", "critical")], [])
        self.assertEqual(len(backgrounds), 2, "the page does not follow the system's colour scheme")
        # on paper: no controls, and rows that do not wait for a click
        b.set_color_scheme(False)
        b.cdp("Emulation.setEmulatedMedia", media="print")
        self.assertEqual(b.js("return [...document.querySelectorAll('input, select')].filter(e => e.offsetParent !== null).length"), 0)
        self.assertGreaterEqual(b.js("return document.querySelectorAll('#table tbody tr').length"), 100)
        self.assertEqual(b.console(), [])
        self.assertEqual([u for u in b.requested() if not u.startswith(("data:", page.as_uri()))], [])

    def test_folder_of_many_runs_is_one_table(self):
        folder = self.collection(14, 5)
        done = self.mlbench("report", folder)
        self.assert_code(done, 0)
        self.assertIn("15 runs of 8 machines", done.out)
        self.assertIn("NOT READ", done.out)
        self.assertEqual(self.mlbench("report", folder, "--json").json["schema"], "mlbench.collection/1")


if __name__ == "__main__":
    harness.main()
