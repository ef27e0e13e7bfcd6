import assert from "node:assert/strict";
import { test } from "node:test";
import { bitsPerSecond, follow, HISTORY } from "../src/rates";
import { curve } from "../src/sparkline";
import { counters, ports } from "./network";

test("rates are bits per second, and 0 where a counter went back or no time passed", () => {
  assert.equal(bitsPerSecond(0, 125, 1000), 1000);
  assert.equal(bitsPerSecond(0, 125, 500), 2000);
  assert.equal(bitsPerSecond(125, 0, 1000), 0);
  assert.equal(bitsPerSecond(0, 125, 0), 0);
});

test("two readings make a rate", () => {
  const first = follow(undefined, ports(1, 1000, counters(1, 0), counters(2, 500)));
  assert.equal(first.rates.size, 0);
  const second = follow(first, ports(1, 2000, counters(1, 1000, 125), counters(2, 500), counters(3, 9)));
  assert.deepEqual(second.rates.get(1), { rxBitsPerSecond: 8000, txBitsPerSecond: 1000 });
  assert.deepEqual(second.rates.get(2), { rxBitsPerSecond: 0, txBitsPerSecond: 0 });
  assert.equal(second.rates.has(3), false, "a port that is new has no rate yet");
  assert.deepEqual(second.total, [8000]);
});

test("the same reading again, as after a reconnection, keeps the rates", () => {
  const first = follow(undefined, ports(1, 1000, counters(1, 0)));
  const second = follow(first, ports(1, 2000, counters(1, 1000)));
  const again = follow(second, ports(1, 2000, counters(1, 1000)));
  assert.deepEqual(again.rates, second.rates);
  assert.deepEqual(again.total, second.total);
});

test("a server that started anew starts a new history", () => {
  const first = follow(undefined, ports(1, 90_000, counters(1, 1000)));
  assert.deepEqual(follow(first, ports(1, 10, counters(1, 0))).total, []);
});

test("the history is bounded", () => {
  let history = follow(undefined, ports(1, 0, counters(1, 0)));
  for (let second = 1; second < 3 * HISTORY; second += 1) {
    history = follow(history, ports(1, second * 1000, counters(1, second * 125)));
  }
  assert.equal(history.total.length, HISTORY);
});

test("a curve ends at the right edge and stays inside its box", () => {
  const points = curve([0, 50, 100], 150, 26).split(" ").map((point) => point.split(",").map(Number));
  assert.equal(points.length, 3);
  assert.equal(points[2]?.[0], 150);
  for (const [x = -1, y = -1] of points) assert.ok(x >= 0 && x <= 150 && y >= 0 && y <= 26);
});
