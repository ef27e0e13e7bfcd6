// Numbers as people read them.

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** 1234567 as 1,234,567. */
export function count(value: number): string {
  return Math.trunc(value).toString().replace(/\B(?=(\d{3})+$)/g, ",");
}

function scaled(value: number, step: number, units: readonly string[]): string {
  let unit = 0;
  let rest = value;
  // Rounded first, so that 999.96 does not become 1000.0.
  while (unit < units.length - 1 && Number(rest.toPrecision(3)) >= step) {
    rest /= step;
    unit += 1;
  }
  const digits = unit === 0 || rest >= 99.95 ? 0 : rest >= 9.995 ? 1 : 2;
  return `${rest.toFixed(digits)} ${units[unit]}`;
}

/** Bytes in decimal units, as network people count. */
export function bytes(value: number): string {
  return scaled(value, 1000, ["B", "kB", "MB", "GB", "TB", "PB"]);
}

/** Bits per second; a dash where nothing moves, so that the eye finds what does. */
export function rate(bitsPerSecond: number): string {
  if (bitsPerSecond < 0.5) return "–";
  return scaled(bitsPerSecond, 1000, ["bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"]);
}

/** 4 s, 3 min 20 s, 2 h 5 min, 3 d 4 h. */
export function age(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const pair = (large: number, largeUnit: string, small: number, smallUnit: string) => {
    const rest = Math.floor((whole % large) / small);
    return `${Math.floor(whole / large)} ${largeUnit}${rest ? ` ${rest} ${smallUnit}` : ""}`;
  };
  if (whole < MINUTE) return `${whole} s`;
  if (whole < HOUR) return pair(MINUTE, "min", 1, "s");
  if (whole < DAY) return pair(HOUR, "h", MINUTE, "min");
  return pair(DAY, "d", HOUR, "h");
}

/** Splits a match or action list of ovs-ofctl at its outer commas, so that a line breaks only there. */
export function pieces(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at];
    if (letter === "(") depth += 1;
    if (letter === ")") depth = Math.max(0, depth - 1);
    if (letter === "," && depth === 0) {
      parts.push(text.slice(start, at + 1));
      start = at + 1;
    }
  }
  if (start < text.length) parts.push(text.slice(start));
  return parts;
}

export function plural(number: number, one: string, many = `${one}s`): string {
  return `${count(number)} ${number === 1 ? one : many}`;
}
