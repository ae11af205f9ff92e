/** One process that is measured: how long OpenCode waits for the plugin, from reading its modules to its hooks, in ms. */

export {};

// OpenCode has these long before it loads a plugin.
await Promise.all(["node:fs", "node:os", "node:path"].map((name) => import(name)));
const { begin } = await import("./instance.ts");

const before = performance.now();
await begin();
console.log(performance.now() - before);
process.exit(0);
