// The frame of a chart: title, unit, axes, and a reading under the pointer.
// In: axes, what is drawn between them. Out: SVG as wide as its place. Never: a number that only a colour tells.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { type Axis, place, ticks, tickText } from "./axes";

const HEIGHT = 128;
const LEFT = 38;
const RIGHT = 8;
const TOP = 6;
const BOTTOM = 18;

/** Pixels of values. */
export interface Plot {
  readonly width: number;
  readonly height: number;
  x(value: number): number;
  y(value: number): number;
}

interface ChartProps {
  title: string;
  /** Beside the title: the number that matters most. */
  headline: string;
  xAxis: Axis;
  yAxis: Axis;
  xUnit: string;
  yUnit: string;
  /** What is to be read at a place along x, 0 to 1. */
  read?: (share: number) => { x: number; text: string } | null;
  children: (plot: Plot) => ComponentChildren;
}

export function Chart(props: ChartProps) {
  const { title, headline, xAxis, yAxis, xUnit, yUnit, read, children } = props;
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const [share, setShare] = useState<number | null>(null);
  const inner = Math.max(10, width - LEFT - RIGHT);
  const plot: Plot = {
    width: inner,
    height: HEIGHT - TOP - BOTTOM,
    x: (value) => LEFT + inner * place(xAxis, value),
    y: (value) => HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * place(yAxis, value),
  };
  const reading = share === null ? null : (read?.(share) ?? null);
  const point = (event: MouseEvent & { currentTarget: SVGSVGElement }) =>
    setShare((event.clientX - event.currentTarget.getBoundingClientRect().left - LEFT) / inner);
  return (
    <figure class="chart" ref={box}>
      <figcaption>
        <span>
          {title} {yUnit && <span class="dim">{yUnit}</span>}
        </span>
        <span class={reading ? "reading" : "headline"}>{reading?.text ?? headline}</span>
      </figcaption>
      {width > 0 && (
        <svg
          width={width}
          height={HEIGHT}
          role="img"
          aria-label={`${title}: ${headline}`}
          onMouseMove={point}
          onMouseLeave={() => setShare(null)}
        >
          <Axes plot={plot} xAxis={xAxis} yAxis={yAxis} xUnit={xUnit} width={width} />
          {children(plot)}
          {reading && (
            <line class="cursor" x1={plot.x(reading.x)} x2={plot.x(reading.x)} y1={TOP} y2={HEIGHT - BOTTOM} />
          )}
        </svg>
      )}
    </figure>
  );
}

interface AxesProps {
  plot: Plot;
  xAxis: Axis;
  yAxis: Axis;
  xUnit: string;
  width: number;
}

function Axes({ plot, xAxis, yAxis, xUnit, width }: AxesProps) {
  const unitAt = width - RIGHT;
  const xTicks = ticks(xAxis, Math.max(2, Math.floor(width / 80))).filter(
    (at) => plot.x(at) < unitAt - 14 - 6 * xUnit.length,
  );
  return (
    <g class="axes">
      {ticks(yAxis, 3).map((at) => (
        <g key={at}>
          <line class="grid" x1={LEFT} x2={width - RIGHT} y1={plot.y(at)} y2={plot.y(at)} />
          <text x={LEFT - 5} y={plot.y(at) + 3.5} text-anchor="end">
            {tickText(at)}
          </text>
        </g>
      ))}
      {xTicks.map((at) => (
        <g key={at}>
          <line class="tick" x1={plot.x(at)} x2={plot.x(at)} y1={HEIGHT - BOTTOM} y2={HEIGHT - BOTTOM + 3} />
          <text x={plot.x(at)} y={HEIGHT - 5} text-anchor="middle">
            {tickText(at)}
          </text>
        </g>
      ))}
      <text class="unit" x={unitAt} y={HEIGHT - 5} text-anchor="end">
        {xUnit}
      </text>
      <line class="base" x1={LEFT} x2={width - RIGHT} y1={HEIGHT - BOTTOM} y2={HEIGHT - BOTTOM} />
    </g>
  );
}

function useWidth(of: { current: HTMLElement | null }): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = of.current;
    if (!element) return;
    const watch = new ResizeObserver(() => setWidth(element.clientWidth));
    watch.observe(element);
    return () => watch.disconnect();
  }, [of]);
  return width;
}
