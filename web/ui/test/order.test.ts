import assert from "node:assert/strict";
import { test } from "node:test";
import { byName, clicked, LOOKUP_ORDER, sortFlows } from "../src/order";
import { flow } from "./network";

test("names sort by their numbers", () => {
  assert.deepEqual(["s10", "s2", "h1", "s1"].sort(byName), ["h1", "s1", "s2", "s10"]);
});

test("flows stand as the switch looks them up", () => {
  const later = { ...flow("later", 0, 99), table: 1 };
  const sorted = sortFlows([flow("low", 0, 1), later, flow("b", 0, 50), flow("a", 0, 50)], LOOKUP_ORDER);
  assert.deepEqual(sorted.map((one) => one.match), ["a", "b", "low", "later"]);
});

test("flows sort by any column, both ways, without touching the original", () => {
  const original = [flow("a", 5), flow("b", 100), flow("c", 20)];
  const packets = clicked(LOOKUP_ORDER, "packets");
  assert.deepEqual(packets, { column: "packets", direction: "descending" });
  assert.deepEqual(sortFlows(original, packets).map((one) => one.packets), [100, 20, 5]);
  assert.deepEqual(sortFlows(original, clicked(packets, "packets")).map((one) => one.packets), [5, 20, 100]);
  assert.deepEqual(original.map((one) => one.packets), [5, 100, 20]);
  assert.deepEqual(clicked(packets, "match"), { column: "match", direction: "ascending" });
});
