import { readFileSync } from "node:fs";
import { defineConfig } from "vite";

// KaTeX names each font in three formats; every browser that runs this page reads woff2
const onlyWoff2 = {
  name: "only-woff2",
  enforce: "pre",
  transform(code, id) {
    if (id.includes("katex") && id.endsWith(".css")) {
      return code.replace(/,\s*url\([^)]*\.(woff|ttf)\)\s*format\("[a-z]+"\)/g, "");
    }
  },
};

// What is bundled is handed on, so its licences are too
const BUNDLED = {
  katex: "lab.js and lab.css hold KaTeX, and the fonts KaTeX_*.woff2 are its fonts.",
  "d3-contour": "lab.js holds d3-contour.",
  "d3-array": "lab.js holds parts of d3-array.",
};
const licences = {
  name: "licences",
  generateBundle() {
    const texts = Object.entries(BUNDLED).map(([name, said]) => {
      const folder = new URL(`node_modules/${name}/`, import.meta.url);
      const { version } = JSON.parse(readFileSync(new URL("package.json", folder), "utf8"));
      return `${said} Version ${version}.\n\n${readFileSync(new URL("LICENSE", folder), "utf8").trim()}\n`;
    });
    this.emitFile({ type: "asset", fileName: "LICENSES", source: texts.join("\n") });
  },
};

export default defineConfig({
  base: "/static/",
  publicDir: false,
  plugins: [onlyWoff2, licences],
  build: {
    outDir: "../src/backtalk/apps/lab/static",
    emptyOutDir: true,
    sourcemap: false,
    modulePreload: false,
    assetsInlineLimit: 0, // font-src 'self' of the page's security policy allows no data: URL
    target: "es2022",
    cssTarget: ["chrome123", "firefox120", "safari17.5"], // they know light-dark(): each colour stands once
    rolldownOptions: {
      output: {
        // No hash in the names: the server says no-cache, and differences between builds stay small
        entryFileNames: "lab.js",
        chunkFileNames: "[name].js",
        assetFileNames: (asset) => (asset.names[0]?.endsWith(".css") ? "lab.css" : "[name][extname]"),
      },
    },
  },
});
