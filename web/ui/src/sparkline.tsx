// A little curve of the last minute and a half.

import { rate } from "./format";
import { HISTORY } from "./rates";

const WIDTH = 150;
const HEIGHT = 26;

/** The points of the curve, newest at the right edge, in a box of `width` by `height`. */
export function curve(values: readonly number[], width: number, height: number): string {
  const top = Math.max(1, ...values);
  const step = width / (HISTORY - 1);
  return values
    .map((value, index) => {
      const x = width - (values.length - 1 - index) * step;
      return `${x.toFixed(1)},${(height - 1 - (value / top) * (height - 3)).toFixed(1)}`;
    })
    .join(" ");
}

export function Sparkline({ values }: { values: readonly number[] }) {
  const now = values[values.length - 1] ?? 0;
  return (
    <span class="sparkline">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT} aria-hidden="true">
        <line x1="0" x2={WIDTH} y1={HEIGHT - 0.5} y2={HEIGHT - 0.5} />
        {values.length > 1 && <polyline points={curve(values, WIDTH, HEIGHT)} />}
      </svg>
      <span class="number" data-testid="switch-throughput">
        {rate(now)}
      </span>
    </span>
  );
}
