import assert from "node:assert/strict";
import { test } from "node:test";
import { age, bytes, count, pieces, plural, rate } from "../src/format";

test("counts have separators", () => {
  assert.deepEqual([0, 999, 1000, 1234567].map(count), ["0", "999", "1,000", "1,234,567"]);
});

test("bytes and rates keep three digits and never show a thousand of a unit", () => {
  assert.deepEqual(
    [0, 999, 1000, 999_499, 999_950, 1_050_000, 45_600_000, 7e15].map(bytes),
    ["0 B", "999 B", "1.00 kB", "999 kB", "1.00 MB", "1.05 MB", "45.6 MB", "7.00 PB"],
  );
  assert.deepEqual([0, 0.4, 8, 9_994, 2.5e9].map(rate), ["–", "–", "8 bit/s", "9.99 kbit/s", "2.50 Gbit/s"]);
});

test("ages use two units at most", () => {
  assert.deepEqual(
    [-1, 0.9, 59.9, 60, 200, 3600, 7500, 90_000].map(age),
    ["0 s", "0 s", "59 s", "1 min", "3 min 20 s", "1 h", "2 h 5 min", "1 d 1 h"],
  );
});

test("rules are split at their outer commas only", () => {
  assert.deepEqual(pieces("in_port=1,dl_dst=02:00:00:00:00:01"), ["in_port=1,", "dl_dst=02:00:00:00:00:01"]);
  assert.deepEqual(pieces("ct(commit,zone=1),output:2"), ["ct(commit,zone=1),", "output:2"]);
  assert.deepEqual(pieces("a),b"), ["a),", "b"]);
  assert.deepEqual(pieces(""), []);
});

test("one is not many", () => {
  assert.deepEqual([plural(1, "switch", "switches"), plural(2, "switch", "switches"), plural(0, "host")], ["1 switch", "2 switches", "0 hosts"]);
});
