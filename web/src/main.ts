// The page: puts its parts together, and says to the server what the user wants.

import "katex/dist/katex.min.css";
import "./style/colours.css";
import "./style/page.css";
import "./style/settings.css";
import "./style/start.css";
import "./style/drawing.css";
import "./style/derivation.css";
import "./style/walk.css";
import "./style/charts.css";
import "./style/lesson.css";
import "./style/exercise.css";
import "./style/compare.css";
import "./style/narrow.css";
import "./style/appearance.css";
import { listenToAppearance } from "./bar/appearance";
import { App } from "./app";
import { tooOld } from "./browser";
import { Notice } from "./bar/notice";
import { listenToButtons } from "./bar/buttons";
import { Connection } from "./connection";
import { Hints } from "./hints";
import { listenToKeys } from "./bar/keys";
import { packedLesson, Recorded } from "./recorded";

const refusal = tooOld();
if (refusal) new Notice().say(refusal, "warning");
else begin();

function begin(): void {
  listenToAppearance();
  new Hints();
  const lesson = packedLesson();
  const app = new App((listener) => (lesson ? new Recorded(lesson, listener) : new Connection(listener)));
  listenToButtons(app);
  listenToKeys(app);
  app.start(!lesson);
}
