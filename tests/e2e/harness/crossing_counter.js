// Counts every call between JavaScript and Wasm. Has to be imported before the glue, which makes its instance when it is loaded.
const { Instance } = WebAssembly;

export const crossings = { in: 0, out: 0, names: {} };
// How many JavaScript values the glue has room for, which only grows.
export const places = () => exports.__wbindgen_externrefs.length;
let exports;

const counted = (functions, direction) =>
  Object.fromEntries(
    Object.entries(functions).map(([name, value]) => {
      if (typeof value !== "function") return [name, value];
      const call = (...args) => {
        crossings[direction] += 1;
        crossings.names[name] = (crossings.names[name] ?? 0) + 1;
        return value(...args);
      };
      return [name, call];
    }),
  );

WebAssembly.Instance = function CountedInstance(module, imports) {
  const out = Object.fromEntries(Object.entries(imports).map(([name, functions]) => [name, counted(functions, "out")]));
  ({ exports } = new Instance(module, out));
  return { exports: counted(exports, "in") };
};
