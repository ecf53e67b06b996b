// Numbers over frames. In: one or more columns. Out: a chart of lines. Never: a line through what was not measured.

import { short } from "../units/format";
import { type Axis, around } from "./axes";
import { Chart, type Plot } from "./Chart";

export interface Line {
  readonly name: string;
  readonly values: readonly number[];
  /** Standard deviations, drawn as a band. */
  readonly sd?: readonly number[];
}

interface LinesProps {
  title: string;
  headline: string;
  unit: string;
  /** Of each value. */
  xs: readonly number[];
  xUnit: string;
  lines: readonly Line[];
  fromZero?: boolean;
}

export function Lines({ title, headline, unit, xs, xUnit, lines, fromZero = true }: LinesProps) {
  const first = xs[0] ?? 0;
  const last = xs.at(-1) ?? 1;
  const xAxis: Axis = { low: first, high: last > first ? last : first + 1, logarithmic: false };
  const yAxis = around(
    lines.flatMap((line) => line.values),
    fromZero,
  );
  const read = (share: number) => {
    const at = nearest(xs, first + share * (last - first));
    const x = xs[at];
    if (x === undefined) return null;
    const texts = lines.map((line) => `${line.name ? `${line.name} ` : ""}${short(line.values[at] ?? Number.NaN)}`);
    return { x, text: `${texts.join(" · ")} at ${xUnit} ${Math.round(x)}` };
  };
  return (
    <Chart title={title} headline={headline} xAxis={xAxis} yAxis={yAxis} xUnit={xUnit} yUnit={unit} read={read}>
      {(plot) =>
        lines.map((line, number) => (
          <g key={line.name} class={`line line-${number}`}>
            {line.sd && <path class="band" d={band(plot, xs, line.values, line.sd)} />}
            <path class="stroke" d={path(plot, xs, line.values)} />
            {line.name && (
              <text class="name" x={plot.x(last)} y={plot.y(line.values.at(-1) ?? 0) - 5} text-anchor="end">
                {line.name}
              </text>
            )}
          </g>
        ))
      }
    </Chart>
  );
}

function nearest(xs: readonly number[], wanted: number): number {
  let best = 0;
  xs.forEach((x, at) => {
    if (Math.abs(x - wanted) < Math.abs((xs[best] ?? 0) - wanted)) best = at;
  });
  return best;
}

/** Gaps stay gaps. */
function path(plot: Plot, xs: readonly number[], values: readonly number[]): string {
  let pen = "M";
  let d = "";
  xs.forEach((x, at) => {
    const value = values[at];
    if (value === undefined || !Number.isFinite(value)) {
      pen = "M";
      return;
    }
    // A place between two gaps is a dot.
    d += `${pen}${plot.x(x).toFixed(1)} ${plot.y(value).toFixed(1)}${pen === "M" ? "h0" : ""}`;
    pen = "L";
  });
  return d;
}

function band(plot: Plot, xs: readonly number[], values: readonly number[], sd: readonly number[]): string {
  const edge = (sign: number) =>
    xs.map((x, at) => `${plot.x(x).toFixed(1)} ${plot.y((values[at] ?? 0) + sign * (sd[at] ?? 0)).toFixed(1)}`);
  return xs.length === 0 ? "" : `M${edge(1).join("L")}L${edge(-1).reverse().join("L")}Z`;
}
