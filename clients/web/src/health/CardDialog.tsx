// What a network was made for, beside what this recording is.
// In: the model's card, the series' estimate. Out: a dialog. Never: a range without a word whether it is kept.

import { useEffect, useState } from "preact/hooks";
import { said } from "../connection/transport";
import { Fits } from "../controls/Fits";
import type { Model } from "../gen/blinkd/v1/models_pb";
import { Dialog } from "../shell/Dialog";
import { Rows } from "../shell/Rows";
import { useViewer } from "../shell/viewer";

export function CardDialog() {
  const { ui } = useViewer();
  const name = ui.card.value;
  return name === null ? null : <Card key={name} name={name} />;
}

function Card({ name }: { name: string }) {
  const { daemon, ui } = useViewer();
  const [model, setModel] = useState<Model | null>(null);
  const [trouble, setTrouble] = useState("");
  useEffect(() => {
    const abort = new AbortController();
    daemon.api.models
      .describeModel({ name }, { signal: abort.signal })
      .then(setModel, (error) => abort.signal.aborted || setTrouble(said(error)));
    return () => abort.abort();
  }, [daemon, name]);
  return (
    <Dialog title={name} wide onClose={() => (ui.card.value = null)}>
      {trouble && <p class="trouble">{trouble}. Engines without a network have no card.</p>}
      {model && (
        <>
          <p>{model.description}</p>
          <Rows
            rows={[
              { name: "version", value: model.version },
              { name: "licence", value: model.licence },
              { name: "sees", value: `${model.windowFrames} frame${model.windowFrames === 1 ? "" : "s"} at once` },
              { name: "loaded", value: model.loaded ? `yes, on ${model.provider}` : "no" },
            ]}
          />
          <h3>Made for</h3>
          <Fits model={model} series={daemon.acquisition.value} />
          <details>
            <summary>card.toml</summary>
            <pre>{model.cardToml}</pre>
          </details>
        </>
      )}
    </Dialog>
  );
}
