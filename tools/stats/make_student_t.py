#!/usr/bin/env python3
"""Writes tests/data/stats/student_t.csv: what SciPy says of Student's t over the whole range that mlbench uses.

    python3 -m venv /tmp/scipy && /tmp/scipy/bin/pip install scipy==1.17.1
    /tmp/scipy/bin/python tools/stats/make_student_t.py > tests/data/stats/student_t.csv

Degrees of freedom: P - 1 for 2 to 1000 process pairs, and Welch's fractions from 1 upwards. Quantiles: 1 - a/2 from a
coin's toss to Holm's 5 % shared by ten thousand cases. Tail probabilities: where p values of gates lie (at t = 1e-6 and one degree of freedom SciPy 1.17.1
itself is off by 3e-11 from 1 - 2/pi·atan(t), so that the table begins at 1e-3).
"""

import scipy
from scipy import stats

DEGREES = [1, 1.3, 1.9, 2, 2.5, 3, 3.7, 4, 5, 6, 7, 8, 8.7, 9, 10, 12.4, 15, 17.9, 19, 20, 24, 29, 29.5, 40, 58, 100, 300, 999]
CONFIDENCES = [0.5, 0.8, 0.9, 0.95, 0.975, 0.99, 0.999, 1 - 0.05 / 100, 1 - 0.05 / 1000, 1 - 0.05 / 10000]
TIMES = [1e-3, 0.1, 0.5, 1, 1.5, 2, 2.5, 3, 4, 6, 10, 20, 50]

print(f"# SciPy {scipy.__version__}: scipy.stats.t.ppf(x, df) and 2 * scipy.stats.t.sf(x, df)")
print("kind,x,degrees_of_freedom,value")
for df in DEGREES:
    for confidence in CONFIDENCES:
        p = 0.5 + confidence / 2
        print(f"quantile,{p!r},{df!r},{float(stats.t.ppf(p, df))!r}")
    for t in TIMES:
        print(f"two_sided,{t!r},{df!r},{float(2 * stats.t.sf(t, df))!r}")
