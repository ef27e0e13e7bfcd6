import assert from "node:assert/strict";
import { test } from "node:test";
import { problemIn } from "../src/client";
import { endText, flowKey, INITIAL, linkRates, type News, reduce, selectedSwitch, type State } from "../src/state";
import { counters, dpid, flow, flows, network, ports } from "./network";

const after = (...news: News[]): State => news.reduce(reduce, INITIAL);
const arrived = (...args: Parameters<typeof network>): News => ({ kind: "network", network: network(...args) });

test("the first switch by its number is shown at first, and stays chosen while it exists", () => {
  const start = after(arrived([1, 1, 1]));
  assert.equal(selectedSwitch(start)?.name, "s1");
  const chosen = reduce(start, { kind: "select-node", name: "s3" });
  assert.equal(selectedSwitch(reduce(chosen, arrived([1, 1, 2])))?.name, "s3");
  assert.equal(selectedSwitch(reduce(chosen, arrived([1, 1])))?.name, "s1");
  assert.equal(selectedSwitch(reduce(chosen, arrived([])))?.name, undefined);
});

test("a chosen host leaves the switch in the details, and goes with the host", () => {
  const chosen = after(arrived([2]), { kind: "select-node", name: "h2" });
  assert.equal(chosen.selectedHost, "h2");
  assert.equal(selectedSwitch(chosen)?.name, "s1");
  assert.equal(reduce(chosen, arrived([1])).selectedHost, null);
});

test("flows whose packets moved are marked; new ones are not", () => {
  const state = after(
    { kind: "flows", table: flows(1, flow("in_port=1", 5), flow("in_port=2", 7)) },
    { kind: "flows", table: flows(1, flow("in_port=1", 6), flow("in_port=2", 7), flow("in_port=3", 1)) },
  );
  assert.deepEqual([...(state.flows.get(dpid(1))?.moved ?? [])], [flowKey(flow("in_port=1", 0))]);
});

test("counters of switches that went are forgotten", () => {
  const state = after(
    arrived([1, 1]),
    { kind: "ports", table: ports(1, 0) },
    { kind: "ports", table: ports(2, 0) },
    { kind: "flows", table: flows(2) },
    arrived([1]),
  );
  assert.deepEqual([...state.ports.keys()], [dpid(1)]);
  assert.equal(state.flows.size, 0);
});

test("a link that was asked for is pending until the answer", () => {
  const asked = after(arrived([1]), { kind: "link-asked", id: "x", state: "down" });
  assert.equal(asked.pendingLinks.get("x"), "down");
  const answered = reduce(asked, { kind: "link-answered", id: "x", problem: "no" });
  assert.equal(answered.pendingLinks.size, 0);
  assert.equal(answered.problem, "no");
  assert.equal(reduce(answered, { kind: "problem-read" }).problem, null);
});

test("a link's traffic is what the switch at its end counts, both ways", () => {
  const state = after(
    arrived([1]),
    { kind: "ports", table: ports(1, 1000, counters(1, 0, 0)) },
    { kind: "ports", table: ports(1, 2000, counters(1, 1000, 250)) },
  );
  assert.ok(state.network);
  assert.deepEqual([...linkRates(state.network, state.ports)], [["h1-eth0:s1-eth1", 10_000]]);
});

test("ends are named as people say them", () => {
  assert.equal(endText({ node: "s3", port: 1, interface: "s3-eth1" }), "s3 port 1");
  assert.equal(endText({ node: "h1", port: null, interface: "h1-eth0" }), "h1");
});

test("the API's errors are told in its words", () => {
  assert.equal(problemIn('{"error":{"code":"busy","message":"try again"}}', 503), "try again");
  assert.equal(problemIn("<html>", 502), "flowbed answered with status 502");
  assert.equal(problemIn("{}", 500), "flowbed answered with status 500");
});
