// Networks to test with.

import type { Flow, FlowTable, Link, Network, PortCounters, PortTable, Switch } from "../src/model";

export const dpid = (number: number): string => number.toString(16).padStart(16, "0");

export const flow = (match: string, packets: number, priority = 10): Flow => ({
  table: 0,
  priority,
  cookie: "0x0",
  match,
  actions: "output:1",
  packets,
  bytes: packets * 98,
  duration_s: 1,
  idle_timeout_s: 0,
  hard_timeout_s: 0,
});

export const flows = (number: number, ...list: Flow[]): FlowTable => ({ dpid: dpid(number), measured_ms: 0, flows: list });

export const counters = (number: number, rx_bytes: number, tx_bytes = 0): PortCounters => ({
  number,
  rx_packets: 0,
  tx_packets: 0,
  rx_bytes,
  tx_bytes,
  rx_dropped: 0,
  tx_dropped: 0,
  rx_errors: 0,
  tx_errors: 0,
});

export const ports = (number: number, measured_ms: number, ...list: PortCounters[]): PortTable => ({
  dpid: dpid(number),
  measured_ms,
  ports: list,
});

const oneSwitch = (number: number): Switch => ({
  name: `s${number}`,
  dpid: dpid(number),
  connected: true,
  kind: "ovs",
  ports: [],
});

/** Switches joined by `trunks`, each with so many hosts; ports are numbered as links are made, hosts first. */
export function network(hostsOf: number[], trunks: [number, number][] = []): Network {
  const used = new Map<number, number>();
  const end = (number: number) => {
    const port = (used.get(number) ?? 0) + 1;
    used.set(number, port);
    return { node: `s${number}`, port, interface: `s${number}-eth${port}` };
  };
  const made: Network = { name: "test", controller: null, switches: [], hosts: [], links: [] };
  const join = (a: Link["a"], b: Link["b"]) =>
    made.links.push({ id: `${a.interface}:${b.interface}`, a, b, state: "up", controllable: true });
  hostsOf.forEach((count, index) => {
    made.switches.push(oneSwitch(index + 1));
    for (let host = 0; host < count; host += 1) {
      const name = `h${made.hosts.length + 1}`;
      const b = end(index + 1);
      made.hosts.push({ name, mac: "", ipv4: [], ipv6: [], attached: { switch: b.node, port: b.port } });
      join({ node: name, port: null, interface: `${name}-eth0` }, b);
    }
  });
  for (const [one, other] of trunks) join(end(one), end(other));
  return made;
}
