// Ticks and scales of charts. Pure.
// In: ends of an axis. Out: round numbers on it, and where they fall. Never: a tick outside of the axis.

export interface Axis {
  readonly low: number;
  readonly high: number;
  readonly logarithmic: boolean;
}

/** 0 to 1 along the axis. */
export function place(axis: Axis, value: number): number {
  const { low, high, logarithmic } = axis;
  if (high <= low) return 0.5;
  if (!logarithmic) return (value - low) / (high - low);
  return (Math.log(Math.max(value, low)) - Math.log(low)) / (Math.log(high) - Math.log(low));
}

/** Round numbers, about `wanted` of them. */
export function ticks(axis: Axis, wanted: number): number[] {
  return axis.logarithmic ? powers(axis) : steps(axis, wanted);
}

function steps({ low, high }: Axis, wanted: number): number[] {
  if (!(high > low)) return [low];
  const rough = (high - low) / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= rough * 0.999) ?? 10 * power;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  const found: number[] = [];
  for (let at = first; at <= last; at += 1) found.push(Number((at * step).toPrecision(12)));
  return found;
}

function powers({ low, high }: Axis): number[] {
  if (!(low > 0 && high > low)) return [];
  const decades = Math.log10(high / low);
  const factors = decades > 4 ? [1] : decades > 1.5 ? [1, 3] : [1, 2, 5];
  const found: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
    for (const factor of factors) {
      const value = Number((factor * 10 ** power).toPrecision(12));
      if (value >= low * 0.999 && value <= high * 1.001) found.push(value);
    }
  }
  return found;
}

/** Ends that hold all numbers, with some air; zero is kept in sight where numbers are positive. */
export function around(values: readonly number[], fromZero: boolean): Axis {
  const finite = values.filter(Number.isFinite);
  if (finite.length === 0) return { low: 0, high: 1, logarithmic: false };
  const least = finite.reduce((a, b) => Math.min(a, b));
  const most = finite.reduce((a, b) => Math.max(a, b));
  const low = fromZero ? Math.min(0, least) : least;
  const air = (most - low) * 0.08 || Math.abs(most) * 0.1 || 1;
  return { low: fromZero && low === 0 ? 0 : low - air, high: most + air, logarithmic: false };
}

/** 1 200 000 as 1.2M, so that it fits below a chart. */
export function tickText(value: number): string {
  const size = Math.abs(value);
  const round = (n: number) => Number(n.toPrecision(3)).toString();
  if (size >= 1e6) return `${round(value / 1e6)}M`;
  if (size >= 1e4) return `${round(value / 1e3)}k`;
  return round(value);
}
