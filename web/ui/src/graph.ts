// The network as nodes and edges, without any drawing.

import type { Network } from "./model";
import { byName } from "./order";

export interface GraphNode {
  id: string;
  kind: "switch" | "host";
  /** Whether it can be reached: a host always, a switch while it has a session. */
  live: boolean;
}

export interface GraphEdge {
  id: string;
  source: string;
  target: string;
  sourcePort: string;
  targetPort: string;
  up: boolean;
}

export interface Graph {
  nodes: GraphNode[];
  edges: GraphEdge[];
}

/** Nodes by name, edges in the order of the links. A host without a link hangs where the controller saw it. */
export function graphOf(network: Network): Graph {
  const nodes: GraphNode[] = [
    ...network.switches.map((one) => ({ id: one.name, kind: "switch" as const, live: one.connected })),
    ...network.hosts.map((one) => ({ id: one.name, kind: "host" as const, live: true })),
  ].sort((one, other) => byName(one.id, other.id));
  const known = new Set(nodes.map((node) => node.id));
  const edges: GraphEdge[] = [];
  const linked = new Set<string>();
  for (const { id, a, b, state } of network.links) {
    if (!known.has(a.node) || !known.has(b.node)) continue;
    linked.add(a.node).add(b.node);
    edges.push({
      id,
      source: a.node,
      target: b.node,
      sourcePort: a.port === null ? "" : String(a.port),
      targetPort: b.port === null ? "" : String(b.port),
      up: state === "up",
    });
  }
  for (const { name, attached } of network.hosts) {
    if (linked.has(name) || !attached || !known.has(attached.switch)) continue;
    edges.push({
      id: `attached ${name}`,
      source: name,
      target: attached.switch,
      sourcePort: "",
      targetPort: String(attached.port),
      up: true,
    });
  }
  return { nodes, edges };
}

/** Equal for two graphs that differ in states only, so that the picture may stay as it is. */
export function structureOf(graph: Graph): string {
  return JSON.stringify([
    graph.nodes.map((node) => [node.id, node.kind]),
    graph.edges.map((edge) => [edge.id, edge.source, edge.target]),
  ]);
}

/** What must be removed from `before`, and what is new in `after`, by id. */
export function difference(before: Iterable<string>, after: Iterable<string>): { gone: string[]; come: string[] } {
  const [old, young] = [new Set(before), new Set(after)];
  return { gone: [...old].filter((id) => !young.has(id)), come: [...young].filter((id) => !old.has(id)) };
}

/** How wide an edge is drawn for its traffic: 1.5 pixels when idle, up to 6 at 10 Gbit/s. */
export function edgeWidth(bitsPerSecond: number): number {
  if (bitsPerSecond < 1) return 1.5;
  return 1.5 + 4.5 * Math.min(1, Math.log10(1 + bitsPerSecond) / 10);
}
