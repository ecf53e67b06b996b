// Which network runs, and which others there are. In: the daemon's bundles. Out: a change, after a question.
// Never: a refusal of the daemon hidden.

import { useEffect, useState } from "preact/hooks";
import { said } from "../connection/transport";
import type { Model } from "../gen/blinkd/v1/models_pb";
import { Lamp } from "../shell/icons";
import { Section } from "../shell/Rows";
import { act, useViewer } from "../shell/viewer";
import { against, fits } from "./fit";

/** A large network takes a while to be read and warmed. */
const LOAD_TIMEOUT_MS = 180_000;

export function ModelSection() {
  const viewer = useViewer();
  const { daemon, ui } = viewer;
  const loaded = daemon.status.value?.model ?? "";
  const [models, setModels] = useState<readonly Model[]>([]);
  const [trouble, setTrouble] = useState("");
  const [loading, setLoading] = useState("");
  useEffect(() => {
    const abort = new AbortController();
    daemon.api.models.listModels({}, { signal: abort.signal }).then(
      (answer) => setModels(answer.models),
      (error) => abort.signal.aborted || setTrouble(said(error)),
    );
    return () => abort.abort();
    // Another network: other rows say "loaded".
  }, [daemon, loaded]);
  const load = async (model: Model) => {
    const doubts = against(fits(model, daemon.acquisition.peek()));
    const yes = await ui.ask({
      title: `Change the network to ${model.name}?`,
      text: (
        <>
          <p>Series that begin after this run with it. While a series is open the daemon refuses.</p>
          {doubts && <p>It was made for other {doubts} than this recording shows.</p>}
        </>
      ),
      action: "Change",
    });
    if (!yes) return;
    setLoading(model.name);
    setTrouble("");
    const request = () => daemon.api.models.loadModel({ name: model.name }, { timeoutMs: LOAD_TIMEOUT_MS });
    await act(
      viewer,
      () =>
        request().catch((error) => {
          setTrouble(said(error));
          throw error;
        }),
      (now) => `${now.name} is loaded on ${now.provider}`,
    );
    setLoading("");
  };
  return (
    <Section title="Network">
      {trouble && (
        <p class="problem" role="alert">
          {trouble}
        </p>
      )}
      <ul class="models">
        {models.map((model) => (
          <ModelRow key={model.name} model={model} loading={loading} onLoad={() => void load(model)} />
        ))}
      </ul>
    </Section>
  );
}

function ModelRow({ model, loading, onLoad }: { model: Model; loading: string; onLoad: () => void }) {
  const { daemon, ui } = useViewer();
  const all = fits(model, daemon.acquisition.value);
  const doubts = against(all);
  const known = all.some((each) => each.fits !== null);
  return (
    <li>
      <div>
        <strong>{model.name}</strong> {model.loaded && <span class="tag">loaded</span>}
        <p class={doubts ? "attention" : "dim"}>
          {known && <Lamp light={doubts ? "attention" : "good"} />}{" "}
          {doubts
            ? `outside its range: ${doubts}`
            : known
              ? "fits what is known of this recording"
              : "nothing to compare yet"}
        </p>
      </div>
      <button type="button" onClick={() => (ui.card.value = model.name)}>
        Card
      </button>
      <button type="button" disabled={model.loaded || loading !== ""} onClick={onLoad}>
        {loading === model.name ? "Loading…" : "Use"}
      </button>
    </li>
  );
}
