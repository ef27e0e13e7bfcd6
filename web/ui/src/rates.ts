// What counters say about the time between two readings.

import type { PortCounters, PortTable } from "./model";

export interface PortRate {
  rxBitsPerSecond: number;
  txBitsPerSecond: number;
}

/** Readings kept for the little curves: a minute and a half at one a second. */
export const HISTORY = 90;

/** Two readings, the rates between them, and the switch's total over time in bits per second. */
export interface PortHistory {
  latest: PortTable;
  counters: Map<number, PortCounters>;
  rates: Map<number, PortRate>;
  /** Received bits per second, all ports together, oldest first. */
  total: number[];
}

/** Bits per second between two readings of a byte counter; 0 if it went back, as when the port was made anew. */
export function bitsPerSecond(before: number, after: number, milliseconds: number): number {
  if (milliseconds <= 0 || after < before) return 0;
  return ((after - before) * 8 * 1000) / milliseconds;
}

/** Takes in a new reading. One that is older than the last, or of the same moment, says nothing about rates. */
export function follow(history: PortHistory | undefined, table: PortTable): PortHistory {
  const counters = new Map(table.ports.map((port) => [port.number, port]));
  const elapsed = history ? table.measured_ms - history.latest.measured_ms : 0;
  if (!history || elapsed < 0) return { latest: table, counters, rates: new Map(), total: [] };
  if (elapsed === 0) return { ...history, latest: table, counters };

  const rates = new Map<number, PortRate>();
  let total = 0;
  for (const port of table.ports) {
    const before = history.counters.get(port.number);
    if (!before) continue;
    const rxBitsPerSecond = bitsPerSecond(before.rx_bytes, port.rx_bytes, elapsed);
    const txBitsPerSecond = bitsPerSecond(before.tx_bytes, port.tx_bytes, elapsed);
    rates.set(port.number, { rxBitsPerSecond, txBitsPerSecond });
    total += rxBitsPerSecond;
  }
  return { latest: table, counters, rates, total: [...history.total, total].slice(-HISTORY) };
}
