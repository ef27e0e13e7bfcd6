// Where each node stands. Deterministic: the same network always looks the same.

import type { Graph } from "./graph";

export interface Point {
  x: number;
  y: number;
}

export type Positions = Map<string, Point>;

/** Room for a node with its name, and for a row with its port numbers. */
const SLOT = 74;
const ROW = 112;
/** More leaves than this in one row would be too small to read: a tree is drawn round then. */
const LEAVES_IN_A_ROW = 12;
/** Switches of a chain in one row before it wraps. */
const CHAIN = 8;

/** One connected part of the network, split into its switches and what hangs on them. */
interface Part {
  switches: string[];
  /** Neighbouring switches, without doubles. */
  near: Map<string, string[]>;
  hosts: Map<string, string[]>;
}

/** Places all nodes; parts that are not connected stand side by side. */
export function place(graph: Graph): Positions {
  const all: Positions = new Map();
  let right = 0;
  for (const part of partsOf(graph)) {
    const positions = placePart(part);
    const xs = [...positions.values()].map((point) => point.x);
    const left = Math.min(...xs);
    for (const [id, { x, y }] of positions) all.set(id, { x: x - left + right, y });
    right += Math.max(...xs) - left + 2 * SLOT;
  }
  return all;
}

function partsOf(graph: Graph): Part[] {
  const near = new Map<string, Set<string>>(graph.nodes.map((node) => [node.id, new Set()]));
  for (const { source, target } of graph.edges) {
    if (source === target) continue;
    near.get(source)?.add(target);
    near.get(target)?.add(source);
  }
  const isSwitch = new Set(graph.nodes.filter((node) => node.kind === "switch").map((node) => node.id));
  const parts: Part[] = [];
  const seen = new Set<string>();
  for (const { id } of graph.nodes) {
    if (seen.has(id)) continue;
    const members = distances(id, (node) => [...(near.get(node) ?? [])]);
    for (const member of members.keys()) seen.add(member);
    parts.push(partOf([...members.keys()], near, isSwitch, graph));
  }
  return parts;
}

function partOf(members: string[], near: Map<string, Set<string>>, isSwitch: Set<string>, graph: Graph): Part {
  const inside = new Set(members);
  const ordered = graph.nodes.map((node) => node.id).filter((id) => inside.has(id));
  const switches = ordered.filter((id) => isSwitch.has(id));
  const rank = new Map(ordered.map((id, index) => [id, index]));
  const byRank = (one: string, other: string) => (rank.get(one) ?? 0) - (rank.get(other) ?? 0);
  const part: Part = { switches, near: new Map(), hosts: new Map(switches.map((id) => [id, []])) };
  for (const id of switches) {
    part.near.set(id, [...(near.get(id) ?? [])].filter((other) => isSwitch.has(other)).sort(byRank));
  }
  const loose: string[] = [];
  for (const host of ordered.filter((id) => !isSwitch.has(id))) {
    const home = [...(near.get(host) ?? [])].filter((other) => isSwitch.has(other)).sort(byRank)[0];
    if (home === undefined) loose.push(host);
    else part.hosts.get(home)?.push(host);
  }
  // Hosts linked to each other without a switch: the first stands in for one.
  const [first, ...rest] = loose;
  if (first !== undefined) {
    part.switches.push(first);
    part.near.set(first, []);
    part.hosts.set(first, rest);
  }
  return part;
}

/** Steps from `start` to all that can be reached. */
function distances(start: string, near: (id: string) => string[]): Map<string, number> {
  const steps = new Map([[start, 0]]);
  const queue = [start];
  for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
    for (const other of near(id)) {
      if (steps.has(other)) continue;
      steps.set(other, (steps.get(id) ?? 0) + 1);
      queue.push(other);
    }
  }
  return steps;
}

function placePart(part: Part): Positions {
  const degrees = part.switches.map((id) => part.near.get(id)?.length ?? 0);
  const edges = degrees.reduce((sum, degree) => sum + degree, 0) / 2;
  const hosts = [...part.hosts.values()].reduce((sum, list) => sum + list.length, 0);
  if (edges === part.switches.length - 1) {
    const single = part.switches.length === 1;
    if (!single && Math.max(...degrees) <= 2 && part.switches.length !== 3) return chain(part);
    return hosts <= LEAVES_IN_A_ROW ? tree(part) : round(part);
  }
  const levels = levelsOf(part);
  if (levels) return layered(part, levels);
  return edges === part.switches.length && Math.max(...degrees) === 2 ? ring(part) : springs(part);
}

const listOf = (map: Map<string, string[]>, id: string): string[] => map.get(id) ?? [];

/** The switch from which all others are nearest; among equals the one with most neighbours, then the first. */
function centre(part: Part): string {
  let best = part.switches[0] ?? "";
  let bestScore = Number.POSITIVE_INFINITY;
  for (const id of part.switches) {
    const far = Math.max(...distances(id, (one) => listOf(part.near, one)).values());
    const score = far * 1000 - listOf(part.near, id).length;
    if (score < bestScore) [best, bestScore] = [id, score];
  }
  return best;
}

interface Leaf {
  /** Place among the leaves, from 0; for an inner node the middle of its children. */
  slot: number;
  depth: number;
}

/** Gives each leaf of the tree a slot of its own and each parent the middle of its children. */
function slots(part: Part): { leaves: number; depth: number; at: Map<string, Leaf> } {
  const at = new Map<string, Leaf>();
  let leaves = 0;
  let deepest = 0;
  const visit = (id: string, from: string | null, depth: number): number => {
    deepest = Math.max(deepest, depth);
    const below = [
      ...listOf(part.near, id).filter((other) => other !== from).map((other) => visit(other, id, depth + 1)),
      ...listOf(part.hosts, id).map((host) => {
        deepest = Math.max(deepest, depth + 1);
        at.set(host, { slot: leaves, depth: depth + 1 });
        leaves += 1;
        return leaves - 1;
      }),
    ];
    const [first, last] = [below[0], below[below.length - 1]];
    const slot = first === undefined || last === undefined ? leaves++ : (first + last) / 2;
    at.set(id, { slot, depth });
    return slot;
  };
  visit(centre(part), null, 0);
  return { leaves, depth: deepest, at };
}

/** Root above, leaves below. */
function tree(part: Part): Positions {
  const { at } = slots(part);
  return new Map([...at].map(([id, { slot, depth }]) => [id, { x: slot * SLOT, y: depth * ROW }]));
}

/** Root in the middle, leaves around; wider than high, as the pane is. */
function round(part: Part): Positions {
  const { at, leaves, depth: deepest } = slots(part);
  // The last ring in two depths where it is crowded, so that neighbours do not cover each other's names.
  const crowded = leaves > 24;
  const outer = Math.max(deepest * (crowded ? 92 : 78), (leaves * (crowded ? 30 : 46)) / (2 * Math.PI));
  return new Map(
    [...at].map(([id, { slot, depth }]) => {
      const angle = ((slot + 0.5) / leaves) * 2 * Math.PI - Math.PI / 2;
      const stagger = crowded && depth === deepest && slot % 2 === 1 ? 1 - 46 / outer : 1;
      const radius = (depth / deepest) * outer * stagger;
      return [id, { x: Math.cos(angle) * radius * 1.2, y: Math.sin(angle) * radius }];
    }),
  );
}

/** Hosts in columns below their switch; gives the lowest row's height. */
function hang(part: Part, id: string, positions: Positions, columns: number): number {
  const { x, y } = positions.get(id) ?? { x: 0, y: 0 };
  const hosts = listOf(part.hosts, id);
  const width = Math.min(columns, hosts.length);
  hosts.forEach((host, index) => {
    const column = index % width;
    const row = Math.floor(index / width);
    positions.set(host, { x: x + (column - (width - 1) / 2) * 58, y: y + ROW * 0.8 + row * 46 });
  });
  return hosts.length ? ROW * 0.8 + (Math.ceil(hosts.length / width) - 1) * 46 : 0;
}

/** Switches in a row that wraps, hosts below. */
function chain(part: Part): Positions {
  const positions: Positions = new Map();
  const start = part.switches.find((id) => listOf(part.near, id).length <= 1) ?? "";
  const order = [...distances(start, (id) => listOf(part.near, id)).keys()];
  const crowd = Math.max(...[...part.hosts.values()].map((list) => list.length));
  const columns = crowd > 4 ? 3 : Math.min(2, Math.max(1, crowd));
  const step = Math.max(96, columns * 62 + 14);
  const perRow = order.length <= CHAIN + 2 ? order.length : CHAIN;
  let y = 0;
  for (let from = 0; from < order.length; from += perRow) {
    const row = order.slice(from, from + perRow);
    const backwards = (from / perRow) % 2 === 1;
    let height = 0;
    row.forEach((id, index) => {
      positions.set(id, { x: (backwards ? perRow - 1 - index : index) * step, y });
      height = Math.max(height, hang(part, id, positions, columns));
    });
    y += height + ROW * 0.8;
  }
  return positions;
}

/** Steps to the nearest switch with hosts, if links only join neighbouring levels: a fat tree, leaves and spines. */
function levelsOf(part: Part): Map<string, number> | null {
  const edge = part.switches.filter((id) => listOf(part.hosts, id).length > 0);
  if (edge.length === 0 || edge.length === part.switches.length) return null;
  const levels = new Map<string, number>();
  for (const id of edge) {
    for (const [other, steps] of distances(id, (one) => listOf(part.near, one))) {
      levels.set(other, Math.min(steps, levels.get(other) ?? steps));
    }
  }
  const between = part.switches.every((id) =>
    listOf(part.near, id).every((other) => levels.get(id) !== levels.get(other)),
  );
  return between ? levels : null;
}

/** One row a level, the hosts' switches at the bottom. */
function layered(part: Part, levels: Map<string, number>): Positions {
  const positions: Positions = new Map();
  const top = Math.max(...levels.values());
  const rows = Array.from({ length: top + 1 }, (_, level) => part.switches.filter((id) => levels.get(id) === level));
  const crowd = Math.max(...[...part.hosts.values()].map((list) => list.length));
  // Many switches in a row stand close, with their hosts in one column, and get height to see the links.
  const widest = Math.max(...rows.map((row) => row.length));
  const columns = widest > 6 ? 1 : Math.min(2, crowd);
  const slot = widest > 10 ? 56 : SLOT;
  const width = Math.max(widest * slot, (rows[0]?.length ?? 1) * (columns * 62 - 6));
  const gap = Math.max(ROW * 1.15, width / (3 * top));
  rows.forEach((row, level) => {
    row.forEach((id, index) => {
      positions.set(id, { x: ((index + 0.5) / row.length) * width, y: (top - level) * gap });
    });
  });
  for (const id of rows[0] ?? []) hang(part, id, positions, columns);
  return positions;
}

/** Hosts on an arc around their switch, away from `away`. */
function fan(part: Part, positions: Positions, away: Point): void {
  for (const id of part.switches) {
    const { x, y } = positions.get(id) ?? away;
    const hosts = listOf(part.hosts, id);
    const towards = Math.atan2(y - away.y, x - away.x);
    const spread = Math.min(Math.PI * 1.2, (hosts.length - 1) * 0.7);
    const radius = Math.max(80, (hosts.length * 34) / Math.max(spread, 1));
    hosts.forEach((host, index) => {
      const angle = towards + (hosts.length > 1 ? (index / (hosts.length - 1) - 0.5) * spread : 0);
      positions.set(host, { x: x + Math.cos(angle) * radius, y: y + Math.sin(angle) * radius });
    });
  }
}

function circle(order: string[]): Positions {
  const radius = Math.max(90, (order.length * 90) / (2 * Math.PI));
  return new Map(
    order.map((id, index) => {
      const angle = (index / order.length) * 2 * Math.PI - Math.PI / 2;
      return [id, { x: Math.cos(angle) * radius, y: Math.sin(angle) * radius }];
    }),
  );
}

function ring(part: Part): Positions {
  const order: string[] = [];
  let next = part.switches[0];
  while (next !== undefined) {
    order.push(next);
    next = listOf(part.near, next).find((id) => !order.includes(id));
  }
  const positions = circle(order);
  fan(part, positions, { x: 0, y: 0 });
  return positions;
}

/** Fruchterman and Reingold's forces, from a circle, with a temperature that falls to nothing. */
function springs(part: Part): Positions {
  const positions = circle(part.switches);
  const length = 120;
  const rounds = part.switches.length > 120 ? 60 : 250;
  for (let round = 0; round < rounds; round += 1) {
    const force = new Map(part.switches.map((id) => [id, { x: 0, y: 0 }]));
    part.switches.forEach((one, index) => {
      for (const other of part.switches.slice(index + 1)) {
        pull(positions, force, one, other, (far) => -(length * length) / far);
      }
      for (const other of listOf(part.near, one)) {
        if (one < other) pull(positions, force, one, other, (far) => (far * far) / length);
      }
    });
    const heat = length * (1 - round / rounds) * 0.5;
    for (const [id, { x, y }] of force) {
      const strength = Math.hypot(x, y) || 1;
      const step = Math.min(strength, heat) / strength;
      const at = positions.get(id);
      if (at) positions.set(id, { x: at.x + x * step, y: at.y + y * step });
    }
  }
  fan(part, positions, { x: 0, y: 0 });
  return positions;
}

function pull(at: Positions, force: Positions, one: string, other: string, strength: (far: number) => number): void {
  const [a, b, fa, fb] = [at.get(one), at.get(other), force.get(one), force.get(other)];
  if (!a || !b || !fa || !fb) return;
  const far = Math.max(1, Math.hypot(b.x - a.x, b.y - a.y));
  const scale = strength(far) / far;
  fa.x += (b.x - a.x) * scale;
  fa.y += (b.y - a.y) * scale;
  fb.x -= (b.x - a.x) * scale;
  fb.y -= (b.y - a.y) * scale;
}
