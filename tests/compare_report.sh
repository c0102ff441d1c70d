#!/usr/bin/env bash
# compare_report.sh PROGRAM EXPECTED: whether the program prints what is expected. Numbers may differ in the seventh digit;
# errors and what is allowed, which depend on the last bits, only need to be numbers.
set -euo pipefail
"$1" | awk -v expected="$2" '
  function numeric(s) { return s ~ /^[-+\[(]*[0-9.]+(e[-+]?[0-9]+)?[\]),:;]*$/ }
  function value(s) { gsub(/[\[\](),:;]/, "", s); return s + 0 }
  {
    if ((getline line < expected) <= 0) line = "<nothing>"
    n = split($0, a, " "); m = split(line, b, " ")
    loose = $1 == "error" || $2 == "because"
    same = n == m
    for (k = 1; k <= n && same; ++k) {
      if (a[k] == b[k]) continue
      if (!numeric(a[k]) || !numeric(b[k])) same = 0
      else if (!loose) {
        x = value(a[k]); y = value(b[k]); d = x > y ? x - y : y - x; s = x < 0 ? -x : x
        if (d > 1e-6 * s + 1e-12) same = 0
      }
    }
    if (!same) { printf "line %d:\n  printed  %s\n  expected %s\n", NR, $0, line; failed = 1 }
  }
  END {
    if ((getline line < expected) > 0) { print "missing: " line; failed = 1 }
    exit failed
  }'
