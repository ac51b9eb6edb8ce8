"""The HTML report in a real browser: what a reader sees and does, with the network cut off by the page itself."""

import json
import unittest

import browser
import harness

STORED = harness.ROOT / "tests/data/journals/v1-m5-interrupted.jsonl"
AXE = harness.ROOT / "third_party/axe-core/axe.min.js"

HOSTILE = [
    "</script><script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "'\"`|*_[a](javascript:alert(1)) \\ & &lt;",
    "\u202eright to left \u05d0\u05d1",
    "x" * 10000,
    "__proto__", "constructor", "emoji \U0001f680\U0001f9ea", "line\nend",
]


def hostile_journal():
    """Lines of a run in which every name is an attack or an accident."""
    yield {"type": "run", "schema": "mlbench.journal/1", "machine": {"cpu": {"name": HOSTILE[0]}, "os": {"name": HOSTILE[1]}}}
    subjects = ["torch:cpu", "mlx:cpu", "<b>own</b>:cpu"]
    for subject in subjects:
        yield {"type": "subject", "subject": subject, "framework": subject.split(":")[0], "device": "cpu", "status": "ok",
               "reason": "", "facts": {"framework_version": HOSTILE[1], HOSTILE[0]: HOSTILE[0]}}
    yield {"type": "pair", "a": "torch:cpu", "b": "mlx:cpu"}
    for name in HOSTILE:
        yield {"type": "case", "case": name, "workload": name, "dtype": "float32", "flop": 1e9, "bytes": 1e6,
               "unit": "flop_per_s", "params": {"n": 8}}
        for round in range(6):
            for subject in subjects:
                yield {"type": "prepared", "round": round, "case": name, "subject": subject, "kernel": name, "notes": [name]}
                yield {"type": "block", "round": round, "row": 0, "case": name, "subject": subject,
                       "samples_s": [0.1, 0.1 + round * 0.001, 0.1], "start_ns": round * 10**9}
            yield {"type": "slot", "round": round, "case": name, "subjects": subjects}
        yield {"type": "outcome", "case": name, "subject": subjects[2], "status": "failed", "reason": name}
        yield {"type": "notice", "message": name}
    yield {"type": "end", "ending": HOSTILE[0], "duration_s": 1}


@unittest.skipIf(browser.is_missed(), "there is no Chromium with its chromedriver on this system")
class PageTest(harness.MlbenchTest):
    def setUp(self):
        super().setUp()
        self.assertIsNotNone(browser.find(), "Chromium and chromedriver are required here")

    def start_browser(self, **options):
        self.browser = browser.Browser(self.folder, **options)
        self.addCleanup(self.browser.close)
        return self.browser

    def page(self, journal=STORED, *flags):
        path = self.folder / "page.html"
        self.assert_code(self.mlbench("report", journal, "--html", "--output", path, *flags), 0)
        return path

    def assert_quiet(self, path):
        """No console message, and nothing was asked for but the file itself."""
        self.assertEqual(self.browser.console(), [])
        self.assertEqual({u.split("#")[0] for u in self.browser.requested() if not u.startswith("data:")}, {path.resolve().as_uri()})

    def rows(self):
        return self.browser.js("return [...document.querySelectorAll('#results tbody tr')].map(r => r.innerText)")

    def test_reader_sorts_filters_and_opens_a_case(self):
        b, path = self.start_browser(), self.page()
        b.set_size(1280, 900)
        b.open(path)
        self.assertLess(path.stat().st_size, 1.5e6)
        # failures and doubts stand before the first number
        order = b.js("return [...document.querySelectorAll('main > section')].map(s => s.id)")
        self.assertLess(order.index("doubts"), order.index("results"))
        self.assertIn("crashed", b.js("return document.querySelector('.box.bad').innerText"))
        # every chart is drawn, has a name, and its numbers as a table
        charts = b.js("return [...document.querySelectorAll('figure')].map(f => [f.id, f.querySelectorAll('svg path').length, "
                      "[...f.querySelectorAll('.chart, .chart *')].some(e => e.getAttribute('aria-label') === f.querySelector('h3').innerText)])")
        self.assertGreaterEqual(len(charts), 6)
        for name, paths, label in charts:
            self.assertGreater(paths, 3, name)
            self.assertTrue(label, name)
        b.js("for (const d of document.querySelectorAll('figure details')) d.open = true")
        b.js_async("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
        for name, count in b.js("return [...document.querySelectorAll('figure')].map(f => [f.id, f.querySelectorAll('tbody tr').length])"):
            self.assertGreater(count, 0, name)
        # sort
        all_rows = self.rows()
        by_rate = "return [...document.querySelectorAll('#results thead button')].find(b => b.innerText.startsWith('PyTorch')).click()"
        b.js(by_rate)
        falling = self.rows()
        self.assertEqual(sorted(all_rows), sorted(falling))
        self.assertTrue(falling[0].startswith("GEMM float16 4096"), falling[0])
        self.assertEqual(b.js("return document.querySelectorAll('#results th[aria-sort=descending]').length"), 1)
        b.js(by_rate)
        self.assertTrue(self.rows()[0].startswith("GEMM bfloat16 1x4096x4096"), self.rows()[0])
        # filter
        b.js("const s = document.querySelectorAll('#results select')[0]; s.value = 'memory'; s.dispatchEvent(new Event('change'))")
        self.assertEqual(len(self.rows()), 3)
        b.js("const i = document.querySelector('#results input'); i.value = 'TRIAD'; i.dispatchEvent(new Event('input'))")
        self.assertEqual(len(self.rows()), 1)
        # a number leads to how it was measured
        b.js("document.querySelector('#results tbody td a').click()")
        b.js_async("setTimeout(arguments[0], 1000)")
        opened = b.js("const d = document.querySelector('details.case[open]'); return [d.innerText, d.querySelectorAll('svg').length]")
        self.assertIn("out_of_memory", opened[0])
        self.assertIn("Freivalds", b.js("document.getElementById('case-1').open = true; return new Promise(r => setTimeout(() => "
                                        "r(document.getElementById('case-1').innerText), 1000))"))
        self.assertEqual(b.js("return document.querySelectorAll('#case-1 svg').length"), 2)
        # every inner link leads somewhere
        self.assertEqual(b.js("return [...document.querySelectorAll('a[href^=\"#\"]')].map(a => a.getAttribute('href').slice(1))"
                              ".filter(id => !document.getElementById(id))"), [])
        self.assert_quiet(path)

    def test_every_case_has_the_state_of_the_machine_and_what_its_verdicts_rest_on(self):
        [run] = (harness.ROOT / "results/published").glob("*.jsonl")
        b, path = self.start_browser(), self.page(run)
        b.open(path)
        heads = b.js("return [...document.querySelectorAll('#state thead button')].map(b => b.innerText)")
        self.assertIn("others", heads)
        rows = b.js("return [...document.querySelectorAll('#state tbody tr')].map(r => r.innerText)")
        self.assertEqual(len(rows), len(self.rows()))
        b.js("document.getElementById('case-1').open = true")
        b.js_async("setTimeout(arguments[0], 1000)")
        detail = b.js("return document.getElementById('case-1').innerText")
        for words in ("The machine meanwhile: others ", "process pairs, sd ", "settled at ±3 %", "Taken off the CPU"):
            self.assertIn(words, detail)
        self.assert_quiet(path)

    def test_a_run_among_known_machines(self):
        b, path = self.start_browser(), self.page(STORED, "--reference")
        b.open(path)
        rows = "return [...document.querySelectorAll('#reference tbody tr')].map(r => r.innerText)"
        everyone = b.js(rows)
        own = [row for row in everyone if "this run" in row]
        self.assertTrue(own)
        self.assertGreater(len(everyone), len(own) + 5)
        self.assertTrue(any("M5" in row and "this run" not in row for row in everyone), everyone[:5])
        b.js("const s = document.querySelectorAll('#reference select')[1]; s.value = 'this run'; s.dispatchEvent(new Event('change'))")
        self.assertEqual(sorted(b.js(rows)), sorted(own))
        self.assert_quiet(path)

    def test_themes_phone_print_and_accessibility(self):
        b, path = self.start_browser(dark=True), self.page()
        axe = AXE.read_text(encoding="utf-8")
        background = "return getComputedStyle(document.body).backgroundColor"
        seen = []
        for width, dark in ((1280, True), (1280, False), (400, False), (400, True)):
            with self.subTest(width=width, dark=dark):
                b.set_color_scheme(dark)
                b.set_size(width, 900, mobile=width < 500)
                b.open(path)
                seen.append((dark, b.js(background)))
                self.assertLessEqual(b.js("return document.documentElement.scrollWidth"), width, "the page is wider than the screen")
                b.js("document.getElementById('case-1').open = true")
                b.js(axe)
                found = b.js_async("const done = arguments[0]; axe.run(document, {resultTypes: ['violations']}).then(r => done(r.violations"
                                   ".map(v => [v.impact, v.id, v.nodes.slice(0, 3).map(n => n.html.slice(0, 200))])))")
                self.assertEqual([v for v in found if v[0] in ("serious", "critical")], [])
        self.assertEqual(len(set(seen)), 2, "the page does not follow the system's colour scheme")
        dark = b.js(background)
        b.js("document.getElementById('theme').click()")
        self.assertNotEqual(b.js(background), dark)
        # by keyboard: the first stop skips to the results, and a head of the table can be pressed
        b.set_size(1280, 900)
        b.open(path)
        b.press("Tab")
        self.assertEqual(b.js("return document.activeElement.className"), "skip")
        b.js("document.querySelector('#results thead button').focus()")
        b.press("Enter")
        self.assertEqual(b.js("return document.querySelector('#results th').getAttribute('aria-sort')"), "ascending")
        pdf = b.pdf()
        self.assertTrue(pdf.startswith(b"%PDF"))
        self.assertGreater(len(pdf), 20000)
        self.assert_quiet(path)

    def test_hostile_names_are_text(self):
        journal = self.write("hostile.jsonl", "".join(json.dumps(line) + "\n" for line in hostile_journal()))
        b, path = self.start_browser(), self.page(journal)
        b.set_size(1280, 900)
        b.open(path)
        b.js("for (const d of document.querySelectorAll('details')) d.open = true")
        b.js_async("setTimeout(arguments[0], 3000)")
        self.assertTrue(b.js("return document.title").startswith("mlbench: "))
        self.assertEqual(b.js("return document.querySelectorAll('main script, main img, main b > b, main iframe').length"), 0)
        self.assertEqual(b.js("return document.scripts.length"), 4)
        shown = b.js("return document.body.innerText.replace(/\\s+/g, ' ')")
        for name in HOSTILE:
            with self.subTest(name[:40]):
                self.assertIn(" ".join(name[:50].split()), shown)
        self.assertEqual(b.js("return document.querySelectorAll('details.case').length"), len(HOSTILE))
        self.assertEqual(b.js("return document.querySelectorAll('a[href]:not([href^=\"#\"])').length"), 0)
        self.assertLessEqual(b.js("return document.documentElement.scrollWidth"), 1280)
        self.assert_quiet(path)


if __name__ == "__main__":
    harness.main()
