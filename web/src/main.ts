// The page: puts its parts together, and says to the server what the user wants.

import "katex/dist/katex.min.css";
import "./style.css";
import { App } from "./app";
import { listenToKeys } from "./keys";

const app = new App();
listenToKeys(app);
app.start();
