// All that the page knows, and how news changes it. No DOM, no clock.

import type { Flow, FlowTable, Link, LinkState, Network, PortTable, Switch } from "./model";
import { byName } from "./order";
import { follow, type PortHistory } from "./rates";

export type Connection = "connecting" | "live" | "reconnecting" | "stopped" | "refused";

export interface FlowView {
  table: FlowTable;
  /** Keys of the flows whose packet counter moved between the last two readings. */
  moved: ReadonlySet<string>;
}

export interface State {
  connection: Connection;
  network: Network | null;
  flows: ReadonlyMap<string, FlowView>;
  ports: ReadonlyMap<string, PortHistory>;
  /** The datapath id of the switch in the details. */
  selectedSwitch: string | null;
  selectedHost: string | null;
  selectedLink: string | null;
  /** States that were asked for and are not confirmed yet, by link. */
  pendingLinks: ReadonlyMap<string, LinkState>;
  /** What went wrong last, for a person to read. */
  problem: string | null;
}

export type News =
  | { kind: "connection"; connection: Connection }
  | { kind: "network"; network: Network }
  | { kind: "flows"; table: FlowTable }
  | { kind: "ports"; table: PortTable }
  | { kind: "select-node"; name: string }
  | { kind: "select-link"; id: string }
  | { kind: "link-asked"; id: string; state: LinkState }
  | { kind: "link-answered"; id: string; problem: string | null }
  | { kind: "problem-read" };

export const INITIAL: State = {
  connection: "connecting",
  network: null,
  flows: new Map(),
  ports: new Map(),
  selectedSwitch: null,
  selectedHost: null,
  selectedLink: null,
  pendingLinks: new Map(),
  problem: null,
};

/** What makes a flow the same flow in two readings (OF 1.3.5 §5.2: its match and priority, in its table). */
export function flowKey(flow: Flow): string {
  return `${flow.table}/${flow.priority}/${flow.match}`;
}

export function reduce(state: State, news: News): State {
  switch (news.kind) {
    case "connection":
      return { ...state, connection: news.connection };
    case "network":
      return withNetwork(state, news.network);
    case "flows":
      return { ...state, flows: withFlows(state.flows, news.table) };
    case "ports": {
      const history = follow(state.ports.get(news.table.dpid), news.table);
      return { ...state, ports: new Map(state.ports).set(news.table.dpid, history) };
    }
    case "select-node":
      return withNode(state, news.name);
    case "select-link":
      return { ...state, selectedLink: news.id, selectedHost: null };
    case "link-asked":
      return { ...state, pendingLinks: new Map(state.pendingLinks).set(news.id, news.state), problem: null };
    case "link-answered":
      return { ...state, pendingLinks: without(state.pendingLinks, news.id), problem: news.problem };
    case "problem-read":
      return { ...state, problem: null };
  }
}

function without<V>(map: ReadonlyMap<string, V>, key: string): Map<string, V> {
  const rest = new Map(map);
  rest.delete(key);
  return rest;
}

function withNetwork(state: State, network: Network): State {
  const dpids = new Set(network.switches.map((one) => one.dpid));
  const kept = <V>(map: ReadonlyMap<string, V>) => new Map([...map].filter(([dpid]) => dpids.has(dpid)));
  const selected = state.selectedSwitch !== null && dpids.has(state.selectedSwitch) ? state.selectedSwitch : null;
  const first = [...network.switches].sort((one, other) => byName(one.name, other.name))[0];
  return {
    ...state,
    network,
    flows: kept(state.flows),
    ports: kept(state.ports),
    selectedSwitch: selected ?? first?.dpid ?? null,
    selectedHost: network.hosts.some((host) => host.name === state.selectedHost) ? state.selectedHost : null,
    selectedLink: network.links.some((link) => link.id === state.selectedLink) ? state.selectedLink : null,
  };
}

function withFlows(flows: State["flows"], table: FlowTable): State["flows"] {
  const before = new Map(flows.get(table.dpid)?.table.flows.map((flow) => [flowKey(flow), flow.packets]));
  const moved = new Set<string>();
  for (const flow of table.flows) {
    const key = flowKey(flow);
    const packets = before.get(key);
    if (packets !== undefined && packets !== flow.packets) moved.add(key);
  }
  return new Map(flows).set(table.dpid, { table, moved });
}

function withNode(state: State, name: string): State {
  const found = state.network?.switches.find((one) => one.name === name);
  if (found) return { ...state, selectedSwitch: found.dpid, selectedHost: null, selectedLink: null };
  return { ...state, selectedHost: name, selectedLink: null };
}

export function selectedSwitch(state: State): Switch | null {
  return state.network?.switches.find((one) => one.dpid === state.selectedSwitch) ?? null;
}

/** Bits per second over each link, both directions together, as the switch at one of its ends counts them. */
export function linkRates(network: Network, ports: State["ports"]): Map<string, number> {
  const dpids = new Map(network.switches.map((one) => [one.name, one.dpid]));
  const rates = new Map<string, number>();
  for (const link of network.links) {
    for (const end of [link.a, link.b]) {
      const dpid = dpids.get(end.node);
      const rate = dpid === undefined || end.port === null ? undefined : ports.get(dpid)?.rates.get(end.port);
      if (rate) {
        rates.set(link.id, rate.rxBitsPerSecond + rate.txBitsPerSecond);
        break;
      }
    }
  }
  return rates;
}

/** `s3 port 1`, or `h1` for an end that has no port number. */
export function endText(end: Link["a"]): string {
  return end.port === null ? end.node : `${end.node} port ${end.port}`;
}
