// The settings stand open beside the pictures, and folded on a narrow page and on a projector.

import { onProjector } from "../bar/appearance";
import { wide } from "../dom";

export function unfoldWhereWide(settings: HTMLDetailsElement): void {
  const unfold = (): void => {
    settings.open = wide.matches && !onProjector();
  };
  wide.addEventListener("change", unfold);
  document.addEventListener("appearance", unfold);
  unfold();
}
