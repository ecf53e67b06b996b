// A card's ranges beside the recording's numbers. In: model, series. Out: a table. Never: colour alone.

import type { Acquisition } from "../gen/blinkd/v1/acquisitions_pb";
import type { Model, Range } from "../gen/blinkd/v1/models_pb";
import { Lamp } from "../shell/icons";
import { short } from "../units/format";
import { type Fit, fits } from "./fit";

export function Fits({ model, series }: { model: Model; series: Acquisition | null }) {
  return (
    <table class="fits">
      <thead>
        <tr>
          <th scope="col">of</th>
          <th scope="col">made for</th>
          <th scope="col">here</th>
        </tr>
      </thead>
      <tbody>
        {fits(model, series).map((each) => (
          <tr key={each.name} class={each.fits === false ? "attention" : ""}>
            <th scope="row">{each.name}</th>
            <td>{rangeText(each.range, each.unit)}</td>
            <td>{hereText(each)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function rangeText(range: Range | undefined, unit: string): string {
  if (!range) return "–";
  const ends = range.min === range.max ? short(range.min) : `${short(range.min)} – ${short(range.max)}`;
  return unit ? `${ends}\u202f${unit}` : ends;
}

function hereText({ fits: fit, value, unit }: Fit) {
  if (value === null) return <span class="dim">not known</span>;
  return (
    <span class={fit ? "good" : "attention"}>
      <Lamp light={fit ? "good" : "attention"} /> {short(value)}
      {unit && `\u202f${unit}`} {fit ? "" : "outside"}
    </span>
  );
}
