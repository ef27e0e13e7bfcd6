// How tables are sorted.

import type { Flow } from "./model";

/** Compares names as people do: s2 before s10. */
export function byName(one: string, other: string): number {
  return one.localeCompare(other, "en", { numeric: true });
}

export type FlowColumn = "table" | "priority" | "match" | "actions" | "packets" | "bytes" | "age";

export interface FlowOrder {
  column: FlowColumn;
  direction: "ascending" | "descending";
}

/** As the switch looks flows up: first table first, highest priority first. */
export const LOOKUP_ORDER: FlowOrder = { column: "table", direction: "ascending" };

const KEYS: Record<FlowColumn, (flow: Flow) => number | string> = {
  table: (flow) => flow.table,
  priority: (flow) => flow.priority,
  match: (flow) => flow.match,
  actions: (flow) => flow.actions,
  packets: (flow) => flow.packets,
  bytes: (flow) => flow.bytes,
  age: (flow) => flow.duration_s,
};

function compare(one: number | string, other: number | string): number {
  return typeof one === "number" && typeof other === "number"
    ? one - other
    : byName(String(one), String(other));
}

/** A sorted copy. Equal flows stand in lookup order, then by their match, so that rows do not jump about. */
export function sortFlows(flows: readonly Flow[], order: FlowOrder): Flow[] {
  const key = KEYS[order.column];
  const sign = order.direction === "ascending" ? 1 : -1;
  return [...flows].sort(
    (one, other) =>
      sign * compare(key(one), key(other)) ||
      one.table - other.table ||
      other.priority - one.priority ||
      byName(one.match, other.match),
  );
}

/** The order after a click on a column's head: turned round if it was sorted by it, else its natural direction. */
export function clicked(order: FlowOrder, column: FlowColumn): FlowOrder {
  if (order.column === column) {
    return { column, direction: order.direction === "ascending" ? "descending" : "ascending" };
  }
  const largestFirst = column === "priority" || column === "packets" || column === "bytes";
  return { column, direction: largestFirst ? "descending" : "ascending" };
}
