// Picture, camera frame beside it, or both in one. In: the mode. Out: another. Never: a mode that the series has not.

import { Choice } from "../shell/Choice";
import { useViewer } from "../shell/viewer";

export function ModeChoice({ label }: { label: string }) {
  const { picture } = useViewer();
  return (
    <Choice
      label={label}
      value={picture.mode.value}
      options={[
        ["picture", "Picture"],
        ["side", "Side by side"],
        ["blend", "Blended"],
      ]}
      onChange={(mode) => {
        picture.mode.value = mode;
      }}
    />
  );
}
