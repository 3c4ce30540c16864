// Answers --help and --list, and refuses what cannot be measured, before scripts/bench installs or builds anything. Uses no package.
import { isMeasurable } from "./machine.mjs";
import { NAMES } from "./names.mjs";
import { HELP, UsageError, orSay, read } from "./options.mjs";

await orSay(() => {
  const options = read(process.argv.slice(2));
  if (options.help || options.list) {
    console.log(options.help ? HELP : NAMES.join("\n"));
    process.exitCode = 10;
  } else if (!isMeasurable) throw new UsageError("CPU time is read from /proc, which only Linux has");
});
