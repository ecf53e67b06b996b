// The ends of the colours for z, time and σ. In: two texts. Out: a range, or none: from the data.
// Never: a range whose low end is not below its high end.

import { useState } from "preact/hooks";
import { NumberField } from "../controls/Form";
import { type Field, problemOf } from "../controls/fields";
import { type LookChoice, rangeLimits } from "./look";

interface RangeFieldsProps {
  look: LookChoice;
  onRange: (range: readonly [number, number] | null) => void;
}

export function RangeFields({ look, onRange }: RangeFieldsProps) {
  const limits = rangeLimits(look.colour_by);
  const [texts, setTexts] = useState<[string, string]>([String(look.range?.[0] ?? ""), String(look.range?.[1] ?? "")]);
  if (!limits) return null;
  const field = (key: string, label: string): Field<string> => ({
    key,
    label,
    optional: true,
    empty: "auto",
    ...limits,
  });
  const [low, high] = [field("range_min", "Colours from"), field("range_max", "Colours to")];
  const set = (at: 0 | 1, text: string) => {
    const next: [string, string] = at === 0 ? [text, texts[1]] : [texts[0], text];
    setTexts(next);
    const good = problemOf(low, next[0]) === null && problemOf(high, next[1]) === null;
    const both = next[0].trim() !== "" && next[1].trim() !== "" && Number(next[0]) < Number(next[1]);
    if (good) onRange(both ? [Number(next[0]), Number(next[1])] : null);
  };
  const swapped = texts[0] !== "" && texts[1] !== "" && Number(texts[0]) >= Number(texts[1]);
  const half = (texts[0] === "") !== (texts[1] === "");
  return (
    <>
      <NumberField field={low} text={texts[0]} onText={(text) => set(0, text)} />
      <NumberField field={high} text={texts[1]} onText={(text) => set(1, text)} />
      {swapped && <p class="problem">Colours from must be smaller than colours to</p>}
      {half && <p class="dim">Both ends are needed; until then they come from the data.</p>}
    </>
  );
}
