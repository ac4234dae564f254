// The page: puts its parts together, and says to the server what the user wants.

import "katex/dist/katex.min.css";
import "./style/colours.css";
import "./style/page.css";
import "./style/settings.css";
import "./style/start.css";
import "./style/drawing.css";
import "./style/derivation.css";
import "./style/charts.css";
import "./style/narrow.css";
import { App } from "./app";
import { listenToButtons } from "./buttons";
import { Hints } from "./hints";
import { listenToKeys } from "./keys";

new Hints();
const app = new App();
listenToButtons(app);
listenToKeys(app);
app.start();
