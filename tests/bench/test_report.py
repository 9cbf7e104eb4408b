"""tools/bench_report on a sample: cells of the table, places in the plot, rows that are none.

    test_report.py TOOL SAMPLE.json
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as tree

TOOL, SAMPLE = sys.argv[1:3]
SVG = "{http://www.w3.org/2000/svg}"


def report(*files):
    out = tempfile.mkdtemp()
    done = subprocess.run([sys.executable, TOOL, *files, "--out", out], capture_output=True, text=True)
    return done, pathlib.Path(out)


class Report(unittest.TestCase):
    def setUp(self):
        done, self.out = report(SAMPLE)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_table(self):
        lines = (self.out / "results.md").read_text().splitlines()
        self.assertIn("| f32 64^3 | 1 | 20.0 | 40.0 | GFLOP/s | libxsmm | **0.50** | 0.49 | ≥ 0.95 |", lines)
        self.assertIn("| f32 a\\|b<c | 1 | 200 | 25.0 | GFLOP/s | MKL & co | 8.00 | 0.97 | ≥ 0.95 |", lines)
        self.assertIn("| f32 64^3 | 2 | 30.0 | 30.0 | GFLOP/s | OpenBLAS | 1.00 | – | – |", lines)
        # a time that is too long is marked as well
        self.assertIn("| one program | 1 | 1.50 | – | us | – | **–** | – | ≤ 1 |", lines)
        # sqrt(0.5 * 8) = 2; one row of two threads has no mean
        means = [line for line in lines if "geometric" in line]
        self.assertEqual(means, ["| geometric mean of 2 | 1 | | | | | 2.00 | | |"])

    def test_note_stands_above_the_tables(self):
        done, out = report(SAMPLE, "--note", "ours and the peers with AVX2 alone")
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = (out / "results.md").read_text().splitlines()
        self.assertEqual(lines.index("ours and the peers with AVX2 alone"), 4)
        self.assertNotIn("AVX2", (self.out / "results.md").read_text())

    def test_plots_only_where_there_are_ratios(self):
        self.assertEqual([p.name for p in self.out.glob("*.svg")], ["gemm.svg"])

    def test_plot(self):
        root = tree.parse(self.out / "gemm.svg").getroot()
        dots = [c for c in root.iter(SVG + "circle") if c.find(SVG + "title") is not None]
        x = {c.find(SVG + "title").text: float(c.get("cx")) for c in dots}
        half, eight, one = (x[k] for k in ("f32 64^3, 1 thread: 0.50 × libxsmm", "f32 a|b<c, 1 thread: 8.00 × MKL & co",
                                           "f32 64^3, 2 threads: 1.00 × OpenBLAS"))
        # logarithmic: 1 -> 8 is three times as far as 1/2 -> 1
        self.assertAlmostEqual(eight - one, 3 * (one - half), delta=0.5)
        heavy = [line for line in root.iter(SVG + "line") if line.get("stroke-width") == "1.5"]
        self.assertEqual([float(line.get("x1")) for line in heavy], [one])
        box = [float(v) for v in root.get("viewBox").split()]
        for c in root.iter(SVG + "circle"):
            self.assertTrue(0 < float(c.get("cx")) < box[2] and 0 < float(c.get("cy")) < box[3])

    def test_later_rows_win(self):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as later:
            rows = json.loads(pathlib.Path(SAMPLE).read_text())[1:2]
            rows[0]["ratio"] = 1.25
            json.dump(rows, later)
            later.flush()
            _, out = report(SAMPLE, later.name)
        self.assertIn("| libxsmm | 1.25 |", (out / "results.md").read_text())

    def test_no_rows(self):
        for text in ('[{"suite": "gemm"}]', "[1", '[{"suite": "gemm", "case": 3}]'):
            with tempfile.NamedTemporaryFile("w", suffix=".json") as bad:
                bad.write(text)
                bad.flush()
                done, _ = report(bad.name)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("bench_report: ", done.stderr)
            self.assertNotIn("Traceback", done.stderr)


unittest.main(argv=sys.argv[:1])
