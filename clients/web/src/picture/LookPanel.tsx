// How the picture is drawn. In: choices. Out: another look. Never: a value the daemon refuses.

import { ColourBy, Colours, Layer, Rendering } from "../gen/blinkd/v1/preview_pb";
import { Choice } from "../shell/Choice";
import { Section } from "../shell/Rows";
import { useViewer } from "../shell/viewer";
import { GAMMA, type Limits, type LookChoice, PERCENTILE } from "./look";
import { ModeChoice } from "./ModeChoice";
import { RangeFields } from "./RangeFields";

export function LookPanel() {
  const { picture } = useViewer();
  const look = picture.look.value;
  const set = (change: Partial<LookChoice>) => {
    picture.look.value = { ...picture.look.peek(), ...change };
  };
  return (
    <>
      <Section title="Picture">
        <Choice
          label="Layer"
          value={look.layer}
          options={[
            [Layer.LOCALIZATIONS, "Localizations"],
            [Layer.A_NET, "ANNA-PALM"],
            [Layer.ERROR_MAP, "Error map"],
            [Layer.WIDEFIELD, "Widefield"],
          ]}
          onChange={(layer) => set({ layer })}
        />
        <Choice
          label="Rendering"
          value={look.rendering}
          options={[
            [Rendering.GAUSSIAN, "Gaussian"],
            [Rendering.HISTOGRAM, "Histogram"],
          ]}
          onChange={(rendering) => set({ rendering })}
        />
        <Choice
          label="Colour by"
          value={look.colour_by}
          options={[
            [ColourBy.INTENSITY, "Intensity"],
            [ColourBy.Z, "z"],
            [ColourBy.TIME, "Time"],
            [ColourBy.SIGMA, "σ"],
          ]}
          onChange={(colour_by) => set({ colour_by, range: null })}
        />
        <Choice
          label="Colours"
          value={look.colours}
          options={[
            [Colours.UNSPECIFIED, "Usual"],
            [Colours.FIRE, "Fire"],
            [Colours.CIVIDIS, "Cividis"],
            [Colours.RAMP, "Ramp"],
            [Colours.GREY, "Grey"],
          ]}
          onChange={(colours) => set({ colours })}
        />
        <Slider
          label="Gamma"
          limits={GAMMA}
          unit=""
          value={look.gamma}
          digits={2}
          onChange={(gamma) => set({ gamma })}
        />
        <Slider
          label="White at"
          limits={PERCENTILE}
          unit="%"
          value={look.percentile}
          digits={1}
          onChange={(percentile) => set({ percentile })}
        />
        <RangeFields key={look.colour_by} look={look} onRange={(range) => set({ range })} />
      </Section>
      <FrameSection />
    </>
  );
}

function FrameSection() {
  const { picture } = useViewer();
  return (
    <Section title="Camera frame">
      <ModeChoice label="Show" />
      <Slider
        label="Opacity"
        limits={{ min: 0, max: 1, step: 0.01 }}
        unit=""
        value={picture.blend.value}
        digits={2}
        disabled={picture.mode.value !== "blend"}
        onChange={(share) => {
          picture.blend.value = share;
        }}
      />
      <Check label="crosses on what was found, arms of one σ" of={picture.crosses} />
      <Check label="outlines of a scan's tiles" of={picture.outlines} />
    </Section>
  );
}

function Check({ label, of }: { label: string; of: { value: boolean } }) {
  return (
    <label class="toggle">
      <input
        type="checkbox"
        checked={of.value}
        onChange={(event) => {
          of.value = event.currentTarget.checked;
        }}
      />
      <span>{label}</span>
    </label>
  );
}

interface SliderProps {
  label: string;
  limits: Limits;
  unit: string;
  value: number;
  digits: number;
  disabled?: boolean;
  onChange: (value: number) => void;
}

export function Slider({ label, limits, unit, value, digits, disabled = false, onChange }: SliderProps) {
  return (
    <label class="field slider">
      <span>{label}</span>
      <input
        type="range"
        {...limits}
        value={value}
        disabled={disabled}
        onInput={(event) => onChange(Number(event.currentTarget.value))}
      />
      <output>
        {value.toFixed(digits)} <span class="dim">{unit}</span>
      </output>
    </label>
  );
}
