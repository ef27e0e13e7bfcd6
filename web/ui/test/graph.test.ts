import assert from "node:assert/strict";
import { test } from "node:test";
import { difference, edgeWidth, graphOf, structureOf } from "../src/graph";
import { type Positions, place } from "../src/layout";
import { network } from "./network";

test("a network becomes nodes and edges with the port numbers at their ends", () => {
  const graph = graphOf(network([1, 1], [[1, 2]]));
  assert.deepEqual(graph.nodes.map((node) => `${node.kind} ${node.id}`), ["host h1", "host h2", "switch s1", "switch s2"]);
  const trunk = graph.edges.find((edge) => edge.id === "s1-eth2:s2-eth2");
  assert.deepEqual(trunk, { id: "s1-eth2:s2-eth2", source: "s1", target: "s2", sourcePort: "2", targetPort: "2", up: true });
});

test("a host without a link hangs where the controller saw it; a link to nowhere is left out", () => {
  const seen = network([1]);
  seen.links = [{ ...seen.links[0]!, id: "odd", a: { node: "ghost", port: null, interface: "" } }];
  assert.deepEqual(graphOf(seen).edges.map((edge) => [edge.id, edge.source, edge.target]), [["attached h1", "h1", "s1"]]);
});

test("states do not change the structure, a new host does", () => {
  const before = network([1, 1], [[1, 2]]);
  const down = structuredClone(before);
  down.links[0]!.state = "down";
  down.switches[0]!.connected = false;
  assert.equal(structureOf(graphOf(before)), structureOf(graphOf(down)));
  assert.notEqual(structureOf(graphOf(before)), structureOf(graphOf(network([2, 1], [[1, 2]]))));
});

test("a difference says what went and what came", () => {
  assert.deepEqual(difference(["a", "b"], ["b", "c"]), { gone: ["a"], come: ["c"] });
});

test("traffic widens an edge within bounds", () => {
  assert.equal(edgeWidth(0), 1.5);
  assert.ok(edgeWidth(1e6) > edgeWidth(1e3));
  assert.equal(edgeWidth(1e15), 6);
});

function closest(positions: Positions): number {
  const points = [...positions.values()];
  let least = Number.POSITIVE_INFINITY;
  points.forEach((one, index) => {
    for (const other of points.slice(index + 1)) least = Math.min(least, Math.hypot(one.x - other.x, one.y - other.y));
  });
  return least;
}

const ringOf = (size: number): [number, number][] =>
  Array.from({ length: size }, (_, index) => [index + 1, ((index + 1) % size) + 1]);

const SHAPES: Record<string, ReturnType<typeof network>> = {
  empty: network([]),
  single: network([3]),
  "single with many hosts": network([40]),
  "tree,2,2": network([0, 2, 2], [[1, 2], [1, 3]]),
  "large tree": network([0, 0, ...Array<number>(18).fill(3), 0], [[1, 2], [1, 21], ...Array.from({ length: 18 }, (_, i): [number, number] => [i % 2 ? 2 : 21, i + 3])]),
  "linear,30": network(Array<number>(30).fill(2), Array.from({ length: 29 }, (_, i): [number, number] => [i + 1, i + 2])),
  ring: network(Array<number>(8).fill(1), ringOf(8)),
  leafspine: network([4, 4, 4, 4, 0, 0], [1, 2, 3, 4].flatMap((leaf): [number, number][] => [[leaf, 5], [leaf, 6]])),
  mesh: network([1, 1, 1, 1], [[1, 2], [1, 3], [1, 4], [2, 3], [2, 4], [3, 4]]),
  "two parts": network([2, 2]),
  "parallel links and a loop": network([1, 1], [[1, 2], [1, 2], [1, 1]]),
};

for (const [name, shape] of Object.entries(SHAPES)) {
  test(`${name}: each node has a place of its own, the same every time`, () => {
    const graph = graphOf(shape);
    const positions = place(graph);
    assert.deepEqual([...positions.keys()].sort(), graph.nodes.map((node) => node.id).sort());
    for (const { x, y } of positions.values()) assert.ok(Number.isFinite(x) && Number.isFinite(y));
    assert.ok(closest(positions) > 24, `nodes are ${closest(positions)} apart`);
    assert.deepEqual(place(graph), positions);
  });
}

test("a tree has its root above, and its hosts below", () => {
  const positions = place(graphOf(network([0, 2, 2], [[1, 2], [1, 3]])));
  const y = (id: string) => positions.get(id)?.y ?? Number.NaN;
  assert.ok(y("s1") < y("s2") && y("s2") === y("s3") && y("s3") < y("h1"));
});

test("spines stand above leaves, leaves above hosts", () => {
  const positions = place(graphOf(SHAPES["leafspine"]!));
  const y = (id: string) => positions.get(id)?.y ?? Number.NaN;
  assert.ok(y("s5") < y("s1") && y("s5") === y("s6") && y("s1") < y("h1"));
});
